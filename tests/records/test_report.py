from __future__ import annotations

import pandas as pd
from records_helpers import make_record

from ofclip.records import describe, layout


def test_words_stand_left_and_numbers_right() -> None:
    table = pd.DataFrame({"name": ["a", "long one"], "n": [5, 1234], "value": [0.5, 12.0]})
    assert layout(table).splitlines() == [
        "name         n    value",
        "a            5   0.5000",
        "long one  1234  12.0000",
    ]


def test_a_record_is_described_with_what_made_it() -> None:
    text = describe(make_record())
    assert "kagl@test  recall@1  40  0.2500  0.2000 to 0.3000  0.0250  1.0000" in text
    assert "ofclip run 04-retrieval --source kagl --profile laptop · 0123456789ab · 2024-01-01" in text
    assert "skipped: 0" in text
