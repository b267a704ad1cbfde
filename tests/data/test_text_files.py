"""Text of other computers: every mark, every declared encoding; what is no text is named."""

import codecs

import pytest

from minicv.data.image_files import AnnotationError
from minicv.data.text_files import read_json, read_lines, read_text, read_xml


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_every_unicode_encoding(tmp_path, mark, encoding):
    file = tmp_path / "list.txt"
    file.write_bytes(mark + "Kühe 牛\r\n\r\n img 2 \r\n".encode(encoding))
    assert read_lines(file, "Reader") == ["Kühe 牛", "img 2"]
    file.write_bytes(mark + '{"name": "牛"}'.encode(encoding))
    assert read_json(file, "Reader") == {"name": "牛"}


@pytest.mark.parametrize(
    "encoding", ["gb2312", "gbk", "big5", "shift_jis", "windows-1252", "utf-8"]
)
def test_xml_in_the_encoding_that_it_declares(tmp_path, encoding):
    name = "Kühe" if encoding == "windows-1252" else "牛"
    file = tmp_path / "a.xml"
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<annotation><name>{name}</name></annotation>'
    )
    file.write_bytes(text.encode(encoding))
    assert read_xml(file, "Reader").findtext("name") == name


def test_a_mark_is_stronger_than_what_the_xml_declares(tmp_path):
    file = tmp_path / "a.xml"
    text = '<?xml version="1.0" encoding="utf-8"?><a><name>牛</name></a>'
    file.write_bytes(codecs.BOM_UTF16_LE + text.encode("utf-16-le"))
    assert read_xml(file, "Reader").findtext("name") == "牛"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"K\xfche", "not text in utf-8 .*save the file as UTF-8"),
        (b"cow\0duck", "zero bytes"),
        (codecs.BOM_UTF16_LE + b"a", "not text in utf-16-le"),
    ],
)
def test_what_is_no_unicode_text_is_refused(tmp_path, content, says):
    file = tmp_path / "list.txt"
    file.write_bytes(content)
    with pytest.raises(AnnotationError, match=rf"^Reader: .*list\.txt.*{says}"):
        read_text(file, "Reader")


@pytest.mark.parametrize("encoding", ["klingon", "zip", "base64", "idna"])
def test_a_declared_encoding_that_is_none_is_refused(tmp_path, encoding):
    file = tmp_path / "a.xml"
    file.write_bytes(f'<?xml version="1.0" encoding="{encoding}"?><a>\xfc..</a>'.encode())
    with pytest.raises(AnnotationError, match=r"a\.xml.*(declares the encoding|is not text in)"):
        read_xml(file, "Reader")


@pytest.mark.parametrize("content", ["", "{", "[1, 2", '{"a": }', "[" * 100_000])
def test_incomplete_json_is_refused(tmp_path, content):
    file = tmp_path / "a.json"
    file.write_text(content)
    with pytest.raises(AnnotationError, match=r"a\.json is no complete JSON file"):
        read_json(file, "Reader")


@pytest.mark.parametrize("content", ["", "<a>", "<a></b>", "cow", "<a>&cow;</a>"])
def test_incomplete_xml_is_refused(tmp_path, content):
    file = tmp_path / "a.xml"
    file.write_text(content)
    with pytest.raises(AnnotationError, match=r"a\.xml is no complete XML file"):
        read_xml(file, "Reader")


def test_a_missing_file_is_named(tmp_path):
    for read in (read_text, read_lines, read_json, read_xml):
        with pytest.raises(FileNotFoundError, match=r"^Reader: there is no file .*absent"):
            read(tmp_path / "absent", "Reader")


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{"b": [{"a": 1, "c": 0, "a": 1}]}'])
def test_two_values_for_one_key_of_json(tmp_path, text):
    """Python would keep the last: the first list of images would vanish without a word."""
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(AnnotationError, match=r"a\.json .* has two values for 'a'"):
        read_json(tmp_path / "a.json", "Reader")
