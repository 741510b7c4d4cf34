from __future__ import annotations

import io

import imagehash
import numpy as np
import pytest
from PIL import Image

from ofclip.errors import SettingError
from ofclip.images import decode, fit
from ofclip.images import phash as module
from ofclip.images.phash import distances, luminance, near_pairs, phash


def picture(seed: int, size: tuple[int, int] = (32, 32)) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def reference(image: Image.Image) -> int:
    return int(str(imagehash.phash(image)), 16)


def test_thumbnails_hash_as_imagehash_has_it_bit_for_bit():
    pictures = [picture(seed) for seed in range(200)]
    found = phash(np.stack([np.asarray(image) for image in pictures]))
    assert found.dtype == np.uint64
    assert found.tolist() == [reference(image) for image in pictures]


def test_grey_levels_are_pillows():
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert np.array_equal(luminance(pixels), np.asarray(Image.fromarray(pixels).convert("L")))


def test_larger_pictures_differ_from_imagehash_by_the_resampling_alone():
    # imagehash turns grey first and squashes with a Lanczos filter; the pixel cache keeps colours, bicubic
    pictures = [picture(seed, (120, 160)) for seed in range(100)]
    squashed = phash(np.stack([fit(image, 32, "squash") for image in pictures]))
    apart = distances(squashed, np.array([reference(image) for image in pictures], np.uint64))
    assert apart.mean() < 1 and apart.max() <= 4


def test_a_hash_survives_size_and_encoding():
    hashes = []
    for seed in range(50):
        image, row = picture(seed, (120, 160)), []
        for side, quality in ((160, 95), (80, 60)):
            buffer = io.BytesIO()
            image.resize((side * 3 // 4, side)).save(buffer, "JPEG", quality=quality)
            row.append(fit(decode(buffer.getvalue(), "x.jpg"), 32))
        hashes.append(phash(np.stack(row)))
    hashes = np.array(hashes)
    assert distances(hashes[:, 0], hashes[:, 1]).max() <= 4
    assert distances(hashes[:-1, 0], hashes[1:, 0]).min() > 8


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (17, 130, 77)])
def test_pictures_of_one_colour_share_one_hash(colour):
    flat = np.full((1, 32, 32, 3), colour, np.uint8)
    assert phash(flat)[0] in (0, 1 << 63)
    assert phash(flat) == phash(flat) and len(phash(flat[:0])) == 0


def clustered(n: int, seed: int) -> np.ndarray:
    """Hashes of which many are equal or near, as those of one studio are."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 2**64, max(n // 8, 1), dtype=np.uint64)
    flips = np.zeros(n, np.uint64)
    for chance in (0.5, 0.4, 0.3, 0.2, 0.2, 0.2):
        flips ^= (rng.random(n) < chance).astype(np.uint64) << rng.integers(0, 64, n, dtype=np.uint64)
    return centres[rng.integers(0, len(centres), n)] ^ flips


def brute(a: np.ndarray, b: np.ndarray | None, distance: int) -> list[tuple[int, int]]:
    other = a if b is None else b
    close = np.array([[bin(int(x) ^ int(y)).count("1") <= distance for y in other] for x in a]).reshape(
        len(a), len(other)
    )
    return [(i, j) for i, j in zip(*np.nonzero(close), strict=True) if b is not None or i < j]


@pytest.mark.parametrize("distance", [0, 1, 3, 4, 7, 12])
def test_near_pairs_are_those_of_brute_force(distance, monkeypatch):
    monkeypatch.setattr(module, "CANDIDATES", 50)  # many blocks
    a, b = clustered(160, 1), np.concatenate([clustered(60, 2), clustered(160, 1)[::3]])
    for other in (None, b):
        found = list(zip(*near_pairs(a, other, distance), strict=True))
        assert found == brute(a, other, distance) and len(found) > 5


def test_near_pairs_of_few_or_none():
    none = np.empty(0, np.uint64)
    one = np.array([5], np.uint64)
    for a, b in ((none, None), (one, None), (none, one), (one, none)):
        assert [len(side) for side in near_pairs(a, b)] == [0, 0]
    assert [side.tolist() for side in near_pairs(one, one, 0)] == [[0], [0]]


@pytest.mark.parametrize("distance", [-1, 17])
def test_a_distance_that_finds_nothing_or_everything_is_refused(distance):
    with pytest.raises(SettingError, match=f"distance {distance}: must be 0 to 16 bits"):
        near_pairs(np.zeros(3, np.uint64), distance=distance)
