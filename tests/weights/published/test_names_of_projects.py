"""Names and rows of detectron2, Detectron and chainercv, for files with their names and shapes."""

import numpy as np
import pytest

from minicv.models.published import PUBLISHED
from minicv.models.undrawn import Undrawn
from minicv.weights import WeightsError
from minicv.weights.published import CHAINERCV, DETECTRON, DETECTRON2, TABLES, table_of
from minicv.weights.published.name_tables import (
    BACKGROUND_LAST,
    BLUE_FIRST,
    CHANGES,
    NO_BACKGROUND,
    NO_BACKGROUND_BOXES,
    ROWS_BEFORE_COLUMNS,
)

DEPTHS = {2: 3, 3: 4, 4: 6, 5: 3}
NORM = ("weight", "bias", "running_mean", "running_var")
CLASSES = 2


def of_blocks():
    """(stage, block, convolution or 0 for the shortcut, in, out, kernel) of a ResNet-50."""
    channels = 64
    for stage, depth in DEPTHS.items():
        width = 64 * 2 ** (stage - 2)
        for block in range(depth):
            if block == 0:
                yield stage, block, 0, channels, 4 * width, 1
            yield stage, block, 1, channels, width, 1
            yield stage, block, 2, width, width, 3
            yield stage, block, 3, width, 4 * width, 1
            channels = 4 * width


def ours():
    """Names and shapes of our Mask R-CNN with joints, on a pyramid on ResNet-50."""
    shapes = {"backbone.body.conv1.weight": (64, 3, 7, 7)}
    shapes.update({f"backbone.body.bn1.{part}": (64,) for part in NORM})
    for stage, block, number, inputs, outputs, kernel in of_blocks():
        start = f"backbone.body.layer{stage - 1}.{block}."
        conv, norm = (
            (f"conv{number}", f"bn{number}") if number else ("downsample.0", "downsample.1")
        )
        shapes[f"{start}{conv}.weight"] = (outputs, inputs, kernel, kernel)
        shapes.update({f"{start}{norm}.{part}": (outputs,) for part in NORM})
    layers = {
        **{f"backbone.fpn.inner_blocks.{i}": (256, 256 * 2**i, 1, 1) for i in range(4)},
        **{f"backbone.fpn.layer_blocks.{i}": (256, 256, 3, 3) for i in range(4)},
        "rpn.conv": (256, 256, 3, 3),
        "rpn.cls_logits": (3, 256, 1, 1),
        "rpn.bbox_pred": (12, 256, 1, 1),
        "box_head.fc6": (8, 12544),
        "box_head.fc7": (8, 8),
        "box_predictor.cls_score": (CLASSES + 1, 8),
        "box_predictor.bbox_pred": (4 * (CLASSES + 1), 8),
        **{f"mask_head.mask_fcn{i}": (256, 256, 3, 3) for i in range(1, 5)},
        "mask_predictor.conv5_mask": (256, 256, 2, 2),
        "mask_predictor.mask_fcn_logits": (CLASSES + 1, 256, 1, 1),
        **{f"keypoint_head.{2 * i}": (512, 256 if i == 0 else 512, 3, 3) for i in range(8)},
        "keypoint_predictor.kps_score_lowres": (512, 17, 4, 4),
    }
    for name, shape in layers.items():
        shapes[f"{name}.weight"] = shape
        transposed = name.startswith(("keypoint_predictor", "mask_predictor.conv5"))
        shapes[f"{name}.bias"] = (shape[1] if transposed else shape[0],)
    return shapes


def detectron2_shapes():
    shapes = {"backbone.bottom_up.stem.conv1.weight": (64, 3, 7, 7)}
    shapes.update({f"backbone.bottom_up.stem.conv1.norm.{part}": (64,) for part in NORM})
    for stage, block, number, inputs, outputs, kernel in of_blocks():
        start = f"backbone.bottom_up.res{stage}.{block}."
        start += f"conv{number}" if number else "shortcut"
        shapes[f"{start}.weight"] = (outputs, inputs, kernel, kernel)
        shapes.update({f"{start}.norm.{part}": (outputs,) for part in NORM})
    layers = {
        **{f"backbone.fpn_lateral{i}": (256, 64 * 2**i, 1, 1) for i in range(2, 6)},
        **{f"backbone.fpn_output{i}": (256, 256, 3, 3) for i in range(2, 6)},
        "proposal_generator.rpn_head.conv": (256, 256, 3, 3),
        "proposal_generator.rpn_head.objectness_logits": (3, 256, 1, 1),
        "proposal_generator.rpn_head.anchor_deltas": (12, 256, 1, 1),
        "roi_heads.box_head.fc1": (8, 12544),
        "roi_heads.box_head.fc2": (8, 8),
        "roi_heads.box_predictor.cls_score": (CLASSES + 1, 8),
        "roi_heads.box_predictor.bbox_pred": (4 * CLASSES, 8),
        **{f"roi_heads.mask_head.mask_fcn{i}": (256, 256, 3, 3) for i in range(1, 5)},
        "roi_heads.mask_head.deconv": (256, 256, 2, 2),
        "roi_heads.mask_head.predictor": (CLASSES, 256, 1, 1),
        **{
            f"roi_heads.keypoint_head.conv_fcn{i}": (512, 256 if i == 1 else 512, 3, 3)
            for i in range(1, 9)
        },
        "roi_heads.keypoint_head.score_lowres": (512, 17, 4, 4),
    }
    for name, shape in layers.items():
        transposed = name.endswith(("deconv", "score_lowres"))
        shapes[f"{name}.weight"] = shape
        shapes[f"{name}.bias"] = (shape[1] if transposed else shape[0],)
    beside = {
        "pixel_mean": (3, 1, 1),
        "pixel_std": (3, 1, 1),
        "proposal_generator.anchor_generator.cell_anchors.0": (3, 4),
    }
    return {**shapes, **beside}


def detectron_shapes():
    """Without statistics of batch normalisation, as the published ones have them."""
    shapes = {"conv1_w": (64, 3, 7, 7), "res_conv1_bn_s": (64,), "res_conv1_bn_b": (64,)}
    for stage, block, number, inputs, outputs, kernel in of_blocks():
        start = f"res{stage}_{block}_branch" + (f"2{' abc'[number]}" if number else "1")
        shapes[f"{start}_w"] = (outputs, inputs, kernel, kernel)
        shapes.update({f"{start}_bn_s": (outputs,), f"{start}_bn_b": (outputs,)})
    last = {stage: depth - 1 for stage, depth in DEPTHS.items()}
    lateral = {5: "", 4: "_lateral", 3: "_lateral", 2: "_lateral"}
    layers = {
        **{f"fpn_inner_res{i}_{last[i]}_sum{lateral[i]}": (256, 64 * 2**i, 1, 1) for i in last},
        **{f"fpn_res{i}_{last[i]}_sum": (256, 256, 3, 3) for i in last},
        "conv_rpn_fpn2": (256, 256, 3, 3),
        "rpn_cls_logits_fpn2": (3, 256, 1, 1),
        "rpn_bbox_pred_fpn2": (12, 256, 1, 1),
        "fc6": (8, 12544),
        "fc7": (8, 8),
        "cls_score": (CLASSES + 1, 8),
        "bbox_pred": (4 * (CLASSES + 1), 8),
        **{f"_[mask]_fcn{i}": (256, 256, 3, 3) for i in range(1, 5)},
        "conv5_mask": (256, 256, 2, 2),
        "mask_fcn_logits": (CLASSES + 1, 256, 1, 1),
        **{f"conv_fcn{i}": (512, 256 if i == 1 else 512, 3, 3) for i in range(1, 9)},
        "kps_score_lowres": (512, 17, 4, 4),
    }
    for name, shape in layers.items():
        transposed = name in ("conv5_mask", "kps_score_lowres")
        shapes[f"{name}_w"] = shape
        shapes[f"{name}_b"] = (shape[1] if transposed else shape[0],)
    return {**shapes, "fc1000_w": (1000, 2048), "lr": ()}


def chainercv_shapes():
    norms = ("gamma", "beta", "avg_mean", "avg_var")
    base = "extractor/base/"
    shapes = {f"{base}conv1/conv/W": (64, 3, 7, 7), f"{base}conv1/conv/b": (64,)}
    shapes.update({f"{base}conv1/bn/{part}": (64,) for part in norms})
    for stage, block, number, inputs, outputs, kernel in of_blocks():
        start = f"{base}res{stage}/{f'b{block}' if block else 'a'}/"
        start += f"conv{number}" if number else "residual_conv"
        shapes[f"{start}/conv/W"] = (outputs, inputs, kernel, kernel)
        shapes.update({f"{start}/bn/{part}": (outputs,) for part in norms})
        shapes[f"{start}/bn/N"] = ()
    layers = {
        **{f"extractor/inner/{i}": (256, 256 * 2**i, 1, 1) for i in range(4)},
        **{f"extractor/outer/{i}": (256, 256, 3, 3) for i in range(4)},
        "rpn/conv": (256, 256, 3, 3),
        "rpn/conf": (3, 256, 1, 1),
        "rpn/loc": (12, 256, 1, 1),
        "bbox_head/fc1": (8, 12544),
        "bbox_head/fc2": (8, 8),
        "bbox_head/conf": (CLASSES + 1, 8),
        "bbox_head/loc": (4 * (CLASSES + 1), 8),
        **{f"mask_head/conv{i}/conv": (256, 256, 3, 3) for i in range(1, 5)},
        "mask_head/conv5": (256, 256, 2, 2),
        "mask_head/seg": (CLASSES + 1, 256, 1, 1),
        **{f"keypoint_head/conv{i}/conv": (512, 256 if i == 1 else 512, 3, 3) for i in range(1, 9)},
        "keypoint_head/point": (512, 17, 4, 4),
    }
    for name, shape in layers.items():
        transposed = name in ("mask_head/conv5", "keypoint_head/point")
        shapes[f"{name}/W"] = shape
        shapes[f"{name}/b"] = (shape[1] if transposed else shape[0],)
    return shapes


PROJECTS = {
    "detectron2": (DETECTRON2, detectron2_shapes()),
    "detectron": (DETECTRON, detectron_shapes()),
    "chainercv": (CHAINERCV, chainercv_shapes()),
}


@pytest.mark.parametrize("project", PROJECTS)
def test_every_entry_of_ours_comes_out_with_its_shape(project):
    table, shapes = PROJECTS[project]
    assert table_of(shapes, TABLES) is table
    blank = {name: np.broadcast_to(np.float32(0), shape) for name, shape in shapes.items()}
    found = table.translated(blank)
    assert {name: array.shape for name, array in found.items()} == ours()


def test_ours_are_those_of_the_models():
    names = set()
    for model in ("maskrcnn_resnet50_fpn", "keypointrcnn_resnet50_fpn"):
        published = PUBLISHED[model]
        held = published.build(published.classes, Undrawn())
        names |= {name for name, _ in (*held.named_parameters(), *held.named_buffers())}
    assert {name for name in names if not name.endswith("num_batches_tracked")} == set(ours())


def test_rows_of_detectron2():
    """Two classes and the background: theirs are a, b, background; ours background, a, b."""
    start = "roi_heads.box_predictor."
    names = ("background", "a", "b")
    scores = np.array([[1.0], [2.0], [0.0]])  # a, b, background
    boxes = np.arange(8.0)[:, None]  # a's dx dy dw dh, b's
    found = DETECTRON2.translated(
        {
            f"{start}cls_score.weight": scores,
            f"{start}cls_score.bias": scores[:, 0],
            f"{start}bbox_pred.weight": boxes,
            f"{start}bbox_pred.bias": boxes[:, 0],
            "roi_heads.mask_head.predictor.bias": np.array([5.0, 6.0]),
        }
    )
    for part in ("weight", "bias"):
        assert dict(zip(names, found[f"box_predictor.cls_score.{part}"].ravel(), strict=True)) == {
            "background": 0, "a": 1, "b": 2,
        }  # fmt: skip
        assert found[f"box_predictor.bbox_pred.{part}"].reshape(3, 4).tolist() == [
            [0, 0, 0, 0], [0, 1, 2, 3], [4, 5, 6, 7],
        ]  # fmt: skip
    assert found["mask_predictor.mask_fcn_logits.bias"].tolist() == [0, 5, 6]


@pytest.mark.parametrize("table", [DETECTRON2, DETECTRON])
def test_blue_first(table):
    """A kernel that sees blue alone is the first of theirs and the last of ours."""
    theirs = np.zeros((64, 3, 7, 7), "f4")
    theirs[:, 0] = 1
    name = "conv1_w" if table is DETECTRON else "backbone.bottom_up.stem.conv1.weight"
    kernel = table.translated({name: theirs})["backbone.body.conv1.weight"]
    assert kernel[:, 2].all() and not kernel[:, :2].any()
    # Red, green, blue of 0..255: the published means are those of blue, green, red.
    rgb = [round(255 * value, 4) for value in table.mean]
    assert rgb == (
        [122.7717, 115.9465, 102.9801] if table is DETECTRON else [123.675, 116.28, 103.53]
    )
    assert [255 * value for value in table.std] == [1, 1, 1]


def test_offsets_of_chainercv():
    theirs = np.array([["dy", "dx", "dh", "dw"]] * 3).ravel()
    for layer, ours_name in (
        ("rpn/loc", "rpn.bbox_pred"),
        ("bbox_head/loc", "box_predictor.bbox_pred"),
    ):
        found = CHAINERCV.translated({f"{layer}/b": theirs, f"{layer}/W": theirs[:, None]})
        assert found[f"{ours_name}.bias"].tolist() == ["dx", "dy", "dw", "dh"] * 3
        assert found[f"{ours_name}.weight"].ravel().tolist() == ["dx", "dy", "dw", "dh"] * 3
    assert CHAINERCV.changes_of("backbone.body.conv1.weight") == []  # it sees red first, as ours


def test_a_bias_before_batch_normalisation_goes_into_the_mean():
    """gamma (x + b - mean) / sd + beta = gamma (x - (mean - b)) / sd + beta"""
    base = "extractor/base/conv1/"
    one = np.ones(2, "f4")
    found = CHAINERCV.translated(
        {f"{base}conv/b": 3 * one, f"{base}bn/gamma": one, f"{base}bn/avg_mean": 10 * one}
    )
    assert found["backbone.body.bn1.running_mean"].tolist() == [7, 7]
    assert "backbone.body.conv1.bias" not in found


def test_statistics_that_change_nothing():
    """Of Caffe2's there are scale and shift alone: y = s x + b with our eps."""
    found = DETECTRON.translated({"res2_0_branch2a_bn_s": np.float32([2])})
    start = "backbone.body.layer1.0.bn1."
    mean, variance = found[f"{start}running_mean"], found[f"{start}running_var"]
    assert mean.tolist() == [0] and variance + np.float32(DETECTRON.eps) == pytest.approx(
        1, abs=1e-7
    )


def test_changes_undo_each_other_or_have_the_documented_rows():
    rows = np.arange(12.0).reshape(12, 1)
    assert CHANGES[BACKGROUND_LAST](rows)[0] == 11
    swapped = CHANGES[ROWS_BEFORE_COLUMNS]
    assert swapped(swapped(rows)).tolist() == rows.tolist()
    assert CHANGES[NO_BACKGROUND](rows).shape == (13, 1)
    assert CHANGES[NO_BACKGROUND_BOXES](rows)[:4].tolist() == [[0]] * 4
    kernels = np.arange(6.0).reshape(1, 3, 2, 1)
    assert CHANGES[BLUE_FIRST](CHANGES[BLUE_FIRST](kernels)).tolist() == kernels.tolist()


@pytest.mark.parametrize(
    ("name", "array", "sentence"),
    [
        ("roi_heads.box_predictor.cls_score.bias", np.zeros(()), "which has no rows to rearrange"),
        ("backbone.bottom_up.stem.conv1.weight", np.zeros(3), "which has no rows to rearrange"),
    ],
)
def test_entries_that_cannot_be_rearranged(name, array, sentence):
    with pytest.raises(WeightsError, match=f"a.pkl: '{name}' has shape .*{sentence}"):
        DETECTRON2.translated({name: array}, "a.pkl")


def test_two_names_of_one_entry_and_a_bias_of_another_length():
    both = {"head/fc1/W": np.zeros(2), "bbox_head/fc1/W": np.zeros(2)}
    with pytest.raises(WeightsError, match="'bbox_head/fc1/W' is the second entry for"):
        CHAINERCV.translated(both)
    wrong = {"conv1/conv/b": np.zeros(3), "conv1/bn/gamma": np.zeros(2)}
    with pytest.raises(WeightsError, match=r"has shape \(3,\), expected \(2,\)"):
        CHAINERCV.translated(wrong)


@pytest.mark.parametrize(
    "torchvision", [["conv1.weight", "bn1.weight", "fc.weight"], [], ["a"] * 9]
)
def test_other_names_are_of_no_project(torchvision):
    assert table_of(torchvision, TABLES) is None


def test_backbones_alone_are_known():
    assert (
        DETECTRON2.our_name("backbone.res2.0.conv1.norm.bias") == "backbone.body.layer1.0.bn1.bias"
    )
    assert DETECTRON2.our_name("stem.conv1.weight") == "backbone.body.conv1.weight"
    assert CHAINERCV.our_name("res3/b2/conv1/conv/W") == "backbone.body.layer2.2.conv1.weight"
    assert DETECTRON.our_name("res2_0_branch2a_bn_running_var") == (
        "backbone.body.layer1.0.bn1.running_var"
    )
    assert DETECTRON2.our_name("roi_heads.box_head.conv1.weight") is None
