"""Every case can be run: its operation exists in each library's file, and gives finite numbers."""

import ast
from pathlib import Path

import numpy as np
import pytest

from benchmarks import libraries, speed
from benchmarks.libraries import with_minicv
from benchmarks.peers import PEERS

CASES = [case for module in speed.BENCHMARKS.values() for case in module.CASES]


def functions_of(library):
    path = Path(libraries.__file__).parent / f"with_{library}.py"
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets}
    return names


@pytest.mark.parametrize("library", ["minicv", *PEERS])
def test_a_library_has_the_operations_of_its_cases(library):
    wanted = {c.operation for c in CASES if library == "minicv" or library in c.peers}
    assert wanted
    assert wanted | {"VERSION", "to_numpy"} <= functions_of(library)


@pytest.mark.parametrize("name", list(speed.BENCHMARKS))
def test_names_are_unique_and_aims_belong_to_rows(name):
    module = speed.BENCHMARKS[name]
    labels = [(case.row, case.name) for case in module.CASES]
    assert len(set(labels)) == len(labels)
    for row, aims in module.WANTED.items():
        peers = {peer for case in module.CASES if case.row == row for peer in case.peers}
        assert set(aims) <= peers


_DCGAN = next(case for case in CASES if case.operation == "dcgan_step")
CONVOLUTION = {"x": [2, 3, 8, 8], "weight": [4, 3, 3, 3], "stride": 1, "padding": 1}
REGIONS = {"x": [1, 4, 8, 10], "regions": 5, "stride": 16}
SMALL = [
    ("conv2d_forward", CONVOLUTION, [(2, 4, 8, 8)]),
    ("conv2d_gradients", CONVOLUTION, [(2, 4, 8, 8), (2, 3, 8, 8), (4, 3, 3, 3), (4,)]),
    (
        "conv_transpose2d_gradients",
        {"x": [1, 3, 4, 4], "weight": [3, 2, 4, 4], "stride": 2, "padding": 1},
        [(1, 2, 8, 8), (1, 3, 4, 4), (3, 2, 4, 4), (2,)],
    ),
    ("max_pool_and_unpool", {"x": [1, 2, 6, 6]}, [(1, 2, 6, 6)] * 2),
    ("resize_bilinear", {"x": [1, 2, 4, 4], "size": [8, 9]}, [(1, 2, 8, 9), (1, 2, 4, 4)]),
    ("roi_align", REGIONS, [(5, 4, 7, 7), (1, 4, 8, 10)]),
    ("roi_pool", REGIONS, [(5, 4, 7, 7), (1, 4, 8, 10)]),
    ("network", {"name": "efficientnet_lite0", "x": [1, 3, 32, 32]}, [(1, 1000)]),
    ("faster_rcnn_step", {"batch": 2, "size": [128, 128], "classes": 3, "settings": {}}, [(4,)]),
    ("tanh_chain", {"length": 3, "shape": [2, 2], "backward": True}, [(2, 2), (2, 2)]),
    ("tanh_chain", {"length": 3, "shape": [2, 2], "backward": False}, [(2, 2)]),
    ("mlp_step", {"batch": 4, "widths": [6, 5, 3]}, [()]),
]
SMALL += [("dcgan_step", {**_DCGAN.parameters, "batch": 2}, [(2,)])]
LEARNING = [case for case in CASES if case.operation == "training_step"]
LOSSES = {"fast_rcnn": 2, "mask_rcnn": 5}  # of the other systems 1


@pytest.mark.parametrize(("operation", "parameters", "shapes"), SMALL)
def test_minicvs_side_computes(operation, parameters, shapes):
    step = getattr(with_minicv, operation)("float32", **parameters)
    step()
    results = [with_minicv.to_numpy(result) for result in step()]
    assert [result.shape for result in results] == shapes
    assert all(np.isfinite(result).all() and np.abs(result).max() > 0 for result in results)


@pytest.mark.parametrize("case", LEARNING, ids=lambda case: case.name)
def test_a_training_step_gives_losses_and_a_gradient(case):
    system, settings = case.parameters["system"], case.parameters["settings"]
    if system == "deconvnet":
        settings = {"width": 1 / 64}
    small = {**case.parameters, "batch": 2, "size": (64, 64), "settings": settings}
    losses, gradient = with_minicv.training_step("float32", **small)()
    assert len(losses) == LOSSES.get(system, 1) and np.isfinite(losses).all()
    assert gradient.ndim == 1 and np.abs(gradient).max() > 0


def test_suppression_keeps_some_and_strikes_some():
    parameters = {"count": 200, "image": [600, 800], "iou_threshold": 0.7}
    (kept,) = with_minicv.nms("float32", **parameters)()
    assert 0 < len(kept) < 200


def test_small_operations_cover_all_that_cases_use():
    assert {case.operation for case in CASES} == {
        *(operation for operation, *_ in SMALL),
        "nms",
        "training_step",
        "start",  # tests/benchmarks/test_starting.py
        "published_segmenter",
        "published_detector",  # of full size alone; tests/benchmarks/test_parity.py compares more
    }
