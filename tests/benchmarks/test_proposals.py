"""The comparison of proposers: what is measured, kept and drawn, and what is left out."""

import json
import os
import sys

import numpy as np
import pytest
from PIL import Image

from benchmarks import proposals, proposers, record
from benchmarks.proposers import OPENCV
from minicv.proposals import SlidingWindow

WINDOWS = SlidingWindow(sizes=(16.0,), aspect_ratios=(1.0,), step=0.25)


@pytest.fixture
def source(tmp_path, monkeypatch):
    """Eleven photographs of one person each, the last somewhere else; two proposers."""
    folder = tmp_path / "people"
    for name in ("PNGImages", "PedMasks"):
        (folder / name).mkdir(parents=True)
    for number in range(11):
        mask = np.zeros((32, 48), np.uint8)
        mask[8:24, 12:28] = 1
        Image.fromarray(mask).save(folder / "PedMasks" / f"{number:02d}_mask.png")
        picture = np.full((32, 48, 3), 10 * number, np.uint8)
        Image.fromarray(picture).save(folder / "PNGImages" / f"{number:02d}.png")
    monkeypatch.setattr(record, "RESULTS", tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    return f"pennfudan:{folder}"


def kept(tmp_path):
    return json.loads((tmp_path / "results" / "proposals.json").read_text())["sets"]["pennfudan"]


def test_values_pictures_and_what_is_trained_on(source, tmp_path, monkeypatch, capsys):
    learnt_from = []

    def trained(training):
        learnt_from.extend(target["image_id"] for _, target in training)
        return WINDOWS

    monkeypatch.setattr(proposals, "PROPOSERS", {"windows": trained})
    monkeypatch.setattr(proposals, "find_peers", lambda names, given: {})
    assert proposals.main(["--data", source]) == 0
    assert learnt_from == [f"{number:02d}" for number in range(1, 10)]  # 0 and 10 are measured
    found = kept(tmp_path)
    assert (found["images"], found["objects"]) == (2, 2)
    assert list(found["proposers"]) == ["windows"]
    values = found["proposers"]["windows"]
    assert values["recall at 0.5"]["2000"] == values["recall at 0.7"]["2000"] == 1
    assert values["MABO"]["2000"] == 1 and values["cpu_seconds_per_image"] >= 0
    assert values["boxes_per_image_of_2000"] == WINDOWS.count(32, 48)
    pictures = {path.name for path in (tmp_path / "runs" / "proposals").iterdir()}
    assert pictures == {"pennfudan_recall.png", "pennfudan_windows.png"}
    assert "pennfudan: 2 photographs, 2 objects" in capsys.readouterr().out


def test_a_later_run_keeps_what_it_does_not_measure(source, tmp_path, monkeypatch):
    both = {name: lambda training: WINDOWS for name in ("one", "other")}
    monkeypatch.setattr(proposals, "PROPOSERS", both)
    monkeypatch.setattr(proposals, "find_peers", lambda names, given: {})
    for name in both:
        assert proposals.main(["--data", source, "--proposer", name]) == 0
    assert list(kept(tmp_path)["proposers"]) == ["one", "other"]


def test_opencv_is_left_out_where_it_is_not(source, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(proposals, "PROPOSERS", {"windows": lambda training: WINDOWS})
    assert proposals.main(["--data", source, "--opencv-python", "/no/such/python"]) == 0
    assert OPENCV not in kept(tmp_path)["proposers"]
    said = capsys.readouterr().out
    assert "opencv is left out" in said and "MINICV_OPENCV_PYTHON" in said


def test_boxes_of_the_other_process_come_back_in_order(tmp_path, monkeypatch):
    def fake(command, **options):
        folder = tmp_path / "unused" if not command else command[-1]
        for number in range(2):
            picture = np.load(f"{folder}/{number}.npy")
            assert picture.dtype == np.uint8 and picture.shape == (4, 5 + number, 3)
            boxes = np.array([[0, 0, 3, 3], [1, 1, 2, 2]]) + number
            np.savez(f"{folder}/{number}.npz", boxes=boxes, seconds=(2.0 + number, 1.0))

    monkeypatch.setattr(proposers.subprocess, "run", fake)
    images = [np.zeros((3, 4, 5 + number), np.float32) for number in range(2)]
    proposed = proposers.propose_with_opencv(sys.executable, images)
    assert proposed.found[1][0].tolist() == [[1, 1, 4, 4], [2, 2, 3, 3]]
    assert proposed.found[0][1].tolist() == [0, -1]
    assert proposed.seconds == [2, 3] and proposed.cpu_seconds == [1, 1]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores can be chosen on Linux")
def test_one_core_is_used_and_given_back():
    before = os.sched_getaffinity(0)
    with proposers.one_core():
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize("wrong", ["voc:x", "pennfudan:/no/such/folder"])
def test_a_wrong_source_is_named(wrong, capsys):
    with pytest.raises(SystemExit):
        proposals.main(["--data", wrong])
    assert wrong.partition(":")[2] in capsys.readouterr().err
