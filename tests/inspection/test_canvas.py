import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minicv.inspection import canvas
from minicv.inspection.canvas import Canvas, enlarged, shortened, text_width, to_picture, wrapped


def noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(7, 11), (1300, 1200)])  # oversampled four times, and twice
def test_untouched_pixels_come_out_as_they_were(size):
    pixels = noise(*size)
    assert np.array_equal(np.asarray(Canvas(Image.fromarray(pixels)).finish()), pixels)


def test_fill_is_half_open_and_shares_cut_pixels():
    canvas = Canvas(Image.new("RGB", (6, 4), "black"))
    canvas.fill((1, 1, 3.5, 3), (255, 255, 255))
    row = np.asarray(canvas.finish())[1, :, 0]
    assert row.tolist() == [0, 255, 255, 128, 0, 0]


def test_fill_of_an_empty_box_paints_nothing():
    canvas = Canvas(Image.new("RGB", (4, 4)))
    canvas.fill((2, 2, 2, 3), (255, 255, 255))
    canvas.fill((3, 3, 1, 1), (255, 255, 255))
    assert not np.asarray(canvas.finish()).any()


def test_frame_lies_astride_the_edge():
    canvas = Canvas(Image.new("RGB", (10, 8)))
    canvas.frame((2, 2, 8, 6), (255, 255, 255), width=2)
    painted = np.asarray(canvas.finish())[:, :, 0] == 255
    expected = np.zeros((8, 10), dtype=bool)
    expected[1:7, 1:9] = True
    expected[3:5, 3:7] = False
    assert np.array_equal(painted, expected)


def test_translucent_frame_is_even_at_its_corners_and_where_the_box_is_thin():
    for box in [(3, 3, 9, 9), (3, 3, 3.5, 9), (4, 4, 4, 4)]:
        canvas = Canvas(Image.new("RGB", (12, 12)))
        canvas.frame(box, (255, 255, 255, 128), width=2)
        assert np.asarray(canvas.finish()).max() == 128, box


def test_line_and_disc_are_smooth():
    canvas = Canvas(Image.new("RGB", (40, 40)))
    canvas.line([(2, 3), (37, 30)], (255, 255, 255), 2)
    canvas.disc((30, 8), 5, (255, 255, 255))
    values = np.unique(np.asarray(canvas.finish()))
    assert len(values) > 5 and values.max() == 255


def test_to_picture_rounds_clips_and_turns_axes():
    image = np.zeros((3, 2, 3), dtype=np.float32)
    image[0, 1, 2] = 0.5
    image[1, 0, 0] = 7
    image[2, 0, 1] = -1
    image[2, 1, 0] = np.nan
    pixels = np.asarray(to_picture(image))
    assert pixels.dtype == np.uint8
    assert pixels.shape == (2, 3, 3)
    assert pixels[1, 2].tolist() == [128, 0, 0]
    assert pixels[0, 0].tolist() == [0, 255, 0]
    assert pixels.astype(int).sum() == 128 + 255


@pytest.mark.parametrize(
    "image, message",
    [
        (np.zeros((4, 5, 3), np.float32), r"shape \(3, H, W\).*\(4, 5, 3\)"),
        (np.zeros((3, 0, 3), np.float32), "at least one pixel"),
        (np.zeros((3, 4, 4), np.uint8), "divide an 8-bit image by 255"),
    ],
)
def test_to_picture_refuses(image, message):
    with pytest.raises(ValueError, match=message):
        to_picture(image)


@given(height=st.integers(1, 40), width=st.integers(1, 40), longest=st.sampled_from([1, 20]))
def test_enlarged_is_a_whole_multiple_of_at_least_512(height, width, longest):
    height, width = height * longest, width * longest
    picture, factor = enlarged(np.zeros((3, height, width), dtype=np.float32))
    assert picture.size == (width * factor, height * factor)
    assert max(picture.size) >= 512
    assert factor == 1 or max(height, width) * (factor - 1) < 512


@pytest.mark.parametrize("text", ["", "W", "a very long name of a class", "Žluťoučký kůň " * 3])
@pytest.mark.parametrize("width", [0, 9.5, 60, 1000])
def test_shortened_text_fits_and_no_longer_one_does(text, width):
    short = shortened(text, 12, width)
    assert text_width(short, 12) <= width
    if text_width(text, 12) <= width:
        assert short == text
        return
    kept = len(short.removesuffix("…"))
    assert short in ("", text[:kept] + "…")
    longer = text[: kept + 1 + text[kept:].startswith(" ")]
    assert longer == text or text_width(longer + "…", 12) > width


def test_wrapped_keeps_all_words_and_breaks_lines():
    text = "every proposal, whatever its shape,\nbecomes seven by seven features"
    lines = wrapped(text, 14, 120)
    assert " ".join(lines).split() == text.split()
    assert all(text_width(line, 14) <= 120 for line in lines)
    assert "becomes" in [line.split()[0] for line in lines]
    assert wrapped("", 14, 100) == []


def test_pictures_pasted_before_and_after_shapes_lie_on_each_other():
    tile = Image.fromarray(noise(4, 6))
    canvas = Canvas(Image.new("RGB", (20, 10), "white"))
    canvas.paste(tile, (1, 2))
    assert canvas.finish().crop((1, 2, 7, 6)).tobytes() == tile.tobytes()
    canvas.fill((0, 0, 4, 10), (255, 0, 0))
    canvas.paste(tile, (10, 2))
    picture = canvas.finish()
    assert picture.crop((10, 2, 16, 6)).tobytes() == tile.tobytes()
    pixels = np.asarray(picture)
    assert (pixels[:, :4] == (255, 0, 0)).all()
    assert np.array_equal(pixels[2:6, 4:7], np.asarray(tile)[:, 3:])


def test_the_picture_given_is_not_painted_on():
    white = Image.new("RGB", (8, 8), "white")
    canvas = Canvas(white)
    canvas.paste(Image.new("RGB", (2, 2)), (0, 0))
    canvas.text((0, 0), "cow", 8)
    canvas.finish()
    assert (np.asarray(white) == 255).all()


def test_text_is_written_in_its_colour():
    canvas = Canvas(Image.new("RGB", (100, 30), "white"))
    canvas.text((5, 5), "cow 0.93", 18, (200, 0, 0))
    pixels = np.asarray(canvas.finish())
    assert (pixels == (200, 0, 0)).all(axis=2).any()


class Face:
    """A font that has some letters, all of them ten pixels wide."""

    def __init__(self, letters):
        self.letters = letters

    def getmask(self, letter):
        return Image.new("L", (10, 12), ord(letter) % 255 if letter in self.letters else 0).im

    def getlength(self, text):
        return 10 * len(text)


def test_a_font_of_the_computer_writes_what_the_own_one_lacks(monkeypatch):
    faces = {"latin": Face("Entegrü"), "all": Face("Entegrü猫")}
    monkeypatch.setattr(canvas, "OTHER_FONTS", ("absent", "latin", "all"))
    monkeypatch.setattr(canvas, "system_font", lambda name, size: faces.get(name))
    canvas.typeset.cache_clear()
    assert canvas.typeset("Ente\ngrün", 12) == ("Ente grün", faces["latin"])
    assert canvas.typeset("gru\N{COMBINING DIAERESIS}n", 12) == ("grün", faces["latin"])
    assert canvas.typeset("猫", 12) == ("猫", faces["all"])
    assert text_width("grün", 12) == 40
    # Letters that all fonts lack: accents are left out, and nothing else changes.
    own = canvas.font(12)
    assert canvas.typeset("Ž cow", 12) == ("Z cow", own)
    assert canvas.typeset("cow 0.5", 12) == ("cow 0.5", own)
    assert canvas.typeset("3 × 4 m²", 12) == ("3 x 4 m2", own)
    canvas.typeset.cache_clear()


def test_a_font_that_is_not_installed():
    assert canvas.system_font("no such font.ttf", 12) is None
