"""Average precision and average recall of keypoints as the COCO challenge defines them.

The overlap of a detection and a person is their object keypoint similarity, which
`minicv.metrics.keypoints` describes. All else is in `minicv.metrics.coco_protocol`. A person
without a visible joint need not be found, and no more need a crowd.

Source: Lin et al., "Microsoft COCO" (2014), and the keypoint evaluation page of the challenge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from minicv.metrics.coco_protocol import Detected, Protocol, Wanted, evaluate, mean_of_found
from minicv.metrics.detections import count_classes
from minicv.metrics.keypoints import object_keypoint_similarity, oks_sigmas, read_keypoints

# COCO notes no joints of small people.
PROTOCOL = Protocol(
    area_ranges={"all": (0.0, 1e10), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)},
    max_detections=(20,),
)
_ALL, _MEDIUM, _LARGE = range(3)


@dataclass(frozen=True)
class KeypointAveragePrecision:
    """What `coco_keypoint_average_precision` returns. -1 stands where there was nothing to find.

    Attributes:
        ap: mean average precision over OKS 0.50, 0.55 .. 0.95, the challenge's main number.
        ap50, ap75: the same at one OKS.
        ap_medium, ap_large: for objects from 32 x 32 to 96 x 96, and above.
        ar, ar50, ar75, ar_medium, ar_large: mean recall with at most 20 detections per image and
            class.
        ap_per_class, ap50_per_class: (K,).
        precision: (T, R, K, A): 10 OKS thresholds, 101 recall levels, K classes, 3 area ranges.
        recall: (T, K, A).
    """

    ap: float
    ap50: float
    ap75: float
    ap_medium: float
    ap_large: float
    ar: float
    ar50: float
    ar75: float
    ar_medium: float
    ar_large: float
    ap_per_class: np.ndarray
    ap50_per_class: np.ndarray
    precision: np.ndarray = field(repr=False)
    recall: np.ndarray = field(repr=False)

    def stats(self) -> list[float]:
        """The ten numbers in the order in which pycocotools prints them.

        >>> coco_keypoint_average_precision([], []).stats()
        [-1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0]
        """
        return [
            *(self.ap, self.ap50, self.ap75, self.ap_medium, self.ap_large),
            *(self.ar, self.ar50, self.ar75, self.ar_medium, self.ar_large),
        ]


def coco_keypoint_average_precision(
    predictions: Sequence[Mapping],
    targets: Sequence[Mapping],
    *,
    sigmas: np.ndarray | Sequence[float] | None = None,
    number_of_classes: int | None = None,
) -> KeypointAveragePrecision:
    """COCO's ten numbers for keypoints, and their parts by class.

    A detection is medium or large by the area of the upright box around its joints, as COCO's
    result files have it; a target by its ``area``. A class of whose objects no joint is visible
    anywhere has no value (-1), and no part in the means.

    Args:
        predictions: per image a dict of keypoints, scores, labels; see `minicv.metrics.keypoints`.
        targets: per image a dict of keypoints, boxes, labels and perhaps difficult, iscrowd, area.
        sigmas: (J,) constants of the joints; None takes `oks_sigmas` of their number, 17 or 14.
        number_of_classes: K; None takes one more than the largest label.

    Raises:
        ValueError: a list or a field is not as it should be, images have two numbers of joints, or
            these joints have no published constants.

    >>> truth = {"keypoints": np.zeros((1, 17, 3)), "boxes": np.array([[0, 0, 40, 40]])}
    >>> truth |= {"labels": [0], "area": [1200]}
    >>> truth["keypoints"][0, :2] = [[8, 8, 1], [12, 8, 1]]  # nose and left eye
    >>> found = {"keypoints": truth["keypoints"].copy(), "labels": [0], "scores": [0.9]}
    >>> found["keypoints"][0, 1] += [9, 0, 0]  # one in place and one far off: OKS 0.5
    >>> result = coco_keypoint_average_precision([found], [truth])
    >>> result.ap50, result.ap, result.ap_large
    (1.0, 0.1, -1.0)
    """
    operation = "coco_keypoint_average_precision"
    images, truths, joints = read_keypoints(predictions, targets, operation)
    classes = count_classes(images, truths, number_of_classes, operation)
    constants = check_sigmas(sigmas, joints, operation)

    def overlaps(number: int, chosen: np.ndarray, there: np.ndarray) -> np.ndarray:
        truth = truths[number]
        if len(chosen) == 0 or len(there) == 0:
            return np.zeros((len(chosen), len(there)))
        return object_keypoint_similarity(
            images[number].keypoints[chosen],
            truth.keypoints[there],
            truth.boxes[there],
            truth.area[there],
            constants,
        )

    detected = [Detected(image.scores, image.labels, _extent(image.keypoints)) for image in images]
    wanted = []
    for truth in truths:
        spared = truth.iscrowd | truth.difficult
        unseen = ~(truth.keypoints[..., 2] > 0).any(axis=1)
        wanted.append(Wanted(truth.labels, truth.area, spared | unseen, spared))
    return _summarise(*evaluate(detected, wanted, overlaps, classes, PROTOCOL))


def check_sigmas(
    sigmas: np.ndarray | Sequence[float] | None, joints: int, operation: str
) -> np.ndarray:
    """The constants of so many joints, (J,): those given, or the published ones.

    Raises:
        ValueError: there are none published, or those given are not J positive numbers.

    >>> check_sigmas([0.1, 0.2], 2, "doctest").tolist()
    [0.1, 0.2]
    """
    if joints == 0:  # no objects
        return np.zeros(0)
    if sigmas is None:
        return oks_sigmas(joints)
    constants = np.asarray(sigmas, np.float64)
    if constants.shape != (joints,) or not (np.isfinite(constants) & (constants > 0)).all():
        raise ValueError(
            f"{operation}: sigmas expects a positive number for each of the {joints} joints but is "
            f"{constants.tolist()}"
        )
    return constants


def _extent(keypoints: np.ndarray) -> np.ndarray:
    """(n, J, 3) -> (n,): the area of the upright box around the joints."""
    if keypoints.size == 0:
        return np.zeros(len(keypoints))
    sides: np.ndarray = np.ptp(keypoints[..., :2], axis=1)
    return sides[:, 0] * sides[:, 1]


def _summarise(precision: np.ndarray, recall: np.ndarray) -> KeypointAveragePrecision:
    recall = recall[..., 0]  # (T, K, A, 1) -> (T, K, A)
    classes = range(precision.shape[2])
    of_any_size, recall_of_any_size = precision[..., _ALL], recall[..., _ALL]  # (T, R, K), (T, K)
    return KeypointAveragePrecision(
        ap=mean_of_found(of_any_size),
        ap50=mean_of_found(of_any_size[0]),
        ap75=mean_of_found(of_any_size[5]),
        ap_medium=mean_of_found(precision[..., _MEDIUM]),
        ap_large=mean_of_found(precision[..., _LARGE]),
        ar=mean_of_found(recall_of_any_size),
        ar50=mean_of_found(recall_of_any_size[0]),
        ar75=mean_of_found(recall_of_any_size[5]),
        ar_medium=mean_of_found(recall[..., _MEDIUM]),
        ar_large=mean_of_found(recall[..., _LARGE]),
        ap_per_class=np.array([mean_of_found(of_any_size[:, :, label]) for label in classes]),
        ap50_per_class=np.array([mean_of_found(of_any_size[0, :, label]) for label in classes]),
        precision=precision,
        recall=recall,
    )
