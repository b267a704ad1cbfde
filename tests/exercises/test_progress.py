"""How far a learner is survives the end of the command, and a broken record is said to be one."""

import pytest

from minicv.exercises.progress import FILE, FOLDER, Progress, Record


def test_records_are_kept_beside_each_other(tmp_path):
    progress = Progress(tmp_path)
    assert progress.record("conv2d") == Record()
    progress.change("conv2d", step="gradient")
    progress.change("nms", hints=2)
    progress.change("conv2d", solved=True, step="")
    again = Progress(tmp_path)
    assert again.record("conv2d") == Record(solved=True) and again.record("nms") == Record(hints=2)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b'{"nms": 3}', b'{"nms": {"hints": "x"}}', b"[" * 99999]
)
def test_a_broken_record(tmp_path, content):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ValueError, match=r"progress\.json: this is no record of exercises"):
        Progress(tmp_path)


def test_what_a_later_version_adds_is_no_fault(tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FILE).write_text('{"nms": {"solved": true, "stars": 5}}')
    assert Progress(tmp_path).record("nms") == Record(solved=True)
