"""Bad annotations in XML and in lines: format by format, field by field, value by value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hardening import small_sets
from hardening.bad_inputs import Case, Family, everything, replaced
from hardening.small_sets import HEIGHT, WIDTH, voc_xml

from minicv.data import VOCDetection
from minicv.data.cvat import CVATImages
from minicv.data.yolo import YoloDetection

NO_NUMBERS = (
    *("x", "1_0", "0x10", "1,5", "nan", "inf", "-inf", "1e999", "--1", "1e", "٣", "1 2", "½"),
)


VOC = Family("voc", small_sets.voc(), lambda f: everything(VOCDetection(f, None)))
XML = "Annotations/p0.xml"


def voc() -> Iterator[Case]:
    """Pascal VOC."""
    good = VOC.files[XML]

    def case(name: str, old: str, new: str, sentence: str, **more: Any) -> Case:
        return Case(VOC, name, sentence, "p0.xml", {XML: replaced(good, old, new)}, **more)

    corners = {"xmin": "1", "ymin": "2", "xmax": "8", "ymax": "9"}
    for corner, value in corners.items():
        tag = f"<{corner}>{value}</{corner}>"
        place = f"object 1 (cow), bndbox/{corner}"
        for wrong in NO_NUMBERS:
            new = f"<{corner}>{wrong}</{corner}>"
            yield case(f"{corner} {wrong}", tag, new, f"{place} is {wrong!r}, expected a number")
        for empty in ("", "   ", "<deep>1</deep>"):
            new = f"<{corner}>{empty}</{corner}>"
            sentence = f"object 1 (cow) has no bndbox/{corner}"
            yield case(f"{corner} {empty!r} empty", tag, new, sentence)
        yield case(f"{corner} missing", tag, "", f"object 1 (cow) has no bndbox/{corner}")
    for value in ("2", "-1", "maybe", "0.5", "nan", "TRUE!"):
        new = f"<difficult>{value}</difficult>"
        sentence = f"object 1 (cow), difficult is {value!r}, expected 0 or 1"
        yield case(f"difficult {value}", "<difficult>0</difficult>", new, sentence)
    for side, value in (("width", WIDTH), ("height", HEIGHT)):
        tag = f"<{side}>{value}</{side}>"
        for wrong in ("x", "-5", "16.5", "1_6", "nan", "inf", "1e30", "0x10", "16px"):
            sentence = f"size/{side} is {wrong!r}, expected a whole number of pixels"
            yield case(f"{side} {wrong}", tag, f"<{side}>{wrong}</{side}>", sentence)
        for other in ("17", "8", "1600"):
            sentence = "is 16 x 12; label the picture again"
            yield case(f"{side} {other}", tag, f"<{side}>{other}</{side}>", sentence)
    name = "<name>cow</name>"
    yield case("no name", name, "", "object 1 has no name")
    yield case("empty name", name, "<name> </name>", "object 1 has no name")
    root = "<annotation>"
    for tag, hint in (
        ("annotations", "it looks like CVAT's own form"),
        ("svg", "it is a drawing"),
        ("html", "expected 'annotation'"),
        ("dataset", "it looks like dlib's form"),
        ("x", "its root element is 'x'"),
    ):
        content = replaced(replaced(good, root, f"<{tag}>"), "</annotation>", f"</{tag}>")
        yield Case(VOC, f"root {tag}", hint, "p0.xml", {XML: content})
    box = "<bndbox>"
    for tag in ("robndbox", "polygon", "ellipse"):
        content = good.replace(b"bndbox>", f"{tag}>".encode(), 2)
        yield Case(VOC, f"{tag} for bndbox", f"it has {tag}", "p0.xml", {XML: content})
    content = replaced(good, box, "<bndbox></bndbox><bndbox>")
    yield Case(VOC, "two boxes", "there are 2 elements bndbox", "p0.xml", {XML: content})
    repairs = {
        "flat": (1, 2, 1, 9, "bndbox (1, 2, 1, 9) has no area; dropped"),
        "reversed": (8, 9, 1, 2, "bndbox (8, 9, 1, 2) has no area; dropped"),
        "outside": (100, 100, 200, 200, "is not inside the 16 x 12 picture; dropped"),
        "partly outside": (1, 2, 30, 9, "is not inside the 16 x 12 picture; clipped"),
        "negative": (-9, -9, 8, 9, "is not inside the 16 x 12 picture; clipped"),
        "huge": (1, 2, 1e300, 9, "is not inside the 16 x 12 picture; clipped"),
    }
    for what, (*four, sentence) in repairs.items():
        content = voc_xml("p0.png", ("cow", *four)).encode()
        yield Case(VOC, what, sentence, "p0.xml", {XML: content}, repaired=True)
    content = voc_xml("p0.png", ("cow", 0.1, 0.2, 0.5, 0.6)).encode()
    yield Case(VOC, "fractions", "looks like fractions of the picture", "p0.xml", {XML: content})
    damage = {
        "empty": (b"", "is no complete XML file"),
        "cut": (good[: len(good) // 2], "is no complete XML file"),
        "zero bytes": (bytes(500), "holds zero bytes"),
        "binary": (b"\xff\xd8\xff\xe0" * 9, "is not text in utf-8"),
        "latin-1": (replaced(good, "cow", b"k\xfche"), "is not text in utf-8"),
        "json": (b'{"annotation": {}}', "is no complete XML file"),
        "two roots": (good + b"<annotation/>", "is no complete XML file"),
        "wrong nesting": (replaced(good, "</bndbox>", "</x>"), "is no complete XML file"),
        "unknown entity": (replaced(good, "cow", "&cow;"), "is no complete XML file"),
        "bomb": (
            b'<!DOCTYPE annotation [<!ENTITY a "aaaaaaaaaa">'
            + b"".join(b'<!ENTITY %c "%s">' % (c, b"&%c;" % (c - 1) * 40) for c in b"bcdefghi")
            + b"]>" + replaced(replaced(good, '<?xml version="1.0" encoding="utf-8"?>', ""),
                               "cow", "&i;"),
            "is no complete XML file",
        ),
        "other file": (
            b'<!DOCTYPE annotation [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
            + replaced(replaced(good, '<?xml version="1.0" encoding="utf-8"?>', ""), "cow", "&a;"),
            "is no complete XML file",
        ),
        "control character": (replaced(good, "cow", b"c\x01w"), "is no complete XML file"),
    }  # fmt: skip
    for encoding in ("utf-17", "zip", "rot13", "x" * 50, "undefined", "hex"):
        content = replaced(good, 'encoding="utf-8"', f'encoding="{encoding}"')
        damage[f"encoding {encoding}"] = (content, "")
    for what, (content, sentence) in damage.items():
        yield Case(VOC, what, sentence or "save the file as UTF-8", "p0.xml", {XML: content})
    picture = "JPEGImages/p0.png"
    yield Case(VOC, "no picture", "there is no photograph", "p0.xml", {picture: None})
    yield Case(
        VOC, "no annotation", "there is no XML file for it", "p0.png", {XML: None}, repaired=True
    )
    for what, content, sentence in (
        ("empty picture", b"", "it is empty (0 bytes)"),
        ("picture of zeros", bytes(999), "zero bytes only"),
        ("picture of html", b"<html>404", "it is a web page (HTML)"),
    ):
        yield Case(VOC, what, sentence, "p0.png", {picture: content})
    lists = Family("voc lists", VOC.files, lambda f: everything(VOCDetection(f, "train")))
    train = "ImageSets/Main/train.txt"
    for what, content, sentence in (
        ("unknown name", b"p0\np9\n", "line 2: 'p9': there is no annotation of that name"),
        ("absolute", b"p0\n/etc/passwd\n", "line 2: '/etc/passwd': there is no annotation"),
        ("parent", b"p0\n../../secret\n", "line 2: '../../secret': there is no annotation"),
        ("windows", b"p0\nC:\\x\\p9\n", "line 2: 'C:\\\\x\\\\p9': there is no annotation"),
        ("empty", b"", "it holds no name of a picture"),
        ("blank", b" \n\t\n", "it holds no name of a picture"),
        ("binary", b"\xff\xd8p0", "is not text in"),
        ("zeros", b"p0\0p1", "holds zero bytes"),
        ("latin-1", b"k\xfch\n", "is not text in utf-8"),
        ("long", b"p" * 5000, "there is no annotation of that name"),
        ("question", b"p?\n", "line 1: 'p?': there is no annotation"),
        ("three words", b"p0 1 2\n", "line 1: 'p0 1 2': there is no annotation"),
    ):
        yield Case(lists, what, sentence, "train.txt", {train: content})
    twice = b"p0\np1\np0\n"
    sentence = "line 3: 'p0' is the picture of line 1 again; taken once"
    yield Case(lists, "twice", sentence, "train.txt", {train: twice}, repaired=True)
    no_list = "needs {0}ImageSets/Main/train.txt, which is not there"
    yield Case(lists, "no list", no_list[11:], "train.txt", {train: None})


CVAT = Family("cvat", small_sets.cvat(), lambda f: everything(CVATImages(f, masks=True)))


def cvat() -> Iterator[Case]:
    """CVAT for images."""
    file = "annotations.xml"
    good = CVAT.files[file]

    def case(what: str, old: str, new: str, sentence: str, **more: Any) -> Case:
        return Case(CVAT, what, sentence, file, {file: replaced(good, old, new)}, **more)

    numbers = {
        "xtl": ("1.0", "box 1 (cow)"), "ytl": ("2.0", "box 1 (cow)"),
        "xbr": ("8.5", "box 1 (cow)"), "ybr": ("9.0", "box 1 (cow)"),
        "rotation": ("10", "box 1 (cow)"), "cx": ("8", "ellipse 3 (cow)"),
        "cy": ("6", "ellipse 3 (cow)"), "rx": ("4", "ellipse 3 (cow)"),
        "ry": ("3", "ellipse 3 (cow)"), "left": ("2", "mask 4 (duck)"),
        "top": ("3", "mask 4 (duck)"),
    }  # fmt: skip
    for key, (value, where) in numbers.items():
        for wrong in ("x", "1_0", "nan", "1e999", "", "1e10", "0x1"):
            sentence = f"image 'p0.png', {where}: {key} is {wrong!r}, expected a number"
            yield case(f"{key} {wrong!r}", f'{key}="{value}"', f'{key}="{wrong}"', sentence)
    for key, value in (("width", WIDTH), ("height", HEIGHT)):
        for wrong in ("x", "nan", "1_6", ""):
            sentence = f"image 'p0.png': {key} is {wrong!r}, expected a number"
            yield case(f"{key} {wrong!r}", f'{key}="{value}"', f'{key}="{wrong}"', sentence)
        sentence = "image 'p0.png', width x height is "
        yield case(f"{key} 17", f'{key}="{value}"', f'{key}="17"', sentence)
    points = 'points="3.0,4.0;11.0,4.0;11.0,10.0;3.0,10.0"'
    for wrong in (
        *("", "x", "1,2", "1,2;3,4", "1;2;3", "1,2,3;4,5,6;7,8,9", "1,2;3,4;5", "nan,1;2,3;4,5"),
        *("1e30,1;2,3;4,5", "1 2 3 4 5 6", ";;;", "1,2;3,4;x,y", "inf,1;2,3;4,5"),
    ):
        sentence = f"image 'p0.png', polygon 2 (duck): points are {wrong!r}: "
        yield case(f"points {wrong!r}", points, f'points="{wrong}"', sentence)
    for wrong, sentence in (
        ("", "rle is '', expected whole numbers"),
        ("x", "rle is 'x', expected whole numbers"),
        ("12", "expected a"),
        ("3,3,3", "rle holds 9 pixels, expected 4 x 3"),
        ("-3,15", "rle holds 12 pixels"),
        ("0.5,11.5", "expected whole numbers"),
        ("1_2", "expected whole numbers"),
        ("9" * 30, "rle holds "),
    ):
        if wrong != "12":
            yield case(f"rle {wrong}", 'rle="3,3,3,3"', f'rle="{wrong}"', sentence)
    for key, value in (("width", "4"), ("height", "3")):
        for wrong in ("0", "-4", "5", "1e8"):
            sentence = "mask 4 (duck): rle holds 12 pixels, expected "
            old, new = f'{key}="{value}"', f'{key}="{wrong}"'
            yield case(f"mask {key} {wrong}", old, new, sentence)
    label = '<box label="cow"'
    yield case("no label", label, "<box", "box 1 (without a label): it has no label")
    yield case("empty label", label, '<box label=" "', "(without a label): it has no label")
    sentence = "box 1 (pig) is not among the declared classes cow, duck"
    yield case("unknown label", label, '<box label="pig"', sentence)
    yield case("unknown shape", label, '<star label="cow"', "<star> is no shape of CVAT")
    sentence = "image 'p9.png' is not in"
    yield case("no picture", 'name="p0.png"', 'name="p9.png"', sentence)
    yield case("no image name", 'name="p0.png"', 'name=""', "image '' is not in")
    yield case("listed twice", 'name="p0.png"', 'name="p1.png"', "image 'p1.png' is listed twice")
    yield case("parent", 'name="p0.png"', 'name="../../x.png"', "image '../../x.png' is not in")
    for what, content, sentence in (
        ("empty", b"", "is no complete XML file"),
        ("cut", good[:-30], "is no complete XML file"),
        ("voc", b"<annotation/>", "its root is <annotation>"),
        ("html", b"<html/>", "its root is <html>"),
        ("no image", b"<annotations/>", "expected <annotations> with <image>"),
        ("video", b"<annotations><track/></annotations>", "the tracks of a video"),
        ("json", b"{}", "is no complete XML file"),
        ("zeros", bytes(99), "holds zero bytes"),
        ("encoding", b'<?xml version="1.0" encoding="utf-99"?>' + good, "is not known"),
        ("deep", b"<a>" * 100_000, "is no complete XML file"),
    ):
        yield Case(CVAT, what, sentence, file, {file: content})


def _yolo(folder: Any) -> None:
    everything(YoloDetection(folder, "train"))


YOLO = Family("yolo", small_sets.yolo(), _yolo)
DARKNET = Family("yolo lists", small_sets.darknet(), _yolo)


def yolo() -> Iterator[Case]:
    """YOLO."""
    labels, file = "labels/train/p0.txt", "p0.txt"

    def line(text: str | bytes, sentence: str, **more: Any) -> Case:
        content = text if isinstance(text, bytes) else text.encode()
        return Case(YOLO, f"line {content[:40]!r}", sentence, file, {labels: content}, **more)

    for position in range(5):
        for wrong in ("x", "1_0", "nan", "inf", "0x1", "1e999", "--1", "½", "٣"):
            words = ["0", "0.5", "0.5", "0.2", "0.2"]
            words[position] = wrong
            yield line(" ".join(words), f"line 1: {wrong!r} is no number")
    for wrong in ("-1", "0.5", "1e6", "99999999"):
        yield line(f"{wrong} 0.5 0.5 0.2 0.2", f"line 1: the class is {wrong!r}, expected 0, 1, 2")
    yield line("7 0.5 0.5 0.2 0.2", "line 1 has the class 7, expected 0 to 1")
    for text in ("0", "0 0.5", "0 0.5 0.5", "0 0.5 0.5 0.2", "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7"):
        count = len(text.split()) - 1
        yield line(text, f"line 1: it has {count} numbers behind the class, expected the four")
    for text, sentence in (
        ("0 50 50 20 20", "they look like pixels: divide by width and height"),
        ("0 1.5 0.5 0.2 0.2", "line 1: it holds 1.5, expected fractions of the picture"),
        ("0 -0.5 0.5 0.2 0.2", "line 1: the centre is (-0.5, 0.5), expected fractions"),
        ("0 0.1 0.1 0.5 -0.5 0.5 0.5", "line 1: it holds -0.5, expected fractions"),
        ("0 0.5 0.5 0.2 0.2 -3", "line 1: it has a sixth number, -3, expected none"),
        ("0,0.5,0.5,0.2,0.2", "blanks, not commas, part the numbers"),
        ("cow 0.5 0.5 0.2 0.2", "line 1: 'cow' is no number"),
        (b"\xff\xfe\x00", "is not text in"),
        (b"0 0.5\0", "holds zero bytes"),
        (b"k\xfche", "is not text in utf-8"),
    ):
        yield line(text, sentence)
    for text, sentence in (
        ("0 0.5 0.5 0 0.2", "dropped"),
        ("0 0.5 0.5 0.2 -0.2", "dropped"),
        ("0 0.9 0.9 0.5 0.5", "line 1 reaches from (0.65, 0.65) to (1.15, 1.15), in fractions"),
        ("0 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.2 0.2", "line 2 repeats line 1; dropped"),
        ("0 0.5 0.5 0.2 0.2 0.9", "line 1 has a sixth number, the score that a model gives"),
    ):
        yield line(text, sentence, repaired=True)
    yaml = "data.yaml"
    good = YOLO.files[yaml]
    for what, content, sentence in (
        ("nc 3", replaced(good, "nc: 2", "nc: 3"), "nc is '3', but there are 2 names"),
        ("nc x", replaced(good, "nc: 2", "nc: x"), "nc is 'x', but there are 2 names"),
        ("nc list", replaced(good, "nc: 2", "nc: [2]"), "but there are 2 names"),
        ("gap", replaced(good, "1: 'duck'", "2: 'duck'"), "names have the numbers 0, 2"),
        ("number twice", replaced(good, "1: 'duck'", "0: 'duck'"), "'0' stands there for the sec"),
        ("empty name", replaced(good, "'duck'", "''"), "expected a name each"),
        ("null name", replaced(good, "'duck'", "~"), "expected a name each"),
        ("name list", replaced(good, "'duck'", "[duck]"), "expected a name each"),
        ("same name", replaced(good, "'duck'", "cow"), "has the name 'cow' twice"),
        ("anchor", replaced(good, "'duck'", "*duck"), "begins as YAML's anchors"),
        (
            "tag",
            replaced(good, "'duck'", "!!python/object:os.system x"),
            "begins as YAML's anchors",
        ),
        ("open quote", replaced(good, "'duck'", "'duck"), "the quotes of"),
        ("bracket", replaced(good, "{workspace", "{[workspace"), "line "),
        ("open bracket", replaced(good, "[1, 2]}", "[1, 2"), "a bracket is not closed"),
        ("tab", replaced(good, "  0: cow", "\t0: cow"), "line "),
        ("key twice", good + b"nc: 2\n", "the key 'nc' stands there for the second time"),
        ("no value", good + b"loose words\n", "is no 'key: value'"),
        ("deep", good + b"a: " + b"[" * 500 + b"]" * 500, "within each other"),
        (
            "kpt_shape",
            good + b"kpt_shape: 17\n",
            "kpt_shape is '17', expected the number of joints",
        ),
        ("kpt_shape list", good + b"kpt_shape: [x, 3]\n", "kpt_shape is ['x', '3'], expected"),
        (
            "train missing",
            replaced(good, "images/train", "images/nowhere"),
            "train is 'images/nowh",
        ),
        (
            "train outside",
            replaced(good, "images/train", "../../../etc"),
            "train is '../../../etc'",
        ),
        ("train long", replaced(good, "images/train", "p" * 5000), "train is 'pppp"),
        ("train number", replaced(good, "images/train", "3"), "train is '3', which is not in"),
        (
            "train map",
            replaced(good, "images/train", "{a: b}"),
            "train is {'a': 'b'}, expected a fo",
        ),
        ("binary", b"\xff\xd8\xff", "is not text in utf-8"),
        ("zeros", bytes(50), "holds zero bytes"),
        ("names number", replaced(good, "names:\n  0: cow\n  1: 'duck'", "names: 2"), "name"),
    ):
        yield Case(
            YOLO, f"yaml {what}", sentence, yaml if what != "names number" else "", {yaml: content}
        )
    for what, content, sentence in (
        ("unknown", b"data/obj_train_data/p9.png\n", "line 1 names 'data/obj_train_data/p9.png'"),
        ("outside", b"../../p0.png\n", "line 1 names '../../p0.png', which leads outside"),
        ("absolute", b"/etc/passwd.png\n", "line 1 names '/etc/passwd.png', which is not in"),
        ("binary", b"\xff\xfe\x00", "is not text in"),
        ("latin-1", b"k\xfch.png", "is not text in utf-8"),
        ("zeros", b"p0.png\0", "holds zero bytes"),
        ("long", b"p" * 5000 + b".png", "line 1 names 'pppp"),
    ):
        yield Case(DARKNET, f"list {what}", sentence, "train.txt", {"train.txt": content})
    yield Case(
        DARKNET, "name twice", "has the name 'cow' twice", "obj.names", {"obj.names": b"cow\ncow\n"}
    )
    yield Case(
        DARKNET, "names binary", "is not text in", "obj.names", {"obj.names": b"\xff\xfe\x00"}
    )
    yield Case(
        DARKNET,
        "no names",
        "names is 'data/obj.names', which is no",
        "obj.data",
        {"obj.names": None},
    )
    yield Case(DARKNET, "data binary", "is not text in", "obj.data", {"obj.data": b"\xff\xfe\x00"})
    stray = {"obj_train_data/p9.txt": b"0 0.5 0.5 0.2 0.2\n"}
    yield Case(DARKNET, "stray labels", "there is no picture p9 for it", "p9.txt", stray)


def annotations() -> list[Case]:
    """All of them."""
    return [*voc(), *cvat(), *yolo()]
