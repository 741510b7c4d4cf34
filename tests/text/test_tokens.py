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


@pytest.fixture(scope="module")
def prompter(tokenizer):
    def make(context, prompts=templates.TRAINING):
        return Prompter(prompts, tokenizer.encode, tokenizer.sot_token_id, tokenizer.eot_token_id, context)

    return make


@pytest.mark.parametrize("context", [24, 77])
def test_composed_rows_equal_open_clips_own_tokens_where_they_fit(tokenizer, prompter, context):
    table = TokenTable(TEXTS, tokenizer.encode)
    fitting = [row for row in range(len(TEXTS)) if len(table[row]) < context - 12]
    assert len(fitting) >= 5
    for number, template in enumerate(templates.TRAINING):
        rows = prompter(context).rows(table, np.array(fitting), np.full(len(fitting), number))
        texts = templates.fill(template, [TEXTS[row] for row in fitting])
        np.testing.assert_array_equal(rows, tokenizer(texts, context_length=context).numpy())


LONG = "A long red dress, made of silk. It has short sleeves. Wash it by hand, or have it cleaned: it will last"


@pytest.mark.parametrize(
    "room, kept",
    [
        (99, LONG),
        (22, "A long red dress, made of silk. It has short sleeves."),
        (14, "A long red dress, made of silk. It has short sleeves."),
        (13, "A long red dress, made of silk."),
        (9, "A long red dress, made of silk."),
        (8, "A long red dress,"),
        (3, "A long red"),  # no border: the last token that fits
    ],
)
def test_a_long_text_ends_with_a_sentence_else_a_clause_else_a_token(tokenizer, room, kept):
    table = TokenTable([LONG], tokenizer.encode)
    assert table.cut(0, room).tolist() == tokenizer.encode(kept)


def test_a_border_that_would_leave_over_half_of_the_room_empty_is_passed_over(tokenizer):
    text = "New. " + "silk " * 30
    assert TokenTable([text], tokenizer.encode).cut(0, 20).tolist() == tokenizer.encode(text)[:20]


@pytest.mark.parametrize("context", [16, 24])
def test_a_caption_is_cut_and_the_template_around_it_is_not(tokenizer, prompter, context):
    table = TokenTable([LONG], tokenizer.encode)
    number = len(templates.TRAINING) - 1  # the one that goes on after the caption
    before, after = templates.TRAINING[number].split("{}")
    [row] = prompter(context).rows(table, np.array([0]), np.array([number]))
    ids = [value for value in row.tolist() if value]
    assert len(ids) <= context
    assert ids[0] == tokenizer.sot_token_id and ids[-1] == tokenizer.eot_token_id
    assert ids[1 : 1 + len(tokenizer.encode(before))] == tokenizer.encode(before)
    assert ids[-1 - len(tokenizer.encode(after)) : -1] == tokenizer.encode(after)


def test_a_context_without_room_for_the_template_still_ends_with_the_end_mark(tokenizer, prompter):
    [row] = prompter(4).rows(TokenTable([LONG], tokenizer.encode), np.array([0]), np.array([0]))
    assert row[0] == tokenizer.sot_token_id and row[-1] == tokenizer.eot_token_id


@pytest.mark.parametrize("context", [1, 4, 9, 13, 24, 77])
def test_rows_of_a_batch_are_those_put_together_one_by_one(tokenizer, prompter, context):
    prompts = (templates.PLAIN, *templates.TRAINING)
    table, rng = TokenTable([*TEXTS, LONG], tokenizer.encode), np.random.default_rng(0)
    captions, chosen = rng.integers(len(table), size=99), rng.integers(len(prompts), size=99)
    rows = prompter(context, prompts).rows(table, captions, chosen)
    for row, caption, number in zip(rows, captions, chosen, strict=True):
        before, after = (tokenizer.encode(part) for part in prompts[number].split("{}"))
        kept = table.cut(caption, context - len(before) - len(after) - 2)
        ids = [tokenizer.sot_token_id, *before, *kept, *after, tokenizer.eot_token_id]
        if len(ids) > context:
            ids = [*ids[: context - 1], tokenizer.eot_token_id]
        np.testing.assert_array_equal(row, [*ids, *[0] * (context - len(ids))])
    assert rows.dtype == np.int64 and prompter(context).rows(table, captions[:0], chosen[:0]).shape == (0, context)


def test_a_text_is_encoded_once():
    seen = []
    table = TokenTable(TEXTS, lambda text: seen.append(text) or [len(text)])
    assert len(seen) == len(set(seen))
    assert len(table) == len(TEXTS)
    assert table[1].tolist() == table[5].tolist() == [len("red dress,"), len("v-neck & 3/4 sleeves")]


def test_no_texts():
    assert len(TokenTable([], list)) == 0
