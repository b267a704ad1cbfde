"""A file of pictures and classes: separators, headings, splits, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from minicv.data.class_list import ClassList, open_class_list, splits_of_list
from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, DatasetWarning, ImageError


def save(folder, text, *names, encoding="utf-8"):
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 3), (number, 0, 0)).save(folder / name)
    file = folder / "list.csv"
    file.write_text(text, encoding=encoding)
    return file


def ids(dataset):
    return [dataset[index][1]["image_id"] for index in range(len(dataset))]


def test_paths_and_classes(tmp_path):
    file = save(tmp_path, "b/2.png,duck\na.png,cow\n", "b/2.png", "a.png")
    dataset = ClassList(file)
    assert dataset.classes == ("cow", "duck") and dataset.labels == [0, 1]
    assert ids(dataset) == ["a.png", "b/2.png"] and len(dataset) == 2
    image, target = dataset[1]
    assert image.shape == (3, 3, 4) and image.dtype == np.float32 and image.max() == 0
    assert target == {"label": 1, "image_id": "b/2.png"} and type(target["label"]) is int
    assert ClassList(file, classes=["duck", "cow"]).labels == [1, 0]


@pytest.mark.parametrize(
    "text",
    [
        "a.png,cow\nb.png,duck\n",
        "a.png;cow\r\n\r\nb.png;duck",
        "a.png\tcow\nb.png\tduck\n",
        '"a.png", "cow"\n"b.png", "duck"\n',
        "path,class\na.png,cow\nb.png,duck\n",
        "# Image ;Label\na.png;cow\nb.png;duck\n",
        "cow,a.png\nduck,b.png\n",
        "label,score,file\ncow,0.5,a.png\nduck,1,b.png\n",
        "Tier,Bild\ncow,a.png\nduck,b.png\n",  # whatever they are called
        "id,breed\na,cow\nb,duck\n",  # without a suffix
        "image,mask,class\na.png,m.png,cow\nb.png,m.png,duck\n",
        "mask,class,image\nm.png,cow,a.png\nm.png,duck,b.png\n",
        "C:\\photos\\a.png,cow\n/home/x/b.jpg,duck\n",  # of another computer
    ],
)
def test_forms(tmp_path, text):
    dataset = ClassList(save(tmp_path, text, "a.png", "b.png"))
    assert dataset.classes == ("cow", "duck")
    assert ids(dataset) == ["a.png", "b.png"] and dataset.labels == [0, 1]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_and_letters(tmp_path, encoding):
    text = "path,class\nä.png,Gänse\nb.png,🐄\n"
    dataset = ClassList(save(tmp_path, text, "ä.png", "b.png", encoding=encoding))
    assert dataset.classes == ("Gänse", "🐄") and ids(dataset) == ["b.png", "ä.png"]


def test_commas_within_quotes(tmp_path):
    text = '"a, b.png","cow, brown"\nc.png,"the ""duck"""\n'
    dataset = ClassList(save(tmp_path, text, "a, b.png", "c.png"))
    assert dataset.classes == ("cow, brown", 'the "duck"') and ids(dataset) == ["a, b.png", "c.png"]


def test_the_separator_that_gives_equal_rows(tmp_path):
    names = ("a;b.png", "c;d;e.png")
    dataset = ClassList(save(tmp_path, "a;b.png,cow\nc;d;e.png,duck\n", *names))
    assert ids(dataset) == [*names] and dataset.classes == ("cow", "duck")


def test_numbers_are_sorted_as_numbers(tmp_path):
    names = [f"{n}.png" for n in range(12)]
    text = "".join(f"{name},{11 - n}\n" for n, name in enumerate(names))
    assert ClassList(save(tmp_path, text, *names)).classes == tuple(map(str, range(12)))


def test_column_of_splits(tmp_path):
    names = [f"{n}.png" for n in range(6)]
    roles = ["train", "Training", "test", "train", "val", "VALID"]
    kinds = ["cow", "duck", "pig", "cow", "cow", "duck"]
    rows = (f"{r};{n};{k}\n" for r, n, k in zip(roles, names, kinds, strict=True))
    file = save(tmp_path, "split;image;class\n" + "".join(rows), *names)
    assert splits_of_list(file) == ["train", "val", "test"]
    splits = open_class_list([str(file)])
    assert ids(splits.train) == ["0.png", "1.png", "3.png"] and splits.train.labels == [0, 1, 0]
    assert ids(splits.validation) == ["4.png", "5.png"] and ids(splits.test) == ["2.png"]
    assert splits.test.classes == splits.train.classes == ("cow", "duck", "pig")
    assert splits.rule == ""


def test_every_tenth_of_each_class(tmp_path):
    names = [f"{n:02}.png" for n in range(24)]
    text = "".join(f"{name},{'cow' if n % 2 else 'duck'}\n" for n, name in enumerate(names))
    file = save(tmp_path, text, *names)
    splits = open_class_list([str(file)])
    assert ids(splits.validation) == ["18.png", "19.png"]  # the tenth duck, the tenth cow
    assert len(splits.train) == 22 and splits.tested_on_validation
    assert "of each class every tenth picture" in splits.rule
    roles = "".join(f"{name},{'cow' if n % 2 else 'duck'},train\n" for n, name in enumerate(names))
    file.write_text("path,class,split\n" + roles)
    assert ids(open_class_list([str(file)]).validation) == ["18.png", "19.png"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "it is empty"),
        ("\n , \n", "it is empty"),
        ("a.png\nb.png\n", r"line 1 is 'a.png'; expected a path and a class, with a comma"),
        ("a.png,cow,3\nb.png,duck,4\n", "it has 3 columns; expected two, of paths and of classes"),
        ("path,x,y\na.png,1,2\n", "none of its columns path, x, y is known to hold the classes;"),
        ("x,y,class\n1,2,cow\n", "none of its columns .* hold the pictures; call it path or file"),
        ('a.png,cow\nb.png,"duck', "line 2: unexpected end of data"),
        ("a.png,cow\nb.png,duck,3\n", "line 2 has 3 columns, expected 2; a text that holds the"),
        ("a.png,cow\nb.png\n", "line 2 has 1 column, expected 2"),
        ("a.png,cow\nb.png,\n", "line 2 has no class"),
        ("a.png,cow\n,duck\n", "line 2 has no path of a picture"),
        ("path,class\n", "names no picture"),
        ("path,class,split\na.png,cow,train\nb.png,duck,x\n", "line 3: the split is 'x', expected"),
        ("a.png,cow\nb.png,duck\na.png,duck\n", "lines? 1 and line 3 name .*, as 'cow' and as 'du"),
        ("a.png,cow\n../b.png,duck\n", r"line 2 names '../b.png', which leads outside of"),
        ("a.png,cow\nb.png,cow\n", "only 'cow' has pictures to learn from, so there is nothing"),
        ("path,class,split\na.png,cow,train\na.png,cow,test\n", "name .*a.png, in train and test"),
        ("a.png,cow\n" + "b" * 200_000 + ".png,duck\n", "line 2: field larger than field limit"),
    ],
)
def test_what_is_refused(tmp_path, text, sentence):
    file = save(tmp_path, text, "a.png", "b.png")
    with pytest.raises(AnnotationError, match=sentence) as error:
        ClassList(file, "train" if "split" in text else None)
    assert str(error.value).startswith("ClassList: ") and str(file) in str(error.value)


def test_missing_and_broken_pictures(tmp_path):
    file = save(tmp_path, "a.png,cow\nb.png,duck\nc.png,cow\nd.png,duck\n", "a.png", "b.png")
    with pytest.raises(FileNotFoundError, match=r"(?s)2 faults.*'c\.png', which is not.*'d\.png'"):
        ClassList(file)
    for name in ("c.png", "d.png"):
        (tmp_path / name).write_text("<html>")
    with pytest.raises(ImageError, match=r"(?s)2 faults.*c\.png: .*web page.*d\.png"):
        ClassList(file)
    (tmp_path / "c.png").unlink()
    with pytest.warns(DatasetWarning, match="left out"):
        assert ids(ClassList(file, faults=Faults(skip_unreadable=True))) == ["a.png", "b.png"]
    with pytest.raises(FileNotFoundError, match="there is no file"):
        ClassList(tmp_path / "away.csv")


def test_repeated_lines_and_unknown_classes(tmp_path):
    file = save(tmp_path, "a.png,cow\nb.png,duck\n./a.png,cow\n", "a.png", "b.png")
    with pytest.warns(DatasetWarning, match=r"line 1 and line 3 name .*a\.png; the second is left"):
        assert ids(ClassList(file)) == ["a.png", "b.png"]
    faults = Faults(raises=False)
    ClassList(file, classes=["cow", "pig"], faults=faults)
    assert [(fault.kind, fault.repair) for fault in faults.found] == [
        *(("repeated line", "the second is left out"), ("unknown class", ""))
    ]
    assert "line 2: 'duck' is no class of cow, pig; add it to --classes" in str(faults.found[1])


def test_imagenet_samples(real_data, tmp_path):
    folder = real_data("imagenet-samples")
    pictures = sorted(folder.glob("*.jpg"))[:20]
    for picture in pictures:
        (tmp_path / picture.name).symlink_to(picture)
    rows = "".join(f"{picture.name},{picture.name[:2]}{picture.name[4]}\n" for picture in pictures)
    file = tmp_path / "list.csv"
    file.write_text(rows)
    dataset = ClassList(file)
    assert len(dataset) == 20 and {p.name[4] for p in pictures} == {c[2] for c in dataset.classes}
    assert dataset[3][0].shape[0] == 3
