"""Bad arguments of functions, and bad words on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from hardening import small_sets
from hardening.bad_inputs import Case, Family, command
from hardening.bad_weights import described, with_array

from minicv.data.checks import check_learnable, check_targets
from minicv.data.farmyard import Farmyard
from minicv.data.sources import open_data
from minicv.proposals import CachedProposals, SlidingWindow
from minicv.vision.boxes import (
    batched_nms,
    box_area,
    box_iou,
    clip_boxes_to_image,
    decode_boxes,
    encode_boxes,
    flip_boxes,
    nms,
    remove_small_boxes,
)
from minicv.vision.masks import masks_to_boxes
from minicv.vision.run_lengths import decode_runs, expand_counts

CALLS = Family("calls", {}, lambda folder: None)
BOX = np.array([[1.0, 2.0, 8.0, 9.0]])
IMAGE = np.zeros((3, 12, 16), np.float32)
NAN = float("nan")


def targets() -> Iterator[Case]:
    """What training refuses."""
    good = {"boxes": BOX, "labels": np.array([0]), "image_id": "p7"}

    def case(what: str, sentence: str, image: Any = IMAGE, **changes: Any) -> Case:
        target = {name: value for name, value in {**good, **changes}.items() if value is not ...}

        def call(folder: Path) -> None:
            check_targets([image], [target], 2)

        return Case(CALLS, f"target {what}", sentence, "image 'p7'", read=call)

    yield case("no boxes", "the target has no boxes", boxes=...)
    yield case("no labels", "the target has no labels", labels=...)
    for what, boxes, sentence in (
        ("of 3", np.zeros((1, 3)), "boxes have shape (1, 3), expected (N, 4)"),
        ("flat", np.zeros(4), "boxes have shape (4,), expected (N, 4)"),
        ("none", np.zeros(0), "without objects it is np.zeros((0, 4))"),
        ("nan", np.array([[1, 2, NAN, 9]]), "boxes[0] is [1.0, 2.0, nan, 9.0]: NaN or infinite"),
        ("infinite", np.array([[1, 2, np.inf, 9]]), "NaN or infinite"),
        ("reversed", np.array([[8.0, 9, 1, 2]]), "x2 <= x1 or y2 <= y1"),
        ("no width", np.array([[1.0, 2, 1, 9]]), "x2 <= x1 or y2 <= y1"),
        ("outside", np.array([[1.0, 2, 40, 9]]), "outside the picture of height 12 and width 16"),
        ("negative", np.array([[-5.0, 2, 8, 9]]), "outside the picture of height 12"),
        ("fractions", np.array([[0.1, 0.2, 0.5, 0.6]]), "these look like fractions"),
        ("sizes", np.array([[5.0, 2, 4, 3]]), "these look like x, y, width, height"),
    ):
        yield case(f"boxes {what}", sentence, boxes=boxes)
    for what, labels, sentence in (
        ("two", np.array([0, 1]), "labels have shape (2,) but there are 1 boxes"),
        ("float", np.array([0.5]), "labels are float64, expected whole numbers"),
        ("negative", np.array([-1]), "labels[0] is -1, expected 0..1"),
        ("large", np.array([2]), "labels[0] is 2, expected 0..1"),
    ):
        yield case(f"labels {what}", sentence, labels=labels)
    yield case("grey image", "the image has shape (12, 16)", image=IMAGE[0])
    yield case("image of 4", "the image has shape (4, 12, 16)", image=np.zeros((4, 12, 16)))
    yield case("image of NaN", "the image holds NaN", image=np.full((3, 12, 16), np.nan))
    yield case("masks", "masks have shape (2, 12, 16), expected (1", masks=np.zeros((2, 12, 16)))
    yield case("keypoints", "keypoints have shape (1, 2), expected", keypoints=np.zeros((1, 2)))
    joints = np.full((1, 2, 3), np.nan)
    yield case("joints", "keypoints hold NaN", keypoints=joints)


def arrays() -> Iterator[Case]:
    """Boxes, masks and run lengths."""
    three = np.zeros((2, 3))
    flat = np.array([[1.0, 2.0, 1.0, 9.0]])
    area = 12 * 16
    calls: tuple[tuple[str, Callable[[], Any], str], ...] = (
        ("box_area", lambda: box_area(three), "boxes expects shape (N, 4)"),
        ("box_iou", lambda: box_iou(BOX, three), "expects shape (N, 4)"),
        ("clip_boxes_to_image", lambda: clip_boxes_to_image(three, (9, 9)), "shape (..., 4)"),
        ("remove_small_boxes", lambda: remove_small_boxes(three, 1), "expects shape (N, 4)"),
        ("flip_boxes", lambda: flip_boxes(np.zeros(4), 9), "boxes expects shape (N, 4)"),
        ("encode_boxes", lambda: encode_boxes(BOX, three), "proposals expects shape (N, 4)"),
        ("encode_boxes ", lambda: encode_boxes(BOX, np.tile(BOX, (2, 1))), "one reference box"),
        ("encode_boxes  ", lambda: encode_boxes(BOX, flat), "proposals[0] is [1.0, 2.0, 1.0, 9.0]"),
        ("encode_boxes   ", lambda: encode_boxes(flat, BOX), "reference_boxes[0] is [1.0, 2.0"),
        ("decode_boxes", lambda: decode_boxes(three, BOX), "deltas expects shape (N, 4)"),
        ("decode_boxes ", lambda: decode_boxes(np.zeros((2, 4)), BOX), "with the N of proposals"),
        ("nms", lambda: nms(BOX, np.zeros(2), 0.5), "scores expects one value per box"),
        ("nms ", lambda: nms(BOX, np.zeros(1), 1.5), "iou_threshold expects a number from 0 to 1"),
        ("nms  ", lambda: nms(BOX, np.zeros(1), NAN), "iou_threshold expects a number from 0 to"),
        ("nms   ", lambda: nms(three, np.zeros(2), 0.5), "boxes expects shape (N, 4)"),
        ("batched_nms", lambda: batched_nms(BOX, np.zeros(1), np.zeros(2), 0.5), "labels expects"),
        ("masks_to_boxes", lambda: masks_to_boxes(np.zeros((3, 4))), "masks expects shape (N, H"),
    )
    for name, call, sentence in calls:
        read = _calling(call)
        yield Case(CALLS, f"{name} {sentence[:9]}", sentence, name.strip(), read=read)
    size = (12, 16)
    for what, counts, sentence in (
        ("short", [area - 1], f"the runs hold {area - 1} pixels, expected 12 * 16"),
        ("long", [area + 1], f"the runs hold lengths of {area + 1} to {area + 1} pixels"),
        ("negative", [-1, area + 1], "the runs hold lengths of -1 to"),
        ("floats", [0.5, area - 0.5], "counts hold something else than whole numbers"),
        ("texts", ["a"], "counts hold something else than whole numbers"),
        ("nested", [[area]], "counts hold something else than whole numbers"),
        ("compressed", "~", "the compressed runs hold b'~' at 0"),
        ("cut", "n", "the compressed runs end within a number"),
        ("long number", "o" * 9 + "0", "the compressed runs hold a number of 50 bits"),
        ("empty", "", "the runs hold 0 pixels"),
    ):
        read = _calling(lambda c=counts: decode_runs(c, size, size))
        yield Case(CALLS, f"runs {what}", sentence, "", read=read)
    read = _calling(lambda: decode_runs([area], (16, 12), size))
    yield Case(CALLS, "runs size", "the runs are for a picture of (16, 12)", "", read=read)
    read = _calling(lambda: expand_counts("é"))
    yield Case(CALLS, "runs é", "the compressed runs hold b", "", read=read)
    for what, make, sentence in (
        ("length", lambda: Farmyard(-1), "Farmyard: length=-1"),
        ("seed", lambda: Farmyard(1, seed=-1), "seed=-1, expected whole numbers >= 0"),
        ("size", lambda: Farmyard(1, size=(3, 3)), "expected (height, width) of at least 32"),
        ("objects", lambda: Farmyard(1, objects=(3, 1)), "objects is (3, 1), expected"),
        ("only", lambda: Farmyard(1, only=("pig",)), "only is ('pig',), expected names"),
        ("none", lambda: Farmyard(1, only=()), "only is (), expected names"),
        ("nothing", lambda: check_learnable(Farmyard(0), ("boxes",)), "there is no picture"),
    ):
        yield Case(CALLS, f"farmyard {what}", sentence, "Farmyard", read=_calling(make))
    for what, image, sentence in (
        ("grey", np.zeros((9, 9), "f4"), "(3, H, W)"),
        ("empty", np.zeros((3, 0, 9), "f4"), "at least one pixel"),
        ("range", np.full((3, 9, 9), 255.0, "f4"), "0..1"),
        ("nan", np.full((3, 9, 9), np.nan, "f4"), "image holds NaN or infinite values"),
        ("whole", np.zeros((3, 9, 9), np.uint8), "uint8"),
    ):

        def propose(folder: Path, image: Any = image) -> None:
            cached = CachedProposals(SlidingWindow(), folder / "cache")
            cached.propose(image, np.random.default_rng(0))

        yield Case(CALLS, f"proposals {what}", sentence, "CachedProposals", read=propose)


def _calling(call: Callable[[], Any]) -> Callable[[Path], Any]:
    return lambda folder: call()


def sources() -> Iterator[Case]:
    """Words for --data."""
    for source, sentence in (
        ("", "--data : expected "),
        ("voc", "--data voc: expected "),
        ("voc:", "--data voc:: expected "),
        ("voc:/nowhere", "there is no file or folder /nowhere"),
        ("pascal:/tmp", "--data pascal:/tmp: expected "),
        ("farmyard:x", "--data farmyard:x: expected "),
        ("farmyard:-3", "--data farmyard:-3: expected "),
        ("farmyard:1_0", "--data farmyard:1_0: expected "),
        ("farmyard:1e3", "--data farmyard:1e3: expected "),
        ("farmyard:²", "--data farmyard:²: expected "),
        ("farmyard:99999999999999", "expected a number of scenes up to 1,000,000"),
        ("farmyard:" + "9" * 5000, "expected a number of scenes up to 1,000,000"),
        ("masks:/tmp", "--data masks:/tmp: masks provides segmentation, but boxes"),
        ("camvid:/tmp", "--data camvid:/tmp: camvid provides segmentation, but boxes"),
        ("coco:a,b,c,d,e", "--data coco:a,b,c,d,e: expected coco:DIR"),
        ("yolo:/nowhere", "there is no file or folder /nowhere"),
    ):
        read = _calling(lambda s=source: open_data(s, ["boxes"]))
        yield Case(CALLS, f"--data {source[:30]}", sentence, "--data", read=read)
    read = _calling(lambda: open_data("farmyard", ["boxes"], classes=["cow"]))
    yield Case(
        CALLS, "classes", "farmyard says itself what its classes are", "--classes", read=read
    )


NAN_WEIGHTS = with_array(
    small_sets.checkpoint(), "model/score.bias", np.full(2, np.nan, np.float32)
)
WEIGHTS = Family(
    "command",
    {"a.npz": small_sets.checkpoint(), "pictures/p.png": small_sets.picture(),
     "bad/b.png": b"<html>", "text.txt": b"hello", "empty/x.txt": b"", "nan.npz": NAN_WEIGHTS,
     "last/last.npz": described(
         small_sets.checkpoint(training=True), ["training", "epoch"], -5)},
    lambda folder: None,
)  # fmt: skip
TRAIN = ("train", "faster_rcnn", "--data", "farmyard:4", "--out", "{}/new")
SEGMENT = ("train", "fcn8s", "--data", "farmyard:4", "--out", "{}/new")
PATCHES = ("train", "patch_classifier", "--data", "farmyard:4", "--out", "{}/new")
EVAL = ("eval", "--weights", "{}/a.npz", "--data", "farmyard:4")
PREDICT = ("predict", "--weights", "{}/a.npz", "--out", "{}/out")
EXPLAIN = ("explain", "--weights", "{}/a.npz", "--out", "{}/page.html")


def commands() -> Iterator[Case]:
    """Words on the command line."""

    def case(words: tuple[str, ...], sentence: str, file: str = "") -> Case:
        title = " ".join(words).replace("{}/", "")
        return Case(WEIGHTS, title[:90], sentence, file, read=command(*words))

    yield case((), "the following arguments are required: COMMAND")
    yield case(("trian",), "did you mean train?")
    yield case(("--versoin",), "there is no option --versoin; did you mean --version?")
    yield case(("train",), "arguments are required")
    yield case(("train", "yolo"), "there is no 'yolo'")
    yield case(("train", "faster_rcnn"), "--data")
    yield case(("doctor",), "arguments are required: DATA")
    for words in (TRAIN, SEGMENT):
        for option, values, sentence in (
            ("--epochs", ("0", "-1"), "expected at least one epoch"),
            ("--epochs", ("x", "0.5", "nan", "1e3", ""), "invalid int value"),
            ("--batch-size", ("0", "-1"), "at least one image in a batch"),
            ("--batch-size", ("x", "inf"), "invalid int value"),
            ("--lr", ("0", "-1", "nan", "inf", "1e999"), "a positive rate"),
            ("--lr", ("x", "", "1,5"), "invalid float value"),
            ("--seed", ("-1",), "--seed -1: expected a whole number from 0 on"),
            ("--seed", ("x", "0.5", "nan"), "invalid int value"),
            ("--workers", ("-1",), "--workers -1: expected a whole number from 0 on"),
            ("--workers", ("x",), "invalid int value"),
            ("--min-size", ("0", "-7"), "--min-size"),
            ("--min-size", ("1000000000", "10001"), "expected numbers from 1 to 10,000"),
            ("--min-size", ("x", "inf", "1e3"), "invalid int value"),
            ("--jitter", ("-1", "2", "nan", "inf"), "expected a share from 0 to 1"),
            ("--backbone", ("resnet99",), "resnet"),
            ("--backbone", ("",), "backbone"),
            ("--device", ("gpu", "cuda:x", "tpu"), "expected 'cpu', 'cuda', 'cuda:N' or"),
            ("--backbone-weights", ("/nowhere.pth",), "no such file"),
            ("--backbone-weights", ("{}/text.txt",), "it is a text (it begins with"),
            ("--epoks", ("3",), "there is no option --epoks; did you mean --epochs?"),
            ("--proposals", ("selective_search",), "--proposals: "),
            ("--scales", ("128",), "--scales: "),
        ):
            for value in values:
                named = {"--epoks": "", "--device": "device", "--backbone-weights": ""}
                yield case((*words, option, value), sentence, named.get(option, option))
    for values, sentence in (
        (("1000000000",), "scales=1000000000; expected numbers from 1 to 12"),
        (("0",), "scales=0, patches_per_image=64, expected at least 1"),
        (("-5",), "scales=-5, patches_per_image=64, expected at least 1"),
        (("x",), "invalid int value"),
        (("nan",), "invalid int value"),
    ):
        yield case((*PATCHES, "--scales", *values), sentence, "--scales")
    for value in ("inf", "nan", "0", "-1", "1e9"):
        words = ("train", "deconvnet", "--data", "farmyard:4", "--out", "{}/new", "--width", value)
        yield case(words, "width=", "--width")
    yield case(("train", "spp_net", "--data", "camvid:{}", "--out", "{}/new"), "camvid provides")
    yield case(("train", "fcn8s", "--data", "coco:{}", "--out", "{}/new"), "coco provides boxes")
    yield case((*TRAIN[:-1], ""), "an empty word is no path")
    yield case((*TRAIN[:-1], "{}/text.txt"), "text.txt")
    yield case((*TRAIN[:-1], "{}/text.txt/new"), "text.txt")
    yield case(
        (*TRAIN, "--resume", "--overwrite"), "--overwrite: not allowed with argument --resume"
    )
    resumed = ("train", "full_resolution", "--data", "farmyard:4", "--out", "{}/last", "--resume")
    sentence = "its training/epoch is -5, but training/history has 1 epochs"
    yield case(resumed, sentence, "last.npz")
    yield case((*TRAIN, "--classes", "cow"), "farmyard says itself what its classes are")
    yield case((*TRAIN, "--classes", "cow,,duck"), "expected names with commas between them")
    yield case((*TRAIN[:3], "farmyard:0", *TRAIN[4:]), "there is no picture to learn from")
    for words in (EVAL, PREDICT, EXPLAIN):
        for weights, sentence in (
            ("{}/nowhere.npz", "no such file"),
            ("{}/text.txt", "not a readable .npz checkpoint"),
            ("{}", " a folder"),
            ("{}/pictures/p.png", "not a readable .npz checkpoint"),
            ("{}/nan.npz", "'score.bias' holds NaN, infinity or numbers above 3e38"),
        ):
            changed = (words[0], "--weights", weights, *words[3:])
            more = () if words is EVAL else ("{}/pictures/p.png",)
            yield case((*changed, *more), sentence, weights.replace("{}/", "").replace("{}", ""))
    for more, sentence, option in (
        (("--split", "tset"), "there is no 'tset'", "--split"),
        (("--device", "gpu"), "expected 'cpu', 'cuda', 'cuda:N' or 'auto'", "device"),
        (("--json", "{}/text.txt/x.json"), "text.txt", "--json"),
        (("--json", "{}/pictures"), "pictures", "--json"),
        (("--pictures", "{}/text.txt"), "text.txt", "--pictures"),
        (("--jsno", "x"), "did you mean --json?", "--jsno"),
    ):
        yield case((*EVAL, *more), sentence, option)
    yield case((*EVAL[:4], "farmyard:x"), "--data farmyard:x: expected")
    yield case((*EVAL[:4], "voc:{}"), "voc provides boxes, labels, label and box, but segmentation")
    for value in ("nan", "inf", "1.1", "x", "", "1e999", "½", "1,0", "2"):
        words = (*PREDICT, "{}/pictures/p.png", "--threshold", value)
        yield case(words, f"{value!r} is no score; expected a number from 0 to 1", "--threshold")
    for picture, sentence in (
        ("{}/nowhere.png", "nowhere.png"),
        ("{}/bad/b.png", "it is a web page (HTML)"),
        ("{}/bad", "it is a web page (HTML)"),
        ("{}/text.txt", "it is a text file"),
        ("{}/empty", "empty"),
    ):
        yield case((*PREDICT, picture), sentence, picture.removeprefix("{}/"))
    yield case(PREDICT, "no IMAGE is given, and segmentation needs one")
    words = (*PREDICT[:-1], "{}/text.txt", "{}/pictures/p.png")
    yield case(words, "text.txt")
    yield case(EXPLAIN, "the following arguments are required: IMAGE")
    yield case((*EXPLAIN, "{}/bad/b.png"), "it is a web page (HTML)", "b.png")
    for out in ("{}/text.txt", "{}/text.txt/page.html", "{}/text.txt/pages"):
        yield case((*EXPLAIN[:-1], out, "{}/pictures/p.png"), "text.txt")
    for more, sentence in (
        (("--most", "0"), "--most 0: expected a whole number from 1 on"),
        (("--most", "-3"), "--most -3: expected a whole number from 1 on"),
        (("--most", "x"), "invalid int value"),
        (("--workers", "0"), "--workers 0: expected a whole number from 1 on"),
        (("--workers", "nan"), "invalid int value"),
        (("--out", "{}/text.txt"), "text.txt"),
        (("--classes", ","), "expected names with commas between them"),
    ):
        yield case(("doctor", "farmyard:4", *more), sentence)
    yield case(("doctor", "farmyard:x"), "--data farmyard:x: expected")
    yield case(("doctor", "nothing"), "--data nothing: expected")
    for more, sentence in (
        (("--seed", "-1"), "--seed"),
        (("--seed", "x"), "invalid int value"),
        (("--out", "{}/text.txt"), "text.txt"),
        (("--device", "gpu"), "expected 'cpu', 'cuda', 'cuda:N' or 'auto'"),
    ):
        yield case(("demo", *more), sentence)


def calls() -> list[Case]:
    """All of them."""
    return [*targets(), *arrays(), *sources(), *commands()]
