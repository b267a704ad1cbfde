"""What a server answers when a file is asked of it, from any byte on: a stream, or a sentence.

Everything that can go wrong on the way becomes an error of one sentence. `Interrupted` is worth
another try; `Unreachable` is, if the server was reached before; nothing else is.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import re
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import IO, Any, NamedTuple

from minicv.weights.errors import WeightsError
from minicv.weights.urls import shown

_PIECE = 256 * 1024  # bytes at most that are read at once
_TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)
_LONGEST_WAIT = 60.0  # seconds that a server may ask for
_OF_ANY = re.compile(r"bytes \*/(\d{1,18})", re.ASCII)
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)


class Interrupted(OSError):
    """The transfer stopped in a way that another try may mend.

    Attributes:
        wait: seconds that the server asked to wait; 0 where it did not.
    """

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


class Unreachable(OSError):
    """There is no way to the server: no network, an unknown host, or a refused connection."""


class Unsatisfiable(Exception):
    """The server has nothing from that byte on.

    Attributes:
        size: of the whole file, as the server says; None where it does not.
    """

    def __init__(self, size: int | None) -> None:
        super().__init__(size)
        self.size = size


class Answer(NamedTuple):
    """What a server sends of a file.

    Attributes:
        start: the first byte that comes; 0 where the server sends the whole file.
        length: bytes that come; None where the server does not say.
        size: of the whole file; None where the server does not say.
        validator: an ETag or a date by which the server knows this version of the file, or "".
        stream: gives the bytes.
    """

    start: int
    length: int | None
    size: int | None
    validator: str
    stream: http.client.HTTPResponse | io.BufferedReader

    def pieces(self) -> Iterator[bytes]:
        """The bytes as they come, ``length`` of them, or all until the end.

        Raises:
            Interrupted: the connection was cut, or nothing came for too long.
        """
        got = 0
        while got != self.length:
            most = _PIECE if self.length is None else min(_PIECE, self.length - got)
            try:
                # Of what is there; read() would wait for all of a piece, and lose it in the end.
                piece = self.stream.read1(most)
            except TimeoutError:
                raise Interrupted("nothing came for too long") from None
            except (OSError, http.client.HTTPException) as error:
                raise Interrupted(f"the connection was cut ({_reason(error)})") from None
            if not piece:
                if self.length is None:
                    return
                raise Interrupted(f"the connection was cut after {got:,} of {self.length:,} bytes")
            got += len(piece)
            yield piece


@contextlib.contextmanager
def asked(
    url: str, start: int = 0, validator: str = "", *, timeout: float = 30.0
) -> Iterator[Answer]:
    """Ask for a file from byte ``start`` on, and close the connection at the end.

    The server may send the whole file all the same (``Answer.start`` is 0 then), for example
    because the file is no longer the one that ``validator`` was of.

    Args:
        url: as `minicv.weights.urls.check_url` gives it.
        start: the first byte that is needed.
        validator: of an earlier answer; "" goes on with whatever the server has.
        timeout: seconds without a byte after which a connection counts as cut.

    Raises:
        Interrupted: another try may help.
        Unreachable: no network, an unknown host, a refused connection.
        Unsatisfiable: the file ends before ``start``, or other bytes came than were asked for.
        OSError: no such file, a refusal, a redirect to elsewhere.
        WeightsError: a web page came instead of a file.
    """
    if url.startswith("file:"):
        with _opened_file(url) as file:
            size = file.seek(0, 2)
            file.seek(0)
            yield Answer(0, size, size, "", file)
        return
    headers = {"User-Agent": "minicv", "Accept": "*/*", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if validator:
            headers["If-Range"] = validator
    request = urllib.request.Request(url, headers=headers)
    with _response(request, timeout) as response:
        yield _answer(shown(url), response, start, validator)


def _opened_file(url: str) -> io.BufferedReader:
    parts = urllib.parse.urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise WeightsError(f"{shown(url)}: not a file of this computer; write file:///FOLDER/FILE")
    path = Path(urllib.request.url2pathname(parts.path))
    if path.exists() and not path.is_file():  # a pipe would wait for ever
        raise WeightsError(f"{shown(url)}: not a file")
    try:
        return path.open("rb")
    except ValueError as error:  # a zero in the name
        raise WeightsError(f"{shown(url)}: not a URL ({error})") from None
    except FileNotFoundError:
        raise FileNotFoundError(f"{shown(url)}: there is no such file") from None
    except OSError as error:
        raise OSError(f"{shown(url)}: cannot be read ({error.strerror})") from None


def _response(request: urllib.request.Request, timeout: float) -> http.client.HTTPResponse:
    """The server's answer, once redirects are followed and refusals have become errors."""
    name = shown(request.full_url)
    host = urllib.parse.urlsplit(request.full_url).hostname
    opener = urllib.request.build_opener(_SafeRedirects)
    try:
        return opener.open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        raise _refusal(name, error) from None
    except urllib.error.URLError as error:
        reason = error.reason
        raise _no_connection(name, host, timeout, reason) from None
    except TimeoutError:
        raise Interrupted(f"{host} did not answer within {timeout:g} seconds") from None
    except ConnectionError as error:
        raise Interrupted(f"the connection was cut ({_reason(error)})") from None
    except http.client.HTTPException as error:
        raise OSError(f"{name}: {host} does not answer as a web server ({error!r})") from None


def _refusal(name: str, error: urllib.error.HTTPError) -> Exception:
    code = error.code
    if code == 416:
        found = _OF_ANY.fullmatch(error.headers.get("Content-Range", "").strip())
        return Unsatisfiable(int(found[1]) if found else None)
    said = f"{code} {error.reason}".strip()
    if code in _TRY_AGAIN:
        wait = error.headers.get("Retry-After", "").strip()
        seconds = float(wait) if wait.isascii() and wait.isdecimal() else 0.0
        return Interrupted(f"the server is not ready ({said})", min(seconds, _LONGEST_WAIT))
    if code in (404, 410):
        return FileNotFoundError(f"{name}: the server has no such file ({said})")
    if code in (401, 403, 407, 451):
        return PermissionError(f"{name}: the server does not give this file away ({said})")
    if 300 <= code < 400:
        return OSError(f"{name}: the server leads elsewhere and never to a file ({said})")
    return OSError(f"{name}: the server answers {said}")


def _no_connection(name: str, host: str | None, timeout: float, reason: object) -> OSError:
    """The error for a connection that was never made, or was cut before an answer came."""
    if isinstance(reason, TimeoutError):
        return Interrupted(f"{host} did not answer within {timeout:g} seconds")
    if isinstance(reason, socket.gaierror):
        if reason.errno == socket.EAI_AGAIN:
            return Unreachable(f"{name}: no network, or no name server ({_reason(reason)})")
        return Unreachable(f"{name}: unknown host {host} ({_reason(reason)}), or no network")
    if isinstance(reason, ssl.SSLCertVerificationError):
        return OSError(f"{name}: {host} cannot prove who it is ({reason.verify_message})")
    if isinstance(reason, ConnectionRefusedError):
        return Unreachable(f"{name}: {host} refuses the connection")
    if isinstance(reason, (ConnectionError, ssl.SSLEOFError)):
        return Interrupted(f"the connection was cut ({_reason(reason)})")
    return Unreachable(f"{name}: no connection to {host} ({_reason(reason)})")


def _reason(error: object) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _answer(name: str, response: http.client.HTTPResponse, start: int, validator: str) -> Answer:
    headers = response.headers
    kind = headers.get_content_type() if "Content-Type" in headers else ""
    coding = headers.get("Content-Encoding", "identity").strip().lower()
    if response.status not in (200, 206):
        raise OSError(f"{name}: the server answers {response.status} {response.reason}")
    if kind in ("text/html", "application/xhtml+xml"):
        raise WeightsError(
            f"{name}: a web page came instead of a file; is this the address of the file itself, "
            "and is this computer logged in to its network?"
        )
    if coding != "identity":
        raise OSError(f"{name}: the server packs the file ({coding}), though it was asked not to")
    length = response.length  # what http.client makes of the header; None for nonsense
    if response.status == 200:
        return Answer(0, length, length, _validator(headers), response)
    found = _RANGE.fullmatch(headers.get("Content-Range", "").strip())
    first, last = (int(found[1]), int(found[2])) if found else (-1, -1)
    size = int(found[3]) if found and found[3] != "*" else None
    announced = last - first + 1
    new = _validator(headers)
    consistent = (
        first == start
        and announced > 0
        and length in (None, announced)
        and (size is None or last < size)
        and not (validator and new and new != validator)
    )
    if not consistent:
        raise Unsatisfiable(None)  # not what was asked for
    return Answer(start, announced, size, new or validator, response)


def _validator(headers: Message) -> str:
    """What ``If-Range`` takes: an ETag, unless it is a weak one, or the date of the file."""
    tag = headers.get("ETag", "").strip()
    strong = tag.startswith('"') and tag.endswith('"') and len(tag) > 2
    found = tag if strong else headers.get("Last-Modified", "").strip()
    return found if found.isascii() and found.isprintable() and len(found) < 500 else ""


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects from http to http or https, and from https to https alone."""

    def http_error_302(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message
    ) -> Any:
        target = headers.get("Location", headers.get("URI", req.full_url))  # as urllib reads it
        target = urllib.parse.urljoin(req.full_url, target)
        scheme = target.partition(":")[0].lower()
        allowed = ("https",) if req.full_url.startswith("https:") else ("http", "https")
        if scheme not in allowed:
            fp.close()
            raise OSError(
                f"{shown(req.full_url)}: leads to {shown(target)}; a redirect to {scheme}: is not "
                "followed"
            )
        return super().http_error_302(req, fp, code, msg, headers)  # type: ignore[arg-type]

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request:
        return urllib.request.Request(newurl, headers=req.headers)
