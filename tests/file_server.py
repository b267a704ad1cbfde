"""A web server on this machine that gives away one file, well or badly."""

import contextlib
import hashlib
import http.server
import os
import re
import threading
from unittest import mock

CONTENT = bytes(range(256)) * 400  # 102,400 bytes
SUM = hashlib.sha256(CONTENT).hexdigest()
NAME = f"net-{SUM[:8]}.pth"


class Served:
    """What the server does; tests change it. Each request takes the first of ``faults``, if any.

    Attributes:
        requests: the path and the headers of each request so far.
        faults: functions of the handler; one that returns True has answered all of the request.
    """

    def __init__(self):
        self.content, self.etag, self.modified = CONTENT, '"1"', None
        self.ranges, self.lengths = True, True
        self.requests, self.faults = [], []
        self.url = ""

    @property
    def starts(self):
        """The first byte asked for in each request."""
        return [
            int(re.fullmatch(r"bytes=(\d+)-", headers.get("Range", "bytes=0-"))[1])
            for _, headers in self.requests
        ]

    def address(self, name=NAME):
        return f"{self.url}/models/{name}"


class Handler(http.server.BaseHTTPRequestHandler):
    cut = None  # bytes after which the connection is closed

    def log_message(self, *_):
        pass

    def do_GET(self):
        served = self.server.served
        served.requests.append((self.path, dict(self.headers)))
        self.cut = None
        if served.faults and served.faults.pop(0)(self):
            return
        start = served.starts[-1]
        version = served.etag or served.modified
        whole = not served.ranges or self.headers.get("If-Range", version) != version
        size = len(served.content)
        if start and not whole and start >= size:
            self.answer(416, {"Content-Range": f"bytes */{size}"})
        elif start and not whole:
            self.answer(
                206,
                {"Content-Range": f"bytes {start}-{size - 1}/{size}"},
                served.content[start:],
            )
        else:
            self.answer(200, {}, served.content)

    def answer(self, code, headers=(), body=b"", length=None):
        """Send it all, or up to ``cut``; ``length`` is what is announced."""
        served = self.server.served
        self.send_response(code)
        versions = {"ETag": served.etag, "Last-Modified": served.modified}
        sent = {name: value for name, value in versions.items() if value} | dict(headers)
        if served.lengths:
            sent["Content-Length"] = len(body) if length is None else length
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body[: self.cut])
        self.close_connection = True


def cut_after(count):
    """A fault: the connection ends after so many bytes of the answer."""

    def fault(handler):
        handler.cut = count

    return fault


def status(code, headers=(), body=b""):
    """A fault: that answer instead of the file."""

    def fault(handler):
        handler.answer(code, headers, body)
        return True

    return fault


@contextlib.contextmanager
def serving(handler=Handler):
    """A `Served`, on a free port of this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.served = Served()
    server.served.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        with mock.patch.dict(os.environ, {"no_proxy": "127.0.0.1"}):
            yield server.served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
