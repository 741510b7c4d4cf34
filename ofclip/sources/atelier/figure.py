"""The wearer: a mannequin or a passer-by, cut in the same unit coordinates as the garments."""

from __future__ import annotations

import math

from ofclip.sources.atelier.shapes import Line, Piece, both, disc, pair, path, ribbon


def figure(arm: float, bend: float) -> list[Piece]:
    """Return head, neck, arms, trunk and legs of a wearer with the given pose (radians)."""
    fore = arm - bend
    elbow = (0.145 + 0.28 * math.sin(arm), 0.12 + 0.28 * math.cos(arm))
    wrist = (elbow[0] + 0.27 * math.sin(fore), elbow[1] + 0.27 * math.cos(fore))
    hand = (wrist[0] + 0.085 * math.sin(fore * 0.7), wrist[1] + 0.085 * math.cos(fore * 0.7))
    arms = ribbon(path((0.14, 0.085), elbow, wrist), 0.086, 0.046)
    palm = ribbon(path(wrist, hand), 0.046, 0.03)
    trunk = both(path((0.0, 0.015), (0.055, 0.0), (0.165, 0.05, 0.05), (0.148, 0.22, -0.06),
                      (0.118, 0.42, -0.03),
                      (0.168, 0.64, 0.05), (0.155, 0.85, 0.02), (0.137, 1.12), (0.142, 1.3, 0.05),
                      (0.118, 1.56),
                      (0.15, 1.63), (0.07, 1.63), (0.078, 1.56), (0.062, 1.3), (0.062, 1.12), (0.0, 0.74)))
    neck = both(path((0.0, -0.12), (0.045, -0.12), (0.05, 0.02, -0.05), (0.11, 0.055, -0.1), (0.0, 0.09)))
    return [
        *pair(Piece("wearer", palm)), *pair(Piece("wearer", disc(*hand, 0.022))),
        *pair(Piece("wearer", arms)),
        Piece("wearer", trunk), Piece("wearer", neck, lines=[Line(path((-0.05, -0.07), (0.05, -0.07, -0.3)),
            -0.3, 0.03, True)]),
        Piece("wearer", disc(0.0, -0.19, 0.083, 0.112, 32)),
    ]


def hair(style: float) -> tuple[list[Piece], list[Piece]]:
    """Return hair behind and before the head; `style` 0 to 1 runs from long to short."""
    fringe = Piece("wearer", path((-0.088, -0.16), (-0.075, -0.29, 0.2), (0.0, -0.325, 0.12),
                                  (0.078, -0.285, 0.12), (0.088, -0.16, 0.2),
                                  (0.03, -0.255, -0.12), (-0.088, -0.16, -0.2)), "dark")
    if style < 0.45:
        return [Piece("wearer", both(path((0.0, -0.3), (0.1, -0.2, 0.2), (0.115, 0.07, 0.05), (0.0, 0.09))),
                      "dark", behind=True)], [fringe]
    if style < 0.65:
        return [Piece("wearer", disc(0.0, -0.335, 0.05), "dark", behind=True)], [fringe]
    return [], [fringe]


def form() -> list[Piece]:
    """Return the tailor's dummy on which scarves and ties are shown."""
    trunk = both(path((0.0, -0.085), (0.056, -0.085), (0.06, 0.01, -0.06), (0.18, 0.07, 0.06),
                      (0.15, 0.24, -0.06), (0.118, 0.42, -0.03),
                      (0.165, 0.62, 0.05), (0.13, 0.7, 0.1), (0.0, 0.72)))
    seam = Line(path((0.07, 0.05), (0.055, 0.7, -0.04)), -0.25, 0.005)
    stand = ribbon(path((0.0, 0.7), (0.0, 1.4)), 0.03)
    return [Piece("wearer", stand, "dark"), Piece("wearer", trunk, lines=[seam]),
            Piece("wearer", disc(0.0, -0.09, 0.05, 0.018), "dark")]


def bust() -> list[Piece]:
    """Return the head-shaped stand on which headwear is shown."""
    face = both(path((0.0, 0.02), (0.215, 0.1, 0.12), (0.2, 0.4, 0.06), (0.06, 0.58, 0.12), (0.0, 0.585)))
    neck = both(path((0.0, 0.45), (0.1, 0.45), (0.105, 0.64, -0.06), (0.2, 0.72, -0.1), (0.0, 0.73)))
    return [Piece("wearer", neck), Piece("wearer", face)]
