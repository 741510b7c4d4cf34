"""`ofclip interpolate`: weights between two others."""

from __future__ import annotations

from pathlib import Path

import click

from ofclip.cli.options import folder
from ofclip.errors import SettingError


@click.command()
@click.argument("start", metavar="A")
@click.argument("end", metavar="B")
@click.option(
    "--alpha", "alphas", multiple=True, required=True, type=float, help="From 0, all A, to 1, all B. Repeatable."
)
@click.option("--out", required=True, type=folder, metavar="FILE", help="A .safetensors; for several, their base.")
def interpolate(start: str, end: str, alphas: tuple[float, ...], out: Path) -> None:
    """Write the weights (1 - alpha) A + alpha B, as in WiSE-FT.

    A is what training started from, B what it ended with: files of weights, or open_clip names such as
    ViT-B-32/laion2b_s34b_b79k. With several alphas each file has its own in its name, as in FILE-0.4.safetensors.
    """
    paths = destinations(out, alphas)
    for path in paths:
        if path.resolve() in (Path(start).resolve(), Path(end).resolve()):
            raise SettingError(f"--out {path}: this is one of the two to read; name another file")

    from ofclip.interpolation import interpolate as blend
    from ofclip.models import load_model, save_model

    first, last = load_model(start), load_model(end)
    for alpha, path in zip(alphas, paths, strict=True):
        click.echo(save_model(blend(first, last, alpha), path))


def destinations(out: Path, alphas: tuple[float, ...]) -> list[Path]:
    """Return the file of each alpha: `out` itself for one, `out` with the alpha in its name for several.

    Raises SettingError for another kind of file, and for an alpha outside [0, 1] or named twice.

    >>> [path.name for path in destinations(Path("mixed.safetensors"), (0.25, 0.5))]
    ['mixed-0.25.safetensors', 'mixed-0.5.safetensors']
    """
    if out.suffix != ".safetensors":
        raise SettingError(f"--out {out}: weights are written as safetensors; name it {out.stem}.safetensors")
    for alpha in alphas:
        if not 0 <= alpha <= 1:
            raise SettingError(f"--alpha {alpha}: must be between 0, which gives A, and 1, which gives B")
    if len(alphas) == 1:
        return [out]
    paths = [out.with_name(f"{out.stem}-{alpha:g}{out.suffix}") for alpha in alphas]
    if len(set(paths)) < len(paths):
        raise SettingError(f"--alpha {', '.join(f'{alpha:g}' for alpha in alphas)}: one is named twice; name each once")
    return paths
