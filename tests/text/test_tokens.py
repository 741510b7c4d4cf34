import numpy as np
import pytest

from ofclip.text import templates
from ofclip.text.tokens import Prompter, TokenTable

TEXTS = [
    "Nike Men's Blue T20 Jersey",
    "red dress, v-neck & 3/4 sleeves",
    "",
    "l'été — coat",
    "a very long description " * 12,
    "red dress, v-neck & 3/4 sleeves",
]


@pytest.fixture(scope="module")
def tokenizer():
    import open_clip

    return open_clip.SimpleTokenizer()


@pytest.mark.parametrize("context", [8, 24, 77])
def test_composed_rows_equal_open_clips_own_tokens(tokenizer, context):
    table = TokenTable(TEXTS, tokenizer.encode)
    marks = tokenizer.sot_token_id, tokenizer.eot_token_id
    prompter = Prompter(templates.TRAINING, tokenizer.encode, *marks, context)
    for number, template in enumerate(templates.TRAINING):
        rows = prompter.rows(table, np.arange(len(TEXTS)), np.full(len(TEXTS), number))
        expected = tokenizer(templates.fill(template, TEXTS), context_length=context).numpy()
        np.testing.assert_array_equal(rows, expected)


def test_a_text_is_encoded_once():
    seen = []
    table = TokenTable(TEXTS, lambda text: seen.append(text) or [len(text)])
    assert sorted(seen) == sorted(set(TEXTS))
    assert len(table) == len(TEXTS)
    assert table[1].tolist() == table[5].tolist() == [len(TEXTS[1])]


def test_no_texts():
    assert len(TokenTable([], list)) == 0
