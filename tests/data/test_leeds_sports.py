"""Leeds Sports: both layouts, splits, the half pixel, and joints that are odd."""

import numpy as np
import pytest
import scipy.io
from PIL import Image

from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, DatasetWarning, ImageError
from minicv.data.leeds_sports import LeedsSports, open_leeds_sports
from minicv.vision.keypoints import LEEDS_SPORTS_JOINTS

WIDTH, HEIGHT = 40, 30


def columns(count):
    """(14, 3, count): joint j of photograph n is at (j + 1, n % 20 + 2), in MATLAB's numbers."""
    joints = np.ones((14, 3, count))
    joints[:, 0] = np.arange(1, 15)[:, None]
    joints[:, 1] = np.arange(count) % 20 + 2
    return joints


def save(root, joints, count=None):
    (root / "images").mkdir(exist_ok=True)
    count = joints.shape[-1] if count is None else count
    for number in range(1, count + 1):
        path = root / "images" / f"im{number:05d}.jpg"
        if not path.exists():
            Image.new("RGB", (WIDTH, HEIGHT), (0, 0, number % 256)).save(path)
    scipy.io.savemat(root / "joints.mat", {"joints": joints})
    return root


def ids(dataset):
    return [int(dataset[index][1]["image_id"][2:]) for index in range(len(dataset))]


def test_the_extended_layout(tmp_path):
    joints = columns(9)
    joints[3, :, 4] = (-20, 500, 0)  # not in the picture, not annotated
    dataset = LeedsSports(save(tmp_path, joints), context=None)
    assert len(dataset) == 9 and dataset.classes == ("person",)
    assert dataset.joint_names == LEEDS_SPORTS_JOINTS and dataset.joint_names[0] == "right ankle"
    image, target = dataset[4]
    assert image.shape == (3, HEIGHT, WIDTH) and image.dtype == np.float32
    assert target["image_id"] == "im00005" and sorted(target) == ["image_id", "joints"]
    assert target["joints"].shape == (14, 3) and target["joints"].dtype == np.float32
    # The middle of the first pixel, MATLAB's 1, is 0.5 here.
    assert target["joints"][0].tolist() == [0.5, 5.5, 1]
    assert target["joints"][3].tolist() == [0, 0, 0]
    assert target["joints"][13].tolist() == [13.5, 5.5, 1]
    assert target["joints"][:, 2].sum() == 13
    assert dataset.labels_of(4).tolist() == [0]


def test_the_original_layout(tmp_path):
    joints = columns(9).transpose(1, 0, 2).copy()  # (3, 14, N)
    joints[2] = 0
    joints[2, 5, 4] = 1  # hidden, and annotated
    _, target = LeedsSports(save(tmp_path, joints), context=None)[4]
    assert target["joints"][:, 2].tolist() == [1] * 14
    assert target["joints"][5].tolist() == [5.5, 5.5, 1]


def test_the_person_is_cut_out(tmp_path):
    joints = columns(9)
    joints[1:, 2, 0] = 0
    joints[:3, :, 0] = [[11, 6, 1], [15, 26, 1], [-90, 4, 0]]  # x 10.5..14.5, y 5.5..25.5
    root = save(tmp_path, joints)
    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(root / "images" / "im00001.png")
    (root / "images" / "im00001.jpg").unlink()
    image, target = LeedsSports(root)[0]  # 0.15 of 20 pixels are 3
    np.testing.assert_allclose(image, pixels[2:29, 7:18].transpose(2, 0, 1) / 255, rtol=1e-6)
    assert target["joints"][:3].tolist() == [[3.5, 3.5, 1], [7.5, 23.5, 1], [0, 0, 0]]
    image, _ = LeedsSports(root, context=1.0)[0]
    assert image.shape == (3, HEIGHT, 35)  # to the borders, and to 34.5
    assert image.flags.c_contiguous
    with pytest.raises(ValueError, match=r"context is -0\.1, expected a share"):
        LeedsSports(root, context=-0.1)


def test_one_joint_at_the_corner(tmp_path):
    joints = columns(9)
    joints[1:, 2] = 0
    joints[0, :2] = [[WIDTH + 0.5], [HEIGHT + 0.5]]
    image, target = LeedsSports(save(tmp_path, joints), context=0)[0]
    assert image.shape == (3, 1, 1) and target["joints"][0].tolist() == [1, 1, 1]


def test_splits(tmp_path):
    root = save(tmp_path, columns(48))
    assert ids(LeedsSports(root, "train")) == list(range(1, 43))
    assert ids(LeedsSports(root, "test")) == list(range(43, 49))
    splits = open_leeds_sports([str(root)])
    assert ids(splits.validation) == [10, 20, 30, 40] and ids(splits.test) == list(range(43, 49))
    assert len(splits.train) == 38 and not splits.tested_on_validation
    assert "the last eighth of the photographs is for the test" in splits.rule
    with pytest.raises(ValueError, match="split is 'val', expected train or test"):
        LeedsSports(root, "val")


def test_the_official_splits_of_the_original_set(tmp_path, monkeypatch):
    monkeypatch.setattr("minicv.data.leeds_sports._OFFICIAL", 10)
    original = columns(10).transpose(1, 0, 2).copy()
    root = save(tmp_path, original)
    assert ids(LeedsSports(root, "train")) == [1, 2, 3, 4, 5]
    assert ids(LeedsSports(root, "test")) == [6, 7, 8, 9, 10]
    save(tmp_path, columns(10))
    assert ids(LeedsSports(root, "test")) == [10]


def test_few_photographs(tmp_path):
    root = save(tmp_path, columns(3))
    assert open_leeds_sports([str(root)]).tested_on_validation
    with pytest.raises(ValueError, match="3 photographs, of which none is for the test; expected"):
        LeedsSports(root, "test")
    save(tmp_path, columns(1)[:, :, 0], 1)  # MATLAB has no third dimension of length 1
    with pytest.warns(
        DatasetWarning, match=r"im00002\.jpg: .* ends with number 1; left out .and 1"
    ):
        assert ids(LeedsSports(root)) == [1]


def test_joints_outside(tmp_path):
    joints = columns(9)
    joints[0, :2, 0] = (-1, 10)  # 1.5 pixels outside
    joints[1, :2, 0] = (WIDTH + 2.5, HEIGHT + 0.6)
    joints[2, :2, 0] = (WIDTH + 3, 10)  # 2.5 pixels
    root = save(tmp_path, joints)
    with pytest.warns(
        DatasetWarning, match=r"im00001: right hip is at \(42\.5, 9\.5\), outside of"
    ):
        _, target = LeedsSports(root, context=None)[0]
    assert target["joints"][:3].tolist() == [[0, 9.5, 1], [WIDTH, HEIGHT, 1], [0, 0, 0]]


def test_a_person_without_joints(tmp_path):
    joints = columns(9)
    joints[:, 2, 1] = 0
    joints[:, 0, 3] = 1000
    with pytest.warns(DatasetWarning) as warned:
        assert ids(LeedsSports(save(tmp_path, joints))) == [1, 3, 5, 6, 7, 8, 9]
    assert "im00002: no joint is annotated; left out (and 1 more" in str(
        [str(one.message) for one in warned]
    )


def test_numbers_that_are_wrong(tmp_path):
    joints = columns(9)
    joints[2, 2, 1], joints[3, 0, 4], joints[5, 1, 6] = 2, np.nan, np.inf
    joints[4, :, 5] = (np.nan, np.nan, 0)  # nobody looks there
    with pytest.raises(AnnotationError) as error:
        LeedsSports(save(tmp_path, joints))
    text = str(error.value)
    assert "3 faults" in text and str(tmp_path / "joints.mat") in text
    assert "im00002: the third number of right hip is 2, expected 0 or 1 (annotated)" in text
    assert "im00005: left hip is at (nan, 6), expected finite numbers" in text
    assert "im00007: left ankle is at (6, inf)" in text


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.ones((16, 3, 9)), "joints are 16 x 3 x 9, expected 14 x 3 x N"),
        (np.ones((9, 14, 3)), "joints are 9 x 14 x 3"),
        (np.ones((14, 2, 9)), "joints are 14 x 2 x 9"),
        (np.ones((14, 3, 0)), "joints are 14 x 3 x 0"),
        (np.ones((14, 3, 2, 2)), "joints are 14 x 3 x 2 x 2"),
        ({"x": 1}, "joints is a structure, expected an array of real numbers"),
        (np.array([1, "a"], object), "joints is a cell array"),
    ],
)
def test_files_of_another_shape(tmp_path, array, sentence):
    with pytest.raises(AnnotationError, match=sentence) as error:
        LeedsSports(save(tmp_path, array, 9))
    assert str(tmp_path / "joints.mat") in str(error.value)


def test_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        LeedsSports(tmp_path / "away")
    with pytest.raises(FileNotFoundError, match=r"no file .*joints\.mat"):
        LeedsSports(tmp_path)
    root = save(tmp_path, columns(9), 7)
    with pytest.raises(FileNotFoundError, match=r"(?s)2 faults.*9 photo.*im00008\.jpg.*im00009"):
        LeedsSports(root)
    (root / "images" / "im00003.jpg").write_text("<html>")
    with pytest.raises(ImageError, match=r"(?s)3 faults.*im00003\.jpg: .*web page"):
        LeedsSports(root)
    with pytest.warns(DatasetWarning, match="left out"):
        assert ids(LeedsSports(root, faults=Faults(skip_unreadable=True))) == [1, 2, 4, 5, 6, 7]
    scipy.io.savemat(root / "joints.mat", {"j": columns(9)})
    with pytest.raises(AnnotationError, match="no variable 'joints'; it holds j"):
        LeedsSports(root)


def test_the_extended_set(real_data):
    root = real_data("LSP")
    splits = open_leeds_sports([str(root)])
    assert [len(splits.train), len(splits.validation), len(splits.test)] == [252, 28, 40]
    assert splits.test[0][1]["image_id"] == "im00281"
    theirs = scipy.io.loadmat(root / "joints.mat")["joints"]
    whole = LeedsSports(root)
    ours = np.stack(whole._joints)  # (320, 14, 3); reading all pictures would take long
    assert 320 * 14 - ours[..., 2].sum() == 585
    shown = ours[..., 2] > 0
    np.testing.assert_array_equal(shown, theirs[:, 2].T == 1)
    moved = ours[..., :2] + 0.5 - theirs[:, :2].transpose(2, 0, 1)
    assert np.abs(moved[shown]).max() <= 2 and (np.abs(moved[shown]) > 1e-4).sum() == 2
