"""Boxes against loops over pixels and pairs; encoding and decoding; what is refused."""

import math
import tracemalloc

import cuda_emulator
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import to_numpy
from minicv.vision import (
    box_area,
    box_intersection_over_area,
    box_iou,
    clip_boxes_to_image,
    decode_boxes,
    encode_boxes,
    flip_boxes,
    remove_small_boxes,
    scale_boxes,
)
from minicv.vision import boxes as boxes_module
from minicv.vision.boxes import as_float_boxes

HEAD_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
coordinate = st.integers(-3, 9)


@pytest.fixture(scope="session")
def xp(xp):
    if xp is not np and cuda_emulator.compiler() is None:
        pytest.skip("no C++ compiler to run the kernels without a GPU")
    return xp


def box_lists(max_size=6):
    """Whole-numbered boxes, some of them degenerate or inside out."""
    box = st.tuples(coordinate, coordinate, coordinate, coordinate)
    return st.lists(box, max_size=max_size).map(
        lambda rows: np.array(rows, dtype=np.float64).reshape(-1, 4)
    )


def pixels_of(box):
    """The pixels that a half-open box with whole corners covers."""
    x1, y1, x2, y2 = (int(value) for value in box)
    return {(x, y) for x in range(x1, x2) for y in range(y1, y2)}


@given(boxes=box_lists())
def test_area_counts_pixels(xp, boxes):
    expected = [len(pixels_of(box)) for box in boxes]
    assert to_numpy(box_area(xp.asarray(boxes))).tolist() == expected


@given(boxes1=box_lists(), boxes2=box_lists())
def test_iou_and_intersection_over_area_count_pixels(xp, boxes1, boxes2):
    iou = np.zeros((len(boxes1), len(boxes2)))
    share = np.zeros_like(iou)
    for row, first in enumerate(map(pixels_of, boxes1)):
        for column, second in enumerate(map(pixels_of, boxes2)):
            common = len(first & second)
            iou[row, column] = common / len(first | second) if common else 0
            share[row, column] = common / len(first) if common else 0
    on_device = xp.asarray(boxes1), xp.asarray(boxes2)
    np.testing.assert_allclose(to_numpy(box_iou(*on_device)), iou, rtol=1e-15)
    np.testing.assert_allclose(to_numpy(box_intersection_over_area(*on_device)), share, rtol=1e-15)


def test_iou_has_no_plus_one():
    """Two 8-pixel boxes two pixels apart: 0.6; with widths of x2 - x1 + 1 it would be 0.556."""
    boxes = np.array([[0.0, 0.0, 8.0, 8.0], [2.0, 0.0, 10.0, 8.0]])
    assert box_iou(boxes[:1], boxes[1:]).item() == 0.6


def test_iou_in_blocks_equals_iou_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 50, (37, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 30, (37, 2))], axis=1)
    at_once = box_iou(boxes, boxes[:11]), box_intersection_over_area(boxes, boxes[:11])
    monkeypatch.setattr(boxes_module, "BLOCK_ELEMENTS", 25)
    in_blocks = box_iou(boxes, boxes[:11]), box_intersection_over_area(boxes, boxes[:11])
    np.testing.assert_array_equal(at_once[0], in_blocks[0])
    np.testing.assert_array_equal(at_once[1], in_blocks[1])


def test_iou_needs_little_memory_beside_its_result():
    boxes = np.tile(np.array([[0, 0, 4, 4]], dtype=np.float32), (24_000, 1))
    tracemalloc.start()
    result = box_iou(boxes[:500], boxes)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.dtype == np.float32
    assert peak < result.nbytes + 16 * 2**20


def test_unsigned_integer_boxes_do_not_wrap(xp):
    boxes = xp.asarray(np.array([[2, 0, 6, 4], [9, 0, 3, 4]], dtype=np.uint16))
    assert to_numpy(box_area(boxes)).tolist() == [16, 0]
    assert to_numpy(flip_boxes(boxes, 4)).tolist() == [[-2, 0, 2, 4], [1, 0, -5, 4]]


@given(boxes=box_lists())
def test_clip_keeps_exactly_the_pixels_inside(xp, boxes):
    height, width = 5, 7
    clipped = to_numpy(clip_boxes_to_image(xp.asarray(boxes), (height, width)))
    image = pixels_of((0, 0, width, height))
    for box, cut in zip(boxes, clipped, strict=True):
        assert pixels_of(cut) == pixels_of(box) & image
        assert min(cut) >= 0
        assert cut[0] <= width and cut[2] <= width and cut[1] <= height and cut[3] <= height


def test_clip_takes_boxes_of_every_class():
    boxes = np.array([[[-1.0, -1.0, 9.0, 9.0], [1.0, 1.0, 2.0, 2.0]]], dtype=np.float32)
    clipped = clip_boxes_to_image(boxes, (3, 4))
    assert clipped.tolist() == [[[0, 0, 4, 3], [1, 1, 2, 2]]]
    assert clipped.dtype == np.float32


@given(boxes=box_lists(), min_size=st.integers(0, 4))
def test_remove_small_boxes(xp, boxes, min_size):
    kept = to_numpy(remove_small_boxes(xp.asarray(boxes), min_size)).tolist()
    least = max(min_size, 1)  # corners are whole numbers: a side above 0 is at least 1
    assert kept == [i for i, b in enumerate(boxes) if min(b[2] - b[0], b[3] - b[1]) >= least]


def test_boxes_without_area_are_too_small_for_any_size():
    boxes = np.array([[0.0, 0.0, 0.0, 5.0], [0.0, 0.0, 5.0, 0.0], [0.0, 0.0, 0.1, 0.1]])
    assert remove_small_boxes(boxes, 0).tolist() == [2]


@given(boxes=box_lists())
def test_flip_mirrors_every_pixel_and_undoes_itself(xp, boxes):
    width = 6
    flipped = flip_boxes(xp.asarray(boxes), width)
    for box, mirrored in zip(boxes, to_numpy(flipped), strict=True):
        assert pixels_of(mirrored) == {(width - 1 - x, y) for x, y in pixels_of(box)}
    np.testing.assert_array_equal(to_numpy(flip_boxes(flipped, width)), boxes)


def test_scale(xp):
    boxes = xp.asarray(np.array([[1, 2, 3, 4]], dtype=np.float32))
    scaled = scale_boxes(boxes, 2, 0.5)
    assert to_numpy(scaled).tolist() == [[2, 1, 6, 2]]
    assert scaled.dtype == np.float32


def test_no_boxes_at_all(xp):
    none, some = xp.zeros((0, 4)), xp.asarray(np.array([[0.0, 0.0, 1.0, 1.0]]))
    assert box_area(none).shape == (0,)
    assert box_iou(none, some).shape == (0, 1)
    assert box_iou(some, none).shape == (1, 0)
    assert box_intersection_over_area(none, none).shape == (0, 0)
    assert clip_boxes_to_image(none, (4, 4)).shape == (0, 4)
    assert remove_small_boxes(none, 1).shape == (0,)
    assert flip_boxes(none, 4).shape == (0, 4)
    assert scale_boxes(none, 2, 2).shape == (0, 4)


@pytest.mark.parametrize(
    "operation",
    [
        box_area,
        lambda boxes: box_iou(np.zeros((1, 4)), boxes),
        lambda boxes: box_intersection_over_area(boxes, np.zeros((1, 4))),
        lambda boxes: clip_boxes_to_image(boxes, (4, 4)),
        lambda boxes: remove_small_boxes(boxes, 1),
        lambda boxes: flip_boxes(boxes, 4),
        lambda boxes: scale_boxes(boxes, 1, 1),
    ],
)
def test_wrong_shapes_are_named(operation):
    with pytest.raises(ValueError, match=r"expects shape \(.*4\).* but has shape \(3, 5\)"):
        operation(np.zeros((3, 5)))


def random_boxes(rng, count, dtype=np.float64):
    corner = rng.uniform(-100, 500, (count, 2))
    side = np.exp(rng.uniform(math.log(8), math.log(300), (count, 2)))  # ratios below 62.5
    return np.concatenate([corner, corner + side], axis=1).astype(dtype)


@given(seed=st.integers(0, 1000), count=st.integers(0, 20))
@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0, 1.0), HEAD_WEIGHTS, (1.0, 2.0, 3.0, 4.0)])
def test_decode_undoes_encode(xp, weights, seed, count):
    rng = np.random.default_rng(seed)
    boxes, proposals = random_boxes(rng, count), random_boxes(rng, count)
    deltas = encode_boxes(xp.asarray(boxes), xp.asarray(proposals), weights)
    decoded = decode_boxes(deltas, xp.asarray(proposals), weights)
    np.testing.assert_allclose(to_numpy(decoded), boxes, rtol=0, atol=1e-10)


def test_float32_stays_float32_and_comes_back_within_a_thousandth_of_a_pixel():
    rng = np.random.default_rng(0)
    boxes, proposals = random_boxes(rng, 500, np.float32), random_boxes(rng, 500, np.float32)
    decoded = decode_boxes(encode_boxes(boxes, proposals), proposals)
    assert decoded.dtype == np.float32
    np.testing.assert_allclose(decoded, boxes, rtol=0, atol=1e-3)


def test_encode_follows_the_formula():
    box, proposal = np.array([[2.0, 4.0, 12.0, 8.0]]), np.array([[0.0, 0.0, 4.0, 16.0]])
    # centres (7, 6) and (2, 8); sizes (10, 4) and (4, 16)
    expected = [[10 * 5 / 4, 10 * -2 / 16, 5 * math.log(10 / 4), 5 * math.log(4 / 16)]]
    np.testing.assert_allclose(encode_boxes(box, proposal, HEAD_WEIGHTS), expected, rtol=1e-15)


def test_encode_does_not_change_when_all_is_moved_and_scaled():
    rng = np.random.default_rng(1)
    boxes, proposals = random_boxes(rng, 9), random_boxes(rng, 9)
    moved = encode_boxes(3 * boxes + 7, 3 * proposals + 7)
    np.testing.assert_allclose(moved, encode_boxes(boxes, proposals), atol=1e-12)


def test_decode_of_every_class_at_once(xp):
    rng = np.random.default_rng(2)
    proposals, deltas = random_boxes(rng, 5), rng.normal(size=(5, 3, 4))
    together = decode_boxes(xp.asarray(deltas), xp.asarray(proposals), HEAD_WEIGHTS)
    for label in range(3):
        alone = decode_boxes(deltas[:, label], proposals, HEAD_WEIGHTS)
        np.testing.assert_array_equal(to_numpy(together)[:, label], alone)


def test_huge_offsets_give_large_boxes_but_no_infinite_ones(xp):
    proposals = xp.asarray(np.array([[0.0, 0.0, 16.0, 16.0]], dtype=np.float32))
    deltas = xp.asarray(np.array([[0.0, 0.0, 1e4, 1e4]], dtype=np.float32))
    for weights in ((1.0, 1.0, 1.0, 1.0), HEAD_WEIGHTS):
        decoded = to_numpy(decode_boxes(deltas, proposals, weights))
        np.testing.assert_allclose(decoded, [[-492, -492, 508, 508]], rtol=1e-5)  # 1000 wide


def test_no_boxes_are_coded(xp):
    none = xp.zeros((0, 4))
    assert encode_boxes(none, none).shape == (0, 4)
    assert decode_boxes(none, none).shape == (0, 4)
    assert decode_boxes(xp.zeros((0, 3, 4)), none).shape == (0, 3, 4)


@pytest.mark.parametrize("degenerate", [[5.0, 0.0, 5.0, 9.0], [0.0, 9.0, 5.0, 3.0]])
def test_encode_names_a_degenerate_box(xp, degenerate):
    good = [0.0, 0.0, 2.0, 2.0]
    bad, fine = xp.asarray(np.array([good, degenerate])), xp.asarray(np.array([good, good]))
    if xp is not np:  # a device is not waited for
        with np.errstate(all="ignore"):
            offsets = [to_numpy(encode_boxes(bad, fine)), to_numpy(encode_boxes(fine, bad))]
        for two in offsets:
            assert np.isfinite(two).all(axis=1).tolist() == [True, False]
        return
    with pytest.raises(ValueError, match=r"encode_boxes: reference_boxes\[1\] is \["):
        encode_boxes(bad, fine)
    with pytest.raises(ValueError, match=r"encode_boxes: proposals\[1\] is \["):
        encode_boxes(fine, bad)


def test_a_degenerate_proposal_decodes_to_a_degenerate_box():
    decoded = decode_boxes(np.ones((1, 4)), np.array([[3.0, 0.0, 3.0, 4.0]]))
    assert decoded[0, 0] == decoded[0, 2] == 3.0


def test_wrong_shapes_of_offsets_are_named():
    with pytest.raises(ValueError, match=r"reference_boxes=\(2, 4\), proposals=\(3, 4\)"):
        encode_boxes(np.ones((2, 4)), np.ones((3, 4)))
    for shape in [(2, 4), (3, 5), (3,), (3, 1, 1, 4)]:
        with pytest.raises(ValueError, match="decode_boxes: deltas expects shape"):
            decode_boxes(np.ones(shape), np.ones((3, 4)))


def test_floats_keep_their_type_and_integers_become_float64(xp):
    for given_type, kept in [
        ("float32", "float32"),
        ("float64", "float64"),
        ("uint16", "float64"),
        ("float16", "float32"),
        ("bool", "float64"),
    ]:
        boxes = xp.zeros((2, 4), dtype=given_type)
        assert as_float_boxes(boxes, "test", "boxes").dtype == np.dtype(kept)


@pytest.mark.parametrize("shape", [(3, 5), (4,), (0,), (1, 2, 4)])
def test_as_float_boxes_names_wrong_shapes(shape):
    with pytest.raises(ValueError, match=r"test: boxes expects shape \(N, 4\).* has shape"):
        as_float_boxes(np.zeros(shape), "test", "boxes")


@pytest.mark.parametrize("shape", [(), (3,), (4, 3)])
def test_a_wrong_last_axis_is_named(shape):
    with pytest.raises(ValueError, match=r"_to_image: boxes expects shape \(..., 4\).* has shape"):
        clip_boxes_to_image(np.zeros(shape), (8, 8))


SMALL_DTYPES = ["float16", "int8", "uint8", "int16", "uint16", "int32", "int64", "uint64"]


class TestSmallDtypes:
    """In every dtype that holds the corners, the result is that of float64."""

    CORNERS = np.array([[0, 0, 120, 100], [2, 2, 122, 102], [100, 110, 127, 126], [90, 9, 3, 99]])

    @pytest.mark.parametrize("dtype", SMALL_DTYPES)
    def test_areas_and_overlaps(self, xp, dtype):
        """120 x 100 is more than int8 holds, and unsigned 3 - 90 is a large number."""
        boxes, wide = xp.asarray(self.CORNERS.astype(dtype)), self.CORNERS.astype(np.float64)
        assert to_numpy(box_area(boxes)).tolist() == [12_000, 12_000, 27 * 16, 0]
        for function in (box_iou, box_intersection_over_area):
            found = to_numpy(function(boxes, boxes[::-1]))
            np.testing.assert_allclose(found, function(wide, wide[::-1]), rtol=1e-6)

    @pytest.mark.parametrize("dtype", SMALL_DTYPES)
    def test_everything_else(self, xp, dtype):
        good = self.CORNERS[:3]
        boxes, wide = xp.asarray(good.astype(dtype)), good.astype(np.float64)
        for function in (
            lambda b: clip_boxes_to_image(b, (50, 300.5)),
            lambda b: flip_boxes(b, 100),
            lambda b: scale_boxes(b, 3.5, 0.1),
            lambda b: encode_boxes(b, b[::-1], HEAD_WEIGHTS),
            lambda b: decode_boxes(b[:, [0, 1, 1, 0]], b, HEAD_WEIGHTS),
            lambda b: remove_small_boxes(b, 20),
        ):
            found = to_numpy(function(boxes))
            np.testing.assert_allclose(found, function(wide), rtol=1e-6, atol=1e-4)
            assert found.dtype.itemsize >= 4

    def test_photographs_in_float16(self):
        """400 x 400 pixels are 160,000, and float16 ends at 65,504."""
        boxes = np.array([[0, 0, 300, 300], [0, 0, 400, 400]], np.float16)
        assert box_area(boxes).tolist() == [90_000, 160_000]
        np.testing.assert_allclose(box_iou(boxes, boxes)[0], [1, 0.5625], rtol=1e-6)

    def test_options_that_are_numpys_numbers_do_not_widen(self):
        boxes = np.array([[0, 0, 3, 2]], np.float32)
        weights = np.array(HEAD_WEIGHTS)
        for result in (
            flip_boxes(boxes, np.float64(10)),
            clip_boxes_to_image(boxes, np.array([5.0, 6.0])),
            encode_boxes(boxes, boxes, weights),
            decode_boxes(boxes, boxes, weights),
        ):
            assert result.dtype == np.float32

    def test_what_is_no_real_number_is_refused(self):
        with pytest.raises(TypeError, match="box_area: boxes expects real numbers"):
            box_area(np.zeros((1, 4), complex))
        with pytest.raises(TypeError, match="decode_boxes: deltas expects real numbers"):
            decode_boxes(np.zeros((1, 4), object), np.zeros((1, 4)))
