"""A picture to draw on: smooth shapes, readable text, and the way from an array to a picture."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from functools import cache, cached_property, lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from minicv.inspection.palette import BLACK, INK, Colour

SMALLEST_LONG_SIDE = 512  # pictures below this are enlarged, so that labels can be read
LARGE_PICTURE = 1_500_000  # pixels; above this, twofold oversampling is fine enough

# For letters that Pillow's own font lacks; of Linux, macOS and Windows, for Europe and for Asia.
OTHER_FONTS = (
    *("DejaVuSans.ttf", "LiberationSans-Regular.ttf", "NotoSans-Regular.ttf", "Arial.ttf"),
    *("arial.ttf", "NotoSansCJK-Regular.ttc", "wqy-microhei.ttc", "PingFang.ttc", "msyh.ttc"),
    *("Arial Unicode.ttf", "malgun.ttf", "YuGothM.ttc"),
)

Numbers = Sequence[float] | np.ndarray
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class Canvas:
    """Draws anti-aliased shapes and text on a copy of a picture.

    Pillow's shapes have hard edges. So they are painted on a picture that is four times larger
    (twice for large ones), which is averaged down at the end; pixels that no shape touches do not
    change. The larger picture is made when the first shape is drawn, so a sheet of pictures and
    text alone needs none. Text has smooth edges of its own and is painted last, at the final size.

    All coordinates are in pixels of the picture, may be fractions, and may lie outside. A colour
    with a fourth number is translucent (0..255).

    >>> canvas = Canvas(Image.new("RGB", (4, 4), "white"))
    >>> canvas.fill((1, 1, 3, 3), (255, 0, 0))
    >>> np.asarray(canvas.finish())[:, :, 1].tolist()
    [[255, 255, 255, 255], [255, 0, 0, 255], [255, 0, 0, 255], [255, 255, 255, 255]]
    """

    def __init__(self, picture: Image.Image) -> None:
        self.width, self.height = picture.size
        self.scale = 4 if self.width * self.height <= LARGE_PICTURE else 2
        self._picture = picture.convert("RGB").copy()
        self._large: Image.Image | None = None  # replaces the picture once there are shapes
        self._texts: list[tuple[tuple[float, float], str, float, Colour, str]] = []

    def fill(self, box: Numbers, colour: tuple[int, ...], corner_radius: float = 0.0) -> None:
        """Fill the half-open box x1, y1, x2, y2."""
        x1, y1, x2, y2 = (self._to_large(value) for value in box)
        if x2 <= x1 or y2 <= y1:
            return
        inclusive = (x1, y1, x2 - 1, y2 - 1)  # Pillow paints the last row and column too
        if corner_radius:
            self._draw.rounded_rectangle(inclusive, corner_radius * self.scale, fill=colour)
        else:
            self._draw.rectangle(inclusive, fill=colour)

    def frame(self, box: Numbers, colour: tuple[int, ...], width: float) -> None:
        """Draw the outline of a box; the line lies half inside and half outside."""
        x1, y1, x2, y2 = box
        half = width / 2
        left, top, right, bottom = x1 - half, y1 - half, x2 + half, y2 + half
        inner_top, inner_bottom = min(y1 + half, bottom), max(y2 - half, y1 + half)
        # Four bars without overlap, where a translucent colour would be twice as strong.
        self.fill((left, top, right, inner_top), colour)
        self.fill((left, inner_bottom, right, bottom), colour)
        self.fill((left, inner_top, min(x1 + half, right), inner_bottom), colour)
        self.fill((max(x2 - half, x1 + half), inner_top, right, inner_bottom), colour)

    def outline(self, box: Numbers, colour: tuple[int, ...], width: float) -> None:
        """Draw a frame on a thin dark halo, so that it stands out on any background."""
        self.frame(box, (*BLACK, 110), 1.8 * width)
        self.frame(box, colour, width)

    def line(self, points: Sequence[Numbers], colour: tuple[int, ...], width: float) -> None:
        """Draw a line through two or more points (x, y), with round joints."""
        large = [(x * self.scale, y * self.scale) for x, y in points]
        self._draw.line(large, fill=colour, width=max(1, self._to_large(width)), joint="curve")

    def disc(self, centre: Numbers, radius: float, colour: tuple[int, ...]) -> None:
        x, y = centre
        box = (x - radius, y - radius, x + radius, y + radius)
        x1, y1, x2, y2 = (value * self.scale for value in box)
        self._draw.ellipse((x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)), fill=colour)

    def paste(self, picture: Image.Image, corner: tuple[int, int]) -> None:
        """Put a picture with its upper left corner at ``corner`` (whole pixels)."""
        if self._large is None:
            self._picture.paste(picture, corner)
            return
        size = (picture.width * self.scale, picture.height * self.scale)
        large = picture.convert("RGB").resize(size, Image.Resampling.NEAREST)
        self._large.paste(large, (corner[0] * self.scale, corner[1] * self.scale))

    def text(
        self,
        position: tuple[float, float],
        text: str,
        size: float,
        colour: Colour = INK,
        anchor: str = "la",
    ) -> None:
        """Write ``text`` at ``position``; ``anchor`` is Pillow's, "la" is the upper left corner."""
        self._texts.append((position, text, size, colour, anchor))

    def finish(self) -> Image.Image:
        """The picture with everything drawn on it."""
        large = self._large
        picture = self._picture.copy() if large is None else large.reduce(self.scale)
        draw = ImageDraw.Draw(picture)
        for position, text, size, colour, anchor in self._texts:
            written, face = typeset(text, size)
            draw.text(position, written, fill=colour, font=face, anchor=anchor)
        return picture

    @cached_property
    def _draw(self) -> ImageDraw.ImageDraw:
        """Paints on the large picture."""
        size = (self.width * self.scale, self.height * self.scale)
        self._large = self._picture.resize(size, Image.Resampling.NEAREST)
        return ImageDraw.Draw(self._large, "RGBA")

    def _to_large(self, value: float) -> int:
        return math.floor(value * self.scale + 0.5)


def to_picture(image: np.ndarray) -> Image.Image:
    """A (3, H, W) image of floats in 0..1 as a picture; values outside are clipped, NaN is black.

    Raises:
        ValueError: another shape or dtype, or no pixels.

    >>> to_picture(np.ones((3, 2, 5), dtype=np.float32)).size
    (5, 2)
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[0] != 3 or image.size == 0:
        raise ValueError(
            f"to_picture: image expects the shape (3, H, W) with at least one pixel but has "
            f"{image.shape}"
        )
    if image.dtype.kind != "f":
        raise ValueError(
            f"to_picture: image expects floats in 0..1 but has dtype {image.dtype}; "
            "divide an 8-bit image by 255"
        )
    pixels = np.floor(np.clip(np.nan_to_num(image), 0, 1) * 255 + 0.5).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))  # (H, W, 3)


def enlarged(image: np.ndarray) -> tuple[Image.Image, int]:
    """The image as a picture of at least 512 pixels on its longer side, and the whole factor.

    >>> picture, factor = enlarged(np.zeros((3, 96, 128), dtype=np.float32))
    >>> picture.size, factor
    ((512, 384), 4)
    """
    picture = to_picture(image)
    factor = max(1, math.ceil(SMALLEST_LONG_SIDE / max(picture.size)))
    if factor == 1:
        return picture, 1
    size = (picture.width * factor, picture.height * factor)
    return picture.resize(size, Image.Resampling.BICUBIC), factor


def scaled(picture: Image.Image, share: float) -> Image.Image:
    """The picture, its width and height times ``share``, and at least a pixel.

    >>> scaled(Image.new("RGB", (200, 100)), 0.25).size
    (50, 25)
    """
    if share == 1:
        return picture
    size = (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def line_width_for(picture: Image.Image) -> float:
    """A line that is well visible on a picture of this size, in pixels."""
    return max(2.0, max(picture.size) / 220)


def text_size_for(picture: Image.Image) -> int:
    """Letters that are well readable on a picture of this size, in pixels."""
    return int(9 + max(picture.size) / 115)


@cache
def font(size: float) -> Font:
    """Pillow's own scalable font (Aileron), so that pictures look the same everywhere."""
    return ImageFont.load_default(size=size)


@cache
def system_font(name: str, size: float) -> ImageFont.FreeTypeFont | None:
    """A font of the computer; None where it is not installed."""
    try:
        return ImageFont.truetype(name, size)
    except (OSError, ImportError):
        return None


@cache
def has_letter(face: Font, letter: str) -> bool:
    """Whether a font can write a letter; else it writes the box that stands for all it lacks.

    >>> has_letter(font(20), "u"), has_letter(font(20), "ü")
    (True, False)
    """
    mask, lacking = face.getmask(letter), face.getmask("\uffff")
    return mask.size != lacking.size or bytes(mask) != bytes(lacking)


@lru_cache(4096)
def typeset(text: str, size: float) -> tuple[str, Font]:
    """``text`` on one line, and the font to write it in.

    A font of the computer steps in for letters that the own one lacks. Where none of `OTHER_FONTS`
    has them, accents are left out.
    """
    line = " ".join(unicodedata.normalize("NFC", text).replace("×", "x").split())
    own = font(size)
    lacking = {letter for letter in line if not letter.isspace() and not has_letter(own, letter)}
    if unicodedata.normalize("NFKD", "".join(lacking)).isascii():
        return printable(text), own  # such as ² for 2
    for name in OTHER_FONTS if lacking else ():
        other = system_font(name, size)
        if other is not None and all(has_letter(other, letter) for letter in lacking):
            return line, other
    return printable(text), own


def printable(text: str) -> str:
    """``text`` on one line, without the accents that the own font lacks.

    >>> printable("Žluťoučký kůň, 3 × 4")
    'Zlutoucky kun, 3 x 4'
    """
    plain = unicodedata.normalize("NFKD", text).replace("×", "x").replace("ß", "ss")
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def text_width(text: str, size: float) -> float:
    """Width in pixels of ``text`` as `Canvas.text` writes it."""
    written, face = typeset(text, size)
    return face.getlength(written)


def shortened(text: str, size: float, width: float) -> str:
    """``text``, cut and ended with "…" where it is wider than ``width`` pixels.

    Empty where not even one letter fits.

    >>> name = shortened("a very long name of a class", 12, 60)
    >>> name.startswith("a very"), name.endswith("…"), text_width(name, 12) <= 60
    (True, True, True)
    >>> shortened("cow", 12, 3)
    ''
    """
    if text_width(text, size) <= width:
        return text
    # A longer text is a wider one, so the longest that fits is found by halving.
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if text_width(text[:middle].rstrip() + "…", size) <= width:
            fits = middle
        else:
            too_long = middle
    return text[:fits].rstrip() + "…" if fits else ""


def wrapped(text: str, size: float, width: float) -> list[str]:
    r"""``text`` as lines no wider than ``width``; its own line breaks are kept.

    >>> wrapped("boxes\nthat remain after all", 12, 64)
    ['boxes', 'that remain', 'after all']
    """
    lines = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and text_width(longer, size) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return [shortened(line, size, width) for line in lines]
