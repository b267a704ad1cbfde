"""Bad annotations of boxes and outlines: format by format, field by field, value by value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hardening import small_sets
from hardening.bad_inputs import Case, Family, replaced, with_value
from hardening.small_sets import HEIGHT, WIDTH, voc_xml

from minicv.data import CocoDetection, VOCDetection
from minicv.data.cvat import CVATImages
from minicv.data.labelme import LabelmeFolder
from minicv.data.yolo import YoloDetection

NO_NUMBERS = (
    *("x", "1_0", "0x10", "1,5", "nan", "inf", "-inf", "1e999", "--1", "1e", "٣", "1 2", "½"),
)


def everything(dataset: Any) -> None:
    """Read every sample."""
    for index in range(len(dataset)):
        dataset[index]


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


COCO_FILE = "annotations/instances_train.json"


def _coco(folder: Any) -> None:
    everything(CocoDetection(folder / "train", folder / COCO_FILE, masks=True))


COCO = Family("coco", small_sets.coco(), _coco)
NO_IDS = (None, True, 0.5, [], {}, "", [1], float("nan"), float("inf"))


def coco() -> Iterator[Case]:
    """COCO."""
    good = COCO.files[COCO_FILE]
    name = "instances_train.json"

    def case(what: str, path: list[Any], value: Any, sentence: str, **more: Any) -> Case:
        return Case(COCO, what, sentence, name, {COCO_FILE: with_value(good, path, value)}, **more)

    for key in ("images", "annotations", "categories"):
        for value in (..., None, {}, "x", 3, True):
            yield case(f"{key} {value}", [key], value, f"has no list {key!r}")
        for value in (None, 3, "x", [], True):
            sentence = f"{key}[0] is {value!r}, expected an object"
            yield case(f"{key}[0] {value!r}", [key, 0], value, sentence)
    places = {
        "images[1]": (["images", 1], "id"),
        "categories[1]": (["categories", 1], "id"),
        "annotations[1] (id 1)": (["annotations", 1], "image_id"),
        "annotations[1] (id 1) ": (["annotations", 1], "category_id"),
    }
    for place, (path, key) in places.items():
        where = place.strip()
        for value in NO_IDS:
            sentence = f"{key} is {value!r}, expected a number"
            yield case(f"{where} {key} {value!r}", [*path, key], value, sentence)
        yield case(f"{where} no {key}", [*path, key], ..., f"{where} has no {key}")
    for value in (3, None, "", " ", [], True, "a\0b"):
        sentence = (
            "images[0] (id 0) has no file_name"
            if value is None
            else f"images[0] (id 0), file_name is {value!r}, expected a name"
        )
        yield case(f"file_name {value!r}", ["images", 0, "file_name"], value, sentence)
    for value, sentence in (
        ("../secret.png", "names '../secret.png', which leads outside"),
        ("a/../../b.png", "names 'a/../../b.png', which leads outside"),
        ("/etc/passwd", "names '/etc/passwd', which is not in"),
        ("C:\\secret.png", "names 'C:\\\\secret.png', which is not in"),
        ("p9.png", "images[0] (id 0) names 'p9.png', which is not in"),
        ("p" * 5000, "which is not in"),
        ("..", "names '..', which leads outside"),
        ("p1.png", "both name"),
    ):
        yield case(f"file_name {value[:20]}", ["images", 0, "file_name"], value, sentence)
    for side in ("width", "height"):
        for value in ("x", -1, 0.5, True, [], {}, float("nan"), float("inf"), 10**30, 1e10):
            sentence = "expected whole numbers of pixels"
            yield case(f"{side} {value!r}", ["images", 0, side], value, sentence)
        sentence = "label the picture again, or scale it back"
        yield case(f"{side} 17", ["images", 0, side], 17, sentence)
    for value in (None, "", " ", [], 0.5, True, "a\nb", "a\ud800"):
        sentence = (
            "categories[0] (id 1) has no name"
            if value is None
            else "categories[0] (id 1), name is "
        )
        yield case(f"category {value!r}", ["categories", 0, "name"], value, sentence)
    for value in ("nose", 3, [1], [""], [None], ["a", "a"], {"a": 1}, ["a\nb"]):
        sentence = "categories[0] (id 1), keypoints are "
        yield case(f"joints {value!r}", ["categories", 0, "keypoints"], value, sentence)
    bbox = (
        *(None, [], [1, 2, 3], [1, 2, 3, 4, 5], "1,2,3,4", {}, 3, [1, 2, 3, None], [1, 2, 3, "x"]),
        *([1, 2, 3, True], [1, 2, 3, [4]], [1, 2, 3, float("nan")], [1, 2, float("inf"), 4]),
        *([10**400, 2, 3, 4], [1e10, 2, 3, 4], [[1, 2, 3, 4]]),
    )
    for value in bbox:
        sentence = "annotations[0] (id 0), bbox is "
        yield case(f"bbox {str(value)[:30]}", ["annotations", 0, "bbox"], value, sentence)
    yield case("no bbox", ["annotations", 0, "bbox"], ..., "annotations[0] (id 0) has no bbox")
    for value, what in (
        ([1, 2, 0, 5], "has no area; dropped"),
        ([1, 2, 5, -5], "has no area; dropped"),
        ([100, 100, 5, 5], "picture p0.png; dropped"),
        ([10, 2, 50, 5], "picture p0.png; clipped"),
        ([-5, -5, 9, 9], "picture p0.png; clipped"),
    ):
        yield case(f"bbox {value}", ["annotations", 0, "bbox"], value, what, repaired=True)
    for value in (0, -1, "x", [], True, float("nan"), 1e30):
        sentence = "expected a number above 0; the area of its box is taken"
        yield case(f"area {value!r}", ["annotations", 0, "area"], value, sentence, repaired=True)
    for value in (2, -1, 0.5, "maybe", [], {}, float("nan")):
        sentence = "iscrowd is "
        yield case(f"iscrowd {value!r}", ["annotations", 0, "iscrowd"], value, sentence)
    area = WIDTH * HEIGHT
    size = [HEIGHT, WIDTH]
    segmentations: tuple[Any, ...] = (
        *(None, [], {}, 3, "x", [[]], [[1, 2]], [[1, 2, 3, 4, 5]], [[1, 2, 3, 4, 5, None]]),
        *([["a"] * 6], [[float("nan")] * 6], [[1e30] * 6], [[True] * 6], [{}], [None], [[[1]]]),
        *({"counts": [area], "size": [WIDTH, HEIGHT]}, {"counts": [area]}, {"size": size}),
        *({"counts": [area - 1], "size": size}, {"counts": [-1, area + 1], "size": size}),
        *({"counts": [], "size": size}, {"counts": None, "size": size}),
        *({"counts": [0.5, area - 0.5], "size": size}, {"counts": ["x"], "size": size}),
        *({"counts": [10**30], "size": size}, {"counts": [[area]], "size": size}),
        *({"counts": "", "size": size}, {"counts": "~~", "size": size}),
        *({"counts": "n", "size": size}, {"counts": "o" * 99, "size": size}),
        *({"counts": "é", "size": size}, {"counts": [area], "size": "x"}),
        *({"counts": [area], "size": [HEIGHT]}, {"counts": [area], "size": [HEIGHT, None]}),
        *(
            {"counts": {}, "size": size},
            {"counts": 3, "size": size},
            {"counts": [True], "size": size},
        ),
        *({"counts": "0" * 10**6, "size": size}, {"counts": [area], "size": [10**30, 10**30]}),
    )
    for number, value in enumerate(segmentations):
        what = f"segmentation {number} {str(value)[:30]}"
        sentence = "annotation 0, segmentation: "
        yield case(what, ["annotations", 0, "segmentation"], value, sentence)
    joints: tuple[Any, ...] = (
        *([3, 4, 2], [3, 4, 2, 0, 0, 3], [3, 4, 2, 0, 0, -1], [3, 4, 0.5, 0, 0, 0], "x", {"a": 1}),
        *([3, 4, 2, 0, 0, None], [3, 4, 2, 0, 0, "x"], [3, 4, 2, 0, 0, True], 7),
        *([float("nan"), 4, 2, 0, 0, 0], [10**400, 4, 2, 0, 0, 0], [[3, 4, 2], [0, 0, 0]]),
    )
    for value in joints:
        sentence = "annotation 0"
        yield case(f"keypoints {str(value)[:40]}", ["annotations", 0, "keypoints"], value, sentence)
    sentence = "keypoints: nose is at (100.5, 4.5), outside"
    value = [100, 4, 2, 0, 0, 0]
    yield case("joint outside", ["annotations", 0, "keypoints"], value, sentence, repaired=True)
    sentence = "categories has two entries of id 1, 'cow' and 'duck'"
    yield case("category id twice", ["categories", 1, "id"], 1, sentence)
    sentence = "images has two entries of id 0, 'p0.png' and 'p1.png'"
    yield case("image id twice", ["images", 1, "id"], 0, sentence)
    sentence = "but the file does not list image 77"
    yield case("orphan", ["annotations", 0, "image_id"], 77, sentence, repaired=True)
    sentence = "but the file does not list category 77"
    yield case("no category", ["annotations", 0, "category_id"], 77, sentence, repaired=True)
    deep = b"[" * 100_000 + b"]" * 100_000
    for what, content, sentence in (
        ("empty", b"", "is no complete JSON file"),
        ("cut", good[:-20], "is no complete JSON file"),
        ("list", b"[]", "has no list 'images': it is a list"),
        ("results", b'[{"image_id": 1, "score": 0.5}]', "it is a list of results"),
        ("null", b"null", "has no list 'images'"),
        ("number", b"3", "has no list 'images'"),
        ("deep", deep, "is no complete JSON file"),
        ("deep inside", replaced(good, "60.0", deep), "is no complete JSON file"),
        ("long number", replaced(good, "60.0", "9" * 5000), "is no complete JSON file"),
        ("key twice", b'{"images": [], "images": []}', "two values for 'images'"),
        ("binary", b"\x89PNG\r\n", "is not text in utf-8"),
        ("xml", b"<annotation/>", "is no complete JSON file"),
        ("zeros", bytes(100), "holds zero bytes"),
        ("trailing", good + b"}", "is no complete JSON file"),
        ("half utf-16", b"\xff\xfe{", "is not text in utf-16"),
        ("labelme", b'{"shapes": []}', "it is a file of labelme"),
        ("captions", b'{"images": [], "annotations": [{"caption": "x"}]}', "captions"),
    ):
        yield Case(COCO, what, sentence, name, {COCO_FILE: content})
    yield Case(COCO, "no picture", "which is not in", name, {"train/p0.png": None})
    yield Case(COCO, "html picture", "web page", "p0.png", {"train/p0.png": b"<html>"})


LABELME = Family(
    "labelme",
    small_sets.labelme(),
    lambda f: everything(LabelmeFolder(f, masks=True, segmentation=True)),
)


def labelme() -> Iterator[Case]:
    """labelme."""
    file = "p1.json"
    good = LABELME.files[file]

    def case(what: str, path: list[Any], value: Any, sentence: str, **more: Any) -> Case:
        return Case(LABELME, what, sentence, file, {file: with_value(good, path, value)}, **more)

    for side in ("imageWidth", "imageHeight"):
        for value in ("16", -1, 0.5, True, [], {}, float("nan"), 10**400, 1e12):
            sentence = "expected whole numbers of pixels"
            yield case(f"{side} {value!r:.20}", [side], value, f"{sentence}")
        yield case(f"{side} 17", [side], 17, "imageWidth x imageHeight is ")
    for value in (None, {}, "x", 3):
        yield case(f"shapes {value!r}", ["shapes"], value, "shapes is no list")
    for value in (None, 3, "x", [], True):
        sentence = f"shape 1: it is {value!r}, expected label, points and shape_type"
        yield case(f"shapes[0] {value!r}", ["shapes", 0], value, sentence)
    for value in (None, "", " ", 3, [], True):
        sentence = f"shape 1: label is {value!r}, expected a name"
        yield case(f"label {value!r}", ["shapes", 0, "label"], value, sentence)
    for value in (
        *(None, 3, "x", {}, [1, 2], [[1]], [[1, 2, 3]] * 3, [["a", "b"]] * 3, [[None, 1]] * 3),
        *([[True, 1]] * 3, [[float("nan"), 1]] * 3, [[10**400, 1]] * 3, [[1e10, 1]] * 3, [{}]),
    ):
        sentence = "shape 1 (cow): points hold "
        yield case(f"points {str(value)[:30]}", ["shapes", 0, "points"], value, sentence)
    for value in ([], [[1, 2]], [[1, 2], [3, 4]]):
        sentence = f"shape 1 (cow): a polygon of {len(value)} points, expected 3 or more"
        yield case(f"points {value}", ["shapes", 0, "points"], value, sentence)
    for number, kind in ((1, "rectangle"), (2, "circle"), (3, "mask")):
        for value in ([[1, 2]], [[1, 2]] * 3):
            sentence = f"a {kind} of {len(value)} points, expected "
            yield case(f"{kind} {value}", ["shapes", number, "points"], value, sentence)
    for value in ("pentagon", "", 3, [], {}, True, "POLYGON"):
        sentence = f"shape 1 (cow): shape_type is {value!r}, expected polygon, rectangle"
        if value:
            yield case(f"type {value!r}", ["shapes", 0, "shape_type"], value, sentence)
    for value in (None, "", "x", 3, [], {}, "aGVsbG8=", "é", "iVBORw0KGgo="):
        sentence = "shape 4 (duck): its mask is no PNG in base64"
        yield case(f"mask {value!r}", ["shapes", 3, "mask"], value, sentence)
    sentence = "shape 4 (duck): its mask is 5 x 4, but its points enclose 8 x 8 pixels"
    yield case("mask size", ["shapes", 3, "points"], [[0, 0], [7, 7]], sentence)
    sentence = "shape 1 (cow) is a point; left out"
    yield case("a point", ["shapes", 0, "shape_type"], "point", sentence, repaired=True)
    for value, sentence in (
        ([[100, 100], [120, 100], [110, 120]], "in a picture of 16 x 12; dropped"),
        ([[1, 1], [40, 1], [5, 8]], "in a picture of 16 x 12; clipped"),
        ([[1, 1], [1, 1], [1, 1]], "in a picture of 16 x 12; dropped"),
    ):
        yield case(f"outside {value}", ["shapes", 0, "points"], value, sentence, repaired=True)
    for what, content, sentence in (
        ("empty", b"", "is no complete JSON file"),
        ("cut", good[:-9], "is no complete JSON file"),
        ("deep", b"[" * 100_000, "is no complete JSON file"),
        ("binary", b"\xff\xd8\xff", "is not text in utf-8"),
        ("key twice", b'{"shapes": [], "shapes": []}', "two values for 'shapes'"),
    ):
        yield Case(LABELME, what, sentence, file, {file: content})
    for what, content in (("list", b"[]"), ("number", b"7"), ("other", b'{"a": 1}')):
        sentence = "it holds no shapes of labelme; passed over"
        yield Case(LABELME, what, sentence, file, {file: content}, repaired=True)
    for value in (None, 3, "p9.png", "../p9.png", "/etc/passwd", "p" * 3000):
        content = with_value(good, ["imagePath"], value)
        sentence = f"its picture, imagePath {value!r:.200}, is not in"
        changes = {file: None, "q.json": content}
        yield Case(LABELME, f"imagePath {value!r:.20}", sentence, "q.json", changes)
    changes = {"q.json": with_value(good, ["imagePath"], "p0.png")}
    yield Case(LABELME, "labelled twice", "labels too", "q.json", changes)


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
    ):
        yield Case(DARKNET, f"list {what}", sentence, "train.txt", {"train.txt": content})
    yield Case(
        DARKNET, "name twice", "has the name 'cow' twice", "obj.names", {"obj.names": b"cow\ncow\n"}
    )
    yield Case(
        DARKNET, "names binary", "is not text in", "obj.names", {"obj.names": b"\xff\xfe\x00"}
    )
    yield Case(DARKNET, "no names", "what the classes are called", "", {"obj.names": None})
    yield Case(DARKNET, "data binary", "is not text in", "obj.data", {"obj.data": b"\xff\xfe\x00"})
    stray = {"obj_train_data/p9.txt": b"0 0.5 0.5 0.2 0.2\n"}
    yield Case(DARKNET, "stray labels", "there is no picture p9 for it", "p9.txt", stray)


def annotations() -> list[Case]:
    """All of them."""
    return [*voc(), *coco(), *labelme(), *cvat(), *yolo()]
