"""A recorded graph: its operations and arrows, folding, norms; and where its boxes stand."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, no_grad
from minicv import functional as F
from minicv.autograd import profile
from minicv.inspection import draw_graph, graph_svg, recorded_graph
from minicv.inspection.graph_layout import GAP, layered_layout
from minicv.nn import Linear, ReLU, Sequential


def leaf(*shape):
    return Tensor(np.random.default_rng(0).standard_normal(shape), requires_grad=True)


def mlp(layers):
    rng = np.random.default_rng(0)
    parts = [Sequential(Linear(4, 4, rng=rng), ReLU()) for _ in range(layers)]
    return Sequential(*parts), Tensor(rng.standard_normal((2, 4)).astype("float32"))


def titles(graph):
    return [box.title for box in graph.boxes]


def test_operations_leaves_constants_and_arrows():
    x, w = leaf(2, 3), leaf(3, 4)
    hidden = x @ w
    graph = recorded_graph((hidden * hidden + hidden * 2.0).sum(), {"x": x})
    assert titles(graph) == ["x", "leaf", "Matmul", "Multiply", "Multiply", "Add", "Sum"]
    assert graph.arrows == [(0, 2), (1, 2), (2, 3), (2, 4), (3, 5), (4, 5), (5, 6)]
    assert graph.boxes[2].lines == ["2×3, 3×4 → 2×4"]
    assert graph.boxes[4].lines == ["constant 2", "2×4 → 2×4"]
    assert graph.operations == 5


def test_parameters_stand_in_the_box_of_their_operation():
    net, x = mlp(1)
    loss = F.mean(net(x))
    loss.backward(retain_graph=True)
    graph = recorded_graph(loss, dict(net.named_parameters()))
    assert titles(graph) == ["Linear", "Relu", "Mean"]
    norm = np.linalg.norm(net[0][0].weight.grad)
    assert graph.boxes[0].lines[0] == f"0.0.weight 4×4, gradient {norm:.3g}"
    assert "constant 2×4" in graph.boxes[0].lines


def test_norms_of_the_gradients_of_results():
    x = leaf(3)
    graph = recorded_graph((x * 2.0).sum(), gradients=True)
    assert graph.boxes[1].lines[-1] == f"gradient: norm {np.sqrt(3):.3g}"
    assert graph.boxes[2].lines[-1] == "gradient: norm 1"
    assert x.grad is None


def test_many_operations_are_folded_by_module():
    net, x = mlp(6)  # twelve operations and the mean
    loss = F.mean(net(x))
    names = dict(net.named_parameters())
    assert len(recorded_graph(loss, names, most=13).boxes) == 13
    graph = recorded_graph(loss, names, most=12)
    assert titles(graph) == [
        "0.0",
        "1.0",
        "2.0",
        "3.0",
        "4.0",
        "5.0",
    ]  # a ReLU belongs to what it follows
    assert graph.boxes[0].lines == ["2 operations: 1 Linear, 1 Relu", "20 parameters", "→ 2×4"]
    assert graph.arrows == [(i, i + 1) for i in range(5)]
    assert sum(box.operations for box in graph.boxes) == graph.operations == 13


def test_steps_that_repeat_are_folded_without_names():
    x, w = leaf(2, 4), leaf(4, 4)
    h = x
    for _ in range(40):
        h = F.relu(h @ w)
    graph = recorded_graph(h.sum())
    assert titles(graph) == ["leaf", "leaf", "Matmul, Relu × 40", "Sum"]
    assert graph.arrows == [(0, 2), (1, 2), (2, 3)]


def test_what_was_measured_colours_the_boxes():
    x = leaf(3)
    with profile():
        y = (x * 2.0).sum()
        y.backward(retain_graph=True)
    z = y * 1.0
    graph = recorded_graph(z)
    forward, backward = graph.boxes[1].seconds
    assert forward > 0 and backward > 0
    assert graph.boxes[3].seconds == (None, None)
    plain = recorded_graph((x * 2.0).sum())
    assert graph_svg(graph).count(" forward, ") == 2
    colours = [set(re.findall(r'<rect.*?fill="(#\w+)"', graph_svg(g))) for g in (graph, plain)]
    assert colours[0] != colours[1]


def test_without_a_graph_it_says_why():
    x = leaf(3)
    with no_grad():
        y = x * 2.0
    with pytest.raises(RuntimeError, match="no operation was recorded behind this tensor"):
        recorded_graph(y)
    z = (x * 2.0).sum()
    z.backward()
    with pytest.raises(RuntimeError, match="backward was called before and freed"):
        recorded_graph(z)


def test_picture_and_svg_have_the_same_size_and_every_title():
    net, x = mlp(3)
    graph = recorded_graph(F.mean(net(x)), dict(net.named_parameters()))
    svg = graph_svg(graph)
    width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', svg).groups())
    picture = draw_graph(graph)
    assert abs(picture.width - width) <= 1 and abs(picture.height - height) <= 1
    texts = re.findall(r">([^<>\n]+)</text>", svg)
    assert [text for text in texts if text in titles(graph)] == titles(graph)
    assert np.asarray(picture).min() < 80  # something is written on it


@given(st.data())
def test_boxes_stand_apart_and_arrows_lead_down(data):
    count = data.draw(st.integers(1, 12))
    sizes = [(data.draw(st.integers(10, 90)), data.draw(st.integers(10, 50))) for _ in range(count)]
    pairs = [(a, b) for b in range(count) for a in range(b)]
    arrows = sorted(data.draw(st.sets(st.sampled_from(pairs), max_size=20))) if pairs else []
    layout = layered_layout(sizes, arrows)
    boxes = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(layout.corners, sizes, strict=True)]
    assert min(box[0] for box in boxes) >= -1e-6
    assert max(box[2] for box in boxes) <= layout.width + 1e-6
    assert max(box[3] for box in boxes) <= layout.height + 1e-6
    for i, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[:i]:
            beside = other[2] + GAP / 2 <= left or right + GAP / 2 <= other[0]
            assert beside or other[3] <= top or bottom <= other[1]
    for (source, target), line in zip(arrows, layout.lines, strict=True):
        assert line[0][1] == boxes[source][3] and line[-1][1] == boxes[target][1]
        assert all(upper[1] <= lower[1] for upper, lower in pairwise(line))
    assert layered_layout([], []).corners == []


def test_a_straight_chain_is_drawn_straight():
    layout = layered_layout([(30, 10), (80, 10), (50, 10)], [(0, 1), (1, 2)])
    middles = [x + w / 2 for (x, _), w in zip(layout.corners, (30, 80, 50), strict=True)]
    assert middles == pytest.approx([40, 40, 40])
    with pytest.raises(ValueError, match="the arrow from 1 to 0 of 2 boxes"):
        layered_layout([(1, 1), (1, 1)], [(1, 0)])
