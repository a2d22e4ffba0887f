"""Modules that wait are the modules that they stand for."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import gc, sys, yaml
from etude.versions import quick

before = gc.isenabled(), yaml.FullLoader, list(sys.meta_path)
with quick.reading():
    import numpy
    import numpy as again
    assert again is numpy and not gc.isenabled()
    assert "numpy._core" not in sys.modules
assert (gc.isenabled(), yaml.FullLoader, sys.meta_path) == before
assert numpy.arange(3).sum() == 3 and numpy.linalg.norm([3, 4]) == 5
assert type(numpy) is type(sys) and numpy.__loader__ is numpy.__spec__.loader and numpy.__file__
import numpy.fft
from numpy import pi
try:
    with quick.reading():
        import no_such_module
except ImportError:
    print("well")
"""


def test_a_module_that_waits_is_loaded_when_somebody_looks():
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, capture_output=True, text=True)
    assert done.stdout == "well\n", done.stderr
