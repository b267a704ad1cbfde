"""The mean pose: what anybody knows of people before a look at the picture. A baseline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.inspection.stage import StageRecorder
from minicv.models.model import Model, Result
from minicv.models.pose.displacements import in_pixels, normalised
from minicv.models.pose.targets import check_joints_of


class MeanPose(Model):
    """Every person stands where the mean of the training people does, in fractions of the picture.

    A network that has learnt anything is better; one that sees nothing gives this pose, for it is
    the least of L2.

    Args:
        fractions: (J, 2) of the picture, whose middle is 0.
        joint_names: J names.

    >>> rng = np.random.default_rng(0)
    >>> person = np.array([[4.0, 8.0, 1.0], [2.0, 0.0, 0.0]])
    >>> mean = MeanPose.of([(np.zeros((3, 8, 8)), {"joints": person})], ("knee", "head top"))
    >>> mean.predict([np.zeros((3, 20, 10), "float32")])[0]["joints"].tolist()
    [[5.0, 20.0], [5.0, 10.0]]
    """

    def __init__(self, fractions: np.ndarray, joint_names: Sequence[str]) -> None:
        super().__init__()
        self.classes = ("person",)
        self.settings = None
        self.fractions = np.asarray(fractions, np.float64)
        self.joint_names = tuple(joint_names)

    @classmethod
    def of(cls, samples: Sequence[tuple[np.ndarray, dict]], joint_names: Sequence[str]) -> MeanPose:
        """The mean over the annotated joints of a data set; in the middle where there is none.

        Raises:
            ValueError: joints of another number.
        """
        total, count = np.zeros((len(joint_names), 2)), np.zeros((len(joint_names), 1))
        for index in range(len(samples)):
            image, target = samples[index]
            (person,) = check_joints_of([image], [target], joint_names)
            known = person[:, 2:] > 0  # (J, 1)
            total += np.where(known, normalised(person[:, :2], *image.shape[1:]), 0)
            count += known
        return cls(total / np.maximum(count, 1), joint_names)

    def run(self, images: Sequence[np.ndarray], record: StageRecorder) -> list[Result]:
        """The same fractions of every image."""
        names = np.array(self.joint_names)
        return [
            {"joints": in_pixels(self.fractions, *image.shape[1:]), "joint_names": names}
            for image in images
        ]
