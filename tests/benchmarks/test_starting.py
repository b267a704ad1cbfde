"""A process that starts is timed and weighed by itself."""

import pytest

from benchmarks.libraries import with_minicv
from benchmarks.starting import Start


def test_memory_is_that_of_the_process_and_not_of_its_parent():
    small, large = Start("x = 1"), Start("x = b'a' * 300_000_000")
    small(), large()
    assert 2 < small.peak_memory() < 100
    assert 280 < large.peak_memory() < 400


def test_a_process_that_fails_is_no_measurement():
    with pytest.raises(RuntimeError, match="no_such_module"):
        Start("import no_such_module")()


def test_the_help_of_the_command_line_starts():
    step = with_minicv.start("float32", "help")
    assert step()[0].tolist() == [0]
    assert step.peak_memory() > 20
