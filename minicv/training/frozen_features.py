"""The features of a frozen backbone, computed once, and a head that learns on them in seconds.

A backbone that stays as it is gives the same features of an image at every epoch. So each image
goes through it once, and what remains of training is a small network on a table of numbers:

    1. features   images -> the backbone's deepest map, its mean       (N, V, C)
    2. head       the table, batch by batch -> a layer's weights       (B, C) -> (B, K)

V are the views of an image: itself, and mirrored. `minicv train --freeze` computes the features
anew at each epoch instead, since each epoch zooms, crops and colours its pictures otherwise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.backend import Array, to_numpy, xp_of
from minicv.data import DataLoader, Dataset
from minicv.data.transforms.square import square
from minicv.files import WholeFiles, write_npz
from minicv.models.backbones import Backbone
from minicv.models.classification import ClassifierSettings
from minicv.models.photographs import normalised_batch
from minicv.nn import Linear, evaluating
from minicv.optim import Adam, CosineAnnealingLR
from minicv.training.progress import Progress

SAMPLES = 8  # images by which a data set is known again
LOOKED_AT = 10_000  # rows of a table, to know the size of its numbers


class Features(NamedTuple):
    """A table of features.

    Attributes:
        vectors: (N, V, C) float32, of V views of each image.
        labels: (N,) int64, the class of each image.
    """

    vectors: np.ndarray
    labels: np.ndarray


def features_of(
    backbone: Backbone,
    dataset: Dataset,
    settings: ClassifierSettings,
    *,
    flip: bool = False,
    file: str | Path | None = None,
    batch_size: int = 32,
    workers: int = 1,
    progress: bool = False,
) -> Features:
    """What a classifier's pooled head sees of every image: the mean of the deepest map.

    A head that learns on these numbers fits `minicv.models.classification.Classifier` with the same
    backbone and settings, as its ``fc``.

    Args:
        backbone: is run in evaluation mode.
        dataset: of targets with ``"label"``.
        settings: size and crop of an image.
        flip: also of the mirrored image; then V = 2.
        file: where the vectors stay, such as ``features.npy``, with the labels beside it. The next
            call takes them from there, if network, settings and images are the same. They come into
            memory only as they are used. None computes them anew, for memory.
        batch_size: images at a time.
        workers: threads that read ahead.
        progress: whether to show how far it has come.

    Raises:
        ValueError: no images, or settings without a size.
        OSError: the file cannot be written.

    Source: Donahue et al., DeCAF, ICML 2014; Sharif Razavian et al., CNN features off-the-shelf,
    2014.

    >>> from minicv.data import Farmyard
    >>> from minicv.data.object_crops import ObjectCrops
    >>> from minicv.models.backbones import SmallBackbone
    >>> backbone = SmallBackbone(4, rng=np.random.default_rng(0))
    >>> features_of(backbone, ObjectCrops(Farmyard(2)), ClassifierSettings(32)).vectors.shape
    (6, 1, 16)
    """
    if len(dataset) == 0 or settings.size is None:
        raise ValueError(
            f"features_of: {len(dataset)} images and settings.size={settings.size}; expected at "
            "least one image, and a number of pixels"
        )

    def computed() -> Iterator[Features]:
        """Batch by batch."""
        loader = DataLoader(dataset, batch_size, workers=workers)
        for images, targets in Progress(loader, "features", shown=progress):
            squares = [square(image, size, *seen) for image in images]
            views = [_pooled(backbone, squares)]
            if flip:
                views.append(_pooled(backbone, [image[:, :, ::-1] for image in squares]))
            labels = np.array([target["label"] for target in targets], np.int64)
            yield Features(np.stack(views, axis=1), labels)

    size, seen = settings.size, (settings.fit, settings.crop_fraction, settings.resample)
    if file is None:
        parts = list(computed())
        return Features(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    path, labels_path = Path(file), Path(f"{file}.labels")
    shape = (len(dataset), 2 if flip else 1, backbone.out_channels[-1])
    key = _key(backbone, dataset, settings, shape)
    kept = _read(path, labels_path, shape, key)
    if kept is None:
        _write(path, labels_path, shape, key, computed())
        kept = _read(path, labels_path, shape, key)
        assert kept is not None
    return kept


def _pooled(backbone: Backbone, squares: list[np.ndarray]) -> np.ndarray:
    pixels = normalised_batch(squares, backbone.mean, backbone.std)  # (B, 3, S, S)
    with no_grad(), evaluating(backbone):
        xp = xp_of(next(backbone.parameters()).data)  # the pixels go where the weights are
        maps = backbone(Tensor(xp.asarray(pixels)))
        pooled: np.ndarray = to_numpy(F.mean(maps[-1], dim=(2, 3)).data)
    return pooled  # (B, C, h, w) -> (B, C)


def _key(
    backbone: Backbone, dataset: Dataset, settings: ClassifierSettings, shape: tuple[int, ...]
) -> str:
    """A hash of what the features depend on: the network, what it sees of an image, the images.

    Of many images some are looked at, evenly spread.
    """
    seen = (settings.size, settings.fit, settings.crop_fraction, settings.resample)
    digest = hashlib.sha256(f"{type(backbone).__name__} {shape} {seen}".encode())
    for name, array in backbone.state_dict().items():
        digest.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    for index in sorted({number * len(dataset) // SAMPLES for number in range(SAMPLES)}):
        image, target = dataset[index]
        digest.update(f"{image.shape} {target['label']}".encode() + image.tobytes())
    return digest.hexdigest()


def _write(
    path: Path,
    labels_path: Path,
    shape: tuple[int, ...],
    key: str,
    computed: Iterable[Features],
) -> None:
    """Both files, whole or not at all; the vectors are never in memory together."""
    labels: list[np.ndarray] = []

    def write_vectors(stream: IO[bytes]) -> None:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for part in computed:
            stream.write(part.vectors.astype("<f4").tobytes())
            labels.append(part.labels)

    def write_labels(stream: IO[bytes]) -> None:
        write_npz(stream, {"labels": np.concatenate(labels), "key": np.array(key)})

    with WholeFiles() as files:
        files.write(path, write_vectors)
        files.write(labels_path, write_labels)


def _read(path: Path, labels_path: Path, shape: tuple[int, ...], key: str) -> Features | None:
    """What the files hold; None where they are missing, damaged, or of other features."""
    try:
        with open(labels_path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            known, labels = str(file["key"]), np.asarray(file["labels"])
        vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception:  # a damaged file raises nearly anything, and can be made again
        return None
    fits = vectors.shape == shape and vectors.dtype == np.float32 and labels.shape == shape[:1]
    return Features(vectors, labels) if known == key and fits else None


def fit_head(
    head: Linear,
    features: Features,
    *,
    rng: np.random.Generator,
    steps: int = 300,
    batch_size: int = 64,
    lr: float = 0.01,
    weight_decay: float = 0.1,
    loss: Callable[[Tensor, Array], Tensor] = F.softmax_cross_entropy,
) -> list[float]:
    """Train a head on the features of a frozen backbone; of each image one view is drawn.

    A linear head has one best answer, found from any beginning. So that it does not depend on the
    units of the features, they are centred and scaled by one number, x' = (x - m) / s; after the
    training w' · x' + b' is written as w · x + b, with w = w' / s and b = b' - w · m.

    Adam takes the steps, and its learning rate falls by half a cosine wave.

    Args:
        head: from C features to K scores; changed.
        features: of the training images.
        rng: draws images and views.
        steps, batch_size, lr: of the training.
        weight_decay: how strongly w' is pulled towards 0. The fewer the images, the more it helps.
        loss: of scores and labels; `minicv.functional.multiclass_hinge` makes an SVM of the head.

    Returns:
        the loss at each step.

    Raises:
        ValueError: no features, or of another number than the head takes.

    >>> rng = np.random.default_rng(0)
    >>> table = Features(np.array([[[0.0, 1]], [[1.0, 0]]], np.float32), np.array([1, 0]))
    >>> head = Linear(2, 2, rng=rng)
    >>> losses = fit_head(head, table, rng=rng, weight_decay=0.01)
    >>> losses[-1] < 0.2 * losses[0]
    True
    """
    count, views, channels = features.vectors.shape
    if count == 0 or channels != head.weight.shape[1]:
        raise ValueError(
            f"fit_head: {count} images of {channels} features, and a head for "
            f"{head.weight.shape[1]}; expected at least one image, of as many features"
        )
    sample = np.asarray(features.vectors[:: -(-count // LOOKED_AT)], np.float64)
    mean = sample.mean(axis=(0, 1)).astype(np.float32) if head.bias is not None else np.float32(0)
    scale = np.float32(max(np.sqrt(np.square(sample - mean).mean()), 1e-12))
    optimizer = Adam(head.parameters(), lr=lr, weight_decay=weight_decay)
    schedule = CosineAnnealingLR(lr, steps)
    xp = xp_of(head.weight.data)
    losses = []
    waiting = np.empty(0, np.int64)
    for step in range(steps):
        if len(waiting) < min(batch_size, count):
            waiting = rng.permutation(count)
        chosen, waiting = np.sort(waiting[:batch_size]), waiting[batch_size:]
        own = features.vectors[chosen, rng.integers(views, size=len(chosen))]  # (B, C)
        optimizer.set_lr(schedule.lr(step))
        scores = head(Tensor(xp.asarray((own - mean) / scale)))
        value = loss(scores, xp.asarray(features.labels[chosen]))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(float(value.data))
    head.weight.data = head.weight.data / scale
    if head.bias is not None:
        head.bias.data = head.bias.data - head.weight.data @ xp.asarray(mean)
    return losses
