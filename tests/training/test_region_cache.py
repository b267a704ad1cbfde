"""Region features on disk, and what is known of the regions."""

import numpy as np

from minicv.models.detection.post_hoc import RegionFeatures
from minicv.training.region_cache import RegionCache, describe_regions


def boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


def describe(true=(), labels=(), others=(), other_labels=(), proposals=()):
    all_labels = np.array([*labels, *other_labels], np.int64)
    return describe_regions(
        boxes(*true),
        np.array(labels, np.int64),
        boxes(*true, *others),
        all_labels,
        boxes(*proposals),
        classes=3,
        near_iou=0.6,
    )


def test_overlaps_and_matches():
    cow, duck = (0, 0, 10, 10), (20, 0, 30, 10)
    regions = describe(
        true=[cow, duck], labels=[2, 0], proposals=[(0, 0, 10, 8), (20, 0, 30, 5), (50, 50, 60, 60)]
    )
    np.testing.assert_allclose(
        regions.overlap, [[0, 0, 1], [1, 0, 0], [0, 0, 0.8], [0.5, 0, 0], [0, 0, 0]]
    )
    assert regions.matched[:4].tolist() == [0, 1, 0, 1]
    assert regions.near.tolist() == [0, 1, 2]


def test_difficult_objects_are_no_background_and_nothing_to_regress_to():
    regions = describe(others=[(0, 0, 10, 10)], other_labels=[1], proposals=[(0, 0, 10, 9)])
    assert len(regions.boxes) == 1 and regions.near.tolist() == []
    np.testing.assert_allclose(regions.overlap, [[0, 0.9, 0]])


def test_nothing_at_all():
    regions = describe()
    assert regions.overlap.shape == (0, 3) and regions.near.shape == (0,)
    assert describe(proposals=[(0, 0, 4, 4)]).iou.tolist() == [0]


def test_what_was_added_is_read_back_and_counted(tmp_path):
    cache = RegionCache(tmp_path / "features")
    rng = np.random.default_rng(0)
    kept = []
    for images in (2, 0, 1):
        proposals = [(0, 0, 10, 9 - k) for k in range(images)]
        regions = describe(true=[(0, 0, 10, 10)], labels=[1], proposals=proposals)
        count = len(regions.boxes)
        features = RegionFeatures(
            rng.normal(size=(count, 4)).astype(np.float32),
            rng.normal(size=(count, 3)).astype(np.float32),
        )
        cache.add(regions, features)
        kept.append((regions, features))
    for (regions, features), (same, units), (_, pooled) in zip(
        kept, cache.units(), cache.pooled(), strict=True
    ):
        assert same is regions
        np.testing.assert_array_equal(units, features.units)
        np.testing.assert_array_equal(pooled, features.pooled[regions.near])
    files = list((tmp_path / "features").iterdir())
    assert len(files) == 6
    assert cache.bytes_on_disk == sum(path.stat().st_size for path in files)
    units = np.concatenate([features.units for _, features in kept])
    scaled = units * cache.scale("units", 20.0)
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=1).mean(), 20, rtol=1e-5)


def test_no_features_are_not_scaled(tmp_path):
    cache = RegionCache(tmp_path)
    assert cache.scale("units", 20.0) == 1.0
    regions = describe(proposals=[(0, 0, 4, 4)])
    cache.add(regions, RegionFeatures(np.zeros((1, 2)), np.zeros((1, 2))))
    assert cache.scale("units", 20.0) == 1.0 and cache.scale("pooled", 20.0) == 1.0
