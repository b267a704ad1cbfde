"""Watchers: nested blocks, exceptions, other threads, and what an operation returns to them."""

import threading

import numpy as np
import pytest

from minicv import Tensor
from minicv.autograd.watching import Watcher, watched_by, watching


class Recorder(Watcher):
    def __init__(self, name, log):
        self.name, self.log = name, log

    def forward(self, function, arrays):
        self.log.append((self.name, "forward", function.name))
        return super().forward(function, arrays)

    def backward(self, function, grad):
        self.log.append((self.name, "backward", function.name))
        return super().backward(function, grad)


def test_watchers_of_nested_blocks_all_see_each_operation():
    log = []
    x = Tensor([1.0, 2.0], requires_grad=True)
    with watched_by(Recorder("outer", log)):
        with watched_by(Recorder("inner", log)):
            y = (x * 3.0).sum()
        y.backward()
    y = x * 2.0
    assert log == [
        ("inner", "forward", "Multiply"),
        ("outer", "forward", "Multiply"),
        ("inner", "forward", "Sum"),
        ("outer", "forward", "Sum"),
        ("outer", "backward", "Sum"),
        ("outer", "backward", "Multiply"),
    ]
    assert x.grad.tolist() == [3.0, 3.0]


def test_an_error_ends_the_block():
    with pytest.raises(ZeroDivisionError), watched_by(Watcher()):
        raise ZeroDivisionError
    assert watching() is None


def test_other_threads_are_not_watched():
    log, seen = [], []

    def compute():
        _ = Tensor([1.0]) + 1.0
        seen.append(watching())

    with watched_by(Recorder("mine", log)):
        thread = threading.Thread(target=compute)
        thread.start()
        thread.join()
    assert log == [] and seen == [None]


def test_faults_of_an_operation_are_reported_as_without_a_watcher():
    message = r"Add: the shapes \(2,\), \(3,\) do not broadcast"
    with watched_by(Watcher()), pytest.raises(ValueError, match=message):
        Tensor(np.ones(2)) + Tensor(np.ones(3))
