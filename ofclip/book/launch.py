"""Links that open a notebook on Binder, where the book knows under which address its repository is public.

The theme's own launch buttons lead to the page's file, which is generated and in no repository; these lead to the
notebook that it was made from.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from ofclip.book.markup import small
from ofclip.errors import SettingError

#: Names the public repository in Binder's own words, such as gh/owner/name/commit. The workflow that publishes the book
#: sets it; without it there are no links, since nothing else says that an address can be reached from outside.
SETTING = "OFCLIP_BINDER"

BINDER = "https://mybinder.org/v2"


def button(experiment: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the line that opens an experiment's notebook on Binder, empty where no address is known.

    Raises SettingError for an address that is none.

    >>> "gh/me/ofclip/0123?urlpath=lab/tree/notebooks/04-retrieval.ipynb" in button(
    ...     "04-retrieval", {"OFCLIP_BINDER": "gh/me/ofclip/0123"})
    True
    >>> button("04-retrieval", {})
    ''
    """
    place = environment.get(SETTING, "")
    if not place:
        return ""
    if not re.fullmatch(r"(gh|gl)(/[\w.%-]+){3}", place):
        raise SettingError(f"{SETTING}={place}: write gh/owner/name/commit, or unset it for a book without links")
    address = f"{BINDER}/{place}?urlpath=lab/tree/notebooks/{experiment}.ipynb"
    return small("launch", f"[Open this notebook on Binder]({address})")
