"""What all tests share: caches of their own, generated pictures, and the choice of tests on real data."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real(name): runs only if OFCLIP_DATA holds that source, or that file")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests on real data that is not there, and say so in the summary."""
    from ofclip.sources import get

    root = os.environ.get("OFCLIP_DATA")

    def there(name: str) -> bool:
        return bool(root) and ((Path(root) / name).is_file() if "/" in name else bool(get(name).find(Path(root))))

    def runs(item: pytest.Item) -> bool:
        return all(there(marker.args[0]) for marker in item.iter_markers("real"))

    left_out = [item for item in items if not runs(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if runs(item)]


@pytest.fixture(scope="session", autouse=True)
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep caches in a temporary folder, progress bars hidden, and model hubs out of reach."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OFCLIP_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("OFCLIP_PROGRESS", "0")
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture
def real_data() -> Path:
    """The root of the real data; ask for it in tests marked `real`."""
    return Path(os.environ["OFCLIP_DATA"])


@pytest.fixture(scope="session")
def jpeg() -> Callable[..., bytes]:
    """A function of (seed, size) that returns a smooth random picture as JPEG data."""

    def make(seed: int, size: tuple[int, int] = (60, 80)) -> bytes:
        coarse = np.random.default_rng(seed).integers(0, 256, (4, 3, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
        return buffer.getvalue()

    return make
