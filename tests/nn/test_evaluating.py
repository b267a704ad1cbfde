"""A block in evaluation mode, and what stands afterwards."""

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from minicv import Tensor, nn
from minicv.nn import evaluating

X = Tensor(np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32))


def network():
    rng = np.random.default_rng(0)
    inner = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5, rng=rng))
    return nn.Sequential(nn.Linear(4, 4, rng=rng), inner)


def modes(net):
    return [part.training for part in net.modules()]


def test_every_part_gets_its_own_mode_back():
    net = network().train()
    net[1].eval()  # frozen by the user
    net[1][1].training = True
    before = modes(net)
    assert len(set(before)) == 2
    with evaluating(net):
        assert not any(modes(net))
    assert modes(net) == before


def test_modes_come_back_after_an_error():
    net = network().train()
    with pytest.raises(KeyError), evaluating(net):
        raise KeyError("in the middle")
    assert all(modes(net))


def test_blocks_in_blocks():
    net = network().train()
    with evaluating(net):
        with evaluating(net[1]):
            pass
        assert not any(modes(net))
    assert all(modes(net))


def test_neither_drops_units_nor_moves_statistics():
    net = network().train()
    before = net.state_dict()
    with evaluating(net):
        first, second = net(X).data, net(X).data
    np.testing.assert_array_equal(first, second)
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    assert not np.array_equal(net(X).data, net(X).data)  # and outside it does


def test_the_mode_is_of_the_thread_that_entered_the_block():
    net = network().train()
    entered, seen = threading.Event(), threading.Event()

    def evaluate():
        with evaluating(net):
            entered.set()
            assert seen.wait(10)
            return modes(net)

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(evaluate)
        assert entered.wait(10)
        here = modes(net)
        net[1].eval()  # what is set meanwhile holds for both, also after the block
        seen.set()
        assert all(here) and not any(other.result())
    assert modes(net) == [True, True, False, False, False]


def test_a_mode_that_is_set_within_the_block_holds_after_it():
    net = network().train()
    with evaluating(net):
        net.eval()
        assert not any(modes(net))
    assert not any(modes(net))
    with evaluating(net):
        net.train()
        assert not any(modes(net))
    assert all(modes(net))


def test_copies_take_the_mode_underneath():
    net = network().train()
    with evaluating(net):
        copies = [copy.deepcopy(net), pickle.loads(pickle.dumps(net))]
    assert all(all(modes(one)) for one in copies)
    assert not any(modes(copy.deepcopy(net.eval())))
