"""Joints and crops of a cascade: normalised places, the boxes around joints, simulated predictions.

The arithmetic of DeepPose without its networks. A box is a centre and a side; a joint in it is
normalised, the centre 0 and the side 1. The ruler of a person is the diameter of the torso, from
the left shoulder to the right hip. Where it is not known, other lengths of the body stand for it.

Source: Toshev & Szegedy, DeepPose, 2014, sections 3.1 and 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicv.vision.bodies import torso_of

LEAST = 0.1  # of the picture's longer side: a torso that is seen from above has no length
OF_BODY = 0.4  # of the longer side of all joints' box: the mean of 112 people of Leeds Sports Pose


def normalised(places: np.ndarray, height: int, width: int) -> np.ndarray:
    """(..., 2) pixels -> fractions of the picture, from -1/2 to 1/2: its middle is 0.

    >>> normalised(np.array([[0.0, 30.0], [20.0, 15.0]]), height=30, width=20).tolist()
    [[-0.5, 0.5], [0.5, 0.0]]
    """
    return places / np.array([width, height]) - 0.5


def in_pixels(fractions: np.ndarray, height: int, width: int) -> np.ndarray:
    """The way back of `normalised`.

    >>> in_pixels(np.array([0.5, 0.0]), height=30, width=20).tolist()
    [20.0, 15.0]
    """
    return (fractions + 0.5) * np.array([width, height])


def torso_diameter(
    joints: np.ndarray, joint_names: Sequence[str], height: int, width: int
) -> float:
    """The ruler of a person, in pixels: the size of crops, and the unit of errors.

    The distance from the left shoulder to the right hip; where one of them is not annotated, or the
    joints have other names, 0.4 times the longer side of the box around all joints. At least a
    tenth of the picture's longer side.

    Args:
        joints: (J, 3) as x, y, annotated.
        joint_names: J names.
        height, width: of the picture.

    >>> joints = np.array([[3.0, 0.0, 1.0], [0.0, 4.0, 1.0]])
    >>> torso_diameter(joints, ("left shoulder", "right hip"), 10, 10)
    5.0
    >>> torso_diameter(joints, ("nose", "tail"), 10, 10)
    1.6
    """
    least = LEAST * max(height, width)
    torso = torso_of(joint_names)
    if torso is not None and joints[list(torso), 2].min() > 0:
        return max(least, float(np.linalg.norm(joints[torso[0], :2] - joints[torso[1], :2])))
    known = joints[joints[:, 2] > 0, :2]
    if len(known) == 0:
        return least
    return max(least, OF_BODY * float(np.ptp(known, axis=0).max()))


def boxes_around(centres: np.ndarray, side: float | np.ndarray) -> np.ndarray:
    """(R, 2) centres and a side -> (R, 4) square boxes x1, y1, x2, y2.

    >>> boxes_around(np.array([[5.0, 3.0]]), 4).tolist()
    [[3.0, 1.0, 7.0, 5.0]]
    """
    half = np.asarray(side, np.float64).reshape(-1, 1) / 2
    return np.concatenate([centres - half, centres + half], axis=1)


@dataclass(frozen=True)
class ErrorsOfJoints:
    """How a stage errs: of each joint the normal distribution of predicted minus true place.

    Attributes:
        mean: (J, 2), in diameters of the torso.
        covariance: (J, 2, 2).

    >>> errors = ErrorsOfJoints.of(np.array([[[0.1, 0.0]], [[0.3, 0.0]], [[np.nan, np.nan]]]))
    >>> errors.mean.round(3).tolist(), errors.covariance[0, 0].round(3).tolist()
    ([[0.2, 0.0]], [0.01, 0.0])
    """

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, displacements: np.ndarray) -> ErrorsOfJoints:
        """From displacements (M, J, 2), NaN where a joint is not annotated.

        A joint that was never annotated errs by nothing.
        """
        joints = displacements.shape[1]
        mean, covariance = np.zeros((joints, 2)), np.zeros((joints, 2, 2))
        for j in range(joints):
            known = displacements[~np.isnan(displacements[:, j]).any(axis=1), j]  # (m, 2)
            if len(known):
                mean[j] = known.mean(axis=0)
                apart = known - mean[j]
                covariance[j] = apart.T @ apart / len(known)
        return cls(mean, covariance)

    def simulate(self, joints: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A displacement for each of R joints, drawn from the joint's distribution: (R, 2).

        Args:
            joints: (R,) numbers 0..J-1.
            rng: draws.

        >>> errors = ErrorsOfJoints(np.array([[0.5, 0.0]]), np.zeros((1, 2, 2)))
        >>> errors.simulate(np.array([0, 0]), np.random.default_rng(0)).tolist()
        [[0.5, 0.0], [0.5, 0.0]]
        """
        # The square root of a covariance, by its own axes: it also exists where one has no length.
        lengths, axes = np.linalg.eigh(self.covariance.astype(np.float64))  # (J, 2), (J, 2, 2)
        roots = axes * np.sqrt(np.maximum(lengths, 0))[:, None, :]
        drawn = rng.standard_normal((len(joints), 2))
        return self.mean[joints] + np.einsum("rij,rj->ri", roots[joints], drawn)
