"""Code of a stage: which statements are shown, which methods, and how they are written."""

import html
import re

import numpy as np
import pytest
from source_tree import REPOSITORY
from tiny_detector import tiny_detector

from minicv.explain.sources import Excerpt, excerpts, highlighted
from minicv.inspection.stage_source import StageSource
from minicv.models.model import Model
from minicv.models.segmentation import SegNet, SegNetSettings


@pytest.fixture(scope="module")
def code():
    """The excerpts of each stage of a Faster R-CNN, by the name of the stage."""
    model = tiny_detector(("cow",))
    stages = model.stages(np.ones((3, 48, 64), np.float32))
    return {stage.name: excerpts(stage.source, model) for stage in stages}


def test_a_stage_of_a_detector_shows_its_statement_and_the_method_that_it_calls(code):
    statement, method = code["feature_map"]
    assert statement.text == "features = self._stage2_features(batch)" and statement.what == ""
    assert statement.file == method.file == "minicv/models/detection/faster_rcnn.py"
    assert method.what == "_stage2_features"
    first, *_, last = method.text.split("\n")
    assert first.startswith("def _stage2_features(self, batch: ImageBatch)")
    assert last.startswith("    return self.backbone(")


def test_what_ran_after_the_last_record_of_a_function_belongs_to_the_next_stage(code):
    suppression, *_, result = (own for own in code["detections"] if not own.what)
    assert suppression.file == "minicv/models/detection/roi_heads.py"
    assert suppression.text.startswith("return [") and "select_detections(" in suppression.text
    assert "results = [in_image(" in result.text and "record_detections" not in result.text


def test_the_lines_are_those_of_the_file(code):
    for found in code.values():
        assert found
        for excerpt in (own for own in found if not own.what):
            lines = (REPOSITORY / excerpt.file).read_text().split("\n")
            own = lines[excerpt.first - 1 : excerpt.last]
            assert [line.strip() for line in own] == [s.strip() for s in excerpt.text.split("\n")]


def test_a_method_that_makes_records_shows_in_its_stages_alone():
    model = SegNet(("cow",), SegNetSettings(widths=(4,), depths=(1,)), rng=np.random.default_rng(0))
    stages = model.stages(np.ones((3, 16, 16), np.float32))
    found = {stage.name: excerpts(stage.source, model) for stage in stages}
    assert "_network" not in [own.what for own in found["feature_map"]]
    assert "switches" in found["class_maps"][0].text  # the decoder
    assert found["class_maps"][0].file == "minicv/models/segmentation/segnet.py"


def source(tmp_path, text, first, last):
    file = tmp_path / "own.py"
    file.write_text(text)
    return [StageSource(str(file), first, last)]


def texts(sources):
    return [own.text for own in excerpts(sources, Model())]


BRANCHES = """\
def run(record, way):
    '''What it does.'''
    # Prepare.
    ready = 1
    if way:
        a = f(ready)
        record("a")
        return a
    else:
        b = g(ready)
        record("b")
    c = 3
    record("c")
    return c
"""


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (1, 7, ["# Prepare.\nready = 1\nif way:\n    a = f(ready)"]),
        (1, 11, ["    b = g(ready)"]),
        (8, 14, []),  # the branch returned: what stands below did not run
        (12, 13, ["c = 3"]),
        (14, 14, []),  # it only hands on
        (13, 13, ['record("c")']),  # nothing but the record
        (99, 99, []),
    ],
)
def test_only_what_ran_is_shown(tmp_path, first, last, expected):
    found = texts(source(tmp_path, BRANCHES, first, last))
    assert [text.split("\n")[-1] for text in found] == [text.split("\n")[-1] for text in expected]


CALLS = """\
def run(self, record):
    found = inner(self.batch(), record)
    scores = outer(inner(record))
    return scores + found
"""


@pytest.mark.parametrize(
    ("first", "resumed", "begins"),
    [
        (2, False, "found = "),
        (2, True, "scores = "),  # all that line 2 had left to do was to come back
        (3, True, "scores = "),  # outer() ran now
    ],
)
def test_a_call_that_came_back_is_shown_where_more_was_done_with_it(
    tmp_path, first, resumed, begins
):
    ((file, _, _, _),) = source(tmp_path, CALLS, 1, 1)
    (text,) = texts([StageSource(file, first, 4, resumed)])
    assert text.startswith(begins)


def test_code_that_cannot_be_read_is_not_shown(tmp_path):
    assert texts([StageSource("<stdin>", 1, 2)]) == []
    assert texts(source(tmp_path, "def run(:\n", 1, 1)) == []
    assert texts([]) == []


def test_a_place_is_said_in_words():
    assert Excerpt("minicv/a.py", 7, "x = 1").place() == "minicv/a.py, line 7"


def test_highlighted_code_keeps_every_letter():
    code = 'def f(x: int) -> str:\n    """Two\n    lines <b>."""\n    return f"{x} & 1"  # a < b\n'
    marked = highlighted(code)
    assert marked.startswith("<b>def</b> f(x: int)") and "<i># a &lt; b</i>" in marked
    assert '<q>"""Two</q>\n<q>    lines &lt;b&gt;."""</q>' in marked
    assert html.unescape(re.sub(r"</?[biq]>", "", marked)) == code


def test_a_part_of_a_program_is_highlighted_as_far_as_it_goes():
    assert highlighted("x = (1,") == "x = (1,"
    assert highlighted("") == ""
