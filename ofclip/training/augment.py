"""Augmentation of whole batches of pixels: what differs between shops but not between garments.

Product pictures are centred on a plain ground, and a model that sees nothing else learns the ground too; so
FashionCLIP's card warns of a bias towards such pictures. Hence the ground may be painted over here.

Chance and work are apart: `draw` settles a batch in a few small arrays, the Plan, without seeing a picture, and
`apply` carries it out, on the CPU with numpy or on any device with torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ofclip.training.settings import Augmentation

if TYPE_CHECKING:
    import torch

    Pixels = TypeVar("Pixels", np.ndarray, torch.Tensor)

NEAR, FAR = 10, 45  # levels of 255: how near to the ground's colour a pixel is ground, and how far it is not
COARSE = ((3, 60), (14, 45))  # grids of patches on painted grounds: cells a side, greatest strength in levels
LUMA = (19595, 38470, 7471)  # ITU-R 601 weights of red, green and blue in 1 / 65536, as Pillow's mode "L" has them
SHARE = np.clip((FAR - np.arange(256, dtype=np.int16)) * np.float32(1 / (FAR - NEAR)), 0, 1)  # of paint, by distance


@dataclass(frozen=True)
class Plan:
    """What happens to each of n pictures; numpy arrays, or tensors once they are on a device."""

    rows: Any = None  # (n, h) int32: the row that each row is taken from; None: pictures stay where they are
    columns: Any = None  # (n, w) int32, likewise; falling where the picture is mirrored
    painted: Any = None  # (p,) int64: the pictures whose ground is painted over
    patches: tuple = ()  # a (p, cells, cells, 3) float32 for each of COARSE: new grounds are the sum, interpolated
    greyed: Any = None  # (g,) int64: the pictures shown without colours
    levels: Any = None  # (n, 256) uint8: the new level of each level

    def map(self, function: Callable[[Any], Any]) -> Plan:
        """Return the plan with each of its arrays replaced by what `function` makes of it."""
        changed = {name: value for name, value in vars(self).items() if value is not None and name != "patches"}
        return Plan(
            **{name: function(value) for name, value in changed.items()},
            patches=tuple(function(grid) for grid in self.patches),
        )

    def take(self, rows: slice, n: int) -> Plan:
        """Return the plan of some of its n pictures; it holds numpy arrays."""
        kept = np.arange(n)[rows]
        place = np.full(n, -1)
        place[kept] = np.arange(len(kept))
        plan = replace(self, **{
            name: getattr(self, name)[kept] for name in ("rows", "columns", "levels") if getattr(self, name) is not None
        })  # fmt: skip
        if self.greyed is not None:
            plan = replace(plan, greyed=place[self.greyed][place[self.greyed] >= 0])
        if self.painted is not None:
            here = np.flatnonzero(place[self.painted] >= 0)
            patches = tuple(grid[here] for grid in self.patches)
            plan = replace(plan, painted=place[self.painted[here]], patches=patches)
        return plan


def draw(rng: np.random.Generator, n: int, size: int | tuple[int, int], how: Augmentation) -> Plan:
    """Return the plan of n pictures of one size, (height, width) or the side of a square, drawn as `how` says."""
    height, width = (size, size) if isinstance(size, int) else size
    plan: dict[str, Any] = {}
    mirrored = rng.random(n) < 0.5 if how.flip else np.zeros(n, bool)
    scale, offsets = np.ones(n), np.zeros((n, 2))
    if how.shift or how.zoom:
        scale = np.exp(rng.uniform(-how.zoom, how.zoom, n))
        offsets = rng.uniform(-how.shift, how.shift, (n, 2))
    if how.flip or how.shift or how.zoom:
        columns = window(scale, offsets[:, 1], width)
        plan["rows"] = window(scale, offsets[:, 0], height)
        plan["columns"] = np.where(mirrored[:, None], width - 1 - columns, columns)
    if how.ground:
        plan["painted"] = np.flatnonzero(rng.random(n) < how.ground)
        plan["patches"] = scenery(rng, len(plan["painted"]))
    if how.grey:
        plan["greyed"] = np.flatnonzero(rng.random(n) < how.grey)
    if how.light:
        plan["levels"] = relight(*rng.uniform(-how.light, how.light, (2, n)))
    return Plan(**plan)


def apply(pixels: Pixels, plan: Plan) -> Pixels:
    """Return pictures (n, h, w, 3) uint8 changed as planned; the input stays as it is.

    An array is worked on picture by picture, by the thread that calls. A tensor is worked on as a whole, on its own
    device, with a plan of tensors. Both give the same levels, since all is done in integers or by single float32
    operations in one order.
    """
    if isinstance(pixels, np.ndarray):
        return _apply_numpy(pixels, plan)
    return _apply_torch(pixels, plan)


def augment(pixels: np.ndarray, rng: np.random.Generator, how: Augmentation) -> np.ndarray:
    """Return pictures (n, h, w, 3) uint8, each changed at random as `how` says; the input stays as it is."""
    return apply(pixels, draw(rng, len(pixels), pixels.shape[1:3], how))


def window(scale: np.ndarray, offset: np.ndarray, side: int) -> np.ndarray:
    """Return where each of `side` places comes from, (n, side) int32, along one axis of n pictures.

    Pictures are enlarged about their centre by `scale` (n,) and moved by `offset` (n,) pixels down or right. The
    nearest pixel is taken, and beyond the border the edge goes on.

    >>> window(np.array([1.0, 2.0]), np.array([1.0, 0.0]), 5).tolist()
    [[0, 0, 1, 2, 3], [1, 2, 2, 2, 3]]
    """
    centre = (side - 1) / 2
    place = (np.arange(side)[None] - centre - offset[:, None]) / scale[:, None] + centre
    return np.clip(np.rint(place), 0, side - 1).astype(np.int32)


def scenery(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
    """Return n random grounds, mostly of neutral colours, as a grid (n, cells, cells, 3) for each of COARSE.

    What is between the cells is interpolated, and the grids are added; the first holds the mean colour too.
    """
    colour: Any = rng.uniform(20, 250, (n, 1, 1, 1)) + rng.normal(0, 18, (n, 1, 1, 3))
    patches = []
    for cells, strength in COARSE:
        grey = rng.normal(0, 1, (n, cells, cells, 1)) + rng.normal(0, 0.4, (n, cells, cells, 3))
        patches.append(colour + grey * rng.uniform(0, strength, (n, 1, 1, 1)))
        colour = 0
    return tuple(grid.astype(np.float32) for grid in patches)


def relight(brightness: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    """Return tables (n, 256) uint8 that brighten by a share of 255 and stretch about the middle grey, both (n,)."""
    levels = np.arange(256, dtype=np.float32)[None]
    table = (levels - 128) * (1 + contrast[:, None]) + 128 + 255 * brightness[:, None]
    return np.clip(np.rint(table), 0, 255).astype(np.uint8)


def _apply_numpy(pixels: np.ndarray, plan: Plan) -> np.ndarray:
    out = pixels.copy() if plan.rows is None else _move(pixels, plan.rows, plan.columns)
    if plan.painted is not None and len(plan.painted):
        _repaint(out, plan)
    if plan.greyed is not None:
        for i in plan.greyed:
            red, green, blue = (plane * np.uint32(weight) for plane, weight in zip(_planes(out[i]), LUMA, strict=True))
            _fill(out[i], [((red + green + blue + np.uint32(0x8000)) >> 16).astype(np.uint8)] * 3)
    if plan.levels is not None:
        for picture, table in zip(out, plan.levels, strict=True):
            lit = picture.tobytes().translate(table.tobytes())  # an index of bytes: numpy's would be eight times wider
            picture[:] = np.frombuffer(lit, np.uint8).reshape(picture.shape)
    return out


def _move(pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return pictures whose pixel (y, x) is the one of row `rows[y]` and column `columns[x]`."""
    width = pixels.shape[2]
    mirrored = columns[:, 0] > columns[:, -1]
    columns = np.where(mirrored[:, None], width - 1 - columns, columns)
    shift = columns[:, width // 2] - width // 2
    whole = (columns == np.clip(np.arange(width) + shift[:, None], 0, width - 1)).all(1)
    out = np.empty_like(pixels)
    turned, moved = np.empty((2, *pixels.shape[1:]), np.uint8)
    for i, picture in enumerate(pixels):
        if mirrored[i]:
            _fill(turned, picture[:, ::-1].transpose(2, 0, 1))
            picture = turned
        # mode "clip" because "raise" would go through one more buffer; no place is outside
        np.take(picture, rows[i], axis=0, out=moved, mode="clip")
        if not whole[i]:
            np.take(moved, columns[i], axis=1, out=out[i], mode="clip")
            continue
        k = int(shift[i])  # all columns move alike: a slice, and the edges, which go on
        first, last = max(0, -k), width - max(0, k)
        out[i, :, first:last] = moved[:, first + k : last + k]
        out[i, :, :first] = moved[:, :1]
        out[i, :, last:] = moved[:, -1:]
    return out


def _repaint(pixels: np.ndarray, plan: Plan) -> None:
    """Replace the ground of the painted pictures of (n, h, w, 3), in place.

    The ground's colour is the median of the border. A pixel that differs from it by less than NEAR levels in
    every channel is ground, one that differs by FAR is not, and between them the two are blended. It counts
    wherever it is: a white shirt on white may get holes, which is a fair price for not searching outlines.
    """
    border = _border(pixels[plan.painted], np.concatenate)
    middle = border.shape[1] // 2
    border.partition((middle - 1, middle), axis=1)
    ground = (border[:, middle - 1].astype(np.int16) + border[:, middle]) // 2
    grids = []
    for grid in plan.patches:
        wide = _across(grid, pixels.shape[2])
        low, share = _ramp(np.arange(pixels.shape[1]), grid.shape[1])
        grids.append((wide, np.diff(wide, axis=2), low, share.astype(np.float32)[:, None]))
    # picture by picture and plane by plane: what is worked on stays in a core's cache
    for k, (i, old) in enumerate(zip(plan.painted, ground.astype(np.uint8)[:, :, None, None], strict=True)):
        paint: Any = 0
        for wide, steps, low, share in grids:
            layer = steps[k].take(low, axis=1)
            layer *= share
            layer += wide[k].take(low, axis=1)
            layer += paint
            paint = layer
        np.clip(paint, 0, 255, out=paint)
        planes = _planes(pixels[i])
        apart = np.maximum(planes, old) - np.minimum(planes, old)
        paint -= planes
        paint *= SHARE.take(apart.max(axis=0))
        paint += planes
        _fill(pixels[i], paint.astype(np.uint8))


def _planes(picture: np.ndarray) -> np.ndarray:
    """Return a picture (h, w, 3) as three planes (3, h, w): numpy is several times faster along long rows."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1))


def _fill(picture: np.ndarray, planes: Sequence[np.ndarray]) -> None:
    for channel, plane in enumerate(planes):
        picture[..., channel] = plane


def _across(grid: np.ndarray, width: int) -> np.ndarray:
    """Return grids (n, rows, cells, 3) as planes (n, 3, rows, width), interpolated along each row.

    Not by a matrix product: the last bits of one depend on how many pictures are multiplied at once, hence on the
    number of processes; and its threads would take the cores from the model.
    """
    low, share = _ramp(np.arange(width), grid.shape[2])
    planes = grid.transpose(0, 3, 1, 2)
    return np.diff(planes, axis=3).take(low, axis=3) * share.astype(np.float32) + planes.take(low, axis=3)


def _ramp(places: Pixels, cells: int) -> tuple[Pixels, Pixels]:
    """Return for `places` 0, 1, ... across a row of cells the cell before each, and the next one's share.

    From integers and one division, so that numpy and torch give the same.
    """
    last = max(len(places) - 1, 1)
    low = (places * (cells - 1) // last).clip(max=cells - 2)
    return low, (places * (cells - 1) - low * last) / last


def _border(pixels: Pixels, join: Callable) -> Pixels:
    """Return the border (n, 2 h + 2 w, 3) of pictures; `join` is numpy's or torch's concatenate."""
    return join([pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]], 1)


def _apply_torch(pixels: torch.Tensor, plan: Plan) -> torch.Tensor:
    import torch

    every = torch.arange(len(pixels), device=pixels.device)[:, None, None]
    if plan.rows is None:
        out = pixels.clone()
    else:
        out = pixels[every, plan.rows[:, :, None], plan.columns[:, None]]
    if plan.painted is not None and len(plan.painted):
        out[plan.painted] = _repainted_torch(out[plan.painted], plan)
    if plan.greyed is not None and len(plan.greyed):
        red, green, blue = (out[plan.greyed, :, :, channel].int() * weight for channel, weight in enumerate(LUMA))
        out[plan.greyed] = ((red + green + blue + 0x8000) >> 16).to(torch.uint8)[..., None]
    if plan.levels is not None:
        out = plan.levels[every[..., None], out.int()]
    return out


def _repainted_torch(pixels: torch.Tensor, plan: Plan) -> torch.Tensor:
    """Return what `_repaint` makes of its chosen pictures, by the same operations in the same order."""
    import torch

    height, width = pixels.shape[1:3]
    border = _border(pixels, torch.cat).sort(dim=1).values
    middle = border.shape[1] // 2
    ground = (border[:, middle - 1].short() + border[:, middle]) // 2
    paint: Any = 0
    for grid in plan.patches:
        for axis, side in ((2, width), (1, height)):
            low, share = _ramp(torch.arange(side, device=pixels.device), grid.shape[axis])
            share = share.view([-1 if axis == each else 1 for each in range(4)])
            grid = grid.diff(dim=axis).index_select(axis, low) * share + grid.index_select(axis, low)
        paint = grid + paint
    apart = (pixels.short() - ground[:, None, None]).abs().amax(-1, keepdim=True)
    share = ((FAR - apart).float() * float(np.float32(1 / (FAR - NEAR)))).clamp(0, 1)
    return (pixels + share * (paint.clamp(0, 255) - pixels)).to(torch.uint8)
