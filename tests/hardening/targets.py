"""Every reader of files with what it reads and how its files are damaged."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hardening import mutations, small_sets
from hardening.fuzzing import Target
from hardening.mutations import BYTES, TEXT, Mutator
from hardening.small_sets import Files

from minicv.cli.main import main
from minicv.data.image_files import read_image, read_label_map
from minicv.data.mask_files import look_at_mask
from minicv.data.penn_fudan import PennFudan
from minicv.data.picture_size import picture_size
from minicv.data.sources import open_data
from minicv.proposals import CachedProposals
from minicv.tasks.earlier import check_data, check_terms, earlier_training
from minicv.tasks.systems import load
from minicv.vision.run_lengths import decode_runs
from minicv.weights import (
    load_checkpoint,
    load_description,
    read_torch_file,
    read_weights,
    start_from,
)

XML = (mutations.other_xml, mutations.other_xml, *TEXT, *BYTES)
JSON = (*[mutations.other_json] * 8, *TEXT, *BYTES)
LINES = (*TEXT, *TEXT, *BYTES)
PNG = (*[mutations.png_chunk] * 4, *BYTES)


def everything(source: str, *needs: str) -> None:
    """Open all splits of a set, and read every sample."""
    splits = open_data(source, needs)
    for part in (splits.train, splits.validation, splits.test):
        for index in range(len(part)):
            part[index]
    assert isinstance(splits.rule, str)


def of_set(
    name: str, files: Files, damaged: dict[str, Sequence[Mutator]], source: str, *needs: str
) -> Target:
    """A data set that ``--data`` reads; {} in the source stands for the folder."""
    return Target(name, files, damaged, lambda folder: everything(source.format(folder), *needs))


DOCTOR = {
    "voc xml": "voc:{}", "cvat": "cvat:{}", "labelme": "labelme:{}", "coco masks": "coco:{}",
    "yolo lines": "yolo:{}", "yolo yaml": "yolo:{}", "vocseg": "vocseg:{}",
    "class list": "csv:{}/list.csv", "idx": "idx:{}", "leeds sports": "lsp:{}",
}  # fmt: skip


def doctor_of(target: Target) -> Target:
    """`minicv doctor` of the set: it reads on where the reader itself would stop."""

    def read(folder: Path) -> None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            status = main(["doctor", DOCTOR[target.name].format(folder)])
        assert status in (0, 1, 2)

    return Target(f"doctor {target.name}", target.files, target.damaged, read)


def header_of_safetensors(
    content: bytes, rng: np.random.Generator, others: Sequence[bytes]
) -> bytes:
    """The header holds another value or another text, and its length fits again."""
    length = int.from_bytes(content[:8], "little")
    header, numbers = content[8 : 8 + length], content[8 + length :]
    mutate = (mutations.other_json, *TEXT)[int(rng.integers(1 + len(TEXT)))]
    header = mutate(header, rng, others)
    return len(header).to_bytes(8, "little") + header + numbers


def packed_content(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """What is packed with gzip is damaged, and packed again; so is what was not packed."""
    with contextlib.suppress(OSError):
        content = gzip.decompress(content)
    return gzip.compress(_with_bytes_damaged(content, rng, others), mtime=0)


def packed_variable(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """The variable in a MATLAB file is damaged, and packed again."""
    variable = zlib.compress(_with_bytes_damaged(zlib.decompress(content[136:]), rng, others))
    return content[:132] + len(variable).to_bytes(4, "little") + variable


def _with_bytes_damaged(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    return BYTES[int(rng.integers(len(BYTES)))](content, rng, others)


def other_description(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """A checkpoint whose description has another value somewhere."""
    try:
        with np.load(io.BytesIO(content)) as file:
            arrays = {name: file[name] for name in file.files}
        description = json.loads(str(arrays["__description__"]))
    except Exception:  # damaged before
        return mutations.flip(content, rng, others)
    damaged = mutations.damaged_json(description, rng)
    if isinstance(damaged, dict) and rng.random() < 0.9:
        damaged["format"] = description["format"]
    arrays["__description__"] = np.array(json.dumps(damaged))
    return _npz(arrays)


def other_setting(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """A checkpoint that has another number among its settings."""
    with np.load(io.BytesIO(content)) as file:
        arrays = {name: file[name] for name in file.files}
    description = json.loads(str(arrays["__description__"]))
    settings = description["settings"]
    name = str(rng.choice(sorted(settings)))
    value = settings[name]
    number = [0, 1, -1, 2, 3, 7, 1000, 10**6, 10**9, 10**18, 0.5, 1e-9, 1e9, 1e308][
        int(rng.integers(14))
    ]
    number = float(number) if isinstance(value, float) else number
    settings[name] = [number, *value[1:]] if isinstance(value, list) else number
    arrays["__description__"] = np.array(json.dumps(description))
    return _npz(arrays)


def other_array(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """A checkpoint one of whose arrays holds other numbers, of another type or shape."""
    try:
        with np.load(io.BytesIO(content)) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception:
        return mutations.flip(content, rng, others)
    name = list(arrays)[int(rng.integers(len(arrays)))]
    array = arrays[name]
    values: list[Any] = [
        *(np.zeros((5, 3), "f4"), np.zeros(array.shape, "c8"), np.zeros(array.shape, "U3")),
        *(array.ravel(), array[None], np.full(array.shape, np.nan, "f4"), np.zeros(0, "f4")),
        *(np.full(array.shape, 1e300), np.array(3), np.array("x"), np.zeros(array.shape, "M8[s]")),
        np.zeros(array.shape, [("a", "f4")]),
        np.full(array.shape, -np.inf, "f4"),
        *(np.full(array.shape, None), array.astype("S"), array.astype(str)),
    ]
    arrays[name] = values[int(rng.integers(len(values)))]
    return _npz(arrays)


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


IMAGE = np.random.default_rng(0).random((3, 12, 16), dtype=np.float32)


def load_and_predict(folder: Path) -> None:
    """A checkpoint's model looks at one picture. What is found must be real numbers."""
    load_description(folder / "a.npz")
    model, _ = load(folder / "a.npz")
    (result,) = model.predict([IMAGE])
    for name, values in result.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise AssertionError(f"{name} holds NaN")


def resume(folder: Path) -> None:
    """A training goes on from last.npz."""
    earlier = earlier_training(folder, resume=True, overwrite=False)
    assert earlier is not None
    assert earlier.planned is None or isinstance(earlier.planned, int)
    model, system = load(folder / "last.npz")
    settings = earlier.begun_with("settings", system.settings[None])
    recipe = earlier.begun_with("recipe", system.recipes[None])
    assert recipe.changed(epochs=3).epochs == 3 and settings.width > 0
    now = small_sets.terms_of_training(model, system)
    check_terms(earlier, now)
    check_data(earlier, now["data"], lambda sentence: None)
    state, _ = small_sets.training_state(model, {**earlier.description, "training": None})
    del state.description["training"]
    state.load(folder / "last.npz")
    assert isinstance(state.epoch, int)


class _Two:
    """A proposer of two boxes."""

    def propose(self, image: Any, rng: Any) -> tuple[np.ndarray, np.ndarray]:
        return np.array([[0, 0, 5, 5], [1, 2, 9, 9]], "f4"), np.array([1, 0.5], "f4")

    def __repr__(self) -> str:
        return "Two()"


def cached(folder: Path) -> None:
    """Proposals come from the cache, or are made again."""
    boxes, scores = CachedProposals(_Two(), folder).propose(IMAGE, np.random.default_rng(0))
    assert boxes.shape == (len(scores), 4) and np.isfinite(boxes).all()


def _cache_file() -> Files:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        cached(Path(folder))
        (file,) = Path(folder).iterdir()
        return {file.name: file.read_bytes()}


def read_pictures(folder: Path) -> None:
    """The size and the pixels of each picture; the first that is wrong ends the reading."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("p"):
            size = picture_size(path)
            image = read_image(path)
            assert image.shape == (3, size.height, size.width), (image.shape, size)
            assert image.dtype == np.float32 and image.min() >= 0 and image.max() <= 1


def one_picture(name: str, content: bytes) -> Target:
    """A picture of one form."""

    def read(folder: Path) -> None:
        read_pictures(folder)
        for look in (look_at_mask, read_label_map):
            try:
                look(folder / name)
            except ValueError as error:
                assert str(error)

    others = {k: v for k, v in small_sets.pictures().items() if k != name}
    form = PNG if name.endswith("png") else BYTES
    return Target(f"picture {name}", {name: content}, {name: (*form, _other_picture(others))}, read)


def _other_picture(others: Files) -> Mutator:
    """The beginning is of this picture, and the end of another."""
    contents = list(others.values())

    def mutate(content: bytes, rng: np.random.Generator, _: Sequence[bytes]) -> bytes:
        return mutations.splice(content, rng, contents)

    return mutate


def runs(folder: Path) -> None:
    """A mask in COCO's compressed form."""
    counts = (folder / "counts").read_bytes()
    for given in (counts, counts.decode("latin-1")):
        mask = decode_runs(given, (12, 16), (12, 16))
        assert mask.shape == (12, 16)


def torch_weights(folder: Path) -> None:
    """The tensors in a file of PyTorch."""
    for array in read_torch_file(folder / "a.pth").values():
        array.sum()


def published_weights(folder: Path) -> None:
    """The arrays in a file of weights of any form, and what `minicv weights` says of them."""
    from minicv.cli.weights import described

    for array in read_weights(folder / "a.weights").values():
        array.tobytes()
    for line in described(folder / "a.weights", every=True):
        assert line.isprintable()


def backbone_weights(folder: Path) -> None:
    """The backbone of a checkpoint, for a model that is new."""
    from minicv.tasks.systems import SYSTEMS, build
    from minicv.tasks.task import Spec

    settings = SYSTEMS["fcn32s"].settings["small"]
    model = build(Spec("fcn32s", ("cow", "duck"), settings, "small"), np.random.default_rng(0))
    start_from(model, "small", folder / "a.npz")


def targets() -> list[Target]:
    """All of them."""
    voc, coco, yolo, vocseg = (
        *(small_sets.voc(), small_sets.coco(), small_sets.yolo(), small_sets.vocseg()),
    )
    coco_file = "annotations/instances_train.json"
    zipped = (
        mutations.members(mutations.npy_header, *BYTES),
        *(mutations.zip_header, *BYTES),
    )
    found = [
        of_set(
            *("voc xml", voc, {"Annotations/p0.xml": XML, "Annotations/p3.xml": XML}),
            *("voc:{}", "boxes", "labels"),
        ),
        of_set(
            *("voc lists", voc, {f"ImageSets/Main/{p}.txt": LINES for p in ("train", "val")}),
            *("voc:{}", "boxes", "labels"),
        ),
        of_set("cvat", small_sets.cvat(), {"annotations.xml": XML}, "cvat:{}", "boxes", "masks"),
        of_set("labelme", small_sets.labelme(), {"p1.json": JSON}, "labelme:{}", "boxes", "masks"),
        of_set("coco boxes", coco, {coco_file: JSON}, "coco:{}", "boxes", "labels"),
        of_set("coco masks", coco, {coco_file: JSON}, "coco:{}", "boxes", "masks"),
        of_set("coco keypoints", coco, {coco_file: JSON}, "coco:{}", "boxes", "keypoints"),
        Target("run lengths", {"counts": b"n0X1j3"}, {"counts": BYTES}, runs, False),
        of_set("yolo lines", yolo, {"labels/train/p0.txt": LINES}, "yolo:{}", "boxes"),
        of_set("yolo yaml", yolo, {"data.yaml": LINES}, "yolo:{}", "boxes"),
        of_set(
            *("yolo lists", small_sets.darknet()),
            {name: LINES for name in ("obj.data", "obj.names", "train.txt")},
            *("yolo:{}", "boxes"),
        ),
        of_set(
            *("vocseg", vocseg),
            {
                "ImageSets/Segmentation/train.txt": LINES,
                "labelmap.txt": LINES,
                "SegmentationClass/p0.png": PNG,
            },
            *("vocseg:{}", "segmentation"),
        ),
        of_set(
            *("camvid", small_sets.camvid(), {"trainannot/p0.png": PNG, "train/p0.png": PNG}),
            *("camvid:{}", "segmentation"),
        ),
        Target(
            *("penn-fudan", small_sets.penn_fudan(), {"PedMasks/p0_mask.png": PNG}),
            lambda folder: [PennFudan(folder)[index] for index in range(3)],
        ),
        of_set(
            *("class folders", small_sets.class_folders(), {"cow/p0.png": PNG}),
            *("folder:{}", "label"),
        ),
        of_set(
            *("pictures without labels", small_sets.class_folders(), {"cow/p0.png": PNG}),
            "pictures:{}",
        ),
        of_set(
            *("class list", small_sets.csv(), {"list.csv": LINES, "photos/p1.png": PNG}),
            *("csv:{}/list.csv", "label"),
        ),
        of_set(
            "idx",
            small_sets.idx(),
            {name: (*BYTES, *[packed_content] * 3) for name in small_sets.idx()},
            *("idx:{}", "label"),
        ),
        of_set(
            *(
                "leeds sports",
                small_sets.leeds_sports(),
                {"joints.mat": (*BYTES, *[packed_variable] * 9)},
            ),
            *("lsp:{}", "joints"),
        ),
        of_set(
            *("leeds sports unpacked", small_sets.leeds_sports(compressed=False)),
            *({"joints.mat": BYTES}, "lsp:{}", "joints"),
        ),
    ]
    found += [doctor_of(target) for target in found if target.name in DOCTOR]
    for form, name in (("txt", "classes.txt"), ("csv", "class_dict.csv"), ("json", "labels.json")):
        how = JSON if form == "json" else LINES
        files = small_sets.masks(form)
        damaged: dict[str, Sequence[Mutator]] = {f"masks/{name}": how, "masks/p1.png": PNG}
        found.append(
            of_set(f"masks {form}", files, damaged, "masks:{0}/images,{0}/masks", "segmentation")
        )
    found += [one_picture(name, content) for name, content in small_sets.pictures().items()]
    arrays = (other_array, *zipped)
    for system in ("full_resolution", "faster_rcnn"):
        content = small_sets.checkpoint(system)
        described = [other_description] * 4 + [other_setting] * 4
        found.append(
            _one_file(f"checkpoint {system}", content, (*described, *arrays), load_and_predict)
        )
    found += [
        _one_file(
            *("training", small_sets.checkpoint(training=True)),
            *(([other_description] * 8 + list(arrays)), resume, "last.npz"),
        ),
        _one_file("backbone", small_sets.checkpoint("faster_rcnn"), arrays, backbone_weights),
        _one_file(
            *("array", _one_member(), (mutations.members(mutations.npy_header, *BYTES),)),
            _read_checkpoint,
        ),
        _one_file(
            *("torch zip", small_sets.torch_zip()),
            *((mutations.members(*BYTES), *zipped), torch_weights, "a.pth"),
        ),
        _one_file("torch legacy", small_sets.torch_legacy(), BYTES, torch_weights, "a.pth"),
        _one_file(
            *("safetensors", small_sets.safetensors()),
            *((header_of_safetensors, *BYTES), published_weights, "a.weights"),
        ),
        _one_file(
            *("pickle of arrays", small_sets.pickle_of_arrays(), BYTES, published_weights),
            "a.weights",
        ),
        _one_file(
            *("pickle of Python 2", small_sets.pickle_of_python_2(), BYTES, published_weights),
            "a.weights",
        ),
        _one_file(
            *("npz of chainercv", small_sets.npz_of_chainercv()),
            *((mutations.members(mutations.npy_header, *BYTES), *zipped), published_weights),
            "a.weights",
        ),
    ]
    cache = _cache_file()
    found.append(Target("cached proposals", cache, {name: arrays for name in cache}, cached))
    return found


def _one_file(
    name: str,
    content: bytes,
    how: Sequence[Mutator],
    read: Callable[[Path], object],
    file: str = "a.npz",
) -> Target:
    return Target(name, {file: content}, {file: how}, read)


def _one_member() -> bytes:
    return _npz({"a": np.ones((2, 3), "f4"), "__description__": np.array('{"format": 2}')})


def _read_checkpoint(folder: Path) -> None:
    load_checkpoint(folder / "a.npz")
