"""The loader: batches, order, repeatability, workers, errors."""

from __future__ import annotations

import gc
import threading
import time

import numpy as np
import pytest

from minicv.data.loader import BATCHES_AHEAD, DataLoader, SampleError
from minicv.data.transforms import RandomHorizontalFlip


class Numbers:
    """Sample i is an image full of i."""

    classes = ("number",)

    def __init__(self, length, broken=()):
        self.length, self.broken, self.read = length, broken, []

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        self.read.append(index)
        if index in self.broken:
            raise OSError(f"file {index}.png is torn")
        if index % 3 == 0:
            time.sleep(0.002)  # so that workers finish out of order
        return np.full((3, 2, 4), index, np.float32), {"image_id": str(index)}


def noise(image, target, rng):
    return image + rng.standard_normal(image.shape).astype(np.float32), target


def ids(loader):
    return [[target["image_id"] for target in targets] for _, targets in loader]


def loader_threads():
    return [t for t in threading.enumerate() if t.name.startswith("minicv-loader")]


@pytest.mark.parametrize("workers", [0, 3])
def test_batches_in_order(workers):
    loader = DataLoader(Numbers(7), 3, workers=workers)
    batches = list(loader)
    assert len(loader) == len(batches) == 3
    assert [[t["image_id"] for t in targets] for _, targets in batches] == [
        ["0", "1", "2"],
        ["3", "4", "5"],
        ["6"],
    ]
    for images, targets in batches:
        assert isinstance(images, list) and isinstance(targets, list)
        for image, target in zip(images, targets, strict=True):
            assert (image == float(target["image_id"])).all()


@pytest.mark.parametrize("workers", [0, 2])
def test_drop_last_and_empty(workers):
    loader = DataLoader(Numbers(7), 3, drop_last=True, workers=workers)
    assert len(loader) == 2 and [len(batch) for batch in ids(loader)] == [3, 3]
    assert ids(DataLoader(Numbers(0), 4, workers=workers)) == []
    assert ids(DataLoader(Numbers(2), 3, drop_last=True, workers=workers)) == []


def test_shuffle_visits_everything_in_new_orders():
    loader = DataLoader(Numbers(20), 4, shuffle=True, rng=np.random.default_rng(0))
    first, second = ([name for batch in ids(loader) for name in batch] for _ in range(2))
    assert sorted(first, key=int) == sorted(second, key=int) == [str(k) for k in range(20)]
    assert first != second and first != sorted(first, key=int)


def test_same_numbers_for_any_number_of_workers():
    runs = []
    for workers in (0, 1, 4):
        loader = DataLoader(
            Numbers(23), 5, True, np.random.default_rng(8), workers, transform=noise
        )
        runs.append([np.stack(images) for _ in range(2) for images, _ in loader])
    for run in runs[1:]:
        for a, b in zip(runs[0], run, strict=True):
            np.testing.assert_array_equal(a, b)


def test_augmentation_changes_with_the_epoch():
    loader = DataLoader(Numbers(2), 2, rng=np.random.default_rng(0), transform=noise)
    (first, _), (second, _) = next(iter(loader)), next(iter(loader))
    assert not np.array_equal(first[0], second[0])
    assert not np.array_equal(first[0], first[1] - 1)


def test_workers_are_not_far_ahead():
    dataset = Numbers(100)
    batches = iter(DataLoader(dataset, 2, workers=2))
    assert dataset.read == []
    next(batches)
    time.sleep(0.1)
    assert len(dataset.read) <= 2 * (BATCHES_AHEAD + 1)
    batches.close()


def test_leaving_early_stops_the_workers():
    loader = DataLoader(Numbers(1000), 2, workers=3)
    for _ in loader:
        break
    gc.collect()
    deadline = time.monotonic() + 5
    while loader_threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not loader_threads()
    assert len(ids(loader)) == 500  # and a new epoch can start


@pytest.mark.parametrize("workers", [0, 2])
def test_failing_sample_is_named(workers):
    loader = DataLoader(Numbers(9, broken={4}), 3, workers=workers)
    seen = []
    with pytest.raises(SampleError) as caught:
        for _, targets in loader:
            seen.append(len(targets))
    assert seen == [3]
    assert str(caught.value) == (
        "DataLoader: sample 4 of Numbers failed: OSError: file 4.png is torn"
    )
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("workers", [0, 2])
def test_random_transform_without_rng_is_refused(workers):
    loader = DataLoader(Numbers(2), 1, workers=workers, transform=RandomHorizontalFlip())
    with pytest.raises(SampleError, match="rng is None"):
        next(iter(loader))


@pytest.mark.parametrize("workers", [0, 2])
def test_the_state_of_rng_between_epochs_repeats_the_next(workers):
    def make():
        rng = np.random.default_rng(3)
        return DataLoader(Numbers(11), 4, True, rng, workers, transform=noise)

    loader = make()
    list(loader)
    state = loader.rng.bit_generator.state
    expected = [np.stack(images) for images, _ in loader]
    other = make()
    assert not np.array_equal(np.stack(next(iter(other))[0]), expected[0])
    other.rng.bit_generator.state = state
    for a, (images, _) in zip(expected, other, strict=True):
        np.testing.assert_array_equal(a, np.stack(images))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 1, "workers": -1}, "workers=-1"),
        ({"batch_size": 1, "shuffle": True}, "needs rng"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        DataLoader(Numbers(2), **arguments)
