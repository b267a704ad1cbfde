"""``minicv train``: names, options and data on the command line, and what is refused."""

import json
import shlex

import numpy as np
import pytest
from command_line import refused, run
from label_map_folders import camvid_folder
from one_cell_folder import one_cell_folder

from minicv.cli.main import main
from minicv.cli.train import options_of_systems
from minicv.tasks import SYSTEMS, load, training
from minicv.weights import load_checkpoint

TINY = ("--epochs", 1, "--batch-size", 2)


def test_help_lists_every_system_and_who_has_an_option(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name, system in SYSTEMS.items():
        assert f"{name}" in text.partition("options:")[0], name
        for option in system.options:
            assert f"--{option.replace('_', '-')}" in text, option
    boxes = "faster_rcnn, fast_rcnn, mask_rcnn, keypoint_rcnn, mask_keypoint_rcnn"
    assert "(encoder_decoder)" in text and f"({boxes}, all of segmentation)" in text
    assert "for pose from boxes farmyard, coco;" in text
    assert "for instances farmyard, pennfudan, labelme, cvat, coco;" in text
    assert text.count("a folder with COCO's JSON files") == 1
    assert "AP in detection, mask AP in instances, OKS AP in pose from boxes" in text


def test_an_option_means_the_same_for_every_system_that_has_it():
    shown = options_of_systems()  # --help shows an option once
    for system in SYSTEMS.values():
        assert {name: shown[name] for name in system.options} == dict(system.options), system.name


def test_a_segmenter_is_trained_and_resumed(tmp_path, capsys):
    source, out = camvid_folder(tmp_path / "CamVid"), tmp_path / "run"
    command = ("train", "fcn8s", "--data", source, "--out", out, *TINY, "--balance", 0)
    status, text, error = run(capsys, *command)
    assert status == 0, error
    assert "fcn8s on small" in text and "4 training and 2 validation images" in text
    assert f"next: minicv eval --weights {out / 'best.npz'}" in text
    status, _, error = run(capsys, *command, "--resume", "--epochs", 2)
    assert status == 0, error
    history = json.loads((out / "history.json").read_text())
    assert [record["epoch"] for record in history["epochs"]] == [1, 2]
    assert {"mIoU", "val_loss", "loss_pixels"} <= set(history["epochs"][0])
    settings = load(out / "best.npz")[0].settings
    assert (settings.min_size, settings.max_size) == (24, 64) and settings.class_weights is None


def test_a_frozen_backbone_comes_out_as_it_went_in(tmp_path, capsys):
    source, first, second = camvid_folder(tmp_path / "CamVid"), tmp_path / "a", tmp_path / "b"
    command = ("train", "fcn8s", "--data", source, *TINY)
    assert run(capsys, *command, "--out", first)[0] == 0
    command += ("--backbone-weights", first / "best.npz", "--freeze", "--out", second)
    status, text, error = run(capsys, *command)
    assert status == 0, error
    assert "parameters stay as they are" in text
    before, after = load(first / "best.npz")[0], load(second / "best.npz")[0]
    now = after.backbone.state_dict()
    for name, array in before.backbone.state_dict().items():
        np.testing.assert_array_equal(now[name], array, err_msg=name)
    learnt = {name for name, array in before.state_dict().items()
              if not np.array_equal(array, after.state_dict()[name])}  # fmt: skip
    assert learnt and not any(name.startswith("backbone") for name in learnt)


def test_help_says_the_rate_of_the_backbone_where_there_is_one(capsys):
    texts = {}
    for system in ("fcn8s", "segnet"):
        with pytest.raises(SystemExit):
            main(["train", system, "--help"])
        texts[system] = " ".join(capsys.readouterr().out.split())
    assert "--backbone-lr-ratio RATIO" in texts["fcn8s"] and "--freeze" in texts["fcn8s"]
    assert "a multiple of --lr, such as 0.1; default: 1" in texts["fcn8s"]
    assert "backbone-lr" not in texts["segnet"] and "--freeze" not in texts["segnet"]


def test_the_same_seed_gives_the_same_weights_and_resuming_is_exact(tmp_path, capsys, monkeypatch):
    source = camvid_folder(tmp_path / "CamVid")
    base = ("train", "segnet", "--data", source, "--batch-size", 2, "--seed", 4, "--epochs", 3)
    assert run(capsys, *base, "--out", tmp_path / "whole")[0] == 0

    class Interrupted(Exception):
        pass

    real = training.validator

    def once(*arguments):
        calls = []

        def validate(model):
            calls.append(1)
            if len(calls) == 2:  # after the second epoch, which is thus not saved
                raise Interrupted
            return real(*arguments)(model)

        return validate

    with monkeypatch.context() as patch:
        patch.setattr(training, "validator", once)
        with pytest.raises(Interrupted):
            run(capsys, *base, "--out", tmp_path / "parts")
    assert load_checkpoint(tmp_path / "parts" / "last.npz")[1]["training"]["epoch"] == 1
    status, _, error = run(capsys, *base, "--out", tmp_path / "parts", "--resume", "--workers", 2)
    assert status == 0, error
    whole, parts = (load_checkpoint(tmp_path / name / "last.npz")[0] for name in ("whole", "parts"))
    for name, array in whole.items():
        np.testing.assert_array_equal(array, parts[name], err_msg=name)


def test_fast_rcnn_with_other_proposals_and_spp_net_on_its_backbone(tmp_path, capsys):
    source = one_cell_folder(tmp_path / "voc")
    first, second = tmp_path / "first", tmp_path / "second"

    def train(system, out, *options):
        command = ("train", system, "--data", source, "--out", out, "--epochs", 2)
        status, text, error = run(capsys, *command, "--batch-size", 1, *options)
        assert status == 0, error
        return text

    train("fast_rcnn", first, "--proposals", "edge_boxes", "--min-size", 32)
    before, _ = load(first / "best.npz")
    assert type(before.proposer).__name__ == "EdgeBoxes" and before.settings.max_size == 64
    text = train("spp_net", second, "--backbone-weights", first / "best.npz")
    assert "SVMs and box regressors" in text
    after = load(second / "best.npz")[0].backbone.state_dict()
    assert after  # SPP-net does not train its convolutions: they are what they were
    for name, array in before.backbone.state_dict().items():
        if "running" not in name and "num_batches" not in name:
            np.testing.assert_array_equal(after[name], array)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("segnet --data camvid:absent", "there is no file or folder absent"),
        ("segnet --data coco:DIR", "expected farmyard"),
        ("segnet --data voc:EMPTY", "segmentation is needed"),
        ("segnet --data camvid:EMPTY", "EMPTY"),
        ("faster_rcnn --data camvid:EMPTY", "boxes and labels are needed"),
        ("segnet --backbone vgg16", "segnet is one piece and takes none"),
        ("segnet --backbone-weights a.npz", "--backbone-weights: segnet stands on no backbone"),
        ("fcn8s --backbone-weights absent.npz", "absent.npz: no such file"),
        ("segnet --upsampling nearest", "segnet has no such option; encoder_decoder has it"),
        ("segnet --scales 2", "--scales: segnet has no such option; patch_classifier has it"),
        ("segnet --proposals edge_boxes", "--proposals: segnet has no such option"),
        ("patch_classifier --scales 0", "scales=0"),
        ("segnet --max-size 9", "max_size=9"),
        ("segnet --crop 0 9", "expected (height, width) of at least 1"),
        ("segnet --min-size 0", "min_size=0"),
        ("segnet --balance -1", "balance=-1.0; expected a number from 0 on"),
        ("segnet --lr 0", "a positive rate"),
        ("segnet --freeze", "--freeze: segnet stands on no backbone, and learns as a whole"),
        ("fcn8s --freeze", "--freeze: no weights are known for small, so it would keep"),
        ("fcn8s --backbone-lr-ratio 0", "--backbone-lr-ratio: backbone_lr_ratio=0.0; expected"),
        ("faster_rcnn --data farmyard:2 --crop 9 9", "--crop: faster_rcnn has no such option"),
        ("rcnn --data farmyard:2 --min-size 64", "--min-size: rcnn has no such option"),
    ],
)
def test_what_cannot_be_trained(tmp_path, capsys, arguments, message):
    source = camvid_folder(tmp_path / "CamVid", train=2, val=1, test=1)
    (tmp_path / "EMPTY").mkdir()
    words = arguments.replace("DIR", str(tmp_path)).replace("EMPTY", str(tmp_path / "EMPTY"))
    data = [] if "--data" in words else ["--data", source]
    sentence = refused(capsys, "train", *words.split(), *data, "--out", tmp_path / "run")
    assert message in sentence
    assert not (tmp_path / "run").exists()


def test_a_truncated_photograph_and_a_wrong_label_are_named(tmp_path, capsys):
    source = camvid_folder(tmp_path / "CamVid")
    path = tmp_path / "CamVid" / "train" / "train1.png"
    path.write_bytes(path.read_bytes()[:60])
    command = ("train", "segnet", "--out", tmp_path / "run", *TINY, "--data")
    assert "train1.png" in refused(capsys, *command, source)
    source = camvid_folder(tmp_path / "other")
    labels = tmp_path / "other" / "trainannot" / "train2.png"
    labels.write_bytes((tmp_path / "other" / "train" / "train2.png").read_bytes())
    assert "train2.png" in refused(capsys, *command, source)


def unread(*arguments, **named):
    raise AssertionError("the data are opened")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--epochs 0", "minicv train: --epochs: epochs=0"),
        ("--lr nan", "--lr: "),
        ("--lr -1", "--lr: "),
        ("--batch-size 0", "--batch-size: "),
        ("--seed -1", "--seed -1: expected a whole number from 0 on"),
        ("--workers -2", "--workers -2: expected a whole number from 0 on"),
        ("--min-size 0", "--min-size: "),
        ("--min-size 4", "--min-size 4: smaller than one cell of faster_rcnn on small"),
        ("--min-size 90 --max-size 60", "--max-size 60: less than the shorter side"),
        ("--jitter 3", "--jitter: jitter=3.0; expected a share from 0 to 1"),
        ("--device gpu", "expected 'cpu', 'cuda', 'cuda:N' or 'auto' but got 'gpu'"),
        ("--backbone-weights absent.pth", "--backbone-weights absent.pth: no such file"),
        ("--out FILE", "a file stands there; name a folder"),
        ("--out FILE/run", "nothing can be written there (Not a directory)"),
        ("--out /proc/minicv", "nothing can be written there"),
        ("--out OLD", "a training stands there already"),
        ("--out OLD --resume", "no last.npz to go on from"),
    ],
)
def test_what_cannot_work_is_refused_before_the_data_are_opened(
    tmp_path, capsys, monkeypatch, options, message
):
    monkeypatch.setattr("minicv.cli.data_option.open_data", unread)
    (tmp_path / "FILE").write_text("notes")
    (tmp_path / "OLD").mkdir()
    (tmp_path / "OLD" / "best.npz").write_bytes(b"weights")
    words = options.replace("FILE", f"{tmp_path}/FILE").replace("OLD", f"{tmp_path}/OLD").split()
    out = [] if "--out" in words else ["--out", tmp_path / "run"]
    sentence = refused(capsys, "train", "faster_rcnn", "--data", "farmyard:9", *out, *words)
    assert message in sentence
    assert not (tmp_path / "run").exists()


def test_a_disk_without_room_for_the_weights(tmp_path, capsys, monkeypatch):
    source = camvid_folder(tmp_path / "CamVid")
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    sentence = refused(capsys, "train", "segnet", "--data", source, "--out", tmp_path / "run")
    assert "0 MB are free there, and the checkpoints need about" in sentence
    assert not (tmp_path / "run").exists()


def test_a_folder_with_a_training_is_resumed_or_overwritten(tmp_path, capsys):
    source, out = camvid_folder(tmp_path / "CamVid"), tmp_path / "run"
    command = ("train", "segnet", "--data", source, "--out", out, *TINY)
    status, text, _ = run(capsys, *command, "--resume")
    assert status == 0 and f"there is nothing to resume in {out}" in text
    assert {path.name for path in out.iterdir()} == {
        "last.npz", "best.npz", "history.json", "history.csv", "history.png"
    }  # fmt: skip
    assert "segnet, 1 of 1 epochs done" in refused(capsys, *command)
    assert "began with --lr 0.002, not 0.1" in refused(capsys, *command, "--resume", "--lr", 0.1)
    status, text, _ = run(capsys, *command, "--resume")
    assert status == 0 and "nothing left to do: 1 of 1 epochs are done" in text
    status, text, _ = run(capsys, *command, "--overwrite", "--lr", 0.1)
    assert status == 0 and "nothing left" not in text
    history = json.loads((out / "history.json").read_text())
    assert (history["recipe"]["lr"], history["data"], history["system"]) == (0.1, source, "segnet")
    other = camvid_folder(tmp_path / "other", train=3)
    sentence = refused(capsys, "train", "segnet", "--data", other, "--out", out, "--resume")
    assert "these are other data: training images: 4 then, 3 now" in sentence


def test_the_next_command_can_be_copied(tmp_path, capsys):
    source, out = camvid_folder(tmp_path / "Cam Vid"), tmp_path / "my run"
    status, text, _ = run(capsys, "train", "segnet", "--data", source, "--out", out, *TINY)
    assert status == 0
    _, _, command = text.strip().splitlines()[-1].partition("next: ")
    words = shlex.split(command)
    assert words[:2] == ["minicv", "eval"]
    assert run(capsys, *words[1:])[0] == 0
