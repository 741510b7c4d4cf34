from __future__ import annotations

import json
from pathlib import Path

import pytest
from toybook import checkout

from ofclip.book.build import collect
from ofclip.book.launch import SETTING, button
from ofclip.book.markup import GENERATED
from ofclip.book.pages import section
from ofclip.errors import SettingError


@pytest.mark.parametrize("place", ["gh/me/ofclip/0123abc", "gl/group%2Fsub/ofclip/v1.0"])
def test_a_link_leads_to_the_notebook_that_is_committed(place: str) -> None:
    link = f"(https://mybinder.org/v2/{place}?urlpath=lab/tree/notebooks/04-retrieval.ipynb)"
    assert link in button("04-retrieval", {SETTING: place})


def test_without_a_known_address_there_is_no_link() -> None:
    assert button("04-retrieval", {}) == button("04-retrieval", {SETTING: ""}) == ""


@pytest.mark.parametrize("place", ["me/ofclip", "gh/me/ofclip", "https://github.com/me/ofclip", "gh/me/ofclip/a b"])
def test_an_address_that_is_none_is_refused(place: str) -> None:
    with pytest.raises(SettingError, match=SETTING):
        button("04-retrieval", {SETTING: place})


def test_pages_of_notebooks_have_the_link_if_the_build_knows_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = checkout(tmp_path, ("atelier",))
    path = root / GENERATED / "02-gradient-caching" / "atelier.ipynb"
    [shown] = [one for one in collect("laptop", root) if one.record.experiment == "02-gradient-caching"]

    def heading() -> str:
        section(shown, root)
        return json.loads(path.read_text())["cells"][0]["source"]

    assert "mybinder" not in heading()
    monkeypatch.setenv(SETTING, "gh/me/ofclip/0123")
    assert "gh/me/ofclip/0123?urlpath=lab/tree/notebooks/02-gradient-caching.ipynb" in heading()
