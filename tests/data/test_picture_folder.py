"""Finding pictures by the names that other people's annotations give them."""

import unicodedata

import pytest

from minicv.data.picture_folder import PictureFolder, pictures_in, visible


def folder_of(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_suffixes_of_any_case_and_no_hidden_files(tmp_path):
    folder_of(
        tmp_path,
        "a.Jpg",
        "b.BMP",
        "c.tif",
        "d.webp",
        "._a.jpg",
        ".hidden/e.jpg",
        "sub/f.png",
        "g.txt",
    )
    assert [p.name for p in pictures_in(tmp_path)] == ["a.Jpg", "b.BMP", "c.tif", "d.webp"]
    assert [p.name for p in pictures_in(tmp_path, recursive=True)][-1] == "f.png"
    assert [p.name for p in visible(tmp_path.glob("*.jpg"))] == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("img 1", ["img 1.jpg"]),
        ("img 1.jpg", ["img 1.jpg"]),
        ("img 1.PNG", ["img 1.jpg"]),  # converted since it was labelled
        (r"C:\photos\img 1.jpg", ["img 1.jpg"]),
        ("/home/someone/img 1.jpg", ["img 1.jpg"]),
        ("IMG 1.JPG", ["img 1.jpg"]),
        ("img", []),
        ("two", ["two.jpg", "two.png"]),
        ("two.png", ["two.png"]),
        ("v1.2", ["v1.2.jpg"]),  # a dot that begins no suffix
        (unicodedata.normalize("NFD", "Kühe"), ["Kühe.jpg"]),
    ],
)
def test_names_of_other_computers(tmp_path, name, found):
    folder_of(tmp_path, "img 1.jpg", "two.jpg", "two.png", "v1.2.jpg", "Kühe.jpg")
    assert [p.name for p in PictureFolder(tmp_path).named(name)] == found


def test_the_folder_in_the_name_decides_between_subfolders(tmp_path):
    folder_of(tmp_path, "day/x.jpg", "night/x.jpg")
    pictures = PictureFolder(tmp_path, recursive=True)
    assert pictures.named("night/x.jpg") == [tmp_path / "night" / "x.jpg"]
    assert pictures.named(r"night\x.jpg") == [tmp_path / "night" / "x.jpg"]
    assert len(pictures.named("x.jpg")) == 2
