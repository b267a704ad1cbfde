"""Bad annotations in JSON: format by format, field by field, value by value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hardening import small_sets
from hardening.bad_inputs import Case, Family, everything, replaced, with_value
from hardening.small_sets import HEIGHT, WIDTH

from minicv.data import CocoDetection
from minicv.data.labelme import LabelmeFolder

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


def annotations() -> list[Case]:
    """All of them."""
    return [*coco(), *labelme()]
