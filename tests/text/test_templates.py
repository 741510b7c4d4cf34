import pytest

from ofclip.errors import SettingError
from ofclip.text import templates


def test_every_template_is_well_formed_and_distinct():
    for template in (*templates.TRAINING, templates.TEST, templates.PLAIN):
        assert templates.check(template) == template
    assert len(set(templates.TRAINING)) == len(templates.TRAINING) == 17
    assert templates.TEST in templates.TRAINING


@pytest.mark.parametrize("bad", ["no slot", "{} and {}", "a {name}", "half-{}", "{}s", "{ {}"])
def test_malformed_templates_are_refused_by_name(bad):
    with pytest.raises(SettingError, match="template"):
        templates.check(bad)


def test_fill_keeps_braces_in_texts():
    assert templates.fill("a photo of a {}", ["{odd} dress"]) == ["a photo of a {odd} dress"]
