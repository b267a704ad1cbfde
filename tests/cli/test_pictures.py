"""Which pictures a command takes from files and folders, and what it calls them."""

import struct

import numpy as np
import pytest
from command_line import picture
from PIL import Image

from minicv.cli import pictures as module
from minicv.cli.pictures import Pictures, drawn_by_minicv, save_picture

ENDINGS = ("_detections.png",)


def taken(capsys, *paths, out, recursive=False):
    """(path, id, name) of each picture, and what was said."""
    found = Pictures("detect", paths, out, ENDINGS, recursive=recursive)
    listed = [(one.path, one.id, one.name) for one in found]
    return listed, capsys.readouterr().err


def test_subfolders_are_entered_when_asked_for_and_else_named(tmp_path, capsys):
    folder, out = tmp_path / "photos", tmp_path / "out"
    for name in ("x.jpg", "one/x.jpg", "two/x.jpg", "two/deep/y.PNG"):
        picture(folder / name)
    listed, said = taken(capsys, folder, out=out)
    assert [own_id for _, own_id, _ in listed] == ["x.jpg"]
    assert "photos: passed over its subfolders one, two; --recursive enters them" in said
    listed, said = taken(capsys, folder, out=out, recursive=True)
    assert [own_id for _, own_id, _ in listed] == [
        "x.jpg",
        "one/x.jpg",
        "two/x.jpg",
        "two/deep/y.PNG",
    ]
    assert [name for _, _, name in listed] == ["x", "one/x", "two/x", "two/deep/y"]
    assert said == ""


def test_a_folder_with_pictures_in_its_subfolders_alone_says_what_to_do(tmp_path, capsys):
    picture(tmp_path / "photos" / "one" / "x.jpg")
    with pytest.raises(
        ValueError, match=r"holds no pictures.*--recursive enters its subfolders, o"
    ):
        taken(capsys, tmp_path / "photos", out=tmp_path / "out")
    with pytest.raises(ValueError, match="holds no pictures"):
        taken(capsys, (tmp_path / "empty").mkdir() or tmp_path / "empty", out=tmp_path / "out")


def test_names_that_a_disk_may_take_for_one_stay_apart(tmp_path, capsys):
    folder = tmp_path / "photos"
    decomposed = "e\u0301"  # é as a Mac writes it
    for name in ("x.jpg", "X.png", "x.png", "x_2.png", "é.jpg", f"{decomposed}.png"):
        picture(folder / name)
    listed, _ = taken(capsys, folder, out=tmp_path / "out")
    names = [name for _, _, name in listed]
    folded = {module._folded(name) for name in names}
    assert len(listed) == len(folded) == len({own_id for _, own_id, _ in listed})
    assert {own_id for _, own_id, _ in listed} >= {"x.jpg", "X.png", "x.png", "x_2.png"}


def test_pictures_of_several_folders_have_ids_of_their_own(tmp_path, capsys):
    places = ["a/one/x.jpg", "b/one/x.jpg", "b/two/x.jpg", "y.jpg"]
    paths = [picture(tmp_path / place) for place in places]
    listed, _ = taken(capsys, *paths, out=tmp_path / "out")
    assert [own_id for _, own_id, _ in listed] == [
        "a/one/x.jpg",
        "b/one/x.jpg",
        "two/x.jpg",
        "y.jpg",
    ]
    assert [name for _, _, name in listed] == ["x", "x_2", "x_3", "y"]
    folders = [tmp_path / "a" / "one", tmp_path / "b" / "one"]
    listed, _ = taken(capsys, *folders, out=tmp_path / "out")
    assert [own_id for _, own_id, _ in listed] == ["a/one/x.jpg", "b/one/x.jpg"]


def test_a_picture_that_is_named_twice_comes_once(tmp_path, capsys, monkeypatch):
    path = picture(tmp_path / "photos" / "x.jpg")
    monkeypatch.chdir(tmp_path)
    relative = path.relative_to(tmp_path)
    given = (path, path.parent, relative, relative.parent / ".." / "photos" / "x.jpg")
    listed, _ = taken(capsys, *given, out=tmp_path / "out")
    assert len(listed) == 1


def test_hidden_files_and_folders_are_passed_over(tmp_path, capsys):
    folder = tmp_path / "photos"
    picture(folder / "x.jpg")
    picture(folder / ".hidden" / "y.jpg")
    picture(folder / "__MACOSX" / "z.jpg")
    (folder / "._x.jpg").write_bytes(b"\0\5\26\7")  # a Mac's resource fork
    (folder / ".DS_Store").write_bytes(b"")
    (folder / "folder.jpg").mkdir()
    listed, said = taken(capsys, folder, out=tmp_path / "out", recursive=True)
    assert [own_id for _, own_id, _ in listed] == ["x.jpg"] and said == ""


def test_a_link_that_leads_back_ends(tmp_path, capsys):
    folder = tmp_path / "photos"
    picture(folder / "one" / "x.jpg")
    (folder / "one" / "back").symlink_to(folder, target_is_directory=True)
    listed, _ = taken(capsys, folder, out=tmp_path / "out", recursive=True)
    assert [own_id for _, own_id, _ in listed] == ["one/x.jpg"]


@pytest.mark.parametrize("inside", [".", "found"])
def test_what_a_command_wrote_before_is_no_picture_to_read(tmp_path, capsys, inside):
    folder = tmp_path / "photos"
    out = folder / inside
    picture(folder / "x.jpg")
    picture(folder / "mine_detections.png")  # of that name, but not written by a command
    expected = ["mine_detections.png", "x.jpg"]
    for _ in range(2):
        listed, _ = taken(capsys, folder, out=out, recursive=True)
        assert [own_id for _, own_id, _ in listed] == expected
        for path, _, name in listed:
            with Image.open(path) as opened:
                save_picture(opened.convert("RGB"), out / f"{name}_detections.png")
                save_picture(opened.convert("RGB"), out / f"{name}_stages" / "01_input.png")
    _, said = taken(capsys, folder, out=out)
    assert ("passed over 2 pictures that minicv wrote" in said) == (inside == ".")
    # In any other folder, such a picture is one like others.
    listed, _ = taken(capsys, out / "x_stages", out=tmp_path / "elsewhere")
    assert [own_id for _, own_id, _ in listed] == ["01_input.png"]


def test_no_picture_given_is_replaced(tmp_path, capsys):
    folder = tmp_path / "photos"
    for name in ("x.png", "x_detections.png", "X_2_Detections.PNG"):
        picture(folder / name)
    listed, _ = taken(capsys, folder, out=folder)
    files = {f"{name}_detections.png".casefold() for _, _, name in listed}
    assert len(files) == 3
    assert not files & {path.name.casefold() for path in folder.iterdir()}
    assert dict((own_id, name) for _, own_id, name in listed)["x.png"] == "x_3"


def test_the_mark_of_a_drawn_picture(tmp_path):
    save_picture(Image.new("P", (3, 2)), tmp_path / "new" / "a.png")
    assert drawn_by_minicv(tmp_path / "new" / "a.png")
    assert not drawn_by_minicv(picture(tmp_path / "b.png"))
    (tmp_path / "torn.png").write_bytes(b"\x89PNG")
    assert not drawn_by_minicv(tmp_path / "torn.png")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("a.heic", "pillow-heif"),
        ("a.HEIF", "pillow-heif"),
        ("a.avif", "Pillow 11.3"),
        ("a.jp2", "OpenJPEG"),
        ("a.CR2", "export it as JPEG"),
        ("a.dng", "export it as JPEG"),
        ("a.svg", "export it as JPEG"),
    ],
)
def test_a_format_that_cannot_be_read_is_named_with_what_to_do(tmp_path, capsys, name, advice):
    folder = tmp_path / "photos"
    picture(folder / "b.png")
    heic = b"\0\0\0\x18ftypheic" + bytes(40)
    (folder / name).write_bytes(heic if "hei" in name.lower() else b"\xde\xad\xbe\xef" * 9)
    found = Pictures("detect", [folder], tmp_path / "out", ENDINGS)
    assert [one.id for one in found] == ["b.png"]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("minicv detect: ") and name in line and advice in line
    with pytest.raises(ValueError, match="1 of the pictures could not be read"):
        found.check()


def test_a_text_file_needs_no_other_package(tmp_path, capsys):
    """By its suffix it would need pillow-heif; its content is known already."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.heic").write_text("hello")
    list(Pictures("detect", [folder], tmp_path / "out"))
    said = capsys.readouterr().err
    assert "it is a text file, not a picture" in said and "pillow-heif" not in said


@pytest.mark.parametrize("suffix", ["avif", "jp2", "jfif", "pgm", "webp", "tif"])
def test_formats_that_pillow_reads_are_read(tmp_path, capsys, suffix):
    folder = tmp_path / "photos"
    folder.mkdir()
    kind = {"jfif": "JPEG", "jp2": "JPEG2000", "pgm": "PPM"}.get(suffix)
    try:
        Image.new("RGB", (40, 30), (200, 200, 200)).convert("L" if suffix == "pgm" else "RGB").save(
            folder / f"a.{suffix}", kind
        )
    except (OSError, KeyError, ValueError):
        pytest.skip(f"this Pillow does not write {suffix}")
    (one,) = Pictures("detect", [folder], tmp_path / "out", ENDINGS)
    assert one.image.shape == (3, 30, 40)
    np.testing.assert_allclose(one.image, 200 / 255, atol=0.02)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 9 TiB"),
        struct.error("unpack requires a buffer of 4 bytes"),
        IndexError("list index out of range"),
        PermissionError(13, "Permission denied"),
        ValueError("height and width must be > 0"),
        ZeroDivisionError("division by zero"),
        Image.DecompressionBombError("Image size exceeds limit"),
        RecursionError("maximum recursion depth exceeded"),
    ],
    ids=repr,
)
def test_whatever_fails_in_reading_is_named_and_the_others_go_on(
    tmp_path, capsys, monkeypatch, error
):
    paths = [picture(tmp_path / f"{name}.png") for name in "abc"]
    read = module.read_image

    def sometimes(path):
        if path.name == "b.png":
            raise error
        return read(path)

    monkeypatch.setattr(module, "read_image", sometimes)
    found = Pictures("segment", paths, tmp_path / "out", ENDINGS)
    assert [one.id for one in found] == ["a.png", "c.png"]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("minicv segment: ") and str(paths[1]) in line
    with pytest.raises(ValueError, match="1 of the pictures could not be read"):
        found.check()


def test_a_bomb_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)
    small, large = picture(tmp_path / "a.png", (10, 10)), picture(tmp_path / "b.png", (40, 30))
    found = Pictures("detect", [large, small], tmp_path / "out", ENDINGS)
    assert [one.id for one in found] == ["a.png"]
    assert "b.png" in capsys.readouterr().err


def test_nothing_is_wrong_where_all_were_read(tmp_path):
    found = Pictures("detect", [picture(tmp_path / "a.png")], tmp_path / "out", ENDINGS)
    assert len(list(found)) == 1
    found.check()
