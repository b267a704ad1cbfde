"""COCO JSON: one file of boxes, masks and keypoints for all photographs of a folder."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np

from minicv.data.coco_masks import decode_segmentation
from minicv.data.errors import AnnotationError, DatasetWarning
from minicv.data.image_folder import open_image, to_array


class CocoDetection:
    """Photographs with boxes, and masks and keypoints where asked for or given, in COCO's form.

    **Categories.** COCO numbers its categories with gaps (1..90 for 80 of them). Labels are 0..K-1
    in the order of those numbers: `category_ids[label]` leads back.

    **Coordinates.** COCO's boxes are x, y, width, height in continuous coordinates; they become x,
    y, x + width, y + height. Its keypoints are numbers of pixels: half a pixel is added, so that
    they lie in the pixel's middle like everything else here. Visible is 1 for a joint that is
    annotated, hidden ones included, and 0 (with x = y = 0) for one that is not.

    **Wrong boxes** are clipped to the photograph, and dropped where nothing is left; one
    `DatasetWarning` for the whole set says how many, and names the first.

    Target: boxes (N, 4), labels (N,), iscrowd (N,), area (N,) of the segmentation as the file has
    it, image_id (the id as text), with `masks=True` masks (N, H, W), and keypoints (N, J, 3) where
    a category has joints. Regions that are crowds are in the target: a detector leaves them out
    of its training, a metric needs them.

    Args:
        images: folder of the photographs.
        annotations: the JSON file.
        masks: decode the segmentations too.

    Raises:
        FileNotFoundError: the folder, the file, or on reading a photograph is missing.
        AnnotationError: the file is truncated, or a field is missing or wrong.
        ImageError: on reading, a truncated photograph.
    """

    def __init__(self, images: str | Path, annotations: str | Path, masks: bool = False) -> None:
        self.images, self.file, self.masks = Path(images), Path(annotations), masks
        if not self.images.is_dir():
            raise FileNotFoundError(f"CocoDetection: there is no folder {self.images}")
        content = self._load()
        categories = sorted(content["categories"], key=lambda category: category["id"])
        self.category_ids: tuple[int, ...] = tuple(category["id"] for category in categories)
        self.classes: tuple[str, ...] = tuple(category["name"] for category in categories)
        joints = [category["keypoints"] for category in categories if category.get("keypoints")]
        self.joint_names: tuple[str, ...] = tuple(joints[0]) if joints else ()
        self._photographs = sorted(content["images"], key=lambda photograph: photograph["id"])
        self._objects: dict[int, list[dict]] = {entry["id"]: [] for entry in self._photographs}
        self._sort_in(content["annotations"])

    def __len__(self) -> int:
        return len(self._photographs)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        photograph = self._photographs[index]
        image = to_array(open_image(self.images / photograph["file_name"]))
        objects = self._objects[photograph["id"]]
        height, width = image.shape[1:]
        if (height, width) != (photograph["height"], photograph["width"]):
            raise AnnotationError(
                f"CocoDetection: {self.file}: image {photograph['id']} is said to be "
                f"{photograph['width']} x {photograph['height']}, but {photograph['file_name']} is "
                f"{width} x {height}"
            )
        target = {
            "boxes": np.array([item["box"] for item in objects], np.float32).reshape(-1, 4),
            "labels": np.array([item["label"] for item in objects], np.int64),
            "iscrowd": np.array([item.get("iscrowd", 0) for item in objects], bool),
            "area": np.array([item["area"] for item in objects], np.float32),
            "image_id": str(photograph["id"]),
        }
        if self.joint_names:
            target["keypoints"] = self._keypoints(objects)
        if self.masks:
            masks = [self._mask(item, height, width) for item in objects]
            target["masks"] = np.array(masks, bool).reshape(-1, height, width)
        return image, target

    def _load(self) -> dict:
        if not self.file.is_file():
            raise FileNotFoundError(f"CocoDetection: there is no file {self.file}")
        try:
            content = json.loads(self.file.read_text())
        except ValueError as error:  # not JSON, or not text
            raise AnnotationError(
                f"CocoDetection: {self.file} is no complete JSON file: {error}"
            ) from error
        fields = {
            "images": ("id", "file_name", "width", "height"),
            "categories": ("id", "name"),
            "annotations": ("image_id", "category_id", "bbox"),
        }
        for key, needed in fields.items():
            if not isinstance(content, dict) or not isinstance(content.get(key), list):
                raise AnnotationError(f"CocoDetection: {self.file} has no list {key!r}")
            for number, entry in enumerate(content[key]):
                missing = [field for field in needed if field not in entry]
                if missing:
                    raise AnnotationError(
                        f"CocoDetection: {self.file}: {key}[{number}] (id {entry.get('id')}) has "
                        f"no {missing[0]}"
                    )
        return content

    def _sort_in(self, annotations: list[dict]) -> None:
        """Give each object to its photograph, with a label and a half-open box."""
        labels = {category: label for label, category in enumerate(self.category_ids)}
        sizes = {entry["id"]: (entry["width"], entry["height"]) for entry in self._photographs}
        repairs = []
        for item in annotations:
            field = f"annotation {item.get('id')}"
            if item["category_id"] not in labels or item["image_id"] not in sizes:
                raise AnnotationError(
                    f"CocoDetection: {self.file}: {field} names image {item['image_id']} and "
                    f"category {item['category_id']}, one of which the file does not list"
                )
            box = np.asarray(item["bbox"], np.float64)
            if box.shape != (4,) or not np.isfinite(box).all():
                raise AnnotationError(
                    f"CocoDetection: {self.file}: {field}, bbox is {item['bbox']}, expected four "
                    "numbers x, y, width, height"
                )
            corners = np.concatenate([box[:2], box[:2] + box[2:]])
            clipped = np.clip(corners, 0, sizes[item["image_id"]] * 2)
            gone = (clipped[2:] <= clipped[:2]).any()
            # COCO rounds to hundredths; what lies outside by less is no fault.
            if gone or np.abs(clipped - corners).max() > 0.02:
                repairs.append(f"{field}, bbox {item['bbox']}; {'dropped' if gone else 'clipped'}")
            if not gone:
                label = labels[item["category_id"]]
                area = item.get("area", float(box[2] * box[3]))
                extra = {"box": clipped, "label": label, "area": area}
                self._objects[item["image_id"]].append({**item, **extra})
        if repairs:
            more = f" ({len(repairs)} such boxes in all)" if len(repairs) > 1 else ""
            message = f"CocoDetection: {self.file}: {repairs[0]}{more}"
            warnings.warn(message, DatasetWarning, stacklevel=3)

    def _keypoints(self, objects: list[dict]) -> np.ndarray:
        """(N, J, 3) x, y, visible; zeros for objects without joints."""
        keypoints = np.zeros((len(objects), len(self.joint_names), 3), np.float32)
        for row, item in zip(keypoints, objects, strict=True):
            numbers = item.get("keypoints")
            if not numbers:
                continue
            if len(numbers) != row.size:
                raise AnnotationError(
                    f"CocoDetection: {self.file}: annotation {item.get('id')} has {len(numbers)} "
                    f"numbers in keypoints, expected {row.size}"
                )
            joints = np.asarray(numbers, np.float32).reshape(-1, 3)
            known = joints[:, 2] > 0
            row[known] = joints[known] + (0.5, 0.5, 0)
            row[known, 2] = 1
        return keypoints

    def _mask(self, item: dict, height: int, width: int) -> np.ndarray:
        try:
            return decode_segmentation(item["segmentation"], height, width)
        except (KeyError, TypeError, ValueError) as error:
            raise AnnotationError(
                f"CocoDetection: {self.file}: annotation {item.get('id')}, segmentation: {error}"
            ) from error
