"""Keypoints: joints of a body and how they move with the image.

Keypoints are (N, J, 3): x and y in pixels, in the same continuous coordinates as boxes (the middle
of the pixel in column ``i`` is ``i + 0.5``), and whether the joint is visible.

Left and right are the person's own. In a mirrored image a left wrist *is* a right wrist, so the
joints must change places as well as coordinates. A flip that forgets to exchange them would spoil
half of the training data, and no error would show it. Therefore the permutation has no default.
"""

from __future__ import annotations

from collections.abc import Sequence

from minicv.backend import Array, xp_of

LEEDS_SPORTS_JOINTS = (
    "right ankle", "right knee", "right hip", "left hip", "left knee", "left ankle",
    "right wrist", "right elbow", "right shoulder", "left shoulder", "left elbow", "left wrist",
    "neck", "head top",
)  # fmt: skip
"""The 14 joints of Leeds Sports Pose, in its order (Johnson & Everingham, 2010)."""

COCO_JOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee",
    "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip
"""The 17 joints of a person in COCO, as its files spell them (Lin et al., 2014)."""


def flip_keypoints(keypoints: Array, width: float, permutation: Sequence[int]) -> Array:
    """Keypoints in the mirrored image: ``x' = W - x``, and left and right joints exchanged.

    Joints that are not visible move like the others, so that flipping twice gives everything back.
    If a format writes (0, 0, 0) for an unknown joint, its place has no meaning after the flip, as
    it had none before.

    Args:
        keypoints: (N, J, 3) as x, y, visible.
        width: width of the image, pixels.
        permutation: J numbers; joint j of the result is joint ``permutation[j]`` of the input:
            `minicv.data.transforms.mirror_permutation` of the joints' names; ``range(J)`` where
            joints have no left and right.

    Returns:
        (N, J, 3); float64 for whole numbers.

    Raises:
        ValueError: a shape is wrong, or ``permutation`` does not pair the J joints (doing it twice
            must change nothing).

    >>> import numpy as np
    >>> eyes = np.array([[[2.0, 5.0, 1.0], [3.0, 5.0, 0.0]]])  # left, right
    >>> flip_keypoints(eyes, 10, permutation=[1, 0]).tolist()
    [[[7.0, 5.0, 0.0], [8.0, 5.0, 1.0]]]
    """
    keypoints = _as_keypoints(keypoints, "flip_keypoints")
    xp = xp_of(keypoints)
    pairs = [int(joint) for joint in permutation]
    joints = keypoints.shape[1]
    whole = all(pair == joint for pair, joint in zip(pairs, permutation, strict=True))
    is_permutation = whole and sorted(pairs) == list(range(joints))
    if not is_permutation or [pairs[joint] for joint in pairs] != list(range(joints)):
        raise ValueError(
            f"flip_keypoints: permutation expects the {joints} joints 0..{joints - 1}, each paired "
            f"with its mirror image or itself, but is {list(permutation)}"
        )
    exchanged = keypoints[:, pairs]
    return xp.stack([width - exchanged[..., 0], exchanged[..., 1], exchanged[..., 2]], axis=-1)


def scale_keypoints(keypoints: Array, scale_x: float, scale_y: float) -> Array:
    """Keypoints in the resized image: x times ``scale_x``, y times ``scale_y``.

    Args:
        keypoints: (N, J, 3) as x, y, visible.
        scale_x, scale_y: the ratios of the sizes that came out, as for `scale_boxes`.

    Returns:
        (N, J, 3); float64 for whole numbers.

    Raises:
        ValueError: ``keypoints`` is not (N, J, 3).

    >>> import numpy as np
    >>> scale_keypoints(np.array([[[2.0, 5.0, 1.0]]]), 3, 2).tolist()
    [[[6.0, 10.0, 1.0]]]
    """
    keypoints = _as_keypoints(keypoints, "scale_keypoints")
    xp = xp_of(keypoints)
    return keypoints * xp.asarray([scale_x, scale_y, 1], dtype=keypoints.dtype)


def _as_keypoints(keypoints: Array, operation: str) -> Array:
    """The keypoints if their shape is right; whole numbers as float64, for unsigned ones wrap."""
    if keypoints.ndim != 3 or keypoints.shape[2] != 3:
        raise ValueError(
            f"{operation}: keypoints expects shape (N, J, 3) as x, y, visible but has shape "
            f"{tuple(keypoints.shape)}"
        )
    return keypoints.astype("float64") if keypoints.dtype.kind in "biu" else keypoints
