"""How good are generated pictures? Distances to real ones, and how different they are.

    always          thumbnails of both, 8 x 8 means            their Fréchet distance
                    the samples                                how far they are from each other
    with a judge    features of both, by a classifier          their Fréchet distance
                    the classes that it sees in the samples    a histogram, and how many occur

The first needs nothing but pictures: it sees where they are light and dark, not what they show. A
classifier that was trained on the same kind of pictures sees more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from minicv.metrics.frechet import frechet_distance_of

THUMBNAIL = 8  # rows and columns
JUDGED_AT_ONCE = 256
PICTURE, SAMPLE = "picture", "sample"


class Judge(Protocol):
    """A trained classifier of pictures, as far as this metric needs one."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The K names."""
        ...

    def features_and_labels(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of pictures (N, C, S, S) in 0..1: features (N, F), and the best class of each, (N,)."""
        ...


class GenerationMetric:
    """Distances between real and generated pictures; see `values`.

    All distances depend on the number of pictures; see
    `minicv.metrics.frechet.frechet_distance_of`.

    Args:
        classes: of the data; not looked at, for a sample has no true class.
        judge: a classifier; None judges without.

    >>> metric = GenerationMetric(())
    >>> rng = np.random.default_rng(0)
    >>> for grey in rng.random((9, 1, 1, 1)):
    ...     picture = np.broadcast_to(grey, (1, 16, 16))
    ...     metric.add({"picture": picture, "sample": picture / 2}, {})
    >>> values = metric.values()
    >>> values["distance between samples"] * 2 == values["distance between pictures"]
    True
    """

    def __init__(self, classes: Sequence[str], judge: Judge | None = None) -> None:
        self.judge = judge
        self._thumbnails: dict[str, list[np.ndarray]] = {PICTURE: [], SAMPLE: []}
        self._sums: dict[str, list[np.ndarray]] = {}  # of the pixels, and of their squares
        self._waiting: dict[str, list[np.ndarray]] = {PICTURE: [], SAMPLE: []}
        self._features: dict[str, list[np.ndarray]] = {PICTURE: [], SAMPLE: []}
        self._labels: list[np.ndarray] = []  # of the samples
        self._realness: list[float] = []

    def add(self, result: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        """Take one picture and one sample.

        Args:
            result: "picture" and "sample", each (C, S, S) in 0..1, and perhaps "realness", the
                discriminator's probability that the picture is real.
            target: may have "image_id", for messages.

        Raises:
            ValueError: a picture is missing, or has another shape than those before; names the
                image.
        """
        number = len(self._thumbnails[PICTURE])
        name = f"GenerationMetric: image {target.get('image_id', number)!r}"
        pair: dict[str, np.ndarray] = {}
        for which in (PICTURE, SAMPLE):
            if which not in result:
                raise ValueError(f"{name}: the result has no {which!r}; it has {sorted(result)}")
            own = np.asarray(result[which], np.float64)
            known = self._sums[PICTURE][0].shape if self._sums else own.shape
            if which == SAMPLE:
                known = pair[PICTURE].shape
            if own.ndim != 3 or own.shape != known:
                raise ValueError(
                    f"{name}: the {which} has the shape {own.shape}; expected (C, S, S), here "
                    f"{known}"
                )
            pair[which] = own
        for which, own in pair.items():
            self._thumbnails[which].append(thumbnail(own).reshape(-1))
            sums = self._sums.setdefault(which, [np.zeros_like(own), np.zeros_like(own)])
            sums[0] += own
            sums[1] += own**2
            if self.judge is not None:
                self._waiting[which].append(own.astype(np.float32))
        if "realness" in result:
            self._realness.append(float(result["realness"]))
        if len(self._waiting[PICTURE]) == JUDGED_AT_ONCE:
            self._ask()

    def values(self) -> dict[str, float]:
        """The values over all pictures; NaN where there is none.

        - "Fréchet distance of thumbnails": of 8 x 8 means, see `thumbnail`;
        - "distance between samples": the root mean square difference of their pixels, of all pairs
          of two samples; "distance between pictures" the same of the real ones. If the first is
          much less, the generator makes pictures that are too much alike;
        - "realness of pictures": the mean probability that the discriminator gives the real ones;
        - with a judge "Fréchet distance", of its features; "classes among the samples", how many
          classes it sees at least once; "share NAME", the share of the samples that it takes for
          one class.
        """
        of_thumbnails = {n: np.array(own) for n, own in self._thumbnails.items()}
        there = len(of_thumbnails[PICTURE]) > 0
        values = {
            "Fréchet distance of thumbnails": frechet_distance_of(*of_thumbnails.values())
            if there
            else math.nan,
            "distance between samples": self._distance(SAMPLE),
            "distance between pictures": self._distance(PICTURE),
            "realness of pictures": float(np.mean(self._realness)) if self._realness else math.nan,
        }
        return values | (self._values_by_judge(self.judge) if self.judge is not None else {})

    def class_counts(self) -> np.ndarray:
        """(K,) how many samples the judge takes for each class; without a judge (0,)."""
        if self.judge is None:
            return np.zeros(0, np.int64)
        self._ask()
        labels = np.concatenate([*self._labels, np.zeros(0, np.int64)])
        return np.bincount(labels, minlength=len(self.judge.classes))

    def _values_by_judge(self, judge: Judge) -> dict[str, float]:
        counts = self.class_counts()
        n = int(counts.sum())
        features = [np.concatenate(own) for own in self._features.values() if own]
        values = {
            "Fréchet distance": frechet_distance_of(*features) if n else math.nan,
            "classes among the samples": float((counts > 0).sum()) if n else math.nan,
        }
        shares = zip(judge.classes, counts, strict=True)
        return values | {f"share {c}": float(k / n) if n else math.nan for c, k in shares}

    def _ask(self) -> None:
        """Let the judge look at what waits."""
        if self.judge is None or not self._waiting[PICTURE]:
            return
        for which, waiting in self._waiting.items():
            features, labels = self.judge.features_and_labels(np.stack(waiting))
            self._features[which].append(features)
            if which == SAMPLE:
                self._labels.append(labels)
            waiting.clear()

    def _distance(self, which: str) -> float:
        """Between two of them: √(the mean over all pairs and pixels of the squared difference).

        For N numbers that mean is twice their variance with N - 1 as divisor; a sum over all pairs
        is not needed.
        """
        n = len(self._thumbnails[which])
        if n < 2:
            return math.nan
        total, squares = self._sums[which]
        variance = (squares - total**2 / n) / (n - 1)
        return math.sqrt(max(0.0, 2 * float(variance.mean())))


def thumbnail(picture: np.ndarray) -> np.ndarray:
    """A small picture of at most 8 x 8 means: (C, S, S) -> (C, s, s).

    Row i is the mean of the rows from floor(i S / s) to ceil((i + 1) S / s), as adaptive pooling
    has it. A picture that is smaller stays as it is.

    >>> thumbnail(np.arange(256.0).reshape(1, 16, 16))[0, 0, :2].tolist()  # of 0, 1, 16, 17
    [8.5, 10.5]
    """
    side = picture.shape[-1]
    small = min(THUMBNAIL, side)
    share = np.zeros((small, side))
    for row in range(small):
        window = slice(row * side // small, -(-(row + 1) * side // small))
        share[row, window] = 1 / (window.stop - window.start)
    return share @ picture @ share.T
