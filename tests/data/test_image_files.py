"""Photographs and label maps in files: what is read, and what is refused."""

from __future__ import annotations

import struct
import sys
import threading
import types
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minicv.data.image_files import (
    AnnotationError,
    ImageError,
    ImageFolder,
    exif_orientation,
    open_picture,
    read_image,
    read_label_map,
)
from minicv.data.picture_size import picture_size


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


NO_PICTURES = {
    "it is empty": b"",
    "zero bytes only": bytes(900),
    r"web page \(HTML\)": b"\n  <!DOCTYPE HTML><html><body>404</body></html>",
    "a text file": b'{"error": "no such picture"}',
    "SVG drawing": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    "an XML file": b'<?xml version="1.0"?><annotation/>',
    "git lfs pull": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    "PDF document": b"%PDF-1.7\n%abc",
    "PostScript program": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    r"PostScript program \(EPS\)": b"\xc5\xd0\xd3\xc6" + bytes(60),
    r"Windows metafile \(WMF\)": b"\xd7\xcd\xc6\x9a" + bytes(60),
    "Photoshop file": b"8BPS\0\1" + bytes(60),
    "zip archive": b"PK\x03\x04" + bytes(60),
    "DDS texture": b"DDS |\0\0\0" + bytes(60),
    "video or another file of kind 'isom'": b"\0\0\0\x18ftypisom\0\0\0\0isommp42",
    "HEIC photograph; convert it to JPEG, or pip install pillow-heif": (
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(60)
    ),
    "AVIF picture that is cut short": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(60),
    "begins as a JPEG but is cut short": b"\xff\xd8\xff\xe0",
    "begins as a PNG but is cut short": b"\x89PNG\r\n\x1a\n",
    "a TIFF of a kind that Pillow does not read": b"II*\0\x08\0\0\0\0\0",
    "no picture that Pillow reads": bytes(range(128, 256)),
}


@pytest.mark.parametrize("what", NO_PICTURES)
def test_what_is_no_picture_is_named_for_what_it_is(tmp_path, what):
    path = tmp_path / "holiday.jpg"
    path.write_bytes(NO_PICTURES[what])
    for read in (read_image, picture_size, read_label_map):
        with pytest.raises(ImageError, match=rf"cannot read .*holiday\.jpg: .*{what}"):
            read(path)


def test_a_program_for_a_printer_is_not_run(tmp_path, monkeypatch):
    """Pillow would start Ghostscript for it."""
    import subprocess

    def started(*arguments, **options):
        raise AssertionError(f"a program was started: {arguments}")

    for name in ("Popen", "check_call", "run"):
        monkeypatch.setattr(subprocess, name, started)
    Image.new("RGB", (9, 9)).save(tmp_path / "a.eps")
    (tmp_path / "a.eps").rename(tmp_path / "holiday.jpg")
    with pytest.raises(ImageError, match="PostScript program"):
        read_image(tmp_path / "holiday.jpg")


def test_the_formats_are_named_wherever_a_picture_is_opened():
    sources = Path(__file__).parents[2] / "minicv"
    calls = [
        f"{path.name}: {line.strip()}"
        for path in sorted(sources.rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if "Image.open(" in line
    ]
    assert calls and [call for call in calls if "formats=" not in call] == []


def test_a_heic_photograph_is_read_where_the_package_is_installed(tmp_path, monkeypatch):
    """The package is played by a module that registers a format of its own."""

    class Heif(Image.Image):
        format = "HEIF"

        def __init__(self, file, name):
            super().__init__()
            file.close()
            picture = Image.new("RGB", (5, 4), (0, 255, 0))
            self.im, self._mode, self._size = picture.im, "RGB", (5, 4)

    def register_heif_opener():
        Image.register_open("HEIF", Heif, lambda prefix: prefix[4:12] == b"ftypheic")

    package = types.SimpleNamespace(register_heif_opener=register_heif_opener)
    monkeypatch.setitem(sys.modules, "pillow_heif", package)
    monkeypatch.setitem(Image.OPEN, "HEIF", None)
    (tmp_path / "a.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    assert read_image(tmp_path / "a.HEIC")[:, 3, 4].tolist() == [0, 1, 0]
    assert [p.name for p in ImageFolder(tmp_path).paths] == ["a.HEIC"]


@pytest.mark.parametrize("name", ["a.jpg", "a.PNG", "a.webp", "a.tif"])
def test_the_content_tells_the_format_and_not_the_suffix(tmp_path, pixels, name):
    Image.fromarray(pixels).save(tmp_path / name, format="PNG")
    np.testing.assert_allclose(read_image(tmp_path / name), pixels.transpose(2, 0, 1) / 255)


@pytest.mark.parametrize("name", ["a.avif", "a.jp2", "a.J2K", "a.webp", "a.jfif", "a.pnm"])
def test_newer_formats(tmp_path, name):
    if Path(name).suffix.lower() not in Image.registered_extensions():
        pytest.skip(f"this Pillow is too old for {name}")
    options = {"a.webp": {"lossless": True}, "a.avif": {"quality": 100}}.get(name, {})
    Image.new("RGB", (16, 8), (255, 102, 0)).save(tmp_path / name, **options)
    assert [p.name for p in ImageFolder(tmp_path).paths] == [name]
    colour = read_image(tmp_path / name)[:, 4, 9]
    np.testing.assert_allclose(colour, [1, 0.4, 0], atol=0.02)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.tif", "a.png", "a.mpo"])
def test_of_several_pictures_the_first_is_read(tmp_path, name):
    frames = [Image.new("RGB", (16, 8), colour) for colour in ("red", "lime", "blue")]
    if name == "a.mpo" and Image.__version__.startswith("10."):
        pytest.skip("this Pillow does not read the small MPO that it writes")
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    image = read_image(tmp_path / name)
    np.testing.assert_allclose(image[:, 4, 4], [1, 0, 0], atol=0.02)


def read_tiff(folder, values, dtype):
    Image.fromarray(np.array(values, dtype)).save(folder / "a.tif")
    return read_image(folder / "a.tif")


def test_floating_point_numbers_from_0_to_1_are_read(tmp_path):
    image = read_tiff(tmp_path, [[0, 0.25], [0.5, 1]], np.float32)
    assert image.dtype == np.float32 and image[2].tolist() == [[0, 0.25], [0.5, 1]]
    assert read_tiff(tmp_path, [[-1e-6, 1.00001]], np.float32)[0].tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("values", "shown"),
    [([0, 255], "0..255"), ([-1, 1], "-1..1"), ([0, 1.5], "0..1.5"), ([0, np.nan], "nan..nan"),
     ([0, np.inf], "0..inf")],
)  # fmt: skip
def test_other_floating_point_numbers_are_refused_with_their_range(tmp_path, values, shown):
    with pytest.raises(
        ImageError, match=rf"a\.tif: its floating-point numbers lie in {shown}, exp"
    ):
        read_tiff(tmp_path, [values], np.float32)


def test_numbers_of_32_bits_that_hold_8_or_16(tmp_path):
    np.testing.assert_allclose(read_tiff(tmp_path, [[0, 51, 255]], np.int32)[1], [[0, 0.2, 1]])
    image = read_tiff(tmp_path, [[0, 13107, 65535]], np.int32)
    np.testing.assert_allclose(image[1], [[0, 0.2, 1]], rtol=1e-6)
    for values, shown in (([-5, 9], "-5..9"), ([0, 65536], "0..65536")):
        with pytest.raises(ImageError, match=f"numbers of 32 bits lie in {shown}, expected 0..255"):
            read_tiff(tmp_path, [values], np.int32)


def test_a_dark_pgm_of_16_bits_stays_dark(tmp_path):
    """Pillow gives it 32 bits, and no number in it is above 255."""
    (tmp_path / "a.pgm").write_bytes(b"P5 2 1 65535\n" + struct.pack(">2H", 0, 200))
    np.testing.assert_allclose(read_image(tmp_path / "a.pgm")[0], [[0, 200 / 65535]], rtol=1e-6)


def test_tiff_of_16_bits(tmp_path):
    image = read_tiff(tmp_path, [[0, 13107, 65535]], np.uint16)
    np.testing.assert_allclose(image[0], [[0, 0.2, 1]], rtol=1e-6)


def test_grey_with_opacity(tmp_path):
    for suffix in ("png", "tif"):
        Image.new("LA", (3, 2), (100, 51)).save(tmp_path / f"a.{suffix}")
        image = read_image(tmp_path / f"a.{suffix}")
        np.testing.assert_allclose(image, (0.2 * 100 + 0.8 * 255) / 255, atol=0.003)


@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
def test_one_colour_that_is_transparent_shows_white(tmp_path, mode):
    picture = Image.new(mode, (2, 1), 0)
    picture.putpixel((1, 0), (255, 0, 0) if mode == "RGB" else 255)
    picture.save(tmp_path / "a.png", transparency=(0, 0, 0) if mode == "RGB" else 0)
    image = read_image(tmp_path / "a.png")
    assert image[:, 0, 0].tolist() == [1, 1, 1]
    assert image[:, 0, 1].tolist() == ([1, 0, 0] if mode == "RGB" else [1, 1, 1])


def test_a_palette_with_half_transparent_colours(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "a.png", transparency=b"\x33\xff")
    image = read_image(tmp_path / "a.png")
    np.testing.assert_allclose(image[:, 0, 0], [1, 0.8, 0.8], atol=0.004)
    assert image[:, 0, 1].tolist() == [0, 0, 1]


def test_lab_and_ycbcr(tmp_path):
    # L* 53.2, a* 80.1, b* 67.2 is the red of sRGB.
    Image.new("LAB", (8, 8), (136, 208, 195)).save(tmp_path / "a.tif")
    np.testing.assert_allclose(read_image(tmp_path / "a.tif")[:, 4, 4], [1, 0, 0], atol=0.05)
    Image.new("YCbCr", (8, 8), (76, 85, 255)).save(tmp_path / "b.jpg")  # red by ITU-R BT.601
    np.testing.assert_allclose(read_image(tmp_path / "b.jpg")[:, 4, 4], [1, 0, 0], atol=0.02)


TURNED = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"
DAMAGED_EXIF = {
    "another entry is damaged": (TURNED + b"\x1a\x01\x05\0\x01\0\0\0\0\0\0\x40\0\0\0\0", 6),
    "the end is missing": (TURNED, 6),
    "an orientation of 16 bits too long": (b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01\x03\0", 1),
    "no TIFF": (b"Exif\0\0xx", 1),
    "a text for the number": (
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\4\0\0\0abc\0\0\0\0\0", 1
    ),
    "orientation 9": (
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\1\0\0\0\x09\0\0\0\0\0\0\0", 1
    ),
}  # fmt: skip


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
@pytest.mark.parametrize("damage", DAMAGED_EXIF)
def test_damaged_exif_costs_no_picture(tmp_path, damage, suffix):
    exif, orientation = DAMAGED_EXIF[damage]
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (40, 30), (255, 0, 0)).save(path, exif=exif)
    assert read_image(path).shape == ((3, 40, 30) if orientation == 6 else (3, 30, 40))
    with open_picture(path, "test") as picture:
        assert exif_orientation(picture) == orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_of_a_wide_picture(tmp_path, orientation):
    """Grey of 16 bits is turned as colours are."""
    values = np.arange(6, dtype=np.uint16).reshape(2, 3) * 1000
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(values).save(tmp_path / "a.png", exif=exif)
    upright = {
        1: values, 2: values[:, ::-1], 3: np.rot90(values, 2), 4: values[::-1],
        5: values.T, 6: np.rot90(values, -1), 7: np.rot90(values, 2).T, 8: np.rot90(values),
    }[orientation]  # fmt: skip
    np.testing.assert_allclose(read_image(tmp_path / "a.png")[0], upright / 65535, rtol=1e-6)


def png(width, height, bits, colour_type, rows):
    def chunk(kind, content):
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def png_of_one_colour(width, height):
    return png(width, height, 1, 0, bytes(height * (1 + (width + 7) // 8)))


def test_colours_of_16_bits_keep_their_upper_8(tmp_path):
    row = b"\0" + struct.pack(">6H", 0xFFFF, 0x8001, 0, 0x00FF, 0x3312, 0xFF00)
    (tmp_path / "a.png").write_bytes(png(2, 1, 16, 2, row))
    image = read_image(tmp_path / "a.png")[:, 0]
    np.testing.assert_allclose(image.T * 255, [[255, 0x80, 0], [0, 0x33, 255]], atol=1)


def test_a_hundred_megapixels_are_no_fault_and_do_not_warn(tmp_path):
    (tmp_path / "a.png").write_bytes(png_of_one_colour(11608, 8708))  # Pillow warns from 89 on
    size = picture_size(tmp_path / "a.png")
    assert (size.width, size.height) == (11608, 8708)


@pytest.mark.parametrize(("width", "height"), [(20000, 9000), (14000, 12600), (10**6, 10**3)])
def test_a_picture_above_the_limit_is_refused(tmp_path, width, height):
    (tmp_path / "a.png").write_bytes(png_of_one_colour(width, height))
    with pytest.raises(ImageError, match=r"a\.png: it has more than the 175 million pixels that"):
        read_image(tmp_path / "a.png")


def test_too_little_memory_is_an_error_of_the_file(tmp_path, monkeypatch):
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")

    def load(self):
        raise MemoryError

    monkeypatch.setattr(Image.Image, "getexif", load)
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", load)
    with pytest.raises(ImageError, match=r"a\.png: there is not enough memory for its pixels"):
        read_image(tmp_path / "a.png")


def test_warnings_of_pillow_are_quiet_only_while_a_picture_is_read(tmp_path):
    Image.new("RGB", (4, 3)).save(tmp_path / "a.png")
    before = list(warnings.filters)
    threads = [
        threading.Thread(target=lambda: [read_image(tmp_path / "a.png") for _ in range(20)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before
    with open_picture(tmp_path / "a.png", "test"):
        assert len(warnings.filters) == len(before) + 1


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        read_image(tmp_path / "none.png")
    (tmp_path / "x.jpg").mkdir()
    with pytest.raises(FileNotFoundError, match=r"x\.jpg is a folder, not a file"):
        read_image(tmp_path / "x.jpg")


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
    with pytest.raises(ImageError, match=r"text\.png: it is a text file, not a picture$"):
        read_label_map(tmp_path / "text.png")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "I;16", "1"])
def test_colours_and_other_depths_are_refused(tmp_path, mode):
    Image.new(mode, (4, 3)).save(tmp_path / "wrong.png")
    with open_picture(tmp_path / "wrong.png", "test") as picture:
        mode = picture.mode  # an older Pillow calls 16 bits I
    with pytest.raises(AnnotationError, match=rf"wrong\.png has the mode {mode}, expected one"):
        read_label_map(tmp_path / "wrong.png")


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "I;16"])
def test_a_png_of_few_bytes_holds_few_pixels(tmp_path, mode):
    """Before, 799 bytes that said 16 x 8,388,364 took 3 GB: Pillow read zeros for what lacked."""
    path = tmp_path / "a.png"
    Image.new(mode, (16, 12)).save(path)
    content = bytearray(path.read_bytes())
    content[20:24] = (8_388_364).to_bytes(4, "big")  # the height
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"said to be 16 x 8388364, but \d+ bytes cannot hold so"):
        read_image(path)
    Image.new(mode, (4000, 3000)).save(path, compress_level=9)  # as small as a picture can be
    assert read_image(path).shape == (3, 3000, 4000)
