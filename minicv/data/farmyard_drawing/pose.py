"""The skeleton of a person: 14 joints in space, posed at random and seen from any side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Joints are numbered in the order of Leeds Sports Pose (vision/keypoints.py, LEEDS_SPORTS_JOINTS).


@dataclass
class Pose:
    """Joint positions in space: to the person's right, down, and towards the viewer."""

    joints: np.ndarray  # (14, 3) x, y of the picture and z towards the viewer, height 1
    turn: float  # 0 faces the viewer, pi/2 faces right in the picture, pi shows the back


def _direction(forward: float, sideways: float, side: float) -> np.ndarray:
    """Unit vector (right, down, ahead) of a limb swung forward and lifted sideways (radians)."""
    return np.array(
        [
            side * np.sin(sideways),
            np.cos(forward) * np.cos(sideways),
            np.sin(forward) * np.cos(sideways),
        ]
    )


def random_pose(rng: np.random.Generator) -> Pose:
    """A standing, walking, running, waving or stretching person, seen from any side."""
    joints = np.zeros((14, 3))  # right, down, ahead; the middle of the hips is the origin
    kind = rng.uniform()
    gait = rng.uniform(0.1, 0.75) if kind > 0.35 else 0.04  # how far the legs swing
    phase = rng.choice([-1.0, 1.0])
    lean = rng.normal(0, 0.06) + 0.15 * gait
    bow = rng.normal(0, 0.06)  # of the spine, sideways
    for side, hip, knee, ankle, shoulder, elbow, wrist in (
        (1, 2, 1, 0, 8, 7, 6),
        (-1, 3, 4, 5, 9, 10, 11),
    ):
        swing = side * phase * gait * rng.uniform(0.7, 1)
        spread = rng.uniform(0.0, 0.12) + (0.25 * rng.uniform() if kind < 0.35 else 0)
        # The leg that is behind bends its knee more.
        bend = rng.uniform(0, 0.12) + gait * (0.9 if swing < 0 else 0.35) * rng.uniform(0.5, 1)
        joints[hip] = (side * 0.062, 0, 0)
        joints[knee] = joints[hip] + 0.225 * _direction(swing, spread, side)
        joints[ankle] = joints[knee] + 0.215 * _direction(swing - bend, 0.6 * spread, side)
        joints[shoulder] = (
            side * 0.108 + 0.28 * np.sin(bow),
            -0.275 * np.cos(lean),
            0.28 * np.sin(lean),
        )
        gesture = rng.uniform()
        if gesture < 0.62:  # hangs and swings against the leg
            forward = -0.9 * swing + rng.normal(0, 0.12)
            outward = rng.uniform(0.06, 0.3)
            elbow_forward, elbow_outward = rng.uniform(0.05, 0.4) + 0.9 * gait, 0.0
        elif gesture < 0.84:  # waves
            forward, outward = rng.normal(0, 0.15), rng.uniform(1.2, 2.6)
            elbow_forward, elbow_outward = 0.0, rng.uniform(0.1, 1.3)
        else:  # hand on the hip, or pointing ahead
            forward, outward = rng.uniform(-0.3, 1.4), rng.uniform(0.4, 0.9)
            elbow_forward, elbow_outward = rng.uniform(0, 0.7), -rng.uniform(0.4, 1.6)
        joints[elbow] = joints[shoulder] + 0.155 * _direction(forward, outward, side)
        joints[wrist] = joints[elbow] + 0.14 * _direction(
            forward + elbow_forward, outward + elbow_outward, side
        )
    joints[12] = (0.3 * np.sin(bow), -0.305 * np.cos(lean), 0.3 * np.sin(lean))
    nod, tip = rng.normal(0, 0.1) + 0.5 * lean, rng.normal(0, 0.1) + bow
    joints[13] = joints[12] + 0.215 * np.array([np.sin(tip), -np.cos(nod), np.sin(nod)])

    turn = rng.choice([0.0, 0.0, np.pi / 2, np.pi]) + rng.normal(0, 0.35)
    right, down, ahead = joints.T
    x = -right * np.cos(turn) + ahead * np.sin(turn)
    z = right * np.sin(turn) + ahead * np.cos(turn)
    # The lower foot stands on the ground.
    down = down - max(down[0], down[5]) - 0.045
    return Pose(np.stack([x, down, z], axis=1), float(turn))
