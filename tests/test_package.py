import subprocess
import sys

import pytest

import ofclip


def test_importing_the_package_loads_no_heavy_library():
    code = "import sys, ofclip; print(sorted({'torch', 'pandas', 'numpy', 'open_clip'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize("name", ofclip.__all__)
def test_every_public_name_is_there(name):
    assert getattr(ofclip, name).__name__ == name


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = ofclip.trian
