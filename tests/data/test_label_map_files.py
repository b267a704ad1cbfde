"""Label maps in files: numbers are read as they are, whatever colours they are shown in."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from minicv.data.errors import AnnotationError
from minicv.data.image_folder import ImageError
from minicv.data.label_map_files import read_label_map

LABELS = np.random.default_rng(0).integers(0, 256, size=(9, 13)).astype(np.uint8)


def test_grey_and_palette_give_their_numbers(tmp_path):
    grey = Image.fromarray(LABELS)
    grey.save(tmp_path / "grey.png")
    palette = Image.fromarray(LABELS, mode="P")
    palette.putpalette(np.random.default_rng(1).integers(0, 256, size=768).tolist())
    palette.save(tmp_path / "palette.png")
    for name in ("grey.png", "palette.png"):
        read = read_label_map(tmp_path / name)
        assert read.dtype == np.uint8 and read.flags.writeable
        np.testing.assert_array_equal(read, LABELS)


@pytest.mark.parametrize("colours", [3, 16])
def test_a_palette_of_few_colours_is_stored_in_fewer_bits(tmp_path, colours):
    labels = LABELS % colours
    palette = Image.fromarray(labels, mode="P")
    palette.putpalette(list(range(3 * colours)))
    palette.save(tmp_path / "few.png", bits=4)
    np.testing.assert_array_equal(read_label_map(tmp_path / "few.png"), labels)


def test_faults_name_the_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no label map .*absent\.png"):
        read_label_map(tmp_path / "absent.png")
    Image.fromarray(np.tile(LABELS, (20, 20))).save(tmp_path / "cut.png")
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageError, match=r"cannot read .*cut\.png: .*truncated"):
        read_label_map(tmp_path / "cut.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ImageError, match=r"text\.png: it is no picture that Pillow reads$"):
        read_label_map(tmp_path / "text.png")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "I;16", "1"])
def test_colours_and_other_depths_are_refused(tmp_path, mode):
    Image.new(mode, (4, 3)).save(tmp_path / "wrong.png")
    with pytest.raises(AnnotationError, match=rf"wrong\.png has the mode {mode}, expected one"):
        read_label_map(tmp_path / "wrong.png")
