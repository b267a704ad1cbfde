"""The loader: shuffled batches, read ahead by worker threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np

from minicv.data.transforms import Transform

Batch = tuple[list[np.ndarray], list[dict]]
BATCHES_AHEAD = 2  # how many batches the workers may be ahead of the reader


class Dataset(Protocol):
    """What a data set offers: a length, samples `(image, target)`, and the names of its classes."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]: ...


class SampleError(ValueError):
    """A sample could not be read or transformed; the message names it and the reason."""


class DataLoader:
    """Iterate over a data set in batches: `for images, targets in loader`.

    `images` is a list of (3, H, W) arrays, which may differ in size, and `targets` the list of
    their labels. One pass over the loader is one epoch.

    The order of an epoch and the random numbers of the transform come from `rng` at the start of
    the epoch; each sample has a generator of its own, seeded by the epoch and the sample's index.
    So the batches are the same for any number of workers. To repeat an epoch, restore the state
    that `rng` had before it.

    The workers are threads: a thread starts at once and shares the data set, and decoding, resizing
    and array work release Python's lock. So workers read photographs side by side, and they draw
    the next Farmyard scenes while the network's array work runs; drawing alone does not gain from a
    second thread. Workers are at most two batches ahead. Leaving the loop early stops them.

    Args:
        dataset: anything with `len(dataset)` and `dataset[i] -> (image, target)`.
        batch_size: samples in a batch; the last batch can be smaller.
        shuffle: visit the samples in a new random order in each epoch; needs `rng`.
        rng: source of order and augmentation. Without it a transform gets None, which the random
            ones refuse.
        workers: threads that read ahead; 0 reads in the caller's thread, on demand.
        transform: `(image, target, rng) -> (image, target)`, applied to each sample.
        drop_last: leave out a last batch that is smaller than `batch_size`.

    Raises:
        ValueError: batch_size < 1, workers < 0, or shuffle without rng.
        SampleError: while iterating, when a sample cannot be read or transformed.

    Example:
        >>> from minicv.data.farmyard import Farmyard
        >>> loader = DataLoader(Farmyard(5, size=(32, 32)), batch_size=2)
        >>> [len(images) for images, targets in loader]
        [2, 2, 1]
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        shuffle: bool = False,
        rng: np.random.Generator | None = None,
        workers: int = 0,
        transform: Transform | None = None,
        drop_last: bool = False,
    ) -> None:
        if batch_size < 1 or workers < 0:
            raise ValueError(
                f"DataLoader: batch_size={batch_size}, workers={workers}; expected batch_size >= 1 "
                "and workers >= 0"
            )
        if shuffle and rng is None:
            raise ValueError(
                "DataLoader: shuffle=True needs rng, e.g. rng=numpy.random.default_rng(0)"
            )
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.rng = shuffle, rng
        self.workers, self.transform = workers, transform
        self.drop_last = drop_last

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        count = len(self.dataset)
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        # Drawn here, not in the generator: the epoch is fixed when the loop starts.
        epoch_seed = None if self.rng is None else int(self.rng.integers(2**63))
        order = np.arange(len(self.dataset))
        if self.shuffle and self.rng is not None:
            self.rng.shuffle(order)
        batches = [
            order[start : start + self.batch_size].tolist()
            for start in range(0, len(order), self.batch_size)
        ][: len(self)]
        if self.workers == 0:
            return self._read_on_demand(batches, epoch_seed)
        return self._read_ahead(batches, epoch_seed)

    def _sample(self, index: int, epoch_seed: int | None) -> tuple[np.ndarray, dict]:
        try:
            image, target = self.dataset[index]
            if self.transform is not None:
                rng = None if epoch_seed is None else np.random.default_rng([epoch_seed, index])
                image, target = self.transform(image, target, rng)
        except Exception as error:
            name = type(self.dataset).__name__
            raise SampleError(
                f"DataLoader: sample {index} of {name} failed: {type(error).__name__}: {error}"
            ) from error
        return image, target

    def _read_on_demand(self, batches: list[list[int]], epoch_seed: int | None) -> Iterator[Batch]:
        for batch in batches:
            yield _unzip([self._sample(index, epoch_seed) for index in batch])

    def _read_ahead(self, batches: list[list[int]], epoch_seed: int | None) -> Iterator[Batch]:
        # Two workers share a batch; a single one takes it whole, and hands over once, not N times.
        at_once = self.batch_size if self.workers == 1 else 1

        def read(indices: list[int]) -> list[tuple[np.ndarray, dict]]:
            return [self._sample(index, epoch_seed) for index in indices]

        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="minicv-loader")
        waiting: deque[list[Future]] = deque()
        try:
            for batch in batches:
                parts = [batch[i : i + at_once] for i in range(0, len(batch), at_once)]
                waiting.append([pool.submit(read, part) for part in parts])
                if len(waiting) > BATCHES_AHEAD:
                    yield _batch_of(waiting.popleft())
            while waiting:
                yield _batch_of(waiting.popleft())
        finally:  # also when the reader leaves the loop early
            pool.shutdown(wait=False, cancel_futures=True)


def _batch_of(parts: list[Future]) -> Batch:
    return _unzip([sample for part in parts for sample in part.result()])


def _unzip(samples: list[tuple[np.ndarray, dict]]) -> Batch:
    return [image for image, _ in samples], [target for _, target in samples]
