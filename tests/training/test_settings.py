import pytest

from ofclip.errors import SettingError
from ofclip.training.settings import Training


def test_a_misspelt_setting_is_refused_with_the_nearest_name():
    with pytest.raises(SettingError, match="'lerning_rate': did you mean 'learning_rate'"):
        Training.make(sources={"a": 1.0}, samples=1000, lerning_rate=1e-3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sources": {}}, "at least one source"),
        ({"sources": {"a": 0.0}}, "weight above 0"),
        ({"batch": 1}, "setting batch"),
        ({"batch": 10, "devices": 3}, "multiple of the 3 processes"),
        ({"batch": 10, "devices": 2, "nodes": 2}, "multiple of the 4 processes"),
        ({"loss": "fields"}, "go together"),
        ({"fields": {"text": 1.0}}, "go together"),
        ({"loss": "fields", "fields": {"text": 0.0}}, "weight above 0"),
        ({"image_blocks": 0, "text_blocks": 0}, "lock both towers"),
        ({"image_blocks": 0, "patch_dropout": 0.5}, "patch_dropout needs a trained image tower"),
        ({"select_by": "val x", "evaluations": 0}, "select_by needs evaluations"),
        ({"strategy": "fsdp"}, "strategy=fsdp needs accelerator=cuda"),
        ({"samples": 100, "batch": 256}, "fewer than one batch"),
        ({"precision": "fp8"}, "setting precision"),
        ({"learning_rate": "fast"}, "setting learning_rate"),
    ],
)
def test_impossible_values_are_named(values, message):
    with pytest.raises(SettingError, match=message):
        Training.make(**{"sources": {"a": 1.0}, "samples": 1000, **values})


def test_changed_copies_are_validated_too():
    settings = Training(sources={"a": 1.0}, samples=1000, batch=100)
    assert settings.but(batch=50).steps == 20
    with pytest.raises(SettingError):
        settings.but(batch=-1)
