"""COCO JSON: one file of boxes, masks and keypoints for all photographs of a folder.

A mask is given as polygons, or as run lengths down the columns.

Lin et al., Microsoft COCO (ECCV 2014); the format is described at cocodataset.org/#format-data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minicv.data.checks import clip_to_picture, warn_of_repairs
from minicv.data.image_files import AnnotationError, read_image


class CocoDetection:
    """Photographs with boxes in COCO's form; with keypoints if the file has any, masks on request.

    **Categories.** COCO numbers its categories with gaps (1..90 for 80 of them). Labels are 0..K-1
    in the order of those numbers: `category_ids[label]` leads back.

    **Coordinates.** COCO's boxes are x, y, width, height in continuous coordinates; they become x,
    y, x + width, y + height. Its keypoints are numbers of pixels: half a pixel is added, because
    the middle of pixel i is i + 0.5 here. Visible is 1 for a joint that is annotated, hidden ones
    included, and 0 (with x = y = 0) for a joint that is not.

    **Wrong boxes** are clipped to the photograph, and dropped if nothing is left; one
    `DatasetWarning` for the whole set says how many, and names the first.

    Target: boxes (N, 4), labels (N,), iscrowd (N,), area (N,) of the segmentation as the file has
    it, and image_id, the id as text. With `masks=True` also masks (N, H, W), and if a category has
    joints keypoints (N, J, 3). Regions that are crowds are in the target: a detector leaves them
    out of its training, a metric needs them.

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
        warn_of_repairs("CocoDetection", self._sort_in(content["annotations"]))

    def __len__(self) -> int:
        return len(self._photographs)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        photograph = self._photographs[index]
        image = read_image(self.images / photograph["file_name"])
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

    def _sort_in(self, annotations: list[dict]) -> list[str]:
        """Sort the objects by photograph, each with a label and a half-open box.

        Returns what was wrong with boxes, see `warn_of_repairs`.
        """
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
            width, height = sizes[item["image_id"]]
            corners = np.concatenate([box[:2], box[:2] + box[2:]])
            # COCO rounds to hundredths, so a box may reach out by so much.
            clipped, wrong = clip_to_picture(corners, height, width, tolerance=0.02)
            if wrong:
                done = "dropped" if clipped is None else "clipped"
                repairs.append(f"{self.file}: {field}, bbox {item['bbox']}; {done}")
            if clipped is not None:
                label = labels[item["category_id"]]
                area = item.get("area", float(box[2] * box[3]))
                extra = {"box": clipped, "label": label, "area": area}
                self._objects[item["image_id"]].append({**item, **extra})
        return repairs

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


def decode_segmentation(segmentation: Sequence | dict, height: int, width: int) -> np.ndarray:
    """The mask (H, W) bool of a COCO annotation.

    Args:
        segmentation: polygons, or a dict of run lengths: `counts` (a list, or a compressed
            string) and `size` (height, width).
        height, width: of the picture.

    Raises:
        ValueError: the runs do not fit the picture, or a polygon has no three corners.

    Example:
        >>> square = [[1, 0, 3, 0, 3, 2, 1, 2]]
        >>> decode_segmentation(square, 3, 4).astype(int).tolist()
        [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
        >>> decode_segmentation({"counts": [3, 2, 1], "size": [3, 2]}, 3, 2).astype(int).tolist()
        [[0, 1], [0, 1], [0, 0]]
    """
    if isinstance(segmentation, dict):
        return decode_runs(segmentation["counts"], tuple(segmentation["size"]), (height, width))
    return fill_polygons(segmentation, height, width)


def fill_polygons(polygons: Sequence[Sequence[float]], height: int, width: int) -> np.ndarray:
    """The union of polygons given as x, y, x, y, ..., as a mask (H, W) bool.

    Corners are in continuous pixel coordinates, and the pixels whose centres lie inside are taken
    (even-odd rule). The reference tool draws the outline too: its masks can differ along the rim.

    Raises:
        ValueError: a polygon has fewer than three corners, or half a corner.
    """
    mask = np.zeros((height, width), bool)
    for polygon in polygons:
        if len(polygon) < 6 or len(polygon) % 2:
            raise ValueError(f"a polygon has {len(polygon)} numbers, expected x, y of 3 or more")
        corners = np.asarray(polygon, np.float64).reshape(-1, 2)
        left, top = np.clip(np.floor(corners.min(axis=0)), 0, (width, height)).astype(int)
        right, bottom = np.clip(np.ceil(corners.max(axis=0)), 0, (width, height)).astype(int)
        window = mask[top:bottom, left:right]
        window |= _inside(corners - (left, top), *window.shape)
    return mask


def _inside(corners: np.ndarray, height: int, width: int) -> np.ndarray:
    """Which pixel centres lie in the polygon (P, 2)? (H, W) bool.

    Along a row of pixel centres each crossing of an edge leads from outside to inside or back.
    """
    following = np.roll(corners, -1, axis=0)
    upper_first = corners[:, 1] <= following[:, 1]
    upper = np.where(upper_first[:, None], corners, following)  # (P, 2) upper end of each edge
    lower = np.where(upper_first[:, None], following, corners)
    # The rows r with upper y <= r + 0.5 < lower y.
    first = np.clip(np.ceil(upper[:, 1] - 0.5), 0, height).astype(int)
    count = np.clip(np.ceil(lower[:, 1] - 0.5), 0, height).astype(int) - first
    edge = np.repeat(np.arange(len(corners)), count)  # one entry for each crossing
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    rise = lower[edge, 1] - upper[edge, 1]
    share = (row + 0.5 - upper[edge, 1]) / rise
    x = upper[edge, 0] + share * (lower[edge, 0] - upper[edge, 0])
    column = np.clip(np.ceil(x - 0.5), 0, width).astype(int)  # first centre right of the crossing
    crossings = np.zeros((height, width + 1), np.int32)
    np.add.at(crossings, (row, column), 1)
    return np.cumsum(crossings[:, :-1], axis=1) % 2 == 1


def decode_runs(
    counts: Sequence[int] | str | bytes, size: tuple[int, int], expected: tuple[int, int]
) -> np.ndarray:
    """Run lengths of 0, 1, 0, 1, ... down the columns -> a mask `size` (H, W) bool.

    Raises:
        ValueError: `size` is not `expected`, or the runs do not fill it.
    """
    if tuple(size) != tuple(expected):
        raise ValueError(
            f"the runs are for a picture of {tuple(size)} (height, width), not {expected}"
        )
    runs = expand_counts(counts) if isinstance(counts, (str, bytes)) else list(counts)
    height, width = size
    if sum(runs) != height * width or min(runs, default=0) < 0:
        raise ValueError(f"the runs hold {sum(runs)} pixels, expected {height} * {width}")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(width, height).T.copy()


def expand_counts(text: str | bytes) -> list[int]:
    """The run lengths that COCO's compressed string holds.

    Each number is written in characters of 6 bits from chr(48): five bits of the number, lowest
    first, and 32 if more characters follow; the fifth bit of the last character is the sign. From
    the fourth number on the difference to the number two places before is written.

    >>> expand_counts("321")
    [3, 2, 1]
    """
    codes = text.encode() if isinstance(text, str) else text
    runs: list[int] = []
    value = shift = 0
    for code in codes:
        bits = code - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs
