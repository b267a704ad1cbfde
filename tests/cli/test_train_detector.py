"""``minicv train`` of the detectors that look where a proposer says."""

import numpy as np
import pytest
from command_line import refused, run
from one_cell_folder import one_cell_folder

from minicv.training import load_detector


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return one_cell_folder(tmp_path_factory.mktemp("voc"))


def train(capsys, system, source, out, *options):
    return run(
        capsys, "train", system, "--data", source, "--out", out, "--epochs", 2, "--batch-size", 1,
        *options,
    )  # fmt: skip


def test_rcnn_is_fine_tuned_and_fitted_evaluated_and_run(tmp_path, capsys, source):
    status, text, error = train(capsys, "rcnn", source, tmp_path)
    assert status == 0, error
    assert "support vector machines and box regressors" in text
    assert not (tmp_path / "features").exists() and any((tmp_path / "proposals").iterdir())
    assert load_detector(tmp_path / "best.npz").post_hoc.is_fitted
    assert not load_detector(tmp_path / "last.npz").post_hoc.is_fitted  # to resume from

    status, text, _ = run(capsys, "eval", "--weights", tmp_path / "best.npz", "--data", source)
    assert status == 0 and "AP50" in text
    picture = f"{source.removeprefix('voc:')}/JPEGImages/im.jpg"
    status, text, _ = run(
        capsys, "detect", "--weights", tmp_path / "best.npz", picture, "--out", tmp_path / "found"
    )
    assert status == 0 and (tmp_path / "found" / "im_detections.png").is_file()


def test_fast_rcnn_with_other_proposals_and_from_the_backbone_of_another_training(
    tmp_path, capsys, source
):
    first, second = tmp_path / "first", tmp_path / "second"
    options = ("--proposals", "edge_boxes", "--min-size", 32)
    status, _, error = train(capsys, "fast_rcnn", source, first, *options)
    assert status == 0, error
    before = load_detector(first / "best.npz")
    assert type(before.proposer).__name__ == "EdgeBoxes" and before.settings.max_size == 64

    weights = ("--backbone-weights", first / "best.npz")
    status, _, error = train(capsys, "spp_net", source, second, *weights)
    assert status == 0, error
    after = load_detector(second / "best.npz").backbone.state_dict()
    assert after  # SPP-net does not train its convolutions: they are what they were
    for name, array in before.backbone.state_dict().items():
        if "running" not in name and "num_batches" not in name:
            np.testing.assert_array_equal(after[name], array)


def test_options_that_have_no_effect_are_refused(tmp_path, capsys, source):
    def sentence(system, *options):
        return refused(
            capsys, "train", system, "--data", source, "--out", tmp_path / "run", *options
        )

    assert "faster_rcnn proposes by itself" in sentence("faster_rcnn", "--proposals", "edge_boxes")
    assert "segnet has no such option" in sentence("segnet", "--proposals", "edge_boxes")
    assert "rcnn has settings of its own" in sentence("rcnn", "--min-size", 64)
    assert "no such file" in sentence("fast_rcnn", "--backbone-weights", "absent.npz")
