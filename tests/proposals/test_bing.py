"""BING: its gradients, its template in bits, its boxes, and what training must learn."""

import numpy as np
import pytest
import trained_proposers
from hypothesis import given
from hypothesis import strategies as st

from minicv.proposals.bing import (
    SIZES,
    BinaryTemplate,
    Bing,
    BingModel,
    binary_bases,
    count_ones,
    gradient_maps,
    normed_gradients,
    suppress_close,
    window_codes,
)
from minicv.proposals.bing_training import _separate, train_bing
from minicv.vision import box_iou


@given(seed=st.integers(0, 10_000), height=st.integers(1, 5), width=st.integers(1, 5))
def test_normed_gradients_against_loops(seed, height, width):
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    numbers = picture.astype(int).tolist()
    for y in range(height):
        for x in range(width):
            pairs = [
                (numbers[y][min(x + 1, width - 1)], numbers[y][max(x - 1, 0)]),
                (numbers[min(y + 1, height - 1)][x], numbers[max(y - 1, 0)][x]),
            ]
            total = sum(max(abs(a - b) for a, b in zip(*pair, strict=True)) for pair in pairs)
            assert normed_gradients(picture)[y, x] == min(total, 255)


@given(height=st.integers(1, 300), width=st.integers(1, 300))
def test_windows_have_their_size_and_lie_inside(height, width):
    for one in gradient_maps(np.zeros((3, height, width), np.float32)):
        rows, columns = (np.array([0, places - 1]) for places in one.places)
        boxes = one.boxes(rows, columns)
        np.testing.assert_allclose(boxes[0, :2], 0)
        np.testing.assert_allclose(boxes[1, 2:], [width, height])
        for side, wanted, room in zip(boxes[0, 2:], SIZES[one.size], (width, height), strict=True):
            # Rounding to whole pixels of the small map, and windows cut to the image.
            assert 0.65 * min(wanted, room) <= side <= min(1.35 * wanted, room + 1e-6)


def test_only_sizes_for_which_there_is_room():
    small = [SIZES[one.size] for one in gradient_maps(np.zeros((3, 30, 100), np.float32))]
    assert {height for _, height in small} == {16, 32}
    assert {width for width, _ in small} == {16, 32, 64, 128}
    assert list(gradient_maps(np.zeros((3, 1, 1), np.float32))) == []


def windows(values):
    """(H, W) -> (H - 7, W - 7, 64)."""
    view = np.lib.stride_tricks.sliding_window_view(values, (8, 8))
    return view.reshape(*view.shape[:2], 64)


def smooth(rng, size):
    """Random, but neighbours are alike, as in normed gradients."""
    coarse = rng.integers(0, 256, (size[0] // 4 + 2, size[1] // 4 + 2))
    fine = np.kron(coarse, np.ones((4, 4)))[: size[0], : size[1]]
    return np.clip(fine + rng.normal(0, 20, size), 0, 255).astype(np.uint8)


@given(seed=st.integers(0, 10_000), count=st.integers(1, 8))
def test_bases_come_closer_one_by_one(seed, count):
    template = np.random.default_rng(seed).normal(size=64)
    beta, a = binary_bases(template, count)
    assert set(np.unique(a)) <= {-1.0, 1.0} and a.shape == (count, 64)
    errors = [np.linalg.norm(template - beta[:n] @ a[:n]) for n in range(count + 1)]
    assert (np.diff(errors) < 0).all()
    # The first is the best that signs alone can do: |w|_1 / 64.
    assert beta[0] == pytest.approx(np.abs(template).mean())


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20))
def test_count_ones(numbers):
    expected = [bin(number).count("1") for number in numbers]
    assert count_ones(np.array(numbers, np.uint64)).tolist() == expected


@given(seed=st.integers(0, 10_000), height=st.integers(8, 12), width=st.integers(8, 12))
def test_codes_hold_the_bits_row_by_row(seed, height, width):
    plane = np.random.default_rng(seed).integers(0, 2, (height, width)).astype(np.uint8)
    codes = window_codes(plane)
    for row in range(height - 7):
        for column in range(width - 7):
            bits = plane[row : row + 8, column : column + 8].ravel()
            assert int(codes[row, column]) == sum(int(bit) << i for i, bit in enumerate(bits))


@given(seed=st.integers(0, 10_000), bases=st.integers(1, 3), bits=st.integers(1, 8))
def test_scores_are_those_of_what_the_bits_stand_for(seed, bases, bits):
    rng = np.random.default_rng(seed)
    values, template = smooth(rng, (10, 13)), rng.normal(size=64)
    beta, a = binary_bases(template, bases)
    kept = values >> (8 - bits) << (8 - bits)
    expected = windows(kept.astype(float)) @ (beta @ a)
    scores = BinaryTemplate(template, bases, bits).scores(values)
    np.testing.assert_allclose(scores, expected, rtol=1e-9, atol=1e-9)


def test_approximate_scores_go_with_the_exact_ones():
    rng = np.random.default_rng(0)
    values = smooth(rng, (60, 70))
    ring = np.ones((8, 8))
    ring[2:6, 2:6] = -0.5
    template = (ring + rng.normal(0, 0.3, (8, 8))).ravel()
    exact = windows(values.astype(float)) @ template

    def correlation(bases, bits):
        scores = BinaryTemplate(template, bases, bits).scores(values)
        return np.corrcoef(scores.ravel(), exact.ravel())[0, 1]

    assert correlation(2, 4) > 0.95
    assert correlation(2, 4) > correlation(1, 1)
    assert correlation(20, 8) > 0.9999


RNG = np.random.default_rng(0)  # not used by the method


@given(
    seed=st.integers(0, 10_000),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    radius=st.integers(0, 3),
    most=st.integers(1, 12),
)
def test_suppression_against_loops(seed, height, width, radius, most):
    scores = np.random.default_rng(seed).integers(0, 9, (height, width)) / 4  # many ties
    waiting = sorted(np.ndindex(height, width), key=lambda place: -scores[place])
    kept = []
    for place in waiting:
        if all(max(abs(place[0] - k[0]), abs(place[1] - k[1])) > radius for k in kept):
            kept.append(place)
    rows, columns = suppress_close(scores, radius, most)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == kept[:most]


@given(seed=st.integers(0, 10_000), positives=st.integers(0, 40))
def test_stage_two_is_at_its_optimum(seed, positives):
    """The gradient of the squared hinge with its two penalties is 0."""
    rng = np.random.default_rng(seed)
    is_positive = np.arange(40) < positives
    score = rng.normal(size=40) + 0.7 * is_positive
    v, t = _separate(score, is_positive)
    signs = np.where(is_positive, 1, -1)
    missing = np.maximum(1 - signs * (v * score + t), 0)
    assert v - 2 * (missing * signs * score).sum() == pytest.approx(0, abs=1e-7)
    assert t - 2 * (missing * signs).sum() == pytest.approx(0, abs=1e-7)


def test_trained_windows_find_the_farmyards_things():
    images, boxes = trained_proposers.scenes(8, 2)
    proposer = Bing(trained_proposers.bing_model(), most_boxes=1000)
    best = []
    for image, objects in zip(images, boxes, strict=True):
        found, scores = proposer.propose(image, RNG)
        assert (np.diff(scores) <= 0).all() and found.dtype == scores.dtype == np.float32
        assert (found[:, :2] >= 0).all() and (found[:, 2:] <= 128).all()
        best.append(box_iou(objects, found).max(axis=1))
    assert (np.concatenate(best) >= 0.5).mean() >= 0.95


def test_training_ranks_better_than_no_training():
    images, boxes = trained_proposers.scenes(8, 2)
    untrained = BingModel((1.0,) * 64, (1.0,) * 36, (0.0,) * 36)

    def recall(model):
        best = [
            box_iou(objects, Bing(model).propose(image, RNG)[0][:50]).max(axis=1)
            for image, objects in zip(images, boxes, strict=True)
        ]
        return (np.concatenate(best) >= 0.5).mean()

    assert recall(trained_proposers.bing_model()) > recall(untrained)


def test_the_same_seed_gives_the_same_model():
    images, boxes = trained_proposers.scenes(3, 4)
    one, other = (train_bing(images, boxes, np.random.default_rng(5)) for _ in range(2))
    assert one == other and repr(one) == repr(other)


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (7, 5), (60, 70)])
def test_pictures_of_nothing(size):
    image = np.full((3, *size), 0.4, np.float32)
    boxes, scores = Bing(trained_proposers.bing_model()).propose(image, RNG)
    assert boxes.shape == (len(scores), 4)
    assert (len(boxes) == 0) == (min(size) < 12)


def test_images_without_objects_only_add_negatives():
    images, boxes = trained_proposers.scenes(3, 4)
    empty = np.zeros((3, 100, 100), np.float32)
    model = train_bing([*images, empty], [*boxes, np.zeros((0, 4))], np.random.default_rng(0))
    assert np.isfinite(model.template).all()


def test_what_cannot_be_learnt_from_is_refused():
    images, boxes = trained_proposers.scenes(3, 4)
    with pytest.raises(ValueError, match="3 images but boxes for 2"):
        train_bing(images, boxes[:2], RNG)
    with pytest.raises(ValueError, match="none of 3 images has an object"):
        train_bing(images, [np.zeros((0, 4))] * 3, RNG)
    with pytest.raises(ValueError, match="none of 0 images"):
        train_bing([], [], RNG)
    with pytest.raises(ValueError, match=r"expect 64, 36 and 36 numbers but have \(3, 36, 36\)"):
        BingModel((1.0,) * 3, (1.0,) * 36, (0.0,) * 36)
