"""Files come whole, whatever the server and the line do on the way."""

import hashlib
import shutil

import pytest
from file_server import CONTENT, NAME, SUM, cut_after, serving, status

from minicv.weights import WeightsError, transfer
from minicv.weights.download import fetch
from minicv.weights.part_file import part_and_note


@pytest.fixture(autouse=True)
def without_waits(monkeypatch):
    monkeypatch.setattr(transfer, "WAITS", (0.0, 0.0, 0.0))


@pytest.fixture
def served():
    with serving() as served:
        yield served


class Fetched:
    """`fetch` into a folder, and what was said."""

    def __init__(self, folder):
        self.folder, self.said = folder, []
        self.part, self.note = part_and_note(folder / NAME)

    def __call__(self, url, **options):
        path = fetch(url, folder=self.folder, say=self.said.append, timeout=5.0, **options)
        assert not self.part.exists() and not self.note.exists()
        return path.read_bytes()

    def left(self, count, url, served):
        """Have a first call end after so many bytes."""
        served.faults += [cut_after(count)] + [status(503)] * 3
        with pytest.raises(OSError, match="given up after 4 tries"):
            self(url)
        assert self.part.stat().st_size == count
        self.said.clear()
        served.requests.clear()

    @property
    def names(self):
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def fetched(tmp_path):
    return Fetched(tmp_path)


def test_a_cut_transfer_goes_on_where_it_ended(served, fetched):
    served.faults += [cut_after(1000), cut_after(500)]
    assert fetched(served.address()) == CONTENT
    assert served.starts == [0, 1000, 1500]
    assert [headers.get("If-Range") for _, headers in served.requests] == [None, '"1"', '"1"']
    assert fetched.said == [
        f"{NAME}: the connection was cut after 1,000 of 102,400 bytes; trying again in 0 s",
        f"{NAME}: the connection was cut after 500 of 101,400 bytes; trying again in 0 s",
    ]


def test_the_next_call_goes_on_too(served, fetched):
    fetched.left(30_000, served.address(), served)
    assert fetched.names == [fetched.part.name, fetched.note.name]
    assert fetched(served.address()) == CONTENT
    assert served.starts == [30_000]
    assert fetched.said == [f"{NAME}: going on from 0.0 MB"]


def test_a_part_that_is_whole_is_not_asked_for_again(served, fetched):
    fetched.left(30_000, served.address(), served)
    fetched.part.write_bytes(CONTENT)  # as if killed between the last byte and the new name
    assert fetched(served.address()) == CONTENT and served.requests == []


def test_a_server_that_ignores_ranges_starts_anew(served, fetched):
    fetched.left(30_000, served.address(), served)
    served.ranges = False
    assert fetched(served.address()) == CONTENT
    assert served.starts == [30_000] and fetched.said == []


def test_a_file_that_has_changed_starts_anew(served, fetched):
    url = served.address("a.pth")
    fetched.part, fetched.note = part_and_note(fetched.folder / "a.pth")
    fetched.left(30_000, url, served)
    served.etag, served.content = '"2"', CONTENT[::-1]
    assert fetched(url) == CONTENT[::-1]


@pytest.mark.parametrize("size", [len(CONTENT), len(CONTENT) + 1])
def test_a_part_beyond_the_end_is_asked_about(served, fetched, size):
    served.lengths = False
    served.faults += [cut_after(1000)]
    with pytest.raises(WeightsError):  # without a length nobody knows that it was cut
        fetched(served.address())
    served.lengths = True
    fetched.left(30_000, served.address(), served)
    note = fetched.note.read_text()
    fetched.note.write_text(note.replace(str(len(CONTENT)), "null"))
    fetched.part.write_bytes((CONTENT + b"x")[:size])
    assert fetched(served.address()) == CONTENT
    # The server says 416 and its size: all is here, or it starts anew.
    assert served.starts == [size] + [0] * (size > len(CONTENT))


def test_pieces_that_do_not_fit_are_fetched_anew_once(served, fetched):
    fetched.left(30_000, served.address(), served)
    fetched.part.write_bytes(b"\0" * 30_000)  # as a power cut leaves it
    assert fetched(served.address()) == CONTENT
    assert served.starts == [30_000, 0]
    assert fetched.said[1:] == [f"{NAME}: the pieces that came do not fit together; starting anew"]


def test_a_wrong_sum_leaves_nothing_and_says_both(served, fetched):
    served.content = b"another file"
    found = hashlib.sha256(b"another file").hexdigest()
    with pytest.raises(WeightsError) as refused:
        fetched(served.address())
    assert str(refused.value) == (
        f"{served.url}/models/{NAME}: the SHA-256 of the 12 bytes that came is {found[:8]}, "
        f"expected {SUM[:8]}: damaged on the way, or another file; nothing of it was kept"
    )
    assert fetched.names == [] and len(served.requests) == 1
    fetched.left(5, served.address(), served)
    with pytest.raises(WeightsError, match=r"nothing of it was kept"):
        fetched(served.address())
    assert fetched.names == []


def test_a_server_that_announces_too_little_is_found_out(served, fetched):
    served.faults.append(lambda handler: handler.answer(200, {}, CONTENT, length=1000) or True)
    with pytest.raises(WeightsError, match=r"SHA-256 of the 1,000 bytes that came"):
        fetched(served.address())


def test_a_server_that_announces_too_much_is_asked_for_the_rest(served, fetched):
    def lies(handler):
        handler.answer(200, {}, CONTENT, length=len(CONTENT) + 10)
        return True

    served.faults.append(lies)
    # The rest does not exist: 416, with the size that all have.
    assert fetched(served.address()) == CONTENT
    assert served.starts == [0, len(CONTENT)]


def test_without_lengths_all_comes_until_the_end(served, fetched):
    served.lengths = False
    assert fetched(served.address()) == CONTENT


def test_small_ranges_are_put_together(served, fetched):
    def crumb(handler):
        start = served.starts[-1]
        handler.answer(
            206,
            {"Content-Range": f"bytes {start}-{start + 999}/{len(CONTENT)}"},
            CONTENT[start : start + 1000],
        )
        return True

    served.faults += [cut_after(5000), crumb, crumb]
    assert fetched(served.address()) == CONTENT
    assert served.starts == [0, 5000, 6000, 7000]


def test_without_a_tag_and_a_sum_nothing_is_joined(served, fetched):
    served.etag = None
    served.faults += [cut_after(1000)]
    assert fetched(served.address("a.pth")) == CONTENT
    assert served.starts == [0, 0]
    # With a sum the rest is asked for all the same: the sum would tell.
    served.faults += [cut_after(1000)]
    assert fetched(served.address()) == CONTENT
    assert served.starts == [0, 0, 0, 1000]
    assert "If-Range" not in served.requests[-1][1]
    served.faults += [cut_after(1000)] * 4
    with pytest.raises(OSError, match=r"given up after 4 tries$"):
        fetched(served.address("b.pth"))
    assert fetched.names == ["a.pth", NAME]


def test_a_range_that_does_not_fit_starts_anew(served, fetched):
    wrong = status(206, {"Content-Range": "bytes 0-3/4"}, b"abcd")
    served.faults += [cut_after(1000), wrong]
    assert fetched(served.address()) == CONTENT
    assert served.starts == [0, 1000, 0]
    served.faults += [status(416)] * 2
    with pytest.raises(OSError, match="the server sends other bytes than it was asked for"):
        fetched(served.address("a.pth"))


def test_a_part_of_a_file_of_another_size_is_not_joined(served, fetched):
    other = status(206, {"Content-Range": "bytes 1000-1003/1004"}, b"abcd")
    served.faults += [cut_after(1000), other]
    assert fetched(served.address("a.pth")) == CONTENT  # where no sum would tell
    assert served.starts == [0, 1000, 0]


def test_tries_are_counted_anew_only_where_something_came(served, fetched, monkeypatch):
    served.faults += [cut_after(10)] * 8
    with pytest.raises(OSError) as refused:
        fetched(served.address())
    assert len(served.requests) == 4
    assert str(refused.value) == (
        f"{served.url}/models/{NAME}: the connection was cut after 10 of 102,370 bytes; given up "
        f"after 4 tries; 0.0 MB stay in {fetched.part}, and the next time goes on from there"
    )
    served.faults.clear()
    served.requests.clear()
    monkeypatch.setattr(transfer, "_PROGRESS", 5)
    served.faults += [cut_after(10)] * 8
    assert fetched(served.address()) == CONTENT
    assert len(served.requests) == 9


def test_a_server_that_never_goes_on_is_left(served, fetched, monkeypatch):
    monkeypatch.setattr(transfer, "_PROGRESS", 5)
    served.ranges = False
    served.faults += [cut_after(1000)] * 50
    with pytest.raises(OSError, match="given up after 4 tries"):
        fetched(served.address())
    assert len(served.requests) == 4


def test_a_server_may_ask_for_a_longer_wait(served, fetched, monkeypatch):
    waited = []
    monkeypatch.setattr(transfer.time, "sleep", waited.append)
    served.faults += [status(503, {"Retry-After": "7"})]
    assert fetched(served.address()) == CONTENT
    assert 7.0 in waited
    assert fetched.said == [
        f"{NAME}: the server is not ready (503 Service Unavailable); trying again in 7 s"
    ]


def test_the_network_may_drop_on_the_way_but_not_before(served, fetched, monkeypatch):
    from minicv.weights.server import Unreachable, asked

    answers = []

    def drops(*arguments, **options):
        answers.append(None)
        if len(answers) == 2:
            raise Unreachable("no network")
        return asked(*arguments, **options)

    monkeypatch.setattr(transfer, "asked", drops)
    served.faults += [cut_after(1000)]
    assert fetched(served.address()) == CONTENT
    assert fetched.said[1] == f"{NAME}: no network; trying again in 0 s"
    answers[:] = [None]
    with pytest.raises(OSError) as refused:
        fetched(served.address("a.pth"))
    here = fetched.folder / "a.pth"
    assert str(refused.value) == f"no network; or fetch it by other means and put it at {here}"
    assert fetched.names == [NAME]


def test_an_empty_file_is_none(served, fetched):
    served.content = b""
    with pytest.raises(OSError, match="the server sends an empty file"):
        fetched(served.address("a.pth"))
    served.lengths = False
    with pytest.raises(OSError, match="the server sends an empty file"):
        fetched(served.address())
    assert fetched.names == []


def test_what_does_not_fit_on_the_disk_is_not_begun(served, fetched, monkeypatch):
    usage = shutil.disk_usage(fetched.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100_000))
    with pytest.raises(OSError, match=r"0 MB are needed for .*; free some space, or name another"):
        fetched(served.address())
    assert fetched.names == []


def test_no_server_can_fill_the_disk(served, fetched, monkeypatch):
    monkeypatch.setattr(transfer, "_MOST", 50_000)
    for served.lengths in (True, False):
        with pytest.raises(WeightsError, match=r"that is no file of weights"):
            fetched(served.address())
        assert fetched.names == []
