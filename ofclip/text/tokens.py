"""Tokens computed once: captions and templates are encoded apart and joined when a batch is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ofclip.text.templates import check

Encode = Callable[[str], list[int]]


class TokenTable:
    """The token ids of many texts, kept end to end in one array.

    `encode` maps a text to its ids without start or end marks. A template's words stand apart from the
    caption by spaces, where byte-pair encoding never merges; so the ids of a filled template are the ids
    of its parts in a row, and a caption is encoded once however many templates it will appear in.
    """

    def __init__(self, texts: Sequence[str], encode: Encode) -> None:
        memory: dict[str, np.ndarray] = {}
        parts = []
        for text in texts:
            if text not in memory:
                memory[text] = np.asarray(encode(text), dtype=np.int32)
            parts.append(memory[text])
        self.ids = np.concatenate([*parts, np.zeros(0, np.int32)])
        self.offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts], dtype=np.int64)]).astype(int)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        return self.ids[self.offsets[row] : self.offsets[row + 1]]


class Prompter:
    """Fills a model's token rows from captions and templates.

    `start` and `end` are the ids of the tokenizer's marks and `context` is the row length; what is too
    long is cut, its last token being the end mark, as open_clip's tokenizer does.
    """

    def __init__(self, templates: Sequence[str], encode: Encode, start: int, end: int, context: int) -> None:
        pairs = [check(template).split("{}") for template in templates]
        self.before = [[start, *encode(before)] for before, _ in pairs]
        self.after = [[*encode(after), end] for _, after in pairs]
        self.end = end
        self.context = context

    def rows(self, table: TokenTable, captions: np.ndarray, templates: np.ndarray) -> np.ndarray:
        """Return token ids (n, context) int64 of caption `captions[i]` in template `templates[i]`."""
        out = np.zeros((len(captions), self.context), dtype=np.int64)
        for row, caption, template in zip(out, captions, templates, strict=True):
            ids = np.concatenate([self.before[template], table[caption], self.after[template]])
            length = min(len(ids), self.context)
            row[:length] = ids[:length]
            row[length - 1] = self.end
        return out
