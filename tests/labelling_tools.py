"""Forty pictures of cows and ducks, labelled as four tools write it, with the quirks of each.

labelImg (Pascal VOC's XML beside the pictures, and YOLO's lists), CVAT (its own XML and its exports
as COCO, VOC and YOLO), labelme (JSON with polygons), and a YOLO set with data.yaml.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from minicv.data import Farmyard

CLASSES = ("cow", "duck")
COUNT = 40
SIZE = (96, 128)  # height, width
TURNED = 7  # this picture is stored lying on its side
EMPTY = 11  # nobody is in this one
EXIF_ORIENTATION = 0x0112


@dataclass
class Scene:
    """A picture and its objects, with boxes in the picture when it is upright."""

    name: str
    pixels: np.ndarray  # (H, W, 3) uint8
    labels: list[str]
    boxes: np.ndarray  # (N, 4)
    outlines: list[np.ndarray]  # each (P, 2)


@functools.cache
def scenes() -> tuple[Scene, ...]:
    """The same forty for every tool."""
    farmyard = Farmyard(COUNT, size=SIZE, seed=11, objects=(1, 3), only=CLASSES)
    meadows = Farmyard(COUNT, size=SIZE, seed=11, objects=(0, 0))
    made = []
    for index in range(COUNT):
        image, target = (meadows if index == EMPTY else farmyard)[index]
        pixels = np.floor(image.transpose(1, 2, 0) * 255 + 0.5).astype(np.uint8)
        made.append(
            Scene(
                f"farm {index:02}",  # a blank in the name
                pixels,
                [farmyard.classes[label] for label in target["labels"]],
                target["boxes"].astype(np.float64),
                [outline_of(mask) for mask in target["masks"]],
            )
        )
    return tuple(made)


def outline_of(mask: np.ndarray) -> np.ndarray:
    """A polygon (P, 2) down the right ends of the mask's rows and up their left ends."""
    rows = np.flatnonzero(mask.any(axis=1))
    left = [int(np.flatnonzero(mask[row])[0]) for row in rows]
    right = [int(np.flatnonzero(mask[row])[-1]) + 1 for row in rows]
    down = [point for x, y in zip(right, rows, strict=True) for point in ((x, y), (x, y + 1))]
    up = [point for x, y in zip(left, rows, strict=True) for point in ((x, y), (x, y + 1))]
    return np.array(down + up[::-1], np.float64)


def save_picture(path: Path, scene: Scene, stored_lying: bool = False) -> None:
    """A JPEG of high quality; lying, it is stored turned by a quarter, and EXIF says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels, exif = scene.pixels, Image.Exif()
    if stored_lying:
        pixels = np.rot90(pixels)  # to the left, so that a turn to the right stands it upright
        exif[EXIF_ORIENTATION] = 6
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, "JPEG", quality=95, exif=exif)


def lying_box(box: np.ndarray) -> np.ndarray:
    """The box in the picture as `save_picture` stores it lying: x' = y, y' = W - x."""
    x1, y1, x2, y2 = box
    width = SIZE[1]
    return np.array([y1, width - x2, y2, width - x1])


def labelimg(folder: Path) -> None:
    """XML beside the pictures in two subfolders, paths of Windows, leftovers of a Mac."""
    for index, scene in enumerate(scenes()):
        place = folder / ("monday" if index % 2 else "tuesday 2")
        suffix = ".JPG" if index % 5 == 0 else ".jpg"
        save_picture(place / f"{scene.name}{suffix}", scene, stored_lying=index == TURNED)
        height, width = SIZE if index != TURNED else SIZE[::-1]
        objects = ""
        for label, box in zip(scene.labels, scene.boxes, strict=True):
            x1, y1, x2, y2 = lying_box(box) if index == TURNED else box
            corners = (max(int(x1), 1), max(int(y1), 1), int(x2), int(y2))
            objects += (
                f"\t<object>\n\t\t<name>{label}</name>\n\t\t<pose>Unspecified</pose>\n"
                "\t\t<truncated>0</truncated>\n\t\t<difficult>0</difficult>\n\t\t<bndbox>\n"
                + "".join(
                    f"\t\t\t<{key}>{value}</{key}>\n"
                    for key, value in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
                )
                + "\t\t</bndbox>\n\t</object>\n"
            )
        mark = "\ufeff" if index == 3 else ""
        (place / f"{scene.name}.xml").write_text(
            f'{mark}<annotation verified="yes">\n\t<folder>{place.name}</folder>\n'
            f"\t<filename>{scene.name}{suffix}</filename>\n"
            f"\t<path>C:\\Users\\Kuh\\{place.name}\\{scene.name}{suffix}</path>\n"
            "\t<source>\n\t\t<database>Unknown</database>\n\t</source>\n"
            f"\t<size>\n\t\t<width>{width}</width>\n\t\t<height>{height}</height>\n"
            "\t\t<depth>3</depth>\n\t</size>\n\t<segmented>0</segmented>\n"
            f"{objects}</annotation>\n",
            encoding="utf-8",
        )
    (folder / "monday" / "._farm 01.xml").write_bytes(b"\x00\x05\x16\x07")
    (folder / ".DS_Store").write_bytes(b"\x00\x00\x00\x01Bud1")
    (folder / "predefined_classes.txt").write_text("cow\nduck\n", encoding="utf-8")
    save_picture(folder / "monday" / "not labelled yet.jpg", scenes()[0])


def yolo_of_labelimg(folder: Path) -> None:
    """labelImg's other form: lists beside the pictures, and classes.txt among them."""
    for index, scene in enumerate(scenes()):
        save_picture(folder / f"{scene.name}{'.JPG' if index % 5 == 0 else '.jpg'}", scene)
        write_yolo_lines(folder / f"{scene.name}.txt", scene)
    (folder / "classes.txt").write_text("cow\r\nduck\r\n", encoding="utf-8-sig")


def write_yolo_lines(path: Path, scene: Scene) -> None:
    """class, centre and size of each box as fractions of the picture, with six digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = SIZE
    lines = []
    for label, (x1, y1, x2, y2) in zip(scene.labels, scene.boxes, strict=True):
        numbers = (
            (x1 + x2) / 2 / width,
            (y1 + y2) / 2 / height,
            (x2 - x1) / width,
            (y2 - y1) / height,
        )
        lines.append(" ".join([str(CLASSES.index(label)), *(f"{v:.6f}" for v in numbers)]))
    path.write_text("\n".join(lines), encoding="utf-8")


def yolo_with_yaml(folder: Path) -> None:
    """As training programs want it: images and labels apart, split, described by data.yaml."""
    for index, scene in enumerate(scenes()):
        split = "valid" if index % 5 == 4 else "train"
        save_picture(folder / split / "images" / f"{scene.name}.jpg", scene)
        if scene.labels:  # an empty picture has no list at all
            write_yolo_lines(folder / split / "labels" / f"{scene.name}.txt", scene)
    (folder / "data.yaml").write_text(
        "# exported\ntrain: ../train/images\nval: ../valid/images\n\n"
        "nc: 2\nnames: ['cow', 'duck']\n\n"
        "roboflow:\n  workspace: farm\n  version: 1\n",
        encoding="utf-8",
    )


def cvat(folder: Path) -> None:
    """CVAT's own XML: boxes, some of them polygons, names with folders, the task's labels."""
    images = ""
    for index, scene in enumerate(scenes()):
        name = f"day {index % 2}/{scene.name}.jpg"
        save_picture(folder / "images" / name, scene, stored_lying=index == TURNED)
        shapes = ""
        for number, (label, box, outline) in enumerate(
            zip(scene.labels, scene.boxes, scene.outlines, strict=True)
        ):
            common = f'label="{label}" source="manual" occluded="0" z_order="0"'
            if number == 1:
                points = ";".join(f"{x:.2f},{y:.2f}" for x, y in outline)
                shapes += f'    <polygon {common} points="{points}">\n    </polygon>\n'
            else:
                x1, y1, x2, y2 = (f"{v:.2f}" for v in box)
                corners = f'xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}"'
                shapes += f"    <box {common} {corners}>\n    </box>\n"
        images += (
            f'  <image id="{index}" name="{name}" width="{SIZE[1]}" height="{SIZE[0]}">\n'
            f"{shapes}  </image>\n"
        )
    labels = "".join(
        f"<label><name>{name}</name><color>#33ddff</color><type>any</type></label>"
        for name in CLASSES
    )
    (folder / "annotations.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
        f"  <meta><job><id>3</id><labels>{labels}</labels></job></meta>\n{images}</annotations>\n",
        encoding="utf-8",
    )


def cvat_as_coco(folder: Path) -> None:
    """CVAT's export "COCO 1.0": polygons where there were some, empty lists for boxes."""
    content: dict = {
        "licenses": [{"name": "", "id": 0, "url": ""}],
        "info": {"contributor": "", "date_created": "", "description": "", "version": ""},
        "categories": [
            {"id": i + 1, "name": name, "supercategory": ""} for i, name in enumerate(CLASSES)
        ],
        "images": [],
        "annotations": [],
    }
    for index, scene in enumerate(scenes()):
        name = f"day {index % 2}/{scene.name}.jpg"
        save_picture(folder / "images" / "default" / name, scene)
        content["images"].append(
            {
                "id": index + 1,
                "width": SIZE[1],
                "height": SIZE[0],
                "file_name": name,
                "license": 0,
                "flickr_url": "",
                "coco_url": "",
                "date_captured": 0,
            }
        )
        for number, (label, box, outline) in enumerate(
            zip(scene.labels, scene.boxes, scene.outlines, strict=True)
        ):
            x1, y1, x2, y2 = (float(v) for v in box)
            content["annotations"].append(
                {
                    "id": len(content["annotations"]) + 1,
                    "image_id": index + 1,
                    "category_id": CLASSES.index(label) + 1,
                    "segmentation": [outline.ravel().tolist()] if number == 1 else [],
                    "area": (x2 - x1) * (y2 - y1),
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "iscrowd": 0,
                    "attributes": {"occluded": False, "rotation": 0.0},
                }
            )
    (folder / "annotations").mkdir()
    (folder / "annotations" / "instances_default.json").write_text(
        json.dumps(content), encoding="utf-8"
    )


def cvat_as_voc(folder: Path) -> None:
    """CVAT's export "PASCAL VOC 1.1": one list, default; fractions of pixels; labelmap.txt."""
    names = []
    for index, scene in enumerate(scenes()):
        name = f"day {index % 2}/{scene.name}"
        names.append(name)
        save_picture(folder / "JPEGImages" / f"{name}.jpg", scene)
        objects = ""
        for label, box in zip(scene.labels, scene.boxes, strict=True):
            corners = "".join(
                f"<{key}>{value:.2f}</{key}>"
                for key, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
            )
            objects += (
                f"<object><name>{label}</name><truncated>0</truncated><occluded>0</occluded>"
                f"<difficult>0</difficult><bndbox>{corners}</bndbox><attributes><attribute>"
                "<name>rotation</name><value>0.0</value></attribute></attributes></object>"
            )
        path = folder / "Annotations" / f"{name}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"<annotation><folder>day {index % 2}</folder><filename>{name}.jpg</filename>"
            "<source><database>Unknown</database></source>"
            f"<size><width>{SIZE[1]}</width><height>{SIZE[0]}</height><depth/></size>"
            f"<segmented>0</segmented>{objects}</annotation>",
            encoding="utf-8",
        )
    lists = folder / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "default.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    for label in CLASSES:
        lines = [
            f"{n} {1 if label in s.labels else -1}" for n, s in zip(names, scenes(), strict=True)
        ]
        (lists / f"{label}_default.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncow:250,50,83::\nduck:51,221,255::\n",
        encoding="utf-8",
    )


def cvat_as_yolo(folder: Path) -> None:
    """CVAT's export "YOLO 1.1", darknet's form: obj.data, obj.names, train.txt, obj_train_data."""
    names = []
    for scene in scenes():
        names.append(f"data/obj_train_data/{scene.name}.jpg")
        save_picture(folder / "obj_train_data" / f"{scene.name}.jpg", scene)
        write_yolo_lines(folder / "obj_train_data" / f"{scene.name}.txt", scene)
    (folder / "obj.names").write_text("cow\nduck\n", encoding="utf-8")
    (folder / "train.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    (folder / "obj.data").write_text(
        "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n",
        encoding="utf-8",
    )


def labelme(folder: Path) -> None:
    """JSON beside the pictures: polygons, and rectangles drawn from any corner; backslashes."""
    for index, scene in enumerate(scenes()):
        save_picture(folder / "photos" / f"{scene.name}.jpg", scene, stored_lying=index == TURNED)
        shapes = []
        for number, (label, box, outline) in enumerate(
            zip(scene.labels, scene.boxes, scene.outlines, strict=True)
        ):
            x1, y1, x2, y2 = (float(v) for v in box)
            points = [[x2, y2], [x1, y1]] if number == 1 else outline.tolist()
            shapes.append(
                {
                    "label": label,
                    "points": points,
                    "group_id": None,
                    "description": "",
                    "shape_type": "rectangle" if number == 1 else "polygon",
                    "flags": {},
                    "mask": None,
                }
            )
        content = {
            "version": "5.5.0",
            "flags": {},
            "shapes": shapes,
            "imagePath": f"..\\photos\\{scene.name}.jpg",
            "imageData": None,
            "imageHeight": SIZE[0],
            "imageWidth": SIZE[1],
        }
        path = folder / "json" / f"{scene.name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=2), encoding="utf-8")


WRITERS = {
    "labelimg": ("voc", labelimg),
    "labelimg_yolo": ("yolo", yolo_of_labelimg),
    "cvat": ("cvat", cvat),
    "cvat_coco": ("coco", cvat_as_coco),
    "cvat_voc": ("voc", cvat_as_voc),
    "cvat_yolo": ("yolo", cvat_as_yolo),
    "labelme": ("labelme", labelme),
    "yolo_yaml": ("yolo", yolo_with_yaml),
}


def labelled_by(tool: str, folder: Path) -> str:
    """Write the forty pictures as that tool does; returns what ``--data`` takes."""
    source, write = WRITERS[tool]
    folder.mkdir(parents=True, exist_ok=True)
    write(folder)
    return f"{source}:{folder}"
