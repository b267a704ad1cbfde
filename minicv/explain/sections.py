"""One section of the page for each stage: heading, picture, numbers, formula, code."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from minicv.explain.costs import spoken_count
from minicv.explain.encoding import picture_url
from minicv.explain.formulas import formula_of
from minicv.explain.sources import Excerpt, excerpts, highlighted
from minicv.inspection.canvas import to_picture
from minicv.inspection.stage import KINDS, Stage
from minicv.inspection.stage_scene import Drawn, Scene
from minicv.inspection.stage_sizes import image_at, size_within, smaller_stages
from minicv.inspection.stages import draw_stage, duration
from minicv.models.model import Model

MOST_PHOTO = 900  # pixels of the longer side of a photograph that interactive parts draw on


@dataclass(frozen=True)
class Section:
    """A stage and what the page says of it.

    Attributes:
        number: from 1.
        stage: as the model gave it.
        drawn: its picture.
        share: of the seconds of all stages, 0..1.
        multiplications: of its convolutions and fully connected layers.
        made_with: the number of the stage before that the same lines made at once; None where the
            stage has lines of its own.
        formula: HTML, or "" where there is none, or where the stage ``made_with`` has it.
        code: the lines that made it.
    """

    number: int
    stage: Stage
    drawn: Drawn
    share: float
    multiplications: int
    made_with: int | None
    formula: str
    code: Sequence[Excerpt]

    @property
    def heading(self) -> str:
        """The first line of the stage's caption."""
        return self.stage.caption.split("\n")[0] or self.stage.name

    @property
    def anchor(self) -> str:
        """The name of the section in a link."""
        return f"stage-{self.number}"

    def contents_line(self) -> str:
        """Its line in the list of contents, with a bar for its share of the time."""
        return (
            f'<li><a href="#{self.anchor}"><span class="number">{self.number}</span> '
            f'<span class="of">{html.escape(self.heading)}</span>'
            f'<span class="time">{self._time("with ")}</span>'
            f'<span class="bar" style="--share:{self.share:.3f}"></span></a></li>'
        )

    def as_html(self, widgets: Sequence[dict[str, Any]]) -> str:
        """The section, with an empty place for each interactive part."""
        caption = " ".join(self.stage.caption.split("\n")[1:])
        parts = [
            f'<section class="stage" id="{self.anchor}" aria-labelledby="{self.anchor}-heading">',
            f'<h2 id="{self.anchor}-heading"><span class="number">{self.number}</span> '
            f"{html.escape(self.heading)}</h2>",
            f'<p class="caption">{html.escape(caption)}</p>' if caption else "",
            self._figure(),
            *(self._place(place, part) for place, part in enumerate(widgets)),
            self._numbers(),
            f'<div class="formula"><h3>Formula</h3>{self.formula}</div>' if self.formula else "",
            self._code(),
            "</section>",
        ]
        return "\n".join(part for part in parts if part)

    def _time(self, together: str) -> str:
        """The seconds, or the number of the stage to whose seconds they belong."""
        if self.made_with is not None:
            return f"{together}{self.made_with}"
        return duration(self.stage.seconds) if self.stage.seconds >= 5e-5 else "below 0.1 ms"

    def _place(self, place: int, part: dict[str, Any]) -> str:
        """Where script puts an interactive part."""
        return (
            f'<div class="part" data-stage="{self.number - 1}" data-part="{place}">'
            f'<h3>{html.escape(part["title"])}</h3><div class="control"></div></div>'
        )

    def _figure(self) -> str:
        """The picture: the large one; on a phone the one that is made for a small place."""
        tile, detail, note = self.drawn.tile, self.drawn.detail, self.drawn.note
        if detail is None or detail.width < 1.5 * tile.width:
            large = tile if detail is None else detail
            if detail is not None and self.drawn.detail_note is not None:
                note = self.drawn.detail_note
            return f"<figure>{self._image(large, note)}{_caption(note)}</figure>"
        large_note = note if self.drawn.detail_note is None else self.drawn.detail_note
        picture = (
            f'<picture><source media="(max-width: 700px)" srcset="{picture_url(tile)}" '
            f'width="{tile.width}" height="{tile.height}">{self._image(detail, note)}</picture>'
        )
        if large_note == note:
            return f"<figure>{picture}{_caption(note)}</figure>"
        return f"<figure>{picture}{_caption(large_note, 'large')}{_caption(note, 'small')}</figure>"

    def _image(self, picture: Image.Image, note: str) -> str:
        alt = html.escape(f"Stage {self.number}, {self.heading}. {note}".strip())
        size = f'width="{picture.width}" height="{picture.height}"'
        return f'<img src="{picture_url(picture)}" {size} alt="{alt}">'

    def _numbers(self) -> str:
        """Seconds, multiplications, and the arrays."""
        rows = "".join(
            f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(shape)}</td>'
            f"<td>{html.escape(letters)}</td><td>{html.escape(kind)}</td></tr>"
            for name, shape, letters, kind in arrays_of(self.stage)
        )
        share = f", {100 * self.share:.0f} % of all" if self.share >= 0.005 else ""
        counted = spoken_count(self.multiplications)
        if self.made_with is not None:
            share, counted = "", f"with stage {self.made_with}"
        return (
            '<div class="numbers"><dl>'
            f"<div><dt>Time</dt><dd>{self._time('with stage ')}{share}</dd></div>"
            f"<div><dt>Multiplications</dt><dd>{counted}</dd></div>"
            '</dl><div class="wide"><table><thead><tr><th scope="col">Array</th>'
            '<th scope="col">Shape</th><th scope="col">Axes</th><th scope="col">Numbers</th>'
            f"</tr></thead><tbody>{rows}</tbody></table></div></div>"
        )

    def _code(self) -> str:
        if self.made_with is not None:
            other = f'<a href="#stage-{self.made_with}">stage {self.made_with}</a>'
            return f'<div class="code"><h3>Code</h3><p>The lines of {other}.</p></div>'
        if not self.code:
            return ""
        listed = [_listing(excerpt) for excerpt in self.code if not excerpt.what]
        for excerpt in (excerpt for excerpt in self.code if excerpt.what):
            listed.append(
                f"<details><summary>which calls <code>{html.escape(excerpt.what)}</code></summary>"
                f"{_listing(excerpt)}</details>"
            )
        return f'<div class="code"><h3>Code</h3>{"".join(listed)}</div>'


def sections_of(
    stages: Sequence[Stage], model: Model, multiplications: Sequence[int]
) -> list[Section]:
    """A section for each stage.

    Args:
        stages: of the model, in order.
        model: whose class names and code the sections show.
        multiplications: of each stage.
    """
    total = sum(stage.seconds for stage in stages) or 1.0
    formulas = [formula_of(stage, model) for stage in stages]
    sections = []
    for index, (stage, drawn) in enumerate(zip(stages, drawings(stages, model), strict=True)):
        other = _made_with(stages, index, multiplications)
        repeated = other is not None and formulas[other - 1] == formulas[index]
        sections.append(
            Section(
                index + 1,
                stage,
                drawn,
                stage.seconds / total,
                multiplications[index],
                other,
                "" if repeated else formulas[index],
                excerpts(stage.source, model),
            )
        )
    return sections


def _made_with(stages: Sequence[Stage], index: int, multiplications: Sequence[int]) -> int | None:
    """The number of an earlier stage from which on the same lines made all up to ``index``, as a
    backbone makes all maps of a pyramid; None where this stage took work of its own."""
    number = index
    while (
        number > 0
        and stages[number].source
        and stages[number].source == stages[number - 1].source
        and multiplications[number] == 0
    ):
        number -= 1
    return None if number == index else number + 1


def drawings(stages: Sequence[Stage], model: Model) -> list[Drawn]:
    """The picture of each stage, without a caption."""
    small = smaller_stages(stages)
    image, drawn = None, []
    for index, stage in enumerate(small):
        image = stage.arrays.get("image", image)
        scene = Scene(small, index, image, model.classes, None, model.colours)
        drawn.append(draw_stage(scene))
    return drawn


def arrays_of(stage: Stage) -> list[tuple[str, str, str, str]]:
    """Of each array its name, its shape, the letters of the shape, and the kind of its numbers.

    >>> stage = Stage("input", "", "image", {"image": np.zeros((3, 4, 6), "float32")}, 0.0)
    >>> arrays_of(stage)
    [('image', '3 × 4 × 6', '3 H W', 'float32')]
    """
    letters = {name.removesuffix("?"): axes for name, axes in KINDS[stage.kind].items()}
    rows = []
    for name, value in stage.arrays.items():
        array = np.asarray(value)
        shape = " × ".join(f"{size:,}" for size in array.shape) or "one number"
        kind = "text" if array.dtype.kind in "UO" else str(array.dtype)
        rows.append((name, shape, letters.get(name, "").replace("...", "…"), kind))
    return rows


class Photos:
    """The images of the stages as pictures that interactive parts draw on, each once."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._images: list[np.ndarray] = []
        self._numbers: list[int | None] = []
        number: int | None = None
        for stage in stages:
            image = stage.arrays.get("image")
            if image is not None:
                number = next((i for i, own in enumerate(self._images) if own is image), None)
                if number is None:
                    number = len(self._images)
                    self._images.append(np.asarray(image))
            self._numbers.append(number)

    def number_of(self, index: int) -> int | None:
        """Which picture lies under stage ``index``."""
        return self._numbers[index]

    def as_data(self) -> list[dict[str, Any]]:
        """Each picture: its URL, and the size of the image in whose pixels boxes are."""
        data = []
        for image in self._images:
            height, width = image.shape[1:]
            size = size_within(height, width, MOST_PHOTO)
            shown = image if size == (height, width) else image_at(image, size)
            url = picture_url(to_picture(np.asarray(shown, np.float32)))
            data.append({"src": url, "width": width, "height": height})
        return data


def _caption(note: str, shown_on: str = "") -> str:
    """The line below a picture; on large screens or small ones alone, if so said."""
    of = f' class="{shown_on}"' if shown_on else ""
    return f"<figcaption{of}>{html.escape(note)}</figcaption>" if note else ""


def _listing(excerpt: Excerpt) -> str:
    """Lines of code with their numbers; the numbers are not copied with the code."""
    return (
        f'<p class="place"><code>{html.escape(excerpt.place())}</code></p>'
        f'<div class="wide"><pre style="counter-reset: line {excerpt.first - 1}"><code>'
        + "".join(f"<span>{line}\n</span>" for line in highlighted(excerpt.text).split("\n"))
        + "</code></pre></div>"
    )
