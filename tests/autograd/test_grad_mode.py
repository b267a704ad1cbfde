"""no_grad: as a block, as a decorator, nested, after an error, and in one thread only."""

import threading

import pytest

from minicv import Tensor, no_grad
from minicv.autograd import grad_enabled


@pytest.fixture
def x():
    return Tensor([1.0, 2.0], requires_grad=True)


def test_nothing_is_recorded_within_the_block(x):
    with no_grad():
        assert not grad_enabled()
        y = x * 2
    assert grad_enabled()
    assert y.creator is None
    assert not y.requires_grad
    assert (x * 2).requires_grad


def test_as_a_decorator(x):
    @no_grad()
    def double(x):
        return x * 2

    assert not double(x).requires_grad
    assert not double(x).requires_grad  # more than once
    assert grad_enabled()


def test_nested_blocks_end_one_by_one():
    with no_grad():
        with no_grad():
            assert not grad_enabled()
        assert not grad_enabled()
    assert grad_enabled()


def test_an_error_within_the_block_ends_it():
    with pytest.raises(ZeroDivisionError), no_grad():
        raise ZeroDivisionError
    assert grad_enabled()


def test_backward_works_within_the_block(x):
    y = (x * x).sum()
    with no_grad():
        y.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_other_threads_are_not_touched(x):
    seen = []

    def record():
        seen.append((grad_enabled(), (x * 2).requires_grad))
        with no_grad():
            inside.set()
            leave.wait(timeout=10)

    inside, leave = threading.Event(), threading.Event()
    with no_grad():
        thread = threading.Thread(target=record)
        thread.start()
        assert inside.wait(timeout=10)
    # The other thread is still within its own block, this one is not.
    assert grad_enabled()
    leave.set()
    thread.join()
    assert seen == [(True, True)]
