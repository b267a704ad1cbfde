"""The page of one photograph: every stage of a system with picture, numbers, formula and code.

A page is one file: `page.html` with the styles (`page.css`), the script (`page.js` and every
``widget_*.js``), the pictures as data URLs and the data of interactive parts in one JSON element.
It asks no network for anything, and what it says can be read and printed without its script.

**The interactive parts.** A part is a function in Python that chooses the data, and one in script
that shows it.

In Python, in ``widgets_NAME.py``, a function of all stages (as the model gave them, at full size),
the number of the stage and the model; it gives the part, or None where the stage has nothing to
show. A table names it by the kind of the stage (`minicv.inspection.stage.KINDS`)::

    def my_part(stages, index, model):
        scores = stages[index].arrays["scores"]
        return {
            "name": "my_part",              # of the function in script
            "title": "Choose a threshold",  # its heading in the page
            "data": {"scores": packed(scores, "float32"), "classes": list(model.classes)},
        }

    WIDGETS = {"detections": my_part}

`minicv.explain.widgets.TABLES` lists the tables. ``data`` is anything that JSON can hold; arrays
go through `minicv.explain.encoding.packed`, pictures through `minicv.explain.encoding.picture_url`.

In script, in ``widget_NAME.js``, plain and without a library (every such file is put into the
page; so is every ``widget_*.css``)::

    minicv.widgets.my_part = function (element, data, stage) {
      const scores = minicv.array(data.scores);  // {shape: [R], data: Float32Array}
      ...
      element.append(minicv.element("button", { type: "button" }, "Next"));
    };

``element`` is an empty div below the part's heading. ``stage`` has ``number`` (from 1), ``name``,
``heading``, ``kind``, and ``photo``: ``{src, width, height}``, the picture on which the stage's
boxes lie (``src`` is a URL for an image element), and the size of the space they are measured in,
which may be larger than the picture has pixels; null where a stage has no picture.
`minicv.element(tag, attributes, ...children)` makes an element; a function as the value of
``onclick`` and the like is listened with. `minicv.slider({label, min, max, step, value, format,
oninput})` is a labelled slider, `minicv.buttons([[label, function], ...])` a row of buttons.
Colours are the style sheet's: ``var(--accent)``, ``--ink``, ``--soft``, ``--line``, ``--paper``,
``--raised``; `minicv.colour(k)` is the colour of class k in the drawn pictures.

Every control is a real button, slider, list or link with a name, so that the keyboard reaches it;
rows wrap below 700 pixels; what is printed is what is seen.
"""

from __future__ import annotations

import html
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from minicv.explain.costs import multiplications_by_stage, spoken_count
from minicv.explain.encoding import json_for_script
from minicv.explain.sections import Photos, Section, sections_of
from minicv.explain.widgets import widget_scripts, widget_styles, widgets_of
from minicv.inspection.palette import class_colour
from minicv.inspection.stages import duration
from minicv.models.model import Model
from minicv.tasks import System

HERE = Path(__file__).parent
MOST_CLASSES_NAMED = 20


def explain(
    model: Model, system: System | str, image: np.ndarray, name: str, weights: str = ""
) -> str:
    """What a model does with one photograph, as a page of HTML.

    The model runs twice: once to count its multiplications, and once more, as `predict` runs, for
    the stages and their seconds.

    Args:
        model: any of `minicv.tasks.SYSTEMS`, or a published one.
        system: which it is; of a published model its name.
        image: (3, H, W), RGB float in 0..1.
        name: of the photograph.
        weights: what the model's weights came from, such as the name of a file.

    Returns:
        the whole page, without a reference to any other file.

    Raises:
        ValueError: no such image; see `Model.predict`.

    >>> from minicv.tasks import SYSTEMS, Spec, build
    >>> system = SYSTEMS["classifier"]
    >>> spec = Spec("classifier", ("cow", "cat"), system.settings["small"], "small")
    >>> model = build(spec, np.random.default_rng(0))
    >>> page = explain(model, system, np.ones((3, 40, 60), "float32"), "meadow.jpg")
    >>> page[:15], "meadow.jpg" in page, page.count('<section class="stage"')
    ('<!DOCTYPE html>', True, 4)
    """
    multiplications = multiplications_by_stage(model, image)
    stages = model.stages(image)
    photos = Photos(stages)
    sections = sections_of(stages, model, multiplications)
    title = system if isinstance(system, str) else system.title
    source = "" if isinstance(system, str) else system.source
    parts = {"name": name, "title": title, "source": source, "weights": weights}
    data = {
        "stages": [
            {
                "number": section.number,
                "name": section.stage.name,
                "heading": section.heading,
                "kind": section.stage.kind,
                "photo": photos.number_of(index),
                "widgets": widgets_of(stages, index, model),
            }
            for index, section in enumerate(sections)
        ],
        "photos": photos.as_data(),
        "palette": [list(class_colour(label)) for label in range(21)],
    }
    return _page(parts, model, image, sections, data)


def _page(
    parts: dict[str, str],
    model: Model,
    image: np.ndarray,
    sections: list[Section],
    data: dict[str, Any],
) -> str:
    scripts = [(HERE / "page.js").read_text(encoding="utf-8"), *widget_scripts()]
    template = Template((HERE / "page.html").read_text(encoding="utf-8"))
    widgets = [stage["widgets"] for stage in data["stages"]]
    return template.substitute(
        title=html.escape(f"{parts['title']}: {parts['name']}"),
        system=html.escape(parts["title"]),
        paper=f" ({html.escape(parts['source'])})" if parts["source"] else "",
        photograph=html.escape(parts["name"]),
        summary=_summary(parts, model, image, sections),
        contents="\n".join(section.contents_line() for section in sections),
        sections="\n".join(
            section.as_html(own) for section, own in zip(sections, widgets, strict=True)
        ),
        style="\n".join([(HERE / "page.css").read_text(encoding="utf-8"), *widget_styles()]),
        data=json_for_script(data),
        script="\n".join([*scripts, "minicv.start();"]),
    )


def _summary(
    parts: dict[str, str], model: Model, image: np.ndarray, sections: list[Section]
) -> str:
    """The list of what the page is about: terms and what they are."""
    height, width = image.shape[1:]
    seconds = sum(section.stage.seconds for section in sections)
    multiplications = sum(section.multiplications for section in sections)
    weights = sum(parameter.data.size for parameter in model.parameters())
    rows = {
        "Photograph": f"{parts['name']}, {width} × {height} pixels",
        "Classes": _named(model.classes),
        "Weights": f"{spoken_count(weights)} numbers"
        + (f", {parts['weights']}" if parts["weights"] else ""),
        "Time": f"{duration(seconds)} on this computer, in {len(sections)} stages",
        "Multiplications": spoken_count(multiplications),
    }
    return "\n".join(
        f"<div><dt>{term}</dt><dd>{html.escape(text)}</dd></div>"
        for term, text in rows.items()
        if text
    )


def _named(classes: tuple[str, ...]) -> str:
    """The names of the classes, of many the first ones and how many more there are."""
    if len(classes) <= MOST_CLASSES_NAMED:
        return ", ".join(classes)
    first = ", ".join(classes[: MOST_CLASSES_NAMED // 2])
    return f"{first} and {len(classes) - MOST_CLASSES_NAMED // 2} more"
