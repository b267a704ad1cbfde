"""The section of a stage: numbers, picture for large and small screens, which stage made it."""

import numpy as np
from PIL import Image

from minicv.explain.sections import Photos, Section, arrays_of, sections_of
from minicv.inspection.stage import Stage
from minicv.inspection.stage_scene import Drawn
from minicv.inspection.stage_source import StageSource
from minicv.models.model import Model

IMAGE = np.full((3, 8, 12), 0.5, np.float32)


def model():
    made = Model()
    made.classes = ("cow", "<duck>")
    return made


def features(name, source, seconds=0.0):
    arrays = {"features": np.eye(4, dtype=np.float32)[None] + 1, "stride": 2}
    return Stage(name, f"{name}\n1 channel", "features", arrays, seconds, source)


def section(drawn, **changes):
    stage = Stage("input", "Input <b>\n12 pixels", "image", {"image": IMAGE}, 0.25)
    fields = {"number": 3, "stage": stage, "drawn": drawn, "share": 0.5, "multiplications": 1234,
              "made_with": None, "formula": "", "code": ()}  # fmt: skip
    return Section(**{**fields, **changes})


def test_numbers_and_names_are_written_and_escaped():
    text = section(Drawn(Image.new("RGB", (40, 30)), "a <note>")).as_html([])
    assert "Input &lt;b&gt;" in text and "<figcaption>a &lt;note&gt;</figcaption>" in text
    assert "250 ms, 50 % of all" in text and "<dd>1,234</dd>" in text
    assert 'id="stage-3"' in text and "Formula" not in text and "Code" not in text
    assert 'alt="Stage 3, Input &lt;b&gt;. a &lt;note&gt;"' in text


def test_a_small_screen_gets_the_picture_that_is_made_for_a_small_place():
    tile, detail = Image.new("RGB", (40, 30)), Image.new("RGB", (120, 30))
    text = section(Drawn(tile, "of the tile", detail, "of the detail")).as_html([])
    assert '<source media="(max-width: 700px)"' in text and 'width="40" height="30"' in text
    assert '<figcaption class="large">of the detail</figcaption>' in text
    assert '<figcaption class="small">of the tile</figcaption>' in text
    alike = section(Drawn(tile, "of both", detail)).as_html([])
    assert alike.count("<figcaption>of both</figcaption>") == 1
    near = section(Drawn(tile, "of the tile", Image.new("RGB", (50, 30)), "detail")).as_html([])
    assert "<source" not in near and "<figcaption>detail</figcaption>" in near


def test_a_stage_that_earlier_lines_made_says_with_which():
    lines = (StageSource("a.py", 1, 2),)
    stages = [
        Stage("input", "Input", "image", {"image": IMAGE}, 0.2),
        features("a", lines, 0.3),
        features("b", lines, 1e-5),
        features("c", lines, 1e-5),
        features("d", (StageSource("a.py", 3, 4),), 1e-5),
    ]
    sections = sections_of(stages, model(), [0, 70, 0, 0, 0])
    assert [own.made_with for own in sections] == [None, None, 2, 2, None]
    text = sections[2].as_html([])
    assert "<dd>with stage 2</dd>" in text and "% of all" not in text
    assert '<p>The lines of <a href="#stage-2">stage 2</a>.</p>' in text
    assert "Formula" not in text
    assert '<span class="time">with 2</span>' in sections[3].contents_line()
    assert '<span class="time">below 0.1 ms</span>' in sections[4].contents_line()
    own_work = sections_of(stages, model(), [0, 70, 5, 0, 0])
    assert [own.made_with for own in own_work] == [None, None, None, 3, None]
    assert round(sections[1].share, 2) == 0.6


def test_an_interactive_part_has_a_heading_and_an_empty_place():
    parts = [{"name": "a", "title": "<Try>", "data": 1}, {"name": "b", "title": "More", "data": 2}]
    text = section(Drawn(Image.new("RGB", (4, 3)))).as_html(parts)
    assert '<div class="part" data-stage="2" data-part="1"><h3>More</h3>' in text
    assert "<h3>&lt;Try&gt;</h3>" in text


def test_arrays_of_any_kind_are_named():
    arrays = {
        "boxes": np.zeros((2, 4)), "scores": np.zeros(2), "region_indices": np.arange(1500),
        "names": np.array(["cow", "cat"]),
    }  # fmt: skip
    assert arrays_of(Stage("a", "", "boxes", arrays, 0.0)) == [
        ("boxes", "2 × 4", "R 4", "float64"),
        ("scores", "2", "R", "float64"),
        ("region_indices", "1,500", "", "int64"),
        ("names", "2", "", "text"),
    ]


def test_each_image_is_in_the_page_once_and_boxes_are_in_its_own_pixels():
    large = np.zeros((3, 900, 1800), np.float32)
    code = Stage("code", "", "code", {"code": np.ones(2)}, 0.0)
    stages = [code, *(Stage(str(i), "", "image", {"image": own}, 0.0)
                      for i, own in enumerate((IMAGE, large, large))), code]  # fmt: skip
    photos = Photos(stages)
    assert [photos.number_of(index) for index in range(5)] == [None, 0, 1, 1, 1]
    small, shown = photos.as_data()
    assert (small["width"], small["height"]) == (12, 8)
    assert (shown["width"], shown["height"]) == (1800, 900)
    assert len(shown["src"]) < 3000
