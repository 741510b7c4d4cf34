"""Tokens computed once: captions and templates are encoded apart and joined when a batch is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import numpy as np

from ofclip.text.templates import check

Encode = Callable[[str], list[int]]


#: Where a long text may end: after a sentence, or failing that after a clause.
SENTENCE, CLAUSE = re.compile(r"(?<=[.!?;])\s+|\n+"), re.compile(r"(?<=[,:)])\s+")


class TokenTable:
    """The token ids of many texts, kept end to end in one array, and where each may be cut.

    `encode` maps a text to its ids without start or end marks. Words apart by spaces are never merged by
    byte-pair encoding; so the ids of a filled template are the ids of its parts in a row, and a caption is
    encoded once however many templates it will appear in. Likewise a text's ids are those of its clauses.
    """

    def __init__(self, texts: Sequence[str], encode: Encode) -> None:
        memory: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        rows = []
        for text in texts:
            if text not in memory:
                memory[text] = _clauses(text, encode)
            rows.append(memory[text])
        self.ids = np.concatenate([*(ids for ids, _, _ in rows), np.zeros(0, np.int32)])
        self.offsets = _offsets(ids for ids, _, _ in rows)
        self.ends = np.concatenate([*(ends for _, ends, _ in rows), np.zeros(0, np.int32)])
        self.whole = np.concatenate([*(whole for _, _, whole in rows), np.zeros(0, bool)])
        self.end_offsets = _offsets(ends for _, ends, _ in rows)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        return self.ids[self.offsets[row] : self.offsets[row + 1]]

    def cut(self, row: int, room: int) -> np.ndarray:
        """Return the ids of text `row`, at most `room` of them.

        A longer text ends with its last sentence that fits, else with its last clause, unless that would
        leave over half of the room empty: then with its last token (our choice; the papers do not say).
        """
        ids = self[row]
        if len(ids) <= room:
            return ids
        here = slice(self.end_offsets[row], self.end_offsets[row + 1])
        ends, whole = self.ends[here], self.whole[here]
        fits = (ends <= room) & (2 * ends >= room)
        for good in (fits & whole, fits):
            if good.any():
                return ids[: ends[good][-1]]
        return ids[: max(room, 0)]


def _clauses(text: str, encode: Encode) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a text's ids, the number of ids up to the end of each clause, and whether a sentence ends there."""
    ids: list[int] = []
    ends: list[int] = []
    whole: list[bool] = []
    for sentence in SENTENCE.split(text):
        for clause in CLAUSE.split(sentence):
            ids += _encoded(encode, clause)
            ends.append(len(ids))
            whole.append(False)
        whole[-1] = True
    return np.asarray(ids, np.int32), np.asarray(ends, np.int32), np.asarray(whole, bool)


@lru_cache(maxsize=2**16)  # several runs of one notebook read the same captions, whose clauses recur: about 20 MB
def _encoded(encode: Encode, clause: str) -> list[int]:
    return encode(clause)


def _offsets(parts: Iterable[np.ndarray]) -> np.ndarray:
    return np.cumsum([0, *(len(part) for part in parts)], dtype=np.int64)


class Prompter:
    """Fills a model's token rows from captions and templates.

    `start` and `end` are the ids of the tokenizer's marks and `context` is the row length. A caption that
    is too long is cut, the template around it is not; only if even that has no room do both end early.
    """

    def __init__(self, templates: Sequence[str], encode: Encode, start: int, end: int, context: int) -> None:
        pairs = [check(template).split("{}") for template in templates]
        self.before, self.lead = _padded([[start, *encode(before)] for before, _ in pairs])
        self.after, self.trail = _padded([[*encode(after), end] for _, after in pairs])
        self.end = end
        self.context = context

    def rows(self, table: TokenTable, captions: np.ndarray, templates: np.ndarray) -> np.ndarray:
        """Return token ids (n, context) int64 of caption `captions[i]` in template `templates[i]`."""
        lead, trail, first = self.lead[templates], self.trail[templates], table.offsets[captions]
        room, kept = self.context - lead - trail, table.offsets[captions + 1] - first
        for row in np.flatnonzero(kept > room):
            kept[row] = len(table.cut(captions[row], room[row]))
        # for the whole batch at once: what holds Python's lock keeps the model's thread waiting
        out = np.zeros((len(captions), self.context), dtype=np.int64)
        for ids, start, begin, length in (
            (self.before.ravel(), templates * self.before.shape[1], 0 * lead, lead),
            (table.ids, first, lead, kept),
            (self.after.ravel(), templates * self.after.shape[1], lead + kept, trail),
        ):
            inside = np.arange(self.context) - begin[:, None]
            rows, columns = np.nonzero((inside >= 0) & (inside < length[:, None]))
            out[rows, columns] = ids[start[rows] + inside[rows, columns]]
        out[np.arange(len(out)), np.minimum(lead + kept + trail, self.context) - 1] = self.end
        return out


def _padded(rows: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of ids as one array, filled up with zeros, and their lengths."""
    lengths = np.asarray([len(row) for row in rows])
    out = np.zeros((len(rows), lengths.max()), np.int64)
    for place, row in zip(out, rows, strict=True):
        place[: len(row)] = row
    return out, lengths
