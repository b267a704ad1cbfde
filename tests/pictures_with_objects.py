"""Small sets of pictures with objects and joints, every pixel different, for tests of crops."""

import numpy as np
from hypothesis import strategies as st


class Pictures:
    """Pictures with the given targets; ``reads`` counts how often each one was read."""

    classes = ("cow", "cat", "duck")
    joint_names = ("nose", "left ear", "right ear")

    def __init__(self, targets, size=(9, 12)):
        self.targets, self.size, self.reads = targets, size, []

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        self.reads.append(index)
        return self.picture(index), {"image_id": f"im{index}.jpg", **self.targets[index]}

    def picture(self, index):
        count = 3 * self.size[0] * self.size[1]
        numbers = np.arange(count, dtype=np.float32) + index * count
        return numbers.reshape(3, *self.size)


class Listed(Pictures):
    """Knows its objects without reading a picture, as the readers of files do."""

    def real(self, index):
        target = self.targets[index]
        return ~(target["difficult"] | target["iscrowd"])

    def labels_of(self, index):
        return self.targets[index]["labels"][self.real(index)]

    def annotated_joints_of(self, index):
        return self.targets[index]["keypoints"][self.real(index), :, 2] > 0


def target_of(boxes, labels=None, difficult=(), iscrowd=(), keypoints=None):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    marked = np.zeros((2, len(boxes)), bool)
    marked[0, list(difficult)] = marked[1, list(iscrowd)] = True
    if keypoints is None:
        keypoints = np.zeros((len(boxes), 3, 3), np.float32)
    return {
        "boxes": boxes,
        "labels": np.array(np.zeros(len(boxes)) if labels is None else labels, np.int64),
        "difficult": marked[0],
        "iscrowd": marked[1],
        "keypoints": np.array(keypoints, np.float32),
    }


@st.composite
def sets(draw, kinds=(Pictures, Listed), most=3):
    """A set of one to three pictures with none to ``most`` objects each."""
    size = draw(st.integers(4, 9)), draw(st.integers(4, 12))
    targets = []
    for _ in range(draw(st.integers(1, 3))):
        count = draw(st.integers(0, most))
        rng = np.random.default_rng(draw(st.integers(0, 2**32)))
        corner = rng.uniform(0, 0.8, (count, 2)) * size[::-1]
        side = rng.uniform(0.02, 1, (count, 2)) * (size[::-1] - corner)
        marks = rng.random((2, count)) < 0.25
        joints = np.concatenate(
            [rng.uniform(0, 1, (count, 3, 2)) * size[::-1], rng.integers(0, 2, (count, 3, 1))], 2
        )
        boxes = np.concatenate([corner, corner + side], 1)
        labels = rng.integers(0, 3, count)
        marked = (np.flatnonzero(row) for row in marks)
        targets.append(target_of(boxes, labels, *marked, joints))
    return draw(st.sampled_from(kinds))(targets, size)
