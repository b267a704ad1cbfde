"""What a server answers: bytes, or one sentence."""

import io
import socket
import ssl
import urllib.error
import urllib.request

import pytest
from file_server import CONTENT, cut_after, serving, status

from minicv.weights import WeightsError
from minicv.weights.server import Answer, Interrupted, Unreachable, Unsatisfiable, asked


@pytest.fixture
def served():
    with serving() as served:
        yield served


def got(url, start=0, validator="", timeout=5.0):
    with asked(url, start, validator, timeout=timeout) as answer:
        return answer, b"".join(answer.pieces())


def test_the_whole_file_comes_with_what_is_known_of_it(served):
    answer, content = got(served.address())
    assert content == CONTENT
    assert answer[:4] == (0, len(CONTENT), len(CONTENT), '"1"')
    [(_, headers)] = served.requests
    assert headers["Accept-Encoding"] == "identity" and "Range" not in headers


def test_the_rest_comes_if_the_file_is_still_the_same(served):
    answer, content = got(served.address(), 1000, '"1"')
    assert answer[:4] == (1000, len(CONTENT) - 1000, len(CONTENT), '"1"')
    assert content == CONTENT[1000:]
    assert served.requests[0][1]["Range"] == "bytes=1000-"
    assert served.requests[0][1]["If-Range"] == '"1"'
    served.etag = '"2"'
    answer, content = got(served.address(), 1000, '"1"')
    assert answer.start == 0 and content == CONTENT


def test_only_a_strong_tag_or_a_date_tells_versions_apart(served):
    served.etag, served.modified = 'W/"1"', "Tue, 28 Nov 2023 08:00:00 GMT"
    assert got(served.address())[0].validator == served.modified
    served.modified = None
    assert got(served.address())[0].validator == ""


def test_a_server_without_lengths_gives_what_comes(served):
    served.lengths = False
    answer, content = got(served.address())
    assert answer[:3] == (0, None, None) and content == CONTENT


def test_a_cut_gives_what_came_before(served):
    served.faults.append(cut_after(5000))
    with asked(served.address(), timeout=5.0) as answer:
        pieces = answer.pieces()
        content = b""
        with pytest.raises(Interrupted, match=r"was cut after 5,000 of 102,400 bytes"):
            for piece in pieces:
                content += piece
    assert content == CONTENT[:5000]


def test_a_chunked_answer_that_is_cut_is_noticed(served):
    def chunked(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n")
        handler.close_connection = True
        return True

    served.faults.append(chunked)
    with pytest.raises(Interrupted, match="the connection was cut"):
        got(served.address())


def test_a_server_that_falls_silent_does_not_hold_us_up(served):
    def silent(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        handler.wfile.write(b"abc")
        handler.rfile.read(1)  # until the other side ends
        return True

    served.faults.append(silent)
    with pytest.raises(Interrupted, match="nothing came for too long"):
        got(served.address(), timeout=0.1)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/a.pth"
        with pytest.raises(Interrupted, match=r"127.0.0.1 did not answer within 0.1 seconds"):
            got(url, timeout=0.1)


@pytest.mark.parametrize(
    "content_range",
    [
        "bytes 0-3/102400",  # from another byte than was asked for
        "bytes 1000-999/102400",
        "bytes 1000-1003/1002",
        "bytes 1000-102399/102400",  # but four bytes come
        "bytes 1000-1003/" + "9" * 5000,
        "pages 1000-1003/2000",
        "",
    ],
)
def test_a_part_that_was_not_asked_for_is_not_taken(served, content_range):
    served.faults.append(status(206, {"Content-Range": content_range}, b"abcd"))
    with pytest.raises(Unsatisfiable):
        got(served.address(), 1000, '"1"')


def test_a_part_of_another_version_is_not_taken(served):
    served.etag = '"2"'
    served.faults.append(status(206, {"Content-Range": "bytes 1000-1003/2000"}, b"abcd"))
    with pytest.raises(Unsatisfiable):
        got(served.address(), 1000, '"1"')


def test_a_part_of_a_part_is_taken(served):
    served.faults.append(status(206, {"Content-Range": "bytes 1000-1003/*"}, b"abcd"))
    answer, content = got(served.address(), 1000, '"1"')
    assert answer[:3] == (1000, 4, None) and content == b"abcd"


def test_bytes_beyond_what_was_announced_are_left(served):
    def more(handler):
        handler.answer(206, {"Content-Range": "bytes 1000-1003/2000"}, b"abcdefgh")
        return True

    served.lengths = False
    served.faults.append(more)
    assert got(served.address(), 1000, '"1"')[1] == b"abcd"
    served.faults.append(
        lambda handler: handler.answer(200, {"Content-Length": 3}, b"abcd") or True
    )
    assert got(served.address())[1] == b"abc"


def test_beyond_the_end_the_size_is_said(served):
    with pytest.raises(Unsatisfiable) as refused:
        got(served.address(), len(CONTENT), '"1"')
    assert refused.value.size == len(CONTENT)


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        (404, FileNotFoundError, "the server has no such file (404 Not Found)"),
        (410, FileNotFoundError, "the server has no such file (410 Gone)"),
        (403, PermissionError, "the server does not give this file away (403 Forbidden)"),
        (401, PermissionError, "the server does not give this file away (401 Unauthorized)"),
        (400, OSError, "the server answers 400 Bad Request"),
        (204, OSError, "the server answers 204 No Content"),
        (300, OSError, "the server leads elsewhere and never to a file (300 Multiple Choices)"),
        (503, Interrupted, "the server is not ready (503 Service Unavailable)"),
    ],
)
def test_refusals_are_one_sentence(served, code, error, said):
    served.faults.append(status(code))
    with pytest.raises(error) as refused:
        got(served.address("a.pth") + "?key=secret")
    where = "" if error is Interrupted else f"{served.url}/models/a.pth: "
    assert str(refused.value) == where + said


def test_a_server_may_ask_for_some_patience(served):
    for asked_for, wait in (("7", 7.0), ("9" * 400, 60.0), ("tomorrow", 0.0)):
        served.faults.append(status(429, {"Retry-After": asked_for}))
        with pytest.raises(Interrupted) as refused:
            got(served.address())
        assert refused.value.wait == wait


def test_redirects_stay_on_the_web(served):
    served.faults.append(status(302, {"Location": "/elsewhere/a.pth"}))
    assert got(served.address(), 5, '"1"')[1] == CONTENT[5:]
    assert served.requests[1][0] == "/elsewhere/a.pth"
    assert served.starts == [5, 5]  # the rest is asked for there too
    served.faults.append(status(308, {"Location": "/elsewhere/a.pth"}))
    assert got(served.address())[1] == CONTENT
    for header in ("Location", "URI"):
        for target in ("file:///etc/passwd", "ftp://127.0.0.1/a.pth", "data:,abc"):
            served.faults.append(status(301, {header: target}))
            scheme = target.partition(":")[0]
            with pytest.raises(OSError, match=f"a redirect to {scheme}: is not followed"):
                got(served.address())


def test_a_redirect_from_https_to_http_is_not_followed():
    from email.message import Message

    from minicv.weights.server import _SafeRedirects

    headers = Message()
    headers["Location"] = "http://example.org/a.pth"
    request = urllib.request.Request("https://example.org/a.pth")
    with pytest.raises(OSError, match="a redirect to http: is not followed"):
        _SafeRedirects().http_error_302(request, io.BytesIO(), 302, "Found", headers)


def test_redirects_in_a_circle_end(served):
    served.faults += [status(302, {"Location": "/models/a.pth"})] * 20
    with pytest.raises(OSError, match="the server leads elsewhere and never to a file"):
        got(served.address("a.pth"))


def test_a_web_page_is_no_file(served):
    page = status(200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>Please log in")
    served.faults.append(page)
    with pytest.raises(WeightsError, match="a web page came instead of a file"):
        got(served.address())
    served.faults.append(status(200, {"Content-Encoding": "gzip"}, b"abc"))
    with pytest.raises(OSError, match=r"the server packs the file \(gzip\)"):
        got(served.address())


def test_what_is_no_web_server_is_named(served):
    def other(handler):
        handler.wfile.write(b"220 mail.example.org ESMTP\r\n")
        handler.close_connection = True
        return True

    served.faults.append(other)
    with pytest.raises(OSError, match=r"127.0.0.1 does not answer as a web server"):
        got(served.address())
    served.faults.append(lambda handler: True)  # closes without a word
    with pytest.raises(Interrupted, match="the connection was cut"):
        got(served.address())


def test_a_refused_connection_is_named():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unreachable, match=r"a.pth: 127.0.0.1 refuses the connection"):
        got(f"http://127.0.0.1:{port}/a.pth")


@pytest.mark.parametrize(
    ("reason", "error", "said"),
    [
        (
            socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
            Unreachable,
            "no network, or no name server (Temporary failure in name resolution)",
        ),
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            Unreachable,
            "unknown host example.org (Name or service not known), or no network",
        ),
        (OSError(101, "Network is unreachable"), Unreachable, "(Network is unreachable)"),
        (ConnectionResetError(104, "Connection reset by peer"), Interrupted, "was cut (Conn"),
        (TimeoutError("timed out"), Interrupted, "example.org did not answer within 5 seconds"),
        (ssl.SSLEOFError(8, "EOF occurred"), Interrupted, "the connection was cut (EOF"),
        ("odd", Unreachable, "no connection to example.org (odd)"),
    ],
)
def test_without_a_connection_the_reason_is_said(monkeypatch, reason, error, said):
    def fails(self, *_, **__):
        raise urllib.error.URLError(reason)

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", fails)
    with pytest.raises(error) as refused:
        got("https://example.org/a.pth")
    assert said in str(refused.value)


def test_a_false_certificate_is_named(monkeypatch):
    reason = ssl.SSLCertVerificationError(1, "certificate verify failed")
    reason.verify_message = "self-signed certificate"

    def fails(self, *_, **__):
        raise urllib.error.URLError(reason)

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", fails)
    with pytest.raises(OSError, match=r"cannot prove who it is \(self-signed certificate\)"):
        got("https://example.org/a.pth")


def test_files_of_this_machine_are_read(tmp_path):
    (tmp_path / "größe.pth").write_bytes(b"abc")
    answer, content = got((tmp_path / "größe.pth").as_uri(), 2, "x")
    assert answer[:4] == (0, 3, 3, "") and content == b"abc"
    with pytest.raises(FileNotFoundError, match=r"absent.pth: there is no such file"):
        got((tmp_path / "absent.pth").as_uri())
    with pytest.raises(WeightsError, match="not a file"):
        got(tmp_path.as_uri())
    with pytest.raises(WeightsError, match="not a file of this computer"):
        got("file://example.org/a.pth")
    with pytest.raises(WeightsError, match="not a URL"):
        got("file:///a%00b.pth")


def test_a_dropped_network_is_an_interruption():
    class Dropped:
        def read1(self, _):
            raise OSError(113, "No route to host")

    answer = Answer(0, 10, 10, "", Dropped())
    with pytest.raises(Interrupted, match=r"the connection was cut \(No route to host\)"):
        list(answer.pieces())
