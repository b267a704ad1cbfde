"""Every person cut out of its picture, with joints: what pose by regression learns from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.data.crops import Crops, real_objects, window_around
from minicv.data.loader import Dataset
from minicv.data.transforms.joint_names import sides_and_parts
from minicv.vision.keypoints import LEEDS_SPORTS_JOINTS


class PersonCrops(Crops):
    """One picture for each person of ``dataset`` who has an annotated joint, cut out around it.

    Target: ``joints``, (J, 3) float32 as x, y, annotated (0 or 1), in pixels of the crop; and
    ``image_id``, such as ``"im1 object 3"``. A joint that is not annotated is 0, 0, 0. All
    annotated joints lie in the crop, which is made larger where the box does not hold them.

    Joints with the names of the twelve limbs, as COCO's, become the 14 of Leeds Sports: the neck is
    the middle of the shoulders where both are annotated, the head top is not annotated unless the
    set has it; nose, eyes and ears are dropped. Other joints stay as they are. `joint_names` says
    which.

    Args:
        dataset: with boxes and keypoints. Where it has ``annotated_joints_of(index)``, the people
            are counted without reading the pictures; else each picture is read once at the
            beginning.
        context: share of the box's width and height that is added on each side; 0.125 makes the
            box 1.25 times as large. The crop ends at the picture's borders.

    Raises:
        ValueError: ``context`` is negative, or nobody has an annotated joint.

    >>> from minicv.data.farmyard import Farmyard
    >>> people = PersonCrops(Farmyard(4))
    >>> image, target = people[0]
    >>> len(people), image.shape, target["image_id"], target["joints"][13].astype(int).tolist()
    (2, (3, 107, 37), 'farmyard-0-000001 object 5', [18, 17, 1])
    """

    def __init__(self, dataset: Dataset, context: float = 0.125) -> None:
        super().__init__(dataset, context)
        theirs = tuple(getattr(dataset, "joint_names", ()))
        parts = parts_of_leeds_sports(theirs)
        self.joint_names = LEEDS_SPORTS_JOINTS if parts else theirs
        self._parts = parts or [(joint,) for joint in range(len(theirs))]
        self.classes = self.joint_classes = tuple(getattr(dataset, "joint_classes", ("person",)))
        for picture in range(len(dataset)):
            annotated = self._annotated_in(picture)  # (N, J) bool
            self.places += [(picture, part) for part in range(annotated.any(axis=1).sum())]
        if not self.places:
            raise ValueError(
                f"PersonCrops: nobody in {len(dataset)} pictures has an annotated joint among "
                f"{', '.join(self.joint_names) or 'none'}; expected keypoints"
            )

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        image, target = self.picture(index)
        height, width = image.shape[1:]
        real = real_objects(target, height, width)
        joints = self._our_joints(np.asarray(target["keypoints"])[real])  # (N, J, 3)
        (found,) = np.nonzero((joints[..., 2] > 0).any(axis=1))
        own = self.row_of(index, found)
        row = int(real[own])
        points = joints[own]  # (J, 3)
        rows, columns = self._window(target["boxes"][row], points, height, width)
        annotated = points[:, 2] > 0
        points = points - (columns.start, rows.start, 0)
        points[~annotated] = 0
        name = f"{target.get('image_id', self.places[index][0])} object {row + 1}"
        crop = np.ascontiguousarray(image[:, rows, columns])
        return crop, {"joints": points.astype(np.float32), "image_id": name}

    def labels_of(self, index: int) -> np.ndarray:
        """(1,) int64: the label of a sample; there is one class."""
        return np.zeros(1, np.int64)

    def _window(
        self, box: np.ndarray, joints: np.ndarray, height: int, width: int
    ) -> tuple[slice, slice]:
        """Rows and columns of the enlarged box, and of the joints that it does not hold."""
        rows, columns = window_around(box, self.context, height, width)
        x, y = np.floor(joints[joints[:, 2] > 0, :2]).astype(int).T
        top, left = min(rows.start, *y.clip(0)), min(columns.start, *x.clip(0))
        bottom, right = max(rows.stop, *(y + 1)), max(columns.stop, *(x + 1))
        return slice(top, min(bottom, height)), slice(left, min(right, width))

    def _our_joints(self, keypoints: np.ndarray) -> np.ndarray:
        """(N, their joints, 3) -> (N, J, 3) float64: x, y, annotated."""
        ours = np.zeros((len(keypoints), len(self._parts), 3))
        for joint, parts in enumerate(self._parts):
            if parts:
                ours[:, joint, :2] = keypoints[:, parts, :2].mean(axis=1)
                ours[:, joint, 2] = (keypoints[:, parts, 2] > 0).all(axis=1)
        return ours

    def _annotated_in(self, picture: int) -> np.ndarray:
        """(N, J) bool: which joints of a picture's objects are annotated."""
        annotated_joints_of = getattr(self.dataset, "annotated_joints_of", None)
        if annotated_joints_of is not None:
            theirs = np.asarray(annotated_joints_of(picture))
            return self._our_joints(np.repeat(theirs[:, :, None], 3, axis=2))[..., 2] > 0
        image, target = self.dataset[picture]
        real = real_objects(target, *image.shape[1:])
        return self._our_joints(np.asarray(target["keypoints"])[real])[..., 2] > 0


def parts_of_leeds_sports(joint_names: Sequence[str]) -> list[tuple[int, ...]]:
    """For each joint of Leeds Sports, of which joints of another set it is the middle.

    Returns:
        14 tuples of numbers of ``joint_names``: one, or both shoulders for a neck that the set
        lacks, or none for a head top that it lacks. Empty if it lacks one of the twelve limbs.

    >>> from minicv.vision.keypoints import COCO_JOINTS
    >>> parts_of_leeds_sports(COCO_JOINTS)[8:]
    [(6,), (5,), (7,), (9,), (5, 6), ()]
    >>> parts_of_leeds_sports(("nose", "tail"))
    []
    """
    place = {joint: number for number, joint in enumerate(sides_and_parts(joint_names))}
    parts: list[tuple[int, ...]] = []
    for joint in sides_and_parts(LEEDS_SPORTS_JOINTS):
        if joint in place:
            parts.append((place[joint],))
        elif joint == ("", "neck"):
            shoulders = (("left", "shoulder"), ("right", "shoulder"))
            parts.append(tuple(place[side] for side in shoulders if side in place))
        elif joint == ("", "head top"):
            parts.append(())
        else:
            return []
    return parts
