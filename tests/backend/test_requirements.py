"""An older NumPy is refused when minicv is imported, not in the middle of a training."""

import subprocess
import sys

import numpy as np
import pytest

from minicv.backend.requirements import check_numpy


@pytest.mark.parametrize("version", ["2.0.0", "2.5.0rc1", "3.0.0.dev0+git", np.__version__])
def test_new_versions_pass(version):
    check_numpy(version)


@pytest.mark.parametrize("version", ["1.26.4", "1.9.0"])
def test_old_versions_are_refused_with_the_command_that_helps(version):
    with pytest.raises(ImportError, match=rf'NumPy 2 or newer but finds {version}; .*"numpy>=2"'):
        check_numpy(version)


def test_import_refuses_an_old_version():
    program = "import numpy; numpy.__version__ = '1.26.4'; import minicv"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.strip().endswith('finds 1.26.4; python -m pip install "numpy>=2"')
