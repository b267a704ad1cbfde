"""The backward walk: shapes of graphs, accumulation, freed graphs, memory shared with nobody."""

import gc
import itertools
import weakref

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from minicv import Function, Tensor, no_grad
from minicv import functional as F


def leaf(*values):
    return Tensor(np.array(values, dtype=np.float64), requires_grad=True)


def test_a_result_used_twice_is_visited_once():
    a = leaf(1.0)
    b = a + a
    c = b + b
    c.backward()
    assert a.grad.tolist() == [4.0]


def test_a_result_used_at_two_depths():
    a = leaf(3.0)
    b = a * a
    c = b * a + b  # a³ + a²
    c.backward()
    assert a.grad.tolist() == [3 * 9.0 + 2 * 3.0]


def test_each_operation_is_visited_once_however_many_paths_lead_to_it():
    visits = []

    class Double(Function):
        def forward(self, x):
            return x + x

        def backward(self, grad):
            visits.append(self)
            return grad + grad

    y = a = leaf(1.0)
    for _ in range(60):  # 2^60 paths
        y = Double()(y) * 0.5 + y * 0.0
    y.backward()
    assert a.grad.tolist() == [1.0]
    assert len(visits) == len(set(map(id, visits))) == 60


def test_a_chain_of_ten_thousand_operations():
    a = leaf(1.0)
    y = a
    for _ in range(10_000):
        y = y + a
    y.backward()
    assert a.grad.tolist() == [10_001.0]


def test_a_long_chain_can_be_dropped_without_backward():
    y = leaf(1.0) + 1
    first = weakref.ref(y.creator)
    for _ in range(10_000):
        y = y + 1
    assert first() is not None
    del y
    gc.collect()
    assert first() is None


def test_leaves_accumulate_once_for_each_call():
    a = leaf(2.0)
    for call in (1, 2, 3):
        (a * a + a).backward()
        assert a.grad.tolist() == [5.0 * call]
    a.grad = None
    (a * a).backward()
    assert a.grad.tolist() == [4.0]


def test_only_leaves_keep_a_gradient():
    a = leaf(2.0)
    b = a * 3
    (b * b).backward()
    assert b.grad is None
    assert a.grad.tolist() == [36.0]


def test_backward_from_a_leaf():
    a = leaf(2.0, 3.0)
    arriving = np.array([1.0, 10.0])
    a.backward(arriving)
    assert a.grad.tolist() == [1.0, 10.0]
    assert not np.shares_memory(a.grad, arriving)


def test_a_second_backward_names_the_operation_that_was_freed():
    y = F.exp(leaf(0.0))
    y.backward()
    with pytest.raises(RuntimeError, match=r"Exp: .* called before .*\(retain_graph=True\)"):
        y.backward()


def test_a_freed_part_behind_new_operations_is_found_before_anything_changes():
    a, b = leaf(2.0), leaf(3.0)
    shared = F.exp(a)
    shared.backward()
    with pytest.raises(RuntimeError, match="Exp: backward was called before"):
        (shared * b).backward()
    assert a.grad == pytest.approx([np.exp(2.0)])
    assert b.grad is None


def test_retain_graph_allows_another_call():
    a = leaf(2.0)
    y = a * a
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    y.backward()
    assert a.grad.tolist() == [12.0]
    with pytest.raises(RuntimeError, match="Multiply: backward was called before"):
        y.backward()


def test_what_an_operation_saved_is_released_after_backward():
    a = leaf(1.0, 2.0)
    inner = a * 2
    saved = weakref.ref(inner.data)
    y = (inner * inner).sum()
    del inner
    assert saved() is not None
    y.backward()
    assert saved() is None


def test_only_branches_that_need_a_gradient_are_walked():
    class Refuse(Function):
        def forward(self, x):
            return x

        def backward(self, grad):
            raise AssertionError("a constant branch was walked")

    a, constant = leaf(2.0), Tensor(np.array([5.0]))
    (a * Refuse()(constant)).backward()
    assert a.grad.tolist() == [5.0]


@pytest.mark.parametrize(
    "compute",
    [
        lambda x, y: x + y,
        lambda x, y: (x + y) * 2,
        lambda x, y: x.reshape(2) + y.reshape(2, 1).flatten(),
        lambda x, y: F.concatenate([x, y]),
        lambda x, y: F.stack([x, y]),
        lambda x, y: (x + y).sum() * np.ones(2),
        lambda x, y: x + x + y,
        lambda x, y: x**1 + y**1,
    ],
)
def test_no_two_leaves_share_memory_with_each_other_or_with_the_caller(compute):
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    z = compute(x, y)
    arriving = np.ones(z.shape)
    z.backward(arriving)
    for first, second in itertools.combinations([x.grad, y.grad, arriving, x.data, y.data], 2):
        assert not np.shares_memory(first, second)
    x.grad += 100  # writable, and nobody else's
    assert y.grad.max() < 100
    assert (arriving == 1).all()


SHAPES = [(2, 3), (3,), (1, 3), (2, 1), ()]
PLACES = st.integers(0, 999)  # taken modulo the number of tensors
CHOICES = st.lists(st.tuples(PLACES, PLACES, st.booleans()), min_size=4, max_size=8)


class RandomGraphs(RuleBasedStateMachine):
    """Builds sums and products of tensors in any order, and backpropagates from any of them.

    Beside every tensor stands a `Node` whose gradient is computed by the plain recursion of the
    product rule, one leaf at a time.
    """

    def __init__(self):
        super().__init__()
        self.pairs: list[tuple[Tensor, Node]] = []
        self.expected: dict[int, np.ndarray] = {}  # gradient of each leaf, by place in pairs
        for seed in range(3):
            self.make_leaf(SHAPES[seed], seed)

    def pair(self, place):
        return self.pairs[place % len(self.pairs)]

    @rule(shape=st.sampled_from(SHAPES), seed=st.integers(0, 999))
    def make_leaf(self, shape, seed):
        values = np.asarray(np.random.default_rng(seed).uniform(-1.5, 1.5, shape))
        self.pairs.append((Tensor(values, requires_grad=True), Node(values)))

    @rule(place=PLACES)
    def make_constant(self, place):
        tensor, node = self.pair(place)
        self.pairs.append((tensor.detach(), Node(node.value, constant=True)))

    @rule(choices=CHOICES, retain_graph=st.booleans(), seed=st.integers(0, 999))
    def combine_and_walk(self, choices, retain_graph, seed):
        for first, second, product in choices:
            (x, x_node), (y, y_node) = self.pair(first), self.pair(second)
            node = Node(
                x_node.value * y_node.value if product else x_node.value + y_node.value,
                (x_node, y_node),
                product,
                constant=x_node.constant and y_node.constant,
            )
            if np.abs(node.value).max() < 1e4:
                self.pairs.append((x * y if product else x + y, node))
        self.backward(-1, retain_graph, seed)

    @rule(first=PLACES, second=PLACES)
    def combine_unrecorded(self, first, second):
        (x, x_node), (y, y_node) = self.pair(first), self.pair(second)
        with no_grad():
            result = x + y
        self.pairs.append((result, Node(x_node.value + y_node.value, constant=True)))

    @rule(place=PLACES, retain_graph=st.booleans(), seed=st.integers(0, 999))
    def backward(self, place, retain_graph, seed):
        tensor, node = self.pair(place)
        grad = np.asarray(np.random.default_rng(seed).normal(size=node.value.shape))
        if node.constant:
            with pytest.raises(RuntimeError, match="does not require a gradient"):
                tensor.backward(grad)
            return
        if any(operation.freed for operation in node.operations()):
            with pytest.raises(RuntimeError, match="backward was called before and freed"):
                tensor.backward(grad)
            return
        tensor.backward(grad, retain_graph=retain_graph)
        behind = node.behind()
        for place, (_, other) in enumerate(self.pairs):
            if other.is_leaf and other in behind:
                gradient = summed_to(other.value.shape, grad * node.derivative(other))
                self.expected[place] = self.expected.get(place, 0) + gradient
        if not retain_graph:
            for operation in node.operations():
                operation.freed = True

    @precondition(lambda self: self.expected)
    @rule(place=PLACES)
    def forget_a_gradient(self, place):
        place = sorted(self.expected)[place % len(self.expected)]
        self.pairs[place][0].grad = None
        del self.expected[place]

    @invariant()
    def gradients_agree(self):
        for place, (tensor, node) in enumerate(self.pairs):
            np.testing.assert_allclose(tensor.data, node.value)
            if place not in self.expected:
                assert tensor.grad is None
                continue
            expected = self.expected[place]
            assert tensor.grad.shape == expected.shape
            scale = 1 + np.abs(expected).max()
            np.testing.assert_allclose(tensor.grad, expected, rtol=1e-9, atol=1e-9 * scale)


class Node:
    """A value, and the sum or product it came from."""

    def __init__(self, value, inputs=(), product=False, constant=False):
        self.value, self.inputs, self.product, self.constant = value, inputs, product, constant
        self.freed = False

    @property
    def is_leaf(self):
        return not self.inputs and not self.constant

    def behind(self):
        """This node and all that it depends on, constants left out."""
        if self.constant:
            return set()
        return {self}.union(*(node.behind() for node in self.inputs))

    def operations(self):
        return [node for node in self.behind() if node.inputs]

    def derivative(self, leaf):
        """d(self) / d(leaf), one number for each element of self: all is element by element."""
        if self is leaf:
            return np.ones_like(self.value)
        if self.constant or not self.inputs:
            return np.zeros_like(self.value)
        x, y = self.inputs
        dx, dy = x.derivative(leaf), y.derivative(leaf)
        return dx * y.value + x.value * dy if self.product else dx + dy


def summed_to(shape, array):
    """Every element of ``array`` added where broadcasting had taken it from."""
    total = np.zeros(shape)
    for position in np.ndindex(array.shape):
        own = position[len(position) - len(shape) :]
        total[tuple(0 if side == 1 else i for i, side in zip(own, shape, strict=True))] += array[
            position
        ]
    return total


TestRandomGraphs = RandomGraphs.TestCase
TestRandomGraphs.settings = settings(max_examples=30, stateful_step_count=25)
