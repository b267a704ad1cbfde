"""Which URLs are taken, and how they are shown."""

import pytest

from minicv.weights import WeightsError
from minicv.weights.urls import check_url, file_name, shown


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://example.org/a.pth", "https://example.org/a.pth"),
        ("HTTP://example.org/a b.pth?v=1#part", "http://example.org/a%20b.pth?v=1"),
        ("https://example.org/a%20b.pth", "https://example.org/a%20b.pth"),
        ("https://bücher.example/a.pth", "https://xn--bcher-kva.example/a.pth"),
        ("file:///tmp/a.pth", "file:///tmp/a.pth"),
    ],
)
def test_urls_as_they_are_asked_for(url, asked):
    assert check_url(url) == asked


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://example.org/a.pth", "begins with https://, http:// or file://, not with ftp:"),
        ("javascript://example.org/a.pth", "not with javascript:"),
        ("https:///a.pth", "not a URL (it names no server)"),
        ("https://example.org:port/a.pth", "not a URL (Port could not be cast"),
        ("https://[::1/a.pth", "not a URL (Invalid IPv6 URL)"),
        (f"https://{'a' * 70}.org/a.pth", "not a URL ("),
        ("https://me:secret@example.org/a.pth", "a URL with a user's name is not supported"),
    ],
)
def test_urls_that_are_none_are_refused(url, said):
    with pytest.raises(WeightsError) as refused:
        check_url(url)
    assert said in str(refused.value) and "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_what_is_shown_holds_no_secret_and_no_control_character():
    assert shown("https://me:x@a.org/b.pth?key=x#x") == "https://a.org/b.pth"
    assert shown("https://a.org/\x1b[2Jb") == "https://a.org/?[2Jb"
    assert len(shown("https://a.org/" + "b" * 1000)) == 300


@pytest.mark.parametrize("last", ["", "..", ".hidden", "a%2Fb", "a%00b", "a%0Ab", "x" * 300, "a:b"])
def test_a_name_that_is_no_plain_one_is_refused(last):
    with pytest.raises(WeightsError, match="its last part is no plain name of a file"):
        file_name(f"https://example.org/models/{last}")
    assert file_name("https://example.org/models/a%20b.pth?x=/c") == "a b.pth"
