"""Data sets made in the memory for tests of the doctor: each sample is written out, or fails."""

import numpy as np

from minicv.data.sources import Splits


class Made:
    """Samples as they are given; an exception among them is raised when it is read."""

    def __init__(self, samples, classes=("cow", "duck"), pixel_classes=(), **more):
        self.samples, self.classes = list(samples), tuple(classes)
        self.segmentation_classes = tuple(pixel_classes)
        for name, value in more.items():
            setattr(self, name, value)

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        sample = self.samples[index]
        if isinstance(sample, Exception):
            raise sample
        return sample


def coloured(seed, height=60, width=80):
    """A picture of noise, which no other seed has."""
    return np.random.default_rng(seed).random((3, height, width), dtype=np.float32)


def boxes_of(*boxes, labels=None, name=None):
    """The target of a detector; every object is of the class 0 unless ``labels`` says more."""
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    labels = np.zeros(len(boxes), np.int64) if labels is None else np.array(labels, np.int64)
    target = {"boxes": boxes, "labels": labels}
    return target if name is None else {**target, "image_id": name}


def object_set(first_seed, count, labels=(0, 1), **more):
    """Pictures with an object of each of ``labels``, 20 pixels wide and high."""
    corners = [(2 + 20 * k, 5, 22 + 20 * k, 25) for k in range(len(labels))]
    return Made(
        [
            (coloured(seed), boxes_of(*corners, labels=labels, name=f"picture{seed}"))
            for seed in range(first_seed, first_seed + count)
        ],
        **more,
    )


def splits(train, validation, test=None):
    """Splits of data sets that are there."""
    return Splits(lambda: train, lambda: validation, lambda: test)
