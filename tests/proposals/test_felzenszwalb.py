"""felzenszwalb: the loop of the paper, scikit-image's regions, edges of the domain."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.proposals.felzenszwalb import felzenszwalb, pixel_graph, segment

module = import_module("minicv.proposals.felzenszwalb")
FIXTURE = Path(__file__).parent.parent / "fixtures" / "felzenszwalb.npz"


def by_loops(graph, k, min_size):
    """The paper's algorithm, one edge after another; regions as sets of pixels."""
    count = graph.size[0] * graph.size[1]
    region_of = list(range(count))
    pixels = {r: [r] for r in range(count)}
    inner = dict.fromkeys(range(count), 0.0)
    k = k / 255

    def merge(a, b):
        for pixel in pixels[b]:
            region_of[pixel] = a
        pixels[a] += pixels.pop(b)

    edges = list(
        zip(graph.first.tolist(), graph.second.tolist(), graph.weight.tolist(), strict=True)
    )
    for p, q, weight in edges:
        a, b = region_of[p], region_of[q]
        if a == b:
            continue
        if all(weight <= inner[r] + k / len(pixels[r]) for r in (a, b)):
            merge(a, b)
            inner[a] = weight
    for p, q, _ in edges:
        a, b = region_of[p], region_of[q]
        if a != b and min(len(pixels[a]), len(pixels[b])) < min_size:
            merge(a, b)
    names = {}
    labels = [names.setdefault(region, len(names)) for region in region_of]
    return np.array(labels).reshape(graph.size)


def adjusted_rand_index(a, b):
    """Share of pixel pairs that both partitions treat alike, 1 if all, 0 as if by chance.

    Hubert & Arabie, "Comparing partitions" (1985).
    """
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a.ravel(), b.ravel()), 1)

    def pairs(counts):
        return (counts * (counts - 1) / 2).sum()

    together, in_a, in_b = pairs(table), pairs(table.sum(1)), pairs(table.sum(0))
    by_chance = in_a * in_b / pairs(np.array([a.size]))
    return (together - by_chance) / ((in_a + in_b) / 2 - by_chance)


@given(
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    st.integers(0, 2**32 - 1),
    st.sampled_from([2, 5, 1000]),  # grey levels; with few of them most weights are equal
    st.sampled_from([1.0, 30.0, 200.0]),
    st.integers(0, 12),
)
def test_equals_the_loops(shape, seed, levels, k, min_size):
    image = np.random.default_rng(seed).integers(0, levels, shape) / np.float32(levels)
    graph = pixel_graph(image, sigma=0)
    np.testing.assert_array_equal(segment(graph, k, min_size), by_loops(graph, k, min_size))


@pytest.mark.parametrize("portion", [1, 7, 300])
@pytest.mark.parametrize("worthwhile", [0, 3, 10**9])  # at once hardly ever, usually, always
def test_portions_and_rounds_do_not_change_the_result(portion, worthwhile, monkeypatch):
    image = np.random.default_rng(1).random((3, 14, 15), dtype=np.float32)
    graph = pixel_graph(image)
    expected = by_loops(graph, 60, 3)
    assert 1 < expected.max() < 50
    monkeypatch.setattr(module, "PORTIONS", 10**9)
    monkeypatch.setattr(module, "SMALLEST_PORTION", portion)
    monkeypatch.setattr(module, "WORTHWHILE", worthwhile)
    np.testing.assert_array_equal(segment(graph, 60, 3), expected)


@pytest.mark.parametrize("number", range(5))
def test_agrees_with_scikit_image(number):
    with np.load(FIXTURE) as file:
        image, theirs = file[f"image{number}"], file[f"labels{number}"]
        scale, sigma, min_size = file[f"parameters{number}"]
    ours = felzenszwalb(image.transpose(2, 0, 1) / np.float32(255), scale, sigma, int(min_size))
    assert theirs.max() > 5
    assert adjusted_rand_index(ours, theirs) >= 0.95


def test_rand_index_of_known_partitions():
    a = np.array([0, 0, 1, 1])
    assert adjusted_rand_index(a, 1 - a) == 1
    assert adjusted_rand_index(a, np.array([0, 1, 0, 1])) == pytest.approx(-0.5)


def test_edges_are_sorted_and_equals_keep_their_order():
    image = np.random.default_rng(0).integers(0, 3, (2, 6, 7)) / np.float32(2)
    graph = pixel_graph(image, sigma=0)
    assert len(graph.weight) == 6 * 6 + 5 * 7 + 2 * 5 * 6
    flat = image.reshape(2, -1)
    weight = np.linalg.norm(flat[:, graph.first] - flat[:, graph.second], axis=0)
    np.testing.assert_allclose(graph.weight, weight, rtol=1e-6)
    assert (np.diff(graph.weight) >= 0).all()
    right = (graph.second - graph.first == 1) & (graph.weight == 0)
    assert right.sum() > 2 and (np.diff(graph.first[right]) > 0).all()


def test_no_region_is_smaller_than_min_size():
    image = np.random.default_rng(2).random((3, 30, 40), dtype=np.float32)
    labels = felzenszwalb(image, k=20, sigma=0.5, min_size=25)
    assert labels.max() > 3 and np.bincount(labels.ravel()).min() >= 25


@pytest.mark.parametrize("shape", [(3, 1, 1), (1, 1, 5), (3, 5, 1)])
def test_narrow_and_flat_images_are_one_region(shape):
    labels = felzenszwalb(np.full(shape, 0.5, np.float32))
    assert labels.shape == shape[1:] and not labels.any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": np.zeros((4, 4))}, r"needs a channel, image\[None\]"),
        ({"image": np.zeros((3, 0, 4))}, "at least one pixel"),
        ({"image": np.full((3, 4, 4), np.inf)}, "finite"),
        ({"k": 0}, "k is 0, expected a positive number"),
        ({"sigma": -1}, "sigma is -1"),
        ({"min_size": -1}, "min_size is -1"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        felzenszwalb(**{"image": np.zeros((3, 4, 4)), **change})
