from __future__ import annotations

from records_helpers import make_record

from ofclip.book.provenance import inputs


def test_inputs_name_everything_that_the_numbers_hang_on() -> None:
    record = make_record(parameters={"seed": 3, "training": {"atelier": {"seed": 7, "batch": 8}}, "note": "a\nb"})
    record.key.weights["model"], record.key.records["11-mixture/atelier"] = "w1", "r1"
    record.key.code["ofclip/catalog.py"] = "c1"
    text = inputs(record)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for line in (
        f"Record {record.id}",
        "data kagl@test d",
        "weights model w1",
        "Record read 11-mixture/atelier r1",
        "notebook n",
        "libraries requirements.txt l",
        "seeds seed = 3, training.atelier.seed = 7",
        "parameter training.atelier.batch = 8",
        "parameter note = a b",
    ):
        assert line in lines
    assert any(line.startswith("code 1 files, ") for line in lines)
    assert text.startswith(":::::{dropdown} Parameters and inputs\n:class-container: inputs\n")


def test_other_code_has_another_hash_and_no_seed_is_said() -> None:
    one, other = make_record(), make_record()
    other.key.code["ofclip/catalog.py"] = "c1"
    assert inputs(one) != inputs(other)
    assert "seeds       none is set" in inputs(one)
