"""Two and four processes that share a batch get the gradients of one that has it all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("processes.py")

pytestmark = pytest.mark.xdist_group("losses")


@pytest.fixture(scope="module")
def apart():
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("world", ["2", "4"])
@pytest.mark.parametrize("loss", ["clip", "siglip", "multi-positive", "fields", "distillation", "open_clip"])
def test_value_and_gradients_are_those_of_the_joined_batch(apart, world, loss):
    assert apart[world][loss]["value"] < 1e-12
    assert apart[world][loss]["gradients"] < 1e-12


@pytest.mark.parametrize("world", ["2", "4"])
def test_a_gather_that_loses_gradients_would_be_seen(apart, world):
    trap = apart[world]["gathered without gradients"]
    assert trap["value"] < 1e-12 and trap["gradients"] > 0.01
