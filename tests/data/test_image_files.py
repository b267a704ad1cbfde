"""Photographs and label maps in files: what is read, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from minicv.data.image_files import (
    AnnotationError,
    ImageError,
    ImageFolder,
    read_image,
    read_label_map,
)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, size=(5, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "ppm"])
def test_lossless_formats(tmp_path, pixels, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(pixels).save(path)
    image = read_image(path)
    assert image.shape == (3, 5, 7) and image.dtype == np.float32 and image.flags.c_contiguous
    np.testing.assert_allclose(image, pixels.transpose(2, 0, 1) / 255, rtol=1e-6)


def test_jpeg_and_text_path(tmp_path):
    path = tmp_path / "a.jpg"
    Image.new("RGB", (8, 8), (200, 100, 50)).save(path, quality=95)
    np.testing.assert_allclose(
        read_image(str(path))[:, 4, 4], np.array([200, 100, 50]) / 255, atol=0.02
    )


def test_grey_becomes_three_channels(tmp_path, pixels):
    Image.fromarray(pixels[..., 0]).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image.shape == (3, 5, 7)
    for channel in image:
        np.testing.assert_allclose(channel, pixels[..., 0] / 255, rtol=1e-6)


def test_sixteen_bit_grey_keeps_its_range(tmp_path):
    values = np.array([[0, 256, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image.flags.c_contiguous and image.flags.writeable
    np.testing.assert_allclose(image[1, 0], [0, 256 / 65535, 1], rtol=1e-5)


def test_black_and_white(tmp_path):
    Image.new("1", (3, 2), 1).save(tmp_path / "a.png")
    np.testing.assert_allclose(read_image(tmp_path / "a.png"), 1)


def test_transparent_shows_white(tmp_path):
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, :, :3] = (200, 0, 0)
    rgba[0, :, 3] = (0, 255, 51)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    red = read_image(tmp_path / "a.png")[0, 0]
    np.testing.assert_allclose(red, [1, 200 / 255, (0.2 * 200 + 0.8 * 255) / 255], atol=0.005)


def test_palette_with_transparency(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "a.png", transparency=0)
    image = read_image(tmp_path / "a.png")
    np.testing.assert_allclose(image[:, 0, 0], [1, 1, 1])
    np.testing.assert_allclose(image[:, 0, 1], [0, 0, 1])


def test_cmyk(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    red, green, blue = read_image(tmp_path / "a.jpg")[:, 4, 4]
    assert red > 0.9 and green < 0.2 and blue < 0.2


def test_orientation_of_the_camera_is_applied(tmp_path, pixels):
    picture = Image.fromarray(pixels)
    exif = picture.getexif()
    exif[0x0112] = 6  # the camera was turned: show rotated by 90 degrees clockwise
    picture.save(tmp_path / "a.png", exif=exif)
    image = read_image(tmp_path / "a.png")
    assert image.shape == (3, 7, 5)
    expected = np.rot90(pixels, k=-1).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(image, expected, rtol=1e-6)


def test_one_pixel(tmp_path):
    Image.new("RGB", (1, 1), (255, 0, 0)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").tolist() == [[[1.0]], [[0.0]], [[0.0]]]


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp"])
def test_truncated_file(tmp_path, suffix):
    path = tmp_path / f"cut.{suffix}"
    noise = np.random.default_rng(1).integers(0, 256, size=(64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ImageError, match=rf"cannot read .*cut\.{suffix}"):
        read_image(path)


@pytest.mark.parametrize("content", [b"", b"not a picture at all", b"\x89PNG\r\n\x1a\n"])
def test_not_a_picture(tmp_path, content):
    path = tmp_path / "text.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"text\.png") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        read_image(tmp_path / "none.png")


def test_folder_is_sorted_and_takes_pictures_only(tmp_path):
    for name in ("b.png", "a.JPG", "c.bmp"):
        Image.new("RGB", (4, 3)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    folder = ImageFolder(tmp_path)
    assert [folder[index][1]["image_id"] for index in range(len(folder))] == [
        "a.JPG",
        "b.png",
        "c.bmp",
    ]
    assert folder[0][0].shape == (3, 3, 4) and folder.classes == ()


def test_folder_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        ImageFolder(tmp_path / "none")
    with pytest.raises(ValueError, match="no picture"):
        ImageFolder(tmp_path)


LABELS = np.random.default_rng(0).integers(0, 256, size=(9, 13)).astype(np.uint8)


def test_grey_and_palette_label_maps_give_their_numbers(tmp_path):
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


def test_faults_of_a_label_map_name_the_file(tmp_path):
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
