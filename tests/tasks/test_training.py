"""The training of a system: files, seeds, changes, published weights, and what comes after."""

import dataclasses
import json

import numpy as np
import pytest
from brightness_segmenter import Stripes

from minicv.data import Farmyard, PersonCrops, Relabelled, Subset
from minicv.data.one_object import SingleObjectScenes
from minicv.data.sources import Splits
from minicv.tasks import SYSTEMS, load, train
from minicv.weights import WeightsError, load_checkpoint

DATA = Farmyard(5, size=(48, 48), seed=3)
SMALL = {"min_size": 32, "max_size": 32, "epochs": 2, "batch_size": 2, "lr": 0.01}


def splits_of(data=DATA, validation=None, drawn=True):
    validation = Subset(data, [0]) if validation is None else validation
    return Splits(lambda: data, lambda: validation, lambda: None, drawn=drawn)


def run(out, system="faster_rcnn", splits=None, changes=SMALL, **options):
    splits = splits or splits_of()
    return train(SYSTEMS[system], splits, out, changes=changes, **{"say": print, **options})


def without_seconds(history):
    return [{k: v for k, v in record.items() if k != "seconds"} for record in history]


def test_history_is_written_and_the_seed_decides(tmp_path):
    first = run(tmp_path / "a")
    record = json.loads((tmp_path / "a" / "history.json").read_text())
    assert record["epochs"] == first and record["seed"] == 0
    assert record["recipe"]["batch_size"] == 2 and record["recipe"]["lr"] == 0.01
    again = run(tmp_path / "b", workers=2)
    other = run(tmp_path / "c", seed=1)
    assert without_seconds(first) == without_seconds(again)
    assert without_seconds(first) != without_seconds(other)


def test_validation_without_objects_still_leaves_weights_to_use(tmp_path):
    meadows = Farmyard(2, size=(48, 48), objects=(0, 0))
    history = run(tmp_path, splits=splits_of(validation=meadows))
    assert np.isnan(history[-1]["AP50"])
    best, last = load(tmp_path / "best.npz")[0], load(tmp_path / "last.npz")[0]
    for name, array in last.state_dict().items():
        np.testing.assert_array_equal(best.state_dict()[name], array)
    text = (tmp_path / "history.json").read_text()
    assert "NaN" not in text and json.loads(text)["epochs"][0]["AP50"] is None


def test_no_images_at_all(tmp_path):
    with pytest.raises(ValueError, match="the loader has no batch to train on; it has 0 images"):
        run(tmp_path, splits=splits_of(Subset(DATA, []), validation=DATA))
    nothing = Subset(Stripes(1), [])
    for changes in ({}, {"min_size": 8}):
        with pytest.raises(ValueError, match="there are no training images"):
            run(tmp_path, "segnet", splits_of(nothing, validation=nothing), changes=changes)


def test_changes_reach_settings_and_recipe(tmp_path):
    run(tmp_path, changes={**SMALL, "max_size": None, "epochs": 1})
    description = load_checkpoint(tmp_path / "last.npz")[1]
    assert description["settings"]["min_size"] == 32
    assert description["settings"]["max_size"] == 64  # in the ratio of the settings, 128 to 256
    splits = splits_of(Stripes(2), validation=Stripes(1), drawn=False)
    changes = {"epochs": 1, "min_size": 8, "crop": (6, 10), "upsampling": "nearest"}
    said = []
    run(tmp_path / "b", "encoder_decoder", splits, changes=changes, say=said.append)
    model, system = load(tmp_path / "b" / "best.npz")
    assert system.name == "encoder_decoder" and model.settings.upsampling == "nearest"
    assert model.settings.min_size == 6  # images of 3 x 8 and 4 x 9 at 16 pixels of width
    assert len(said) == 1 and "2 training and 1 validation images; classes dark, grey" in said[0]
    recipe = json.loads((tmp_path / "b" / "history.json").read_text())["recipe"]
    assert recipe["crop"] == [6, 10]


@pytest.mark.parametrize(
    ("system", "options", "message"),
    [
        ("segnet", {"changes": {"scales": 2}}, "--scales: segnet has no such option; patch_class"),
        ("rcnn", {"changes": {"min_size": 64}}, "--min-size: rcnn has no such option; faster_rcnn"),
        ("fast_rcnn", {"changes": {"jitter": 0.2}}, "--jitter: fast_rcnn has no such option"),
        ("faster_rcnn", {"proposals": "edge_boxes"}, "--proposals: faster_rcnn has no such option"),
        ("segnet", {"backbone": "vgg16"}, "backbone 'vgg16': segnet is one piece"),
        ("segnet", {"backbone_weights": "a.npz"}, "--backbone-weights: segnet stands on no"),
        ("fcn8s", {"changes": {"max_size": 64}}, "max_size=64"),
        ("fcn8s", {"changes": {"epochs": 0}}, "epochs=0"),
    ],
)
def test_what_a_system_cannot_do_is_refused(tmp_path, system, options, message):
    with pytest.raises(ValueError, match=message):
        run(tmp_path, system, splits_of(Stripes(2)), **{"changes": {}, **options})
    assert not any(tmp_path.iterdir())


def backbone_of(path):
    return load(path)[0].backbone.state_dict()


def test_a_backbone_passes_between_segmenters_and_detectors(tmp_path):
    """Each direction failed while the two had backbones of their own."""
    segmentation = {"epochs": 1, "batch_size": 2, "lr": 1e-9}
    detection = {**SMALL, "epochs": 1, "lr": 1e-9}
    run(tmp_path / "seg", "fcn8s", changes={**segmentation, "lr": 0.01})
    run(tmp_path / "det", changes={**detection, "lr": 0.01})
    trials = [
        ("seg", "seg2", "fcn32s", segmentation, "all"),
        ("seg", "det2", "faster_rcnn", detection, "all"),
        ("det", "seg3", "fcn8s", segmentation, "deeper layers are missing"),
    ]
    for source, out, system, changes, kind in trials:
        weights = tmp_path / source / "last.npz"
        said = []
        run(tmp_path / out, system, changes=changes, backbone_weights=weights, say=said.append)
        given, taken = backbone_of(weights), backbone_of(tmp_path / out / "last.npz")
        assert (set(taken) <= set(given)) == (kind == "all")
        for name in set(given) & set(taken):
            if name.endswith("weight") and given[name].ndim == 4:  # statistics move in training
                np.testing.assert_allclose(taken[name], given[name], atol=1e-6, err_msg=name)
        assert f"{len(set(given) & set(taken))} of {len(taken)} entries" in said[0]
    with pytest.raises(WeightsError, match="weights of another model"):
        run(tmp_path / "no", backbone="alexnet", backbone_weights=tmp_path / "seg" / "last.npz")


def test_resuming_needs_the_weights_that_a_training_began_with_no_more(tmp_path):
    first = {**SMALL, "epochs": 1}
    run(tmp_path / "a", changes=first)
    weights = tmp_path / "a" / "best.npz"
    run(tmp_path / "b", changes=first, backbone_weights=weights)
    said = []
    history = run(tmp_path / "b", resume=True, say=said.append)
    assert [record["epoch"] for record in history] == [1, 2]
    assert "entries" not in "".join(said)  # nothing is loaded over what was learnt
    frozen = [load_checkpoint(tmp_path / out / "last.npz")[1]["frozen"] for out in ("a", "b")]
    assert frozen == [False, True]


def test_rcnn_has_its_svms_in_the_best_weights_and_not_in_the_last(tmp_path):
    said = []
    small = {"epochs": 1, "batch_size": 2, "lr": 0.01}
    run(tmp_path, "rcnn", changes=small, proposals="sliding_window", say=said.append)
    assert "SVMs and box regressors: " in said[-1] and "on validation AP50" in said[-1]
    assert {p.name for p in tmp_path.iterdir()} == {
        "best.npz", "last.npz", "history.json", "history.csv", "history.png", "proposals"
    }  # fmt: skip
    assert load(tmp_path / "best.npz")[0].svms.is_fitted
    assert not load(tmp_path / "last.npz")[0].svms.is_fitted  # to resume from
    description = load_checkpoint(tmp_path / "best.npz")[1]
    assert description["proposals"] == "sliding_window" and "training" not in description


def pictures_for(needs, count, seed=0):
    """So many scenes, or pictures of one object or person, as a task needs them."""
    if "label" in needs:
        return SingleObjectScenes(count, (40, 40), seed)
    if "joints" in needs:
        people = Farmyard(count, (64, 64), seed, objects=(1, 1), only=("person",))
        return PersonCrops(Relabelled(people, ("person",)))
    return Farmyard(count, size=(40, 40), seed=seed)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_trains_by_its_name(tmp_path, name):
    system = SYSTEMS[name]
    epochs = 3 if name == "deep_pose" else 1  # one for each stage of its cascade
    changes = {"epochs": epochs, "batch_size": 2, "width": 1 / 64 if name == "deconvnet" else None}
    proposals = "sliding_window" if system.on_proposals else None
    pictures = pictures_for(system.task.needs, 2), pictures_for(system.task.needs, 1, seed=1)
    history = run(tmp_path, name, splits_of(*pictures), changes, proposals=proposals)
    assert history[-1]["step"] == epochs and np.isfinite(history[-1]["val_loss"])
    again, found = load(tmp_path / "best.npz")
    assert found is system and dataclasses.is_dataclass(again.settings)
