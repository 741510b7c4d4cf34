"""What prose may say with a digit: names, and no result."""

from __future__ import annotations

import re

#: Everything with a digit that prose may say.
ALLOWED = (
    r"@1?[0-9k]\b",  # recall@10
    r"\bF1\b",
    r"\b95 % interval",  # what the interval is, not a result
    r"\bFashion200K\b",
    r"\bLAION-2B\b",
    r"\bViT-B/32\b",
)
#: What is no prose: code spans (citation keys among them) and link targets; fenced code is looked at on its own.
MARKUP = (r"`[^`\n]*`", r"\]\([^)]*\)")
DECIMAL = re.compile(r"\d\.\d|\d ?%")


def typed(markdown: str) -> list[str]:
    """Return the pieces of text with a digit that are no allowed name, and decimals in fenced code."""
    found, prose, fenced = [], [], False
    for line in markdown.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced:
            prose.append(line)
        elif DECIMAL.search(line):
            found.append(line)
    text = "\n".join(prose)
    for pattern in (*MARKUP, *ALLOWED):
        text = re.sub(pattern, " ", text)
    return found + re.findall(r"\S*\d\S*", text)
