"""A disk that fills leaves every earlier file as it was, and ends with a sentence.

The disk is the system's own: no file may grow beyond a size (``RLIMIT_FSIZE``). A disk that fills
at each single write of a training is in ``test_kills.py``.
"""

import errno
import json
import subprocess
import sys

import numpy as np
import pytest
from command_line import picture
from label_map_folders import camvid_folder
from PIL import Image

from minicv.cli.main import main
from minicv.cli.pictures import save_picture
from minicv.proposals import CachedProposals, SlidingWindow

pytest.importorskip("resource")
ROOM = 70_000  # bytes: what is tried at the start (64 kB) can be written, larger files cannot
FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
from minicv.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


def on_a_full_disk(*arguments, room=ROOM):
    command = [sys.executable, "-c", FULL, str(room), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A data set, a training of one epoch, and photographs."""
    root = tmp_path_factory.mktemp("place")
    camvid_folder(root / "data")
    assert main(train(root, "--epochs", "1")) == 0
    picture(root / "photos" / "a.png", (300, 240))
    Image.new("RGB", (20, 16)).save(root / "photos" / "b.png")
    return root


def train(root, *more):
    data = ["--data", f"camvid:{root / 'data'}", "--batch-size", "2"]
    return ["train", "encoder_decoder", *data, "--out", str(root / "run"), *more]


def sentences(done, part):
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr and part in done.stderr, done.stderr


def test_a_training_keeps_its_checkpoints(place):
    before = contents(place / "run")
    assert len(before["last.npz"]) > ROOM
    done = on_a_full_disk(*train(place, "--epochs", "3", "--resume"))
    sentences(done, "last.npz: the checkpoint could not be written (File too large); the earlier")
    after = contents(place / "run")
    assert (
        json.loads(after.pop("history.json"))["epochs"]
        == json.loads(before["history.json"])["epochs"]
    )  # the number of epochs that are planned is another one
    assert after.items() <= before.items() and len(after) == 4
    done = on_a_full_disk(*train(place, "--epochs", "1", "--overwrite"))
    sentences(done, "last.npz: the checkpoint could not be written")
    assert contents(place / "run").items() >= after.items()
    before = contents(place / "run")
    done = on_a_full_disk(*train(place, "--overwrite"), room=1000)
    sentences(done, "nothing can be written there (File too large)")
    assert contents(place / "run") == before


def test_pictures_of_predictions_stay(place):
    command = ["predict", str(place / "photos"), "--weights", str(place / "run" / "best.npz")]
    command += ["--out", str(place / "found"), "--json"]
    assert main(command) == 0
    before = contents(place / "found")
    done = on_a_full_disk(*command, room=500)
    sentences(done, "nothing can be written there (File too large)")
    assert contents(place / "found") == before
    assert len(before["a_segmentation.png"]) > 66_000
    done = on_a_full_disk(*command, room=66_000)
    assert f"a.png: [Errno {errno.EFBIG}] File too large" in done.stderr, done.stderr
    sentences(done, "1 of the pictures failed")  # the other one was drawn
    assert "b.png: " in done.stdout
    after = contents(place / "found")
    assert after.keys() == before.keys() and after["a_segmentation.png"][:8] == b"\x89PNG\r\n\x1a\n"
    assert {name for name in before if after[name] != before[name]} == {"segmentations.json"}
    assert len(json.loads(after["segmentations.json"])) == 1


def test_values_and_pictures_of_an_evaluation_stay(place):
    command = ["eval", "--weights", str(place / "run" / "best.npz")]
    command += ["--data", f"camvid:{place / 'data'}"]
    for option, file in (("--json", "values/all.json"), ("--pictures", "drawn")):
        assert main([*command, option, str(place / file)]) == 0
        before = contents(place / file.partition("/")[0])
        done = on_a_full_disk(*command, option, place / file, room=300)
        sentences(done, "nothing can be written there (File too large)")
        assert contents(place / file.partition("/")[0]) == before


def test_the_report_of_the_doctor_stays(place):
    command = ["doctor", f"camvid:{place / 'data'}", "--out", str(place / "report")]
    main(command)
    before = contents(place / "report")
    assert {"report.json", "contact_sheet.png"} == before.keys()
    assert len(before["contact_sheet.png"]) > 66_000
    done = on_a_full_disk(*command, room=66_000)
    sentences(done, "File too large")
    assert contents(place / "report").keys() == before.keys()
    assert contents(place / "report")["contact_sheet.png"] == before["contact_sheet.png"]


def test_a_picture_that_is_written_half_way(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    save_picture(Image.new("RGB", (9, 9), "red"), path)
    before = path.read_bytes()

    def half(self, file, *arguments, **options):
        file.write(b"\x89PNG")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", half)
    with pytest.raises(OSError, match="No space"):
        save_picture(Image.new("RGB", (9, 9), "blue"), path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_a_cache_of_proposals_that_cannot_be_written(tmp_path, monkeypatch):
    image = np.random.default_rng(0).random((3, 40, 40), dtype=np.float32)
    cached = CachedProposals(SlidingWindow(sizes=(16.0,)), tmp_path)
    wanted = cached.propose(image, None)

    def half(file, array, **options):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(np.lib.format, "write_array", half)
        cached.propose(image[:, ::-1], None)
    (file,) = tmp_path.iterdir()
    assert file.suffix == ".npz"
    np.testing.assert_array_equal(cached.propose(image, None)[0], wanted[0])
