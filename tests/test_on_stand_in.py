"""Plain array mathematics runs on a device too: each operation, and the vision parts.

The device is a stand-in (see cupy_stand_in): NumPy underneath, CuPy's refusals on top. A line that
says ``np`` where it should say ``xp`` fails here, and so does one that makes the host wait.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import cupy_stand_in as cupy
import numpy as np
import pytest
from cuda_kernels import needs_compiler
from cupy_devices import CUPYS
from operation_cases import CASES, OperationCase

from minicv import Tensor, vision
from minicv.backend import to_numpy

EVERY = [
    pytest.param(case, id=str(case), marks=needs_compiler if case.needs_kernel else ())
    for case in CASES
]
SAME_EVERYWHERE = [parameter for parameter in EVERY if parameter.values[0].same_everywhere]


def forward_and_backward(
    case: OperationCase, move: Callable[[np.ndarray], Any]
) -> tuple[Tensor, list[Tensor]]:
    """The output and the inputs, holding their gradients, with every array passed through move."""
    tensors = [Tensor(move(x), requires_grad=True) for x in case.inputs]
    output = case.apply(*tensors, *[move(constant) for constant in case.constants])
    cotangent = np.random.default_rng(0).uniform(-1, 1, output.shape)
    output.backward(move(cotangent))
    return output, tensors


@pytest.mark.parametrize("device", CUPYS)
@pytest.mark.parametrize("case", SAME_EVERYWHERE)
def test_operation_agrees_with_numpy(case: OperationCase, device: ModuleType):
    expected, expected_inputs = forward_and_backward(case, np.asarray)
    output, inputs = forward_and_backward(case, device.asarray)
    assert isinstance(output.data, device.ndarray)
    np.testing.assert_allclose(to_numpy(output.data), expected.data, **tolerance(device, case))
    for x, y in zip(inputs, expected_inputs, strict=True):
        assert isinstance(x.grad, device.ndarray)
        np.testing.assert_allclose(to_numpy(x.grad), y.grad, **tolerance(device, case))


def tolerance(device: ModuleType, case: OperationCase | None = None) -> dict[str, float]:
    """A GPU has an exp of its own, and it sums in another order, as kernels do everywhere."""
    same = device is cupy and not (case and case.needs_kernel)
    return {"rtol": 1e-12, "atol": 1e-14} if same else {"rtol": 1e-9, "atol": 1e-11}


@pytest.mark.parametrize("case", EVERY)
def test_operation_never_makes_the_host_wait(case: OperationCase):
    with cupy.recorded_synchronisations() as reasons:
        forward_and_backward(case, cupy.asarray)
    assert reasons == []


def test_operation_refuses_arrays_of_two_devices():
    x = Tensor(np.zeros(3))
    with pytest.raises(TypeError, match=r"Add: .*different devices"):
        _ = x + cupy.asarray(np.zeros(3))


@needs_compiler
def test_a_training_step_on_the_device():
    """Softmax regression, from forward to a changed weight, without one wait of the host."""
    from minicv import functional as F

    rng = np.random.default_rng(0)
    x, labels = cupy.asarray(rng.normal(size=(8, 5))), cupy.asarray(rng.integers(0, 3, 8))
    weight = Tensor(cupy.asarray(rng.normal(size=(3, 5))), requires_grad=True)
    with cupy.recorded_synchronisations() as reasons:
        losses = []
        for _ in range(5):
            loss = F.softmax_cross_entropy(F.linear(x, weight), labels)
            loss.backward()
            weight.data = weight.data - 0.5 * weight.grad
            weight.grad = None
            losses.append(loss)
    assert reasons == []
    assert losses[-1].item() < losses[0].item()


BOXES = np.array([[0.0, 0, 8, 6], [2, 1, 9, 7], [20, 4, 26, 12], [3, 3, 3, 9]])  # last: degenerate
TARGETS = np.array([[1.0, 1, 8, 7], [19, 3, 25, 14]])
DELTAS = np.random.default_rng(1).normal(size=(4, 4))
SCORES = np.array([0.9, 0.8, 0.7, 0.6])
MASKS = np.random.default_rng(2).random((3, 5, 6)) > 0.6
KEYPOINTS = np.random.default_rng(3).random((2, 4, 3))
MATCHED = np.array([0, 2, 1, 1])
GRIDS = np.random.default_rng(4).random((4, 2, 5, 5))

VISION = {
    "box_area": (vision.box_area, BOXES),
    "box_iou": (vision.box_iou, BOXES, TARGETS),
    "box_intersection_over_area": (vision.box_intersection_over_area, BOXES, TARGETS),
    "clip_boxes_to_image": (lambda boxes: vision.clip_boxes_to_image(boxes, (7, 22)), BOXES),
    "flip_boxes": (lambda boxes: vision.flip_boxes(boxes, 30), BOXES),
    "scale_boxes": (lambda boxes: vision.scale_boxes(boxes, 2, 0.5), BOXES),
    "remove_small_boxes": (lambda boxes: vision.remove_small_boxes(boxes, 6.5), BOXES),
    "encode_boxes": (vision.encode_boxes, BOXES[:2], TARGETS),
    "decode_boxes": (vision.decode_boxes, DELTAS, BOXES),
    "generate_anchors": (
        lambda like: vision.generate_anchors(3, 4, 8, sizes=(8, 16), aspect_ratios=(1,), like=like),
        BOXES,
    ),
    "Matcher": (vision.Matcher(0.7, 0.3, allow_low_quality_matches=True), TARGETS, BOXES),
    "Matcher, no targets": (vision.Matcher(0.7, 0.3), TARGETS[:0], BOXES),
    "nms": (lambda boxes, scores: vision.nms(boxes, scores, 0.5), BOXES, SCORES),
    "batched_nms": (
        lambda *arrays: vision.batched_nms(*arrays, 0.5),
        *(BOXES, SCORES, np.array([0, 0, 1, 1])),
    ),
    "balanced_sample": (
        lambda labels: vision.balanced_sample(labels, 4, 0.5, np.random.default_rng(0)),
        np.array([1, 0, 0, -1, 0, 1, 1, 0]),
    ),
    "masks_to_boxes": (vision.masks_to_boxes, MASKS),
    "mask_iou": (vision.mask_iou, MASKS, MASKS[:1]),
    "flip_keypoints": (lambda points: vision.flip_keypoints(points, 9, [1, 0, 2, 3]), KEYPOINTS),
    "scale_keypoints": (lambda points: vision.scale_keypoints(points, 2, 0.5), KEYPOINTS),
    "CornerAnchorGrid": (
        lambda like: vision.CornerAnchorGrid((8.0,)).generate(3, 4, image_size=(25, 33), like=like),
        BOXES,
    ),
    "assign_levels": (lambda boxes: vision.assign_levels(boxes, (1, 2, 4, 8)), 40 * BOXES),
    "resize_masks": (lambda masks: vision.resize_masks(masks, 7, 4), MASKS),
    "mask_targets": (lambda *arrays: vision.mask_targets(*arrays, 3), MASKS, MATCHED, BOXES),
    "paste_masks": (
        lambda grids, boxes: vision.paste_masks(grids[:, 0], boxes, 9, 30),
        *(GRIDS, BOXES),
    ),
    "paste_masks_expanded": (
        lambda grids, boxes: vision.paste_masks_expanded(grids[:, 0], boxes, 9, 30),
        *(GRIDS, BOXES),
    ),
    "joint_positions": (
        lambda points, boxes: vision.joint_positions(10 * points, boxes, 5),
        *(KEYPOINTS, BOXES[:2]),
    ),
    "heatmaps_to_keypoints": (vision.heatmaps_to_keypoints, GRIDS, BOXES),
}
# The number of rows of these results depends on the values, so the host waits once for each image,
# or the host does the work; the others must never make it wait.
MAY_WAIT = {"remove_small_boxes", "nms", "batched_nms", "balanced_sample"} | {
    *("mask_targets", "paste_masks", "paste_masks_expanded", "heatmaps_to_keypoints")
}
BY_A_KERNEL = {
    *("nms", "batched_nms", "Matcher", "Matcher, no targets"),
    *("encode_boxes", "decode_boxes", "clip_boxes_to_image"),
}
NAMES = [pytest.param(name, marks=needs_compiler if name in BY_A_KERNEL else ()) for name in VISION]


@pytest.mark.parametrize("device", CUPYS)
@pytest.mark.parametrize("name", NAMES)
def test_vision_agrees_with_numpy(name: str, device: ModuleType):
    function, *arrays = VISION[name]
    with cupy.recorded_synchronisations() as reasons:
        on_device = function(*[device.asarray(array) for array in arrays])
    expected = function(*arrays)
    if not isinstance(expected, tuple):
        on_device, expected = (on_device,), (expected,)
    for ours, theirs in zip(on_device, expected, strict=True):
        assert isinstance(ours, device.ndarray)
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(to_numpy(ours), theirs, **tolerance(device))
    assert name in MAY_WAIT or reasons == []


def test_every_vision_function_is_here():
    functions = {
        name for name in vision.__all__ if callable(getattr(vision, name)) and name.islower()
    }
    # What looks at a file's boxes or labels, or cuts photographs before they are sent to a device.
    on_host = {"check_label_map", "warp_boxes"}
    # What is computed once for a data set.
    on_host |= {"class_frequencies", "median_frequency_weights"}
    on_host |= {"fit_linear_svm", "fit_ridge_regression"}
    assert functions - set(VISION) <= on_host
