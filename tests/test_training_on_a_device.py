"""A whole training on a device, by the command: an epoch, a stop, on from there, and evaluation.

Losses and metric are held against those of the host. Every system does so on CuPy, on a GPU or over
a fake CUDA (``make test-cupy``); one also on the stand-in.
"""

import dataclasses
import functools
import json
import math

import numpy as np
import pytest
from command_line import run
from cuda_kernels import needs_compiler
from cupy_devices import CUPYS
from device_of_the_host import install_device

from minicv.backend import gpu_status
from minicv.cli import evaluate, train
from minicv.data import sources
from minicv.tasks import SYSTEMS, training
from minicv.weights import load_checkpoint

pytestmark = needs_compiler
SIDE = 48  # of a scene, in pixels

# Whatever makes a system small; the rest is its own.
REGIONS = {"min_size": SIDE, "max_size": SIDE, "pooled_size": 2, "head_units": 8, "head_samples": 8}
PROPOSALS = {"max_proposals": 20}
SVMS = {"head_units": 8, "head_samples": 8, "svm_retrain_after": 100, **PROPOSALS}
RPN = {
    "rpn_channels": 8, "rpn_samples": 16, "pre_nms_top_n_train": 40, "pre_nms_top_n_test": 40,
    "post_nms_top_n_train": 16, "post_nms_top_n_test": 8,
}  # fmt: skip
INSTANCES = {
    **REGIONS, **RPN, "mask_pooled_size": 4, "mask_channels": (4,), "mask_predictor_channels": 4,
    "keypoint_pooled_size": 4, "keypoint_channels": (4,),
}  # fmt: skip
CODES = {"size": 16, "code": 4}
SMALL = {
    "faster_rcnn": {**REGIONS, **RPN},
    "fast_rcnn": {**REGIONS, **PROPOSALS},
    "spp_net": {**SVMS, "scales": (SIDE,), "max_size": SIDE, "pyramid": (2, 1)},
    "rcnn": {**SVMS, "warp_size": 16, "pooled_size": 2, "context": 1},
    "mask_rcnn": INSTANCES,
    "keypoint_rcnn": INSTANCES,
    "mask_keypoint_rcnn": INSTANCES,
    "classifier": {"size": 32},
    "localizer": {"size": 32, "pooled_size": 2, "units": 8},
    "deep_pose": {
        "size": 32, "pooled_size": 2, "units": 8, "warp_size": 16, "crop_pooled_size": 1,
        "crop_units": 4, "crops": 2, "stages": 2,
    },
    "patch_classifier": {"patch_size": 18, "kernel_size": 3, "channels": (4, 4), "units": 8,
                         "patches_per_image": 8},
    "full_resolution": {"width": 4, "depth": 2},
    "encoder_decoder": {"widths": (4, 8)},
    "fcn32s": {},
    "fcn16s": {},
    "fcn8s": {},
    "segnet": {"widths": (4, 8), "depths": (1, 1)},
    "deconvnet": {"width": 0.0625, "proposal_size": 32},
    "autoencoder": {**CODES, "units": 8},
    "conv_autoencoder": {**CODES, "filters": 4},
    "denoising_autoencoder": {**CODES, "filters": 4},
    "vae": {**CODES, "filters": 4},
    "dcgan": {"size": 16, "latent": 4, "filters": 4},
}  # fmt: skip
ON_THE_STAND_IN = "conv_autoencoder"


def test_every_system_is_here():
    assert SMALL.keys() == SYSTEMS.keys()


@pytest.fixture
def small_scenes(monkeypatch):
    """``--data farmyard:4`` is four small scenes to learn from, and two for each other split."""
    for name in ("Farmyard", "SingleObjectScenes"):
        drawn = functools.partial(getattr(sources, name), size=(SIDE, SIDE))
        monkeypatch.setattr(sources, name, drawn)
    monkeypatch.setattr(sources, "FARMYARD_VALIDATION_SCENES", 2)
    monkeypatch.setattr(sources, "FARMYARD_TEST_SCENES", 2)


def make_small(monkeypatch, name):
    system = SYSTEMS[name]
    backbone, settings = next(iter(system.settings.items()))
    small = {backbone: dataclasses.replace(settings, **SMALL[name])}
    monkeypatch.setitem(SYSTEMS, name, dataclasses.replace(system, settings=small))


def stop(*arguments):
    """In place of writing the history of the first epoch, whose checkpoint is there."""
    raise KeyboardInterrupt


def losses_and_values(capsys, monkeypatch, name, out, *device):
    """What training, resumed after an epoch, and evaluation have to say."""
    command = ["train", name, "--data", "farmyard:4", "--batch-size", 2, "--epochs", 2, *device]
    command += ["--out", out]
    if SYSTEMS[name].on_proposals:
        command += ["--proposals", "sliding_window"]
    with monkeypatch.context() as patch:
        patch.setattr(training, "write_history", stop)
        assert run(capsys, *command)[0] == 130
    status, text, error = run(capsys, *command, "--resume")
    assert status == 0 and "going on from epoch 2 of 2" in text, error
    history = load_checkpoint(out / "last.npz")[1]["training"]["history"]
    judge = [
        "eval",
        "--weights",
        out / "best.npz",
        "--data",
        "farmyard:4",
        "--json",
        out / "values",
    ]
    if SYSTEMS[name].task.metric_by is not None:
        judge += ["--split", "validation"]
    status, _, error = run(capsys, *judge, *device)
    assert status == 0, error
    values = json.loads((out / "values").read_text())["values"]
    assert len(history) == 2
    return [*map(without_time, history), without_time(values)]


def without_time(record):
    return {k: math.nan if v is None else v for k, v in record.items() if k != "seconds"}


CASES = [
    pytest.param(name, *cupy.values, id=f"{name}-{cupy.id}", marks=cupy.marks)
    for cupy in CUPYS
    for name in SMALL
    if name == ON_THE_STAND_IN or cupy.id == "cupy"
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "cupy"), CASES)
def test_as_on_the_host(name, cupy, tmp_path, capsys, monkeypatch, small_scenes):
    if cupy.__name__ == "cupy_stand_in":
        install_device(monkeypatch)
        move = {"cuda": cupy.asarray, "cpu": np.asarray}
        to_device = "minicv.nn.module.to_device"
        monkeypatch.setattr(to_device, lambda array, name: move[name](array))
        for command in (train, evaluate):
            monkeypatch.setattr(command, "chosen_device", lambda options: options.device or "cpu")
    else:
        assert gpu_status()[0]
    make_small(monkeypatch, name)
    expected = losses_and_values(capsys, monkeypatch, name, tmp_path / "here")
    found = losses_and_values(capsys, monkeypatch, name, tmp_path / "there", "--device", "cuda")
    for here, there in zip(expected, found, strict=True):
        assert there == pytest.approx(here, rel=1e-2, abs=1e-2, nan_ok=True)
