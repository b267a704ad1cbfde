"""GenerationMetric: all pairs by a loop, thumbnails, a judge, what is refused."""

import itertools
import math

import numpy as np
import pytest

from minicv.metrics.frechet import frechet_distance_of
from minicv.metrics.generation import JUDGED_AT_ONCE, GenerationMetric, thumbnail


def pairs(n, seed=0, shape=(1, 12, 12)):
    rng = np.random.default_rng(seed)
    return [
        {"picture": rng.random(shape), "sample": 0.5 * rng.random(shape), "realness": rng.random()}
        for _ in range(n)
    ]


def filled(results, judge=None):
    metric = GenerationMetric(("any",), judge)
    for result in results:
        metric.add(result, {})
    return metric


class ByBrightness:
    """A judge of three classes, whose features are mean and deviation of a picture."""

    classes = ("dark", "grey", "light")

    def __init__(self):
        self.asked = []

    def features_and_labels(self, pictures):
        self.asked.append(len(pictures))
        mean = pictures.mean(axis=(1, 2, 3))
        features = np.stack([mean, pictures.std(axis=(1, 2, 3))], axis=1)
        return features, np.digitize(mean, [0.2, 0.3])


def test_the_distance_between_samples_is_that_of_all_pairs():
    results = pairs(6)
    values = filled(results).values()
    for which, name in (("sample", "samples"), ("picture", "pictures")):
        squares = [
            np.mean((a[which] - b[which]) ** 2) for a, b in itertools.combinations(results, 2)
        ]
        assert values[f"distance between {name}"] == pytest.approx(math.sqrt(np.mean(squares)))
    assert values["realness of pictures"] == pytest.approx(
        np.mean([r["realness"] for r in results])
    )


def test_the_distance_of_thumbnails_is_that_of_their_pixels():
    results = pairs(40)
    real, drawn = (
        np.stack([thumbnail(r[which]).ravel() for r in results]) for which in ("picture", "sample")
    )
    expected = frechet_distance_of(real, drawn)
    value = filled(results).values()["Fréchet distance of thumbnails"]
    assert value == pytest.approx(expected)
    same = [{"picture": r["picture"], "sample": r["picture"]} for r in results]
    assert filled(same).values()["Fréchet distance of thumbnails"] < 1e-6 < value


def test_samples_that_are_all_alike_have_no_distance():
    (one,) = pairs(1)
    values = filled([{**one, "picture": r["picture"]} for r in pairs(5, seed=3)]).values()
    assert values["distance between samples"] < 1e-7 < values["distance between pictures"]


@pytest.mark.parametrize("side", [3, 8, 28, 31, 64])
def test_thumbnails_are_means_of_windows(side):
    picture = np.random.default_rng(side).random((2, side, side))
    small = min(8, side)
    for row, column in itertools.product(range(small), repeat=2):
        rows, columns = (
            slice(k * side // small, -(-(k + 1) * side // small)) for k in (row, column)
        )
        expected = picture[:, rows, columns].mean(axis=(1, 2))
        np.testing.assert_allclose(thumbnail(picture)[:, row, column], expected)


def test_a_judge_gives_features_and_classes():
    results = pairs(7)
    for level, result in zip([0.1, 0.1, 0.25, 0.9, 0.9, 0.9, 0.9], results, strict=True):
        result["sample"] = np.full((1, 12, 12), level)
    metric = filled(results, ByBrightness())
    values = metric.values()
    assert metric.class_counts().tolist() == [2, 1, 4]
    assert values["classes among the samples"] == 3 and values["share light"] == 4 / 7
    judge = ByBrightness()
    real, drawn = (
        judge.features_and_labels(np.stack([r[which] for r in results]))[0]
        for which in ("picture", "sample")
    )
    assert values["Fréchet distance"] == pytest.approx(frechet_distance_of(real, drawn), rel=1e-5)
    missing = filled(results[:2], ByBrightness()).values()
    assert missing["classes among the samples"] == 1 and missing["share light"] == 0


def test_a_judge_sees_each_picture_once_in_parts():
    judge = ByBrightness()
    count = JUDGED_AT_ONCE + 5
    metric = filled(pairs(count, shape=(1, 2, 2)), judge)
    first, second = metric.values(), metric.values()
    assert judge.asked == [JUDGED_AT_ONCE, JUDGED_AT_ONCE, 5, 5]  # pictures, samples; the rest
    assert first == second and metric.class_counts().sum() == count


def test_without_pictures_there_are_no_values():
    values = filled([], ByBrightness()).values()
    assert all(math.isnan(value) for value in values.values())
    assert set(values) >= {"share dark", "Fréchet distance", "classes among the samples"}
    one = filled(pairs(1)).values()
    assert math.isnan(one["distance between samples"])
    assert one["Fréchet distance of thumbnails"] > 0  # between two points
    assert GenerationMetric(()).class_counts().shape == (0,)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"picture": np.zeros((1, 4, 4))}, "image 'a.jpg': the result has no 'sample'"),
        ({"picture": np.zeros((4, 4)), "sample": np.zeros((4, 4))}, r"shape \(4, 4\)"),
        ({"picture": np.zeros((1, 4, 4)), "sample": np.zeros((3, 4, 4))}, "the sample has"),
    ],
)
def test_wrong_results_are_refused(result, said):
    with pytest.raises(ValueError, match=said):
        GenerationMetric(()).add(result, {"image_id": "a.jpg"})


def test_a_picture_of_another_size_is_refused_and_nothing_is_kept():
    metric = filled(pairs(2))
    with pytest.raises(ValueError, match=r"image 2: the picture has the shape \(1, 4, 4\)"):
        metric.add(pairs(1, shape=(1, 4, 4))[0], {})
    assert not math.isnan(metric.values()["distance between samples"])
