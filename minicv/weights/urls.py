"""URLs of files: which are taken, and how messages show them."""

from __future__ import annotations

import re
import urllib.parse

from minicv.weights.errors import WeightsError

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=@ ()-]{0,199}")


def is_url(text: str) -> bool:
    """Whether that is meant as a URL, and not as a name.

    >>> is_url("resnet18"), is_url("file:/tmp/a.pth")
    (False, True)
    """
    return "://" in text or text[:5].lower() == "file:"


def check_url(url: str) -> str:
    """The URL as it is asked for, with what ASCII lacks written as ``%``.

    Raises:
        WeightsError: it is not one of ``http``, ``https`` or ``file``, or it is malformed.

    >>> check_url("https://example.org/größe.pth")
    'https://example.org/gr%C3%B6%C3%9Fe.pth'
    >>> check_url("ftp://example.org/a.pth")
    Traceback (most recent call last):
        ...
    minicv.weights.errors.WeightsError: ftp://example.org/a.pth: expected a URL that begins with
    https://, http:// or file://, not with ftp:
    """
    scheme = url.partition(":")[0].lower()
    if scheme not in ("http", "https", "file"):
        raise WeightsError(
            f"{shown(url)}: expected a URL that begins with https://, http:// or file://, not with "
            f"{scheme}:"
        )
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port, (parts.hostname or "").encode("idna")
    except ValueError as error:  # UnicodeError is one
        raise WeightsError(f"{shown(url)}: not a URL ({error})") from None
    if scheme != "file" and not parts.hostname:
        raise WeightsError(f"{shown(url)}: not a URL (it names no server)")
    if "@" in parts.netloc:
        raise WeightsError(
            f"{shown(url)}: a URL with a user's name is not supported; fetch the file by other "
            "means, and give its path"
        )
    host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    path, query = (urllib.parse.quote(part, "%/:=&?~+!$,;'@()*") for part in parts[2:4])
    return urllib.parse.urlunsplit((scheme, host, path, query, ""))


def shown(url: str) -> str:
    """The URL as messages show it: without a password, and without a query, which may hold a key.

    >>> shown("https://me:secret@example.org/a.pth?key=secret")
    'https://example.org/a.pth'
    """
    start, slashes, rest = url.partition("?")[0].partition("#")[0].partition("://")
    host, slash, path = rest.partition("/")
    text = start + slashes + host.rpartition("@")[2] + slash + path
    return "".join(c if c.isprintable() else "?" for c in text)[:300]


def file_name(url: str) -> str:
    """The last part of a URL, under which the file is kept.

    Raises:
        WeightsError: it is no plain name.

    >>> file_name("https://example.org/models/resnet18-f37072fd.pth?download=1")
    'resnet18-f37072fd.pth'
    """
    name = urllib.parse.unquote(urllib.parse.urlsplit(url).path.rpartition("/")[2])
    if not _FILE_NAME.fullmatch(name):
        raise WeightsError(
            f"{shown(url)}: its last part is no plain name of a file; expected letters, digits and "
            "any of _.+=@()- as in https://example.org/resnet18-f37072fd.pth"
        )
    return name
