"""The files of very small data sets, pictures and weights, one for each reader, in memory."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import io
import json
import pickle
import tempfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy_pickles
import scipy.io
import torch_files
from PIL import Image

Files = dict[str, bytes]
WIDTH, HEIGHT = 16, 12
EXIF_ORIENTATION = 0x0112
SPLITS = ("train", "val", "test")


def picture(
    seed: int = 0,
    form: str = "PNG",
    mode: str = "RGB",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    **how: Any,
) -> bytes:
    """A picture of noise in that form."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return encoded(Image.fromarray(noise).convert(mode), form, **how)


def encoded(image: Image.Image, form: str = "PNG", **how: Any) -> bytes:
    """The file of a picture."""
    stream = io.BytesIO()
    image.save(stream, form, **how)
    return stream.getvalue()


def turned_jpeg(seed: int = 0) -> bytes:
    """A JPEG whose EXIF data turn it by a quarter."""
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    return picture(seed, "JPEG", size=(HEIGHT, WIDTH), exif=exif)


def labels(seed: int = 0, most: int = 3) -> np.ndarray:
    """A label map of the numbers 0 to ``most`` - 1."""
    return np.random.default_rng(seed).integers(0, most, (HEIGHT, WIDTH), dtype=np.uint8)


def mask(seed: int = 0, most: int = 3, palette: bool = False) -> bytes:
    """The PNG of a label map."""
    image = Image.fromarray(labels(seed, most))
    if palette:
        image = image.convert("P")
        image.putdata(labels(seed, most).ravel().tolist())
        image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + [7] * 759)
    return encoded(image)


VOC_OBJECT = """
  <object><name>{}</name><difficult>0</difficult><truncated>0</truncated>
    <bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"""


def voc_xml(name: str, *objects: tuple[Any, ...], width: Any = WIDTH, height: Any = HEIGHT) -> str:
    """An annotation of Pascal VOC."""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<annotation>
  <folder>JPEGImages</folder><filename>{name}</filename>
  <size><width>{width}</width><height>{height}</height><depth>3</depth></size>
  {"".join(VOC_OBJECT.format(*each) for each in objects)}
</annotation>
"""


def voc() -> Files:
    """Four pictures with XML files, and lists."""
    files: Files = {}
    for number, (form, suffix) in enumerate([("PNG", "png"), ("JPEG", "jpg")] * 2):
        name = f"p{number}"
        content = picture(number, form) if number != 3 else turned_jpeg(3)
        files[f"JPEGImages/{name}.{suffix}"] = content
        size = (WIDTH, HEIGHT) if number != 3 else (HEIGHT, WIDTH)
        text = voc_xml(
            f"{name}.{suffix}", ("cow", 1, 2, 8, 9), ("duck", 3.5, 4, 11, 10),
            width=size[0], height=size[1],
        )  # fmt: skip
        files[f"Annotations/{name}.xml"] = text.encode()
    files["ImageSets/Main/train.txt"] = b"p0\np1\n"
    files["ImageSets/Main/val.txt"] = b"p2\n"
    files["ImageSets/Main/test.txt"] = b"p3\n"
    return files


def cvat() -> Files:
    """Two pictures with every kind of shape."""
    run = ",".join(["3"] * 4)
    shapes = (
        '<box label="cow" xtl="1.0" ytl="2.0" xbr="8.5" ybr="9.0" rotation="10"/>'
        '<polygon label="duck" points="3.0,4.0;11.0,4.0;11.0,10.0;3.0,10.0" group_id="1"/>'
        '<ellipse label="cow" cx="8" cy="6" rx="4" ry="3"/>'
        f'<mask label="duck" left="2" top="3" width="4" height="3" rle="{run}"/>'
        '<points label="cow" points="1,1"/>'
    )
    images = "".join(
        f'<image id="{n}" name="p{n}.png" subset="{s}" width="{WIDTH}" height="{HEIGHT}">'
        f"{shapes}</image>"
        for n, s in enumerate(("train", "train", "val"))
    )
    label = "".join(f"<label><name>{name}</name></label>" for name in ("cow", "duck"))
    text = f"<annotations><meta><job><labels>{label}</labels></job></meta>{images}</annotations>"
    pictures = {f"images/p{n}.png": picture(n) for n in range(3)}
    return {"annotations.xml": text.encode(), **pictures}


def labelme() -> Files:
    """Three pictures with every kind of shape."""
    painted = base64.b64encode(encoded(Image.fromarray(np.full((4, 5), 255, np.uint8)))).decode()
    shapes = [
        {"label": "cow", "points": [[1, 1], [9, 1.5], [7, 8]], "shape_type": "polygon"},
        {"label": "duck", "points": [[9, 9], [2, 3]], "shape_type": "rectangle", "group_id": 1},
        {"label": "cow", "points": [[8, 6], [8, 9]], "shape_type": "circle", "group_id": None},
        {
            "label": "duck", "points": [[1, 2], [5, 5]], "shape_type": "mask", "mask": painted,
        },
    ]  # fmt: skip
    content = {
        "version": "5.5.0", "flags": {}, "shapes": shapes, "imageData": None,
        "imageHeight": HEIGHT, "imageWidth": WIDTH,
    }  # fmt: skip
    files: Files = {}
    for n in range(3):
        files[f"p{n}.png"] = picture(n)
        files[f"p{n}.json"] = json.dumps({**content, "imagePath": f"p{n}.png"}).encode()
    return files


def coco_content() -> dict[str, Any]:
    """Three pictures with polygons, run lengths of both forms, and joints."""
    area = WIDTH * HEIGHT
    segmentations: list[Any] = [
        [[1, 1, 9, 1, 9, 8, 1, 8]],
        {"counts": [30, 40, area - 70], "size": [HEIGHT, WIDTH]},
        {"counts": "n0X1j3", "size": [HEIGHT, WIDTH]},
    ]
    assert sum(_counts("n0X1j3")) == area
    return {
        "info": {"year": 2024},
        "categories": [
            {"id": 1, "name": "cow", "supercategory": "farm", "keypoints": ["nose", "tail"]},
            {"id": 7, "name": "duck", "supercategory": "farm"},
        ],
        "images": [
            {"id": n, "file_name": f"p{n}.png", "width": WIDTH, "height": HEIGHT} for n in range(3)
        ],
        "annotations": [
            {
                "id": 10 * n + k,
                "image_id": n,
                "category_id": 1 if k < 2 else 7,
                "bbox": [1 + k, 2, 8, 7.5],
                "area": 60.0,
                "iscrowd": int(k == 1),
                "segmentation": segmentations[k],
                **({"keypoints": [3, 4, 2, 0, 0, 0], "num_keypoints": 1} if k < 2 else {}),
            }
            for n in range(3)
            for k in range(3)
        ],
    }


def _counts(text: str) -> list[int]:
    from minicv.vision.run_lengths import expand_counts

    return expand_counts(text)


def coco() -> Files:
    """One file for training and one for validation."""
    text = json.dumps(coco_content()).encode()
    pictures = {f"{part}/p{n}.png": picture(n) for part in ("train", "val") for n in range(3)}
    lists = {f"annotations/instances_{part}.json": text for part in ("train", "val")}
    return {**lists, **pictures}


def yolo() -> Files:
    """With a data.yaml, boxes, an outline and a pose."""
    files: Files = {
        "data.yaml": b"# a farm\npath: .\ntrain: images/train\nval: images/val\nnc: 2\n"
        b"names:\n  0: cow\n  1: 'duck'\nroboflow: {workspace: farm, version: [1, 2]}\n"
    }
    for n in range(3):
        part = "val" if n == 2 else "train"
        files[f"images/{part}/p{n}.png"] = picture(n)
        lines = b"0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.6 0.1 0.6 0.7\n1 0.3 0.4 0.2 0.2\n"
        files[f"labels/{part}/p{n}.txt"] = lines
    return files


def darknet() -> Files:
    """With obj.data, obj.names and lists of paths."""
    files: Files = {
        "obj.data": b"classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\n"
        b"names = data/obj.names\nbackup = backup/\n",
        "obj.names": b"cow\nduck\n",
        "train.txt": b"data/obj_train_data/p0.png\ndata/obj_train_data/p1.png\n",
        "valid.txt": b"data/obj_train_data/p2.png\n",
    }
    for n in range(3):
        files[f"obj_train_data/p{n}.png"] = picture(n)
        files[f"obj_train_data/p{n}.txt"] = b"0 0.5 0.5 0.25 0.5\n1 0.3 0.4 0.2 0.2\n"
    return files


def vocseg() -> Files:
    """Palette pictures and lists."""
    files: Files = {"ImageSets/Segmentation/train.txt": b"p0\np1\n"}
    files["ImageSets/Segmentation/val.txt"] = b"p2\n"
    files["labelmap.txt"] = b"# label:color_rgb:parts:actions\nbackground:0,0,0::\ncow:128,0,0::\n"
    files["labelmap.txt"] += b"duck:0,128,0::\n"
    for n in range(3):
        files[f"JPEGImages/p{n}.jpg"] = picture(n, "JPEG")
        files[f"SegmentationClass/p{n}.png"] = mask(n, palette=True)
    return files


def camvid() -> Files:
    """One picture in each split."""
    files: Files = {}
    for n, part in enumerate(("train", "val", "test")):
        files[f"{part}/p{n}.png"] = picture(n)
        files[f"{part}annot/p{n}.png"] = mask(n, 12)
    return files


def penn_fudan() -> Files:
    """Three pictures of two people."""
    files: Files = {}
    for n in range(3):
        people = np.zeros((HEIGHT, WIDTH), np.uint8)
        people[2:9, 1:5], people[3:9, 8:12] = 1, 2
        files[f"PNGImages/p{n}.png"] = picture(n)
        files[f"PedMasks/p{n}_mask.png"] = encoded(Image.fromarray(people))
    return files


def masks(form: str = "txt") -> Files:
    """Masks of numbers or colours with a file of names."""
    named = {
        "txt": ("classes.txt", b"background\ncow\nduck\n"),
        "csv": ("class_dict.csv", b"name,r,g,b\nbackground,0,0,0\ncow,1,1,1\nduck,2,2,2\n"),
        "json": (
            "labels.json",
            json.dumps(
                [{"name": n, "color": [k] * 3} for k, n in enumerate(["background", "cow", "duck"])]
            ).encode(),
        ),
    }
    name, content = named[form]
    files: Files = {f"masks/{name}": content}
    for n in range(3):
        files[f"images/p{n}.jpg"] = picture(n, "JPEG")
        files[f"masks/p{n}.png"] = mask(n)
    return files


def class_folders() -> Files:
    """Two classes of three pictures."""
    return {f"{name}/p{n}.png": picture(n) for name in ("cow", "duck") for n in range(3)}


def idx_array(array: np.ndarray) -> bytes:
    """An idx file of bytes."""
    lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return bytes([0, 0, 8, array.ndim]) + lengths + array.astype(np.uint8).tobytes()


def idx() -> Files:
    """MNIST's four files with twelve pictures, and three for the test; two of them packed."""
    rng = np.random.default_rng(0)
    files: Files = {}
    for part, count in (("train", 12), ("t10k", 3)):
        images, labels = rng.integers(0, 256, (count, 5, 4)), np.arange(count) % 3
        files[f"{part}-images-idx3-ubyte"] = idx_array(images)
        files[f"{part}-labels-idx1-ubyte"] = idx_array(labels)
    for name in ("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        files[f"{name}.gz"] = gzip.compress(files.pop(name), mtime=0)
    return files


def csv() -> Files:
    """Six pictures in three splits."""
    rows = ["path;class;split"]
    rows += [f"photos/p{n}.png;{('cow', 'duck')[n % 2]};{SPLITS[n // 2]}" for n in range(6)]
    pictures = {f"photos/p{n}.png": picture(n) for n in range(6)}
    return {"list.csv": "\n".join(rows).encode(), **pictures}


def leeds_sports(compressed: bool = True) -> Files:
    """Nine photographs in the extended layout, the third person without a head top."""
    joints = np.random.default_rng(0).uniform(2, 11, (14, 3, 9))
    joints[:, 2] = 1
    joints[13, 2, 2] = 0
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"joints": joints}, do_compression=compressed)
    pictures = {f"images/im{n:05d}.png": picture(n) for n in range(1, 10)}
    return {"joints.mat": stream.getvalue(), **pictures}


def pictures() -> Files:
    """A picture in every form that is read; all of names that begin with ``p``."""
    grey = Image.fromarray(np.arange(192, dtype=np.uint16).reshape(12, 16) * 300)
    palette = Image.fromarray(labels(5, 9)).convert("P")
    files = {
        "p.jpg": picture(0, "JPEG"),
        "pturned.jpg": turned_jpeg(),
        "pgray.jpg": picture(1, "JPEG", "L"),
        "pcmyk.jpg": picture(1, "JPEG", "CMYK"),
        "pprogressive.jpg": picture(2, "JPEG", progressive=True),
        "p.bmp": picture(2, "BMP"),
        "pgray.bmp": picture(2, "BMP", "L"),
        "p.tif": picture(3, "TIFF"),
        "plzw.tif": picture(3, "TIFF", compression="tiff_lzw"),
        "pdeflate.tif": picture(3, "TIFF", compression="tiff_adobe_deflate"),
        "p16.tif": encoded(grey, "TIFF"),
        "pfloat.tif": encoded(Image.fromarray(np.full((4, 5), 0.5, np.float32)), "TIFF"),
        "p.webp": picture(4, "WEBP"),
        "plossless.webp": picture(4, "WEBP", "RGBA", lossless=True),
        "p.gif": picture(5, "GIF", "P"),
        "p.ppm": picture(6, "PPM"),
        "p.pgm": picture(6, "PPM", "L"),
        "p.jp2": picture(7, "JPEG2000"),
        "p.png": picture(8),
        "palpha.png": picture(8, mode="RGBA"),
        "p1.png": picture(8, mode="1"),
        "ppalette.png": encoded(palette, "PNG", transparency=3),
        "p16.png": encoded(grey, "PNG"),
    }
    return files


def checkpoint(system: str = "full_resolution", training: bool = False) -> bytes:
    """The checkpoint of a very small model, of its weights alone or with one epoch of training."""
    from minicv.tasks.systems import SYSTEMS, build
    from minicv.tasks.task import Spec
    from minicv.training.fit import TrainingState, model_arrays
    from minicv.weights import save_checkpoint

    small: Mapping[str, Mapping[str, Any]] = {
        "full_resolution": {"width": 2, "depth": 1},
        "faster_rcnn": {
            "head_units": 4, "rpn_channels": 4, "pooled_size": 1, "min_size": 32, "max_size": 64,
            "post_nms_top_n_test": 5,
        },
    }  # fmt: skip
    known = SYSTEMS[system]
    backbone = next(iter(known.settings))
    settings = dataclasses.replace(known.settings[backbone], **small[system])
    spec = Spec(system, ("cow", "duck"), settings, backbone)
    model = build(spec, np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npz"
        if training:
            state, _ = training_state(model, spec.describe())
            state.epoch, state.best = 1, 0.5
            state.history = [{"epoch": 1, "step": 2, "loss_pixels": 0.5, "mIoU": 0.5}]
            assert isinstance(state, TrainingState)
            state.save(path)
        else:
            save_checkpoint(path, model_arrays(model), spec.describe())
        return path.read_bytes()


def training_state(model: Any, description: Mapping[str, Any]) -> tuple[Any, Any]:
    """A training of the model that can be saved and loaded, and its step."""
    from minicv.optim import SGD, CosineAnnealingLR
    from minicv.tasks.systems import SYSTEMS
    from minicv.training.fit import TrainingState
    from minicv.training.step import GradientStep

    step = GradientStep(
        model, SGD(model.parameters(), lr=0.1, momentum=0.9), CosineAnnealingLR(0.1, 5)
    )
    terms = terms_of_training(model, SYSTEMS[description["system"]])
    generators = {"fit": np.random.default_rng(1), "loader": np.random.default_rng(2)}
    return TrainingState(step, generators, description, terms), step


def terms_of_training(model: Any, system: Any) -> dict[str, Any]:
    """What the training of a model without backbone was asked to do."""
    from minicv.tasks.earlier import terms_of

    return {
        **terms_of(system.recipes[None], model.settings, 0, None, None),
        "data": {
            "source": "farmyard:4", "training images": 4, "validation images": 40,
            "classes": list(model.classes), "labels": "0" * 64,
        },
    }  # fmt: skip


def torch_zip() -> bytes:
    """A state_dict as PyTorch writes it today."""
    return _torch(torch_files.write_zip)


def torch_legacy() -> bytes:
    """A state_dict as PyTorch wrote it before 1.6."""
    return _torch(torch_files.write_legacy)


def _torch(write: Any) -> bytes:
    arrays = {
        "0": np.arange(6, dtype="f4").reshape(2, 3),
        "1": np.ones(3, "f2"),
        "2": np.array([5], "i8"),
    }
    state = OrderedDict(
        (name, torch_files.tensor(key, arrays[key]))
        for name, key in (("fc.weight", "0"), ("fc.bias", "1"), ("n.num_batches_tracked", "2"))
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.pth"
        write(path, {"epoch": 3, "state_dict": state}, arrays)
        return path.read_bytes()


def safetensors() -> bytes:
    """Three arrays and a text beside them."""
    from minicv.weights import write_safetensors

    arrays = {
        "fc.weight": np.arange(6, dtype="f4").reshape(2, 3),
        "fc.bias": np.ones(3, "f2"),
        "n.num_batches_tracked": np.array(5),
    }
    with tempfile.TemporaryDirectory() as folder:
        write_safetensors(Path(folder) / "a", arrays, {"format": "pt"})
        return (Path(folder) / "a").read_bytes()


def pickle_of_arrays() -> bytes:
    """As detectron2 publishes weights."""
    arrays = {"stem.conv1.weight": np.ones((2, 3, 1, 1), "f4"), "number": np.array(2.5)}
    return pickle.dumps({"model": arrays, "__author__": "somebody", "epoch": 3}, 4)


def pickle_of_python_2() -> bytes:
    """As Detectron published weights."""
    arrays = {
        numpy_pickles.Text(b"conv1_w"): numpy_pickles.old_array(np.arange(200, dtype="f4")),
        "conv1_w_momentum": numpy_pickles.old_array(np.ones(2, "f8"), ">"),
    }
    return numpy_pickles.dumped({"blobs": arrays, "cfg": numpy_pickles.Text(b"MODEL: {}")})


def npz_of_chainercv() -> bytes:
    """Compressed, with slashes in the names."""
    stream = io.BytesIO()
    arrays = {"base/conv1/conv/W": np.ones((2, 3), "f4"), "base/conv1/bn/N": np.array(7)}
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()
