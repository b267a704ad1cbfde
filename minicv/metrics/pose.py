"""Metrics of a pose that is one set of joints a picture: PCK, PDJ and PCP.

    PCK@f   share of the joints whose distance to the truth is at most f times the torso's diameter
    PDJ@f   the same share; the name where it is drawn as a curve over f
    PCP     share of the limbs of which each end is within half of the limb's length from its truth

The diameter is the distance from the left shoulder to the right hip in the truth. Where one of the
two is not annotated there is no ruler, and the image is left out of PCK and PDJ. (Yang & Ramanan
first took the longer side of the person's box for a ruler; tables on Leeds Sports Pose take the
torso.) PCP as it is here is the strict one: both ends must be close, not their mean. Its ruler is
shorter for a shorter limb, so that a person who is seen from the front has forearms which hardly
any prediction meets; PCK has one ruler a person.

    result  joints (J, 2) or (J, 3)       x, y in pixels; a third number is not looked at
            joints by stage (S, J, 2)     of a cascade, may be absent
            joint_names (J,)              strings, may be absent
    target  joints (J, 3)                 x, y, annotated: 0 or 1

Sources: Ferrari et al. 2008 (PCP), in the strict reading of Eichner & Ferrari 2012; Yang & Ramanan
2013 (PCK); Sapp & Taskar 2013, Toshev & Szegedy 2014 (PDJ).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minicv.backend import to_numpy
from minicv.vision.bodies import end_of_limb, limbs_of, torso_of
from minicv.vision.keypoints import COCO_JOINTS, LEEDS_SPORTS_JOINTS

FRACTION = 0.2  # of the torso's diameter
OF_LIMB = 0.5  # of a limb's length
STAGES = "joints by stage"


class JointErrors(NamedTuple):
    """How far off the joints of one image are.

    Attributes:
        joints: (J,) distances in diameters of the torso; NaN for a joint that is not annotated,
            and for all joints of a torso without a diameter.
        by_stage: (S, J), the same after each stage; S is 0 where there are no stages.
        limbs: (L,) 1 for a right limb, 0 for a wrong one, NaN for one that is not annotated.
    """

    joints: np.ndarray
    by_stage: np.ndarray
    limbs: np.ndarray


class JointMetric:
    """PCK@0.2, PCP and their parts, by joint, limb and stage.

    A joint that is not annotated counts in no value. Joints and limbs are pooled: each joint of
    each image counts once.

    Args:
        classes: not looked at; a picture shows one person.
        joint_names: J names; None takes those in the first result, or else the 14 of Leeds Sports
            Pose or the 17 of COCO, by number.

    >>> truth = np.zeros((14, 3))
    >>> truth[:, 2] = 1
    >>> truth[9, :2] = 30, 40  # the left shoulder is 50 pixels from the right hip
    >>> found = truth[:, :2].copy()
    >>> found[0] += 9  # the right ankle is 12.7 pixels off
    >>> metric = JointMetric()
    >>> metric.add({"joints": found}, {"joints": truth})
    >>> values = metric.values()
    >>> round(values["PCK@0.2"], 4), values["PCK@0.2 right ankle"]  # 13 of 14
    (0.9286, 0.0)
    """

    def __init__(
        self, classes: Sequence[str] = (), joint_names: Sequence[str] | None = None
    ) -> None:
        self._names: tuple[str, ...] | None = None if joint_names is None else tuple(joint_names)
        self._joints = 0  # J; 0 until a target tells it
        self._of_images: list[JointErrors] = []

    def add(self, result: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        """Take one image.

        Raises:
            ValueError: joints are missing, of another shape or number, or not finite; names the
                image.
        """
        name = f"image {target.get('image_id', len(self._of_images))!r}"
        truth = _joints_of(target, "joints", f"{name}, target", (3,))
        found = _joints_of(result, "joints", f"{name}, result", (2, 3))
        stages = [_joints_of({"joints": s}, "joints", name, (2,)) for s in result.get(STAGES, ())]
        expected = self._joints or len(truth)
        for joints in (truth, found, *stages):
            if len(joints) != expected:
                raise ValueError(
                    f"{name}: {len(joints)} joints but {expected} in the truth; a model is judged "
                    "on data with its own joints"
                )
        if not self._joints:
            self._begin(expected, result.get("joint_names"))
        self._of_images.append(self._errors(truth, found, stages))

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Of the joints; () where nobody named them, or before the first image."""
        return self._names or ()

    @property
    def limbs(self) -> tuple[str, ...]:
        """The names of the limbs that are judged."""
        return tuple(limbs_of(self.joint_names))

    def values(self) -> dict[str, float]:
        """Shares in 0..1; NaN where nothing is annotated to judge by.

        "PCK@0.2" and "PCK@0.1" are of all joints, "PCP" is of all limbs; "error" is the mean
        distance in diameters of the torso; "PCK@0.2 stage 1" and so on, what each stage of a
        cascade had reached; "PCK@0.2 JOINT" and "PCP LIMB" are of one joint or limb.
        """
        errors, limbs = self.errors(), self._stacked("limbs")
        values = {
            f"PCK@{FRACTION}": _share(errors, FRACTION),
            "PCK@0.1": _share(errors, 0.1),
            "PCP": _mean(limbs),
            "error": _mean(errors),
        }
        stages = max((len(own.by_stage) for own in self._of_images), default=0)
        for stage in range(1, stages + 1):
            values[f"PCK@{FRACTION} stage {stage}"] = _share(self.errors(stage), FRACTION)
        for name, own in zip(self.joint_names, errors.T, strict=False):
            values[f"PCK@{FRACTION} {name}"] = _share(own, FRACTION)
        values |= {f"PCP {n}": _mean(own) for n, own in zip(self.limbs, limbs.T, strict=False)}
        return values

    def errors(self, stage: int | None = None) -> np.ndarray:
        """(N, J) distances in diameters of the torso, NaN where there is none.

        Args:
            stage: of a cascade, from 1 on; None for the result.
        """
        if stage is None:
            return self._stacked("joints")
        rows = [own.by_stage[stage - 1] for own in self._of_images if len(own.by_stage) >= stage]
        return np.array(rows).reshape(-1, self._joints)

    def pdj(self, fractions: Sequence[float] | np.ndarray, stage: int | None = None) -> np.ndarray:
        """(F,) shares of all joints within each fraction of the diameter: the curve PDJ.

        Args:
            fractions: F of them.
            stage: see `errors`.
        """
        errors = self.errors(stage)
        return np.array([_share(errors, fraction) for fraction in fractions])

    def pck_of_images(self, stage: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(N,) right joints and (N,) counted joints of each image, for `bootstrap_interval`."""
        errors = self.errors(stage)
        return (errors <= FRACTION).sum(axis=1), (~np.isnan(errors)).sum(axis=1)

    def pcp_of_images(self) -> tuple[np.ndarray, np.ndarray]:
        """(N,) right limbs and (N,) counted limbs of each image, for `bootstrap_interval`."""
        limbs = self._stacked("limbs")
        return (limbs == 1).sum(axis=1), (~np.isnan(limbs)).sum(axis=1)

    def left_out(self) -> int:
        """How many images have joints, but no diameter to measure their errors by."""
        return sum(bool(np.isnan(own.joints).all()) for own in self._of_images)

    def _begin(self, joints: int, names: Any) -> None:
        if self._names is None and names is not None:
            self._names = tuple(map(str, names))
        if self._names is None:
            known = (LEEDS_SPORTS_JOINTS, COCO_JOINTS)
            self._names = next((own for own in known if len(own) == joints), ())
        if self._names and len(self._names) != joints:
            raise ValueError(f"JointMetric: {len(self._names)} joint_names for {joints} joints")
        self._joints = joints

    def _errors(
        self, truth: np.ndarray, found: np.ndarray, stages: Sequence[np.ndarray]
    ) -> JointErrors:
        diameter = np.nan
        torso = torso_of(self.joint_names)
        if torso is not None and truth[list(torso), 2].min() > 0:
            length = float(np.linalg.norm(truth[torso[0], :2] - truth[torso[1], :2]))
            diameter = length if length > 0 else np.nan

        def distances(joints: np.ndarray) -> np.ndarray:
            apart = np.linalg.norm(joints[:, :2] - truth[:, :2], axis=1) / diameter
            return np.where(truth[:, 2] > 0, apart, np.nan)

        by_stage = np.array([distances(own) for own in stages]).reshape(-1, len(truth))
        limbs = [_limb(truth, found[:, :2], limb) for limb in limbs_of(self.joint_names).values()]
        return JointErrors(distances(found), by_stage, np.array(limbs))

    def _stacked(self, field: str) -> np.ndarray:
        columns = len(self.limbs) if field == "limbs" else self._joints
        rows = [getattr(own, field) for own in self._of_images]
        return np.array(rows, np.float64).reshape(len(rows), columns)


def _limb(truth: np.ndarray, found: np.ndarray, limb: Any) -> float:
    """1 for a right limb, 0 for a wrong one, NaN where an end is not annotated."""
    places, known = zip(*(end_of_limb(truth, end) for end in limb), strict=True)
    if not all(known):
        return np.nan
    seen = np.column_stack([found, truth[:, 2]])
    there = [end_of_limb(seen, end)[0] for end in limb]
    within = OF_LIMB * np.linalg.norm(places[0] - places[1])
    off = [np.linalg.norm(a - b) for a, b in zip(there, places, strict=True)]
    return float(max(off) <= within)


def _joints_of(
    fields: Mapping[str, Any], field: str, name: str, columns: tuple[int, ...]
) -> np.ndarray:
    if field not in fields:
        raise ValueError(
            f"{name} has no {field!r}; it has {', '.join(sorted(fields)) or 'nothing'}"
        )
    joints = np.asarray(to_numpy(fields[field]), np.float64)
    if joints.ndim != 2 or joints.shape[1] not in columns:
        shapes = " or ".join(f"(J, {count})" for count in columns)
        raise ValueError(f"{name}: {field} has shape {joints.shape}; expected {shapes}")
    if not np.isfinite(joints).all():
        raise ValueError(f"{name}: {field} holds NaN or infinity; expected x, y in pixels")
    return joints


def _share(errors: np.ndarray, most: float) -> float:
    """Of those that are numbers, the share of at most ``most``."""
    known = errors[~np.isnan(errors)]
    return float((known <= most).mean()) if len(known) else float("nan")


def _mean(numbers: np.ndarray) -> float:
    known = numbers[~np.isnan(numbers)]
    return float(known.mean()) if len(known) else float("nan")
