"""A folder of pictures without labels."""

import numpy as np
import pytest
from PIL import Image

from minicv.data.image_files import ImageError
from minicv.data.sources import open_data
from minicv.data.unlabelled import UnlabelledPictures


def save(path, level=0, size=(6, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, level).save(path)


def test_all_pictures_of_the_folder_and_of_those_in_it_sorted(tmp_path):
    for number in range(11):
        save(tmp_path / f"{number:02}.png", number)
    save(tmp_path / "deeper" / "a.jpg", 200)
    save(tmp_path / ".hidden.png")
    (tmp_path / "notes.txt").write_text("no picture")
    splits = open_data(f"pictures:{tmp_path}", ())
    assert len(splits.train) == 11 and len(splits.validation) == 1 and splits.tested_on_validation
    image, target = splits.validation[0]
    assert target == {"image_id": "09.png"} and image.shape == (3, 4, 6)
    np.testing.assert_allclose(image, 9 / 255, rtol=1e-6)
    assert splits.train[10][1] == {"image_id": "deeper/a.jpg"} and splits.train.classes == ()
    assert "no labels" in splits.rule


def test_tasks_that_need_labels_refuse_it(tmp_path):
    save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="pictures provides no labels, but label is needed"):
        open_data(f"pictures:{tmp_path}", ("label",))
    with pytest.raises(ValueError, match="says itself what its classes are"):
        open_data(f"pictures:{tmp_path}", (), classes=("cow",))


def test_empty_missing_and_damaged(tmp_path):
    with pytest.raises(ValueError, match="holds no picture"):
        UnlabelledPictures(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        UnlabelledPictures(tmp_path / "none")
    save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="1 labelled pictures; expected at least 2"):
        len(open_data(f"pictures:{tmp_path}", ()).train)
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"b\.png"):
        UnlabelledPictures(tmp_path)
