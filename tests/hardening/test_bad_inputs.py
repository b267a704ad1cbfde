"""More than a thousand bad inputs: each ends in a sentence that names its file and its field."""

import collections
from pathlib import Path

import pytest
from hardening import bad_calls, bad_json, bad_lines, bad_pictures, bad_weights
from hardening.bad_inputs import outcome, written

CASES = [
    *(*bad_lines.annotations(), *bad_json.annotations(), *bad_pictures.files()),
    *(*bad_weights.files(), *bad_calls.calls()),
]


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory):
    """The folder of a family, in which its good files are written once."""
    folders = {}

    def folder(family):
        if family.name not in folders:
            folders[family.name] = tmp_path_factory.mktemp(family.name.replace(" ", "_"))
            written(folders[family.name], family.files)
        return folders[family.name]

    return folder


@pytest.mark.parametrize("case", CASES, ids=[case.title for case in CASES])
def test_a_bad_input_ends_in_a_sentence(case, folder_of):
    said = outcome(case, folder_of(case.family))
    assert case.sentence in said
    assert case.file in said


def test_there_are_five_hundred_different_ones():
    assert len(CASES) >= 500
    page = (Path(__file__).resolve().parents[2] / "docs" / "reliability.md").read_text("utf-8")
    assert f"{len(CASES):,} bad inputs" in page
    twice = [t for t, n in collections.Counter(c.title for c in CASES).items() if n > 1]
    assert not twice
