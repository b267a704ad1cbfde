"""A training that stands in a folder: asked about, gone on with by its own terms, or deleted."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from brightness_segmenter import Stripes

from minicv.data import Farmyard, Subset
from minicv.data.sources import Splits
from minicv.tasks import SYSTEMS, load, train, training
from minicv.tasks.earlier import (
    FILES,
    data_terms,
    earlier_training,
    labels_digest,
)
from minicv.weights import WeightsError, load_checkpoint, save_checkpoint

DATA = Farmyard(5, size=(48, 48), seed=3)
TERMS = {"min_size": 32, "max_size": 32, "epochs": 2, "batch_size": 2, "lr": 0.01}


def splits_of(data=DATA, validation=None):
    return Splits(lambda: data, lambda: validation or Subset(DATA, [0]), lambda: None, drawn=True)


def run(out, system="faster_rcnn", changes=TERMS, splits=None, **options):
    """The sentences that a training says."""
    said = []
    options = {"seed": 4, "data": "farmyard:5", **options}
    splits = splits or splits_of()
    train(SYSTEMS[system], splits, out, changes=changes, say=said.append, **options)
    return said


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a training of two epochs."""
    out = tmp_path_factory.mktemp("trained") / "run"
    run(out)
    return out


@pytest.fixture
def out(trained, tmp_path):
    """A copy of it."""
    return shutil.copytree(trained, tmp_path / "run")


def epochs(out):
    return [record["epoch"] for record in json.loads((out / "history.json").read_text())["epochs"]]


def contents(out):
    return {path.name: path.read_bytes() for path in out.iterdir()}


def test_another_training_is_asked_about_before_anything_is_touched(out):
    before = contents(out)

    def unread():
        raise AssertionError("no data are read")

    for system in ("faster_rcnn", "segnet"):
        with pytest.raises(ValueError, match=r"faster_rcnn, 2 of 2 epochs done.*--resume.*--over"):
            run(out, system, {"epochs": 1}, Splits(unread, unread, unread))
    assert contents(out) == before


@pytest.mark.parametrize("name", FILES)
def test_each_file_of_a_training_counts_as_one(tmp_path, name):
    (tmp_path / name).write_bytes(b"of somebody")
    with pytest.raises(ValueError, match=f"a training stands there already .{name}"):
        run(tmp_path)
    if name != "last.npz":
        with pytest.raises(ValueError, match=f"has {name} but no last.npz to go on from"):
            run(tmp_path, resume=True)
    assert (tmp_path / name).read_bytes() == b"of somebody"


def test_other_files_do_not_count(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "proposals").mkdir()
    assert earlier_training(tmp_path, resume=False, overwrite=False) is None


def test_overwriting_begins_anew_and_replaces_no_more_than_the_training(out):
    (out / "notes.txt").write_text("mine")
    run(out, "segnet", {"epochs": 1}, splits_of(Stripes(2), Stripes(1)), overwrite=True)
    assert epochs(out) == [1] and load(out / "best.npz")[1].name == "segnet"
    assert (out / "notes.txt").read_text() == "mine"
    assert {path.name for path in out.iterdir()} == {*FILES, "notes.txt"}


def test_a_training_that_fails_before_its_first_epoch_replaces_nothing(out):
    before = contents(out)
    with pytest.raises(ValueError, match=r"no batch to train on"):
        run(out, splits=splits_of(Subset(DATA, [])), overwrite=True)
    assert contents(out) == before


def test_nothing_left_to_do(out):
    before = contents(out)
    said = run(out, resume=True)
    assert said[-1] == "nothing left to do: 2 of 2 epochs are done"
    after = contents(out)
    assert after["last.npz"] == before["last.npz"] and after["best.npz"] == before["best.npz"]
    said = run(out, changes={"epochs": 1}, resume=True)
    assert said[-1] == "nothing left to do: 2 epochs are done already, and --epochs is 1"


def test_what_is_not_named_again_is_as_it_began(out, tmp_path):
    """Neither the sizes, the rate nor the seed are named; the epochs are all that changes."""
    said = run(out, changes={"epochs": 3}, seed=None, resume=True)
    assert (
        "going on from epoch 3 of 3 (2 done), as it began: seed 4, lr 0.01, batch size 2"
        in (said[-1])
    )
    assert "2 epochs were planned" in said[-1]
    again = tmp_path / "again"
    shutil.copytree(out.parent / "run", again)
    description = load_checkpoint(out / "last.npz")[1]
    assert description["settings"]["min_size"] == 32
    assert description["training"]["terms"]["recipe"]["epochs"] == 3
    assert description["training"]["terms"]["seed"] == 4
    assert epochs(out) == [1, 2, 3]


def test_history_files_are_those_of_the_checkpoint_after_an_interruption(out):
    """They were written once, at the end: an interruption left those of the training before."""
    for name in FILES[2:]:
        (out / name).write_bytes(b"half writ")
    run(out, changes={"epochs": 3}, resume=True)
    assert epochs(out) == [1, 2, 3]
    assert (out / "history.csv").read_text().count("\n") == 4
    assert (out / "history.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"lr": 0.02}, {}, "began with --lr 0.01, not 0.02; leave"),
        ({"batch_size": 4}, {}, "began with --batch-size 2, not 4"),
        ({}, {"seed": 5}, "began with --seed 4, not 5"),
        ({}, {"backbone": "resnet18"}, "began with --backbone small, not resnet18"),
        ({"jitter": 0.5}, {}, "began with --jitter 0.2, not 0.5"),
        ({"min_size": 48, "max_size": 64}, {}, "--min-size 32, --max-size 32, not 48, 64"),
        ({"lr": 1.0}, {"seed": 0}, "--seed 4, --lr 0.01, not 0, 1.0"),
        ({"freeze": True}, {}, "began with no --freeze, not --freeze; leave the option away"),
        ({"backbone_lr_ratio": 0.1}, {}, "began with --backbone-lr-ratio 1.0, not 0.1"),
    ],
)
def test_other_options_are_refused_by_name(out, changes, options, message):
    before = contents(out)
    with pytest.raises(ValueError, match=message):
        run(out, changes=changes, resume=True, **options)
    assert contents(out) == before


def test_the_same_options_may_be_named_again(out):
    said = run(out, backbone="small", seed=4, changes={**TERMS, "jitter": 0.2}, resume=True)
    assert said[-1].startswith("nothing left to do")


def test_a_frozen_backbone_stays_frozen_when_its_training_goes_on(out, tmp_path):
    """The statistics too, which a segmenter's backbone would move."""
    stripes = splits_of(Stripes(2), Stripes(1))
    frozen = {"epochs": 1, "batch_size": 2, "freeze": True}
    weights = out / "last.npz"
    run(tmp_path / "seg", "fcn8s", frozen, stripes, backbone_weights=weights)
    said = run(tmp_path / "seg", "fcn8s", {"epochs": 2}, stripes, resume=True)
    assert "going on from epoch 2 of 2" in said[-1]
    given, kept = load(weights)[0].backbone, load(tmp_path / "seg" / "last.npz")[0]
    after = kept.backbone.state_dict()
    for name, array in given.state_dict().items():
        np.testing.assert_array_equal(after[name], array, err_msg=name)
    with pytest.raises(ValueError, match=r"began with --backbone-lr-ratio 1.0, not 0.5"):
        run(tmp_path / "seg", "fcn8s", {"backbone_lr_ratio": 0.5}, stripes, resume=True)


def test_another_proposer_and_another_window(tmp_path):
    small = {"epochs": 1, "batch_size": 2, "min_size": 32, "max_size": 32}
    run(tmp_path / "fast", "fast_rcnn", small, proposals="sliding_window")
    with pytest.raises(ValueError, match="--proposals sliding_window, not edge_boxes"):
        run(tmp_path / "fast", "fast_rcnn", small, proposals="edge_boxes", resume=True)
    said = run(
        tmp_path / "fast", "fast_rcnn", {}, resume=True
    )  # by the proposer that it began with
    assert said[-1].startswith("nothing left")
    stripes = splits_of(Stripes(2), Stripes(1))
    run(tmp_path / "seg", "segnet", {"epochs": 1, "crop": (6, 8)}, stripes)
    with pytest.raises(ValueError, match="began with --crop 6 8, not 4 8"):
        run(tmp_path / "seg", "segnet", {"crop": (4, 8)}, stripes, resume=True)
    run(tmp_path / "seg", "segnet", {"crop": (6, 8)}, stripes, resume=True)


def test_another_system_is_refused(out):
    with pytest.raises(ValueError, match="is of faster_rcnn, not of fast_rcnn"):
        run(out, "fast_rcnn", resume=True)


@pytest.mark.parametrize(
    ("data", "source", "message"),
    [
        (Subset(DATA, [0, 1, 2]), "farmyard:3", "training images: 5 then, 3 now"),
        (Farmyard(5, size=(48, 48), seed=8), "voc:elsewhere", "now the data are voc:elsewhere"),
    ],
)
def test_other_data_are_refused(out, data, source, message):
    with pytest.raises(ValueError, match=f"began on farmyard:5, and these are other .*{message}"):
        run(out, splits=splits_of(data), data=source, resume=True)


def test_other_classes_are_refused(out):
    class Renamed:
        classes = ("cow", "cat", "dog", "duck", "human")

        def __len__(self):
            return len(DATA)

        def __getitem__(self, index):
            return DATA[index]

    with pytest.raises(ValueError, match="duck, person then, cow, cat, dog, duck, human now"):
        run(out, splits=splits_of(Renamed()), resume=True)


def test_data_that_moved_or_were_relabelled_are_told_of(out):
    said = run(out, data="voc:elsewhere", resume=True)
    assert "the data set has moved from farmyard:5 to voc:elsewhere" in said
    said = run(out, splits=splits_of(Farmyard(5, size=(48, 48), seed=8)), resume=True)
    assert "labels of farmyard:5 have changed since the training began" in said
    assert not any("data set" in sentence for sentence in run(out, data=None, resume=True))


def test_paths_of_data_are_the_same_from_every_folder(tmp_path, monkeypatch):
    (tmp_path / "a,b").mkdir()
    (tmp_path / "x").mkdir()
    monkeypatch.chdir(tmp_path)
    terms = data_terms(splits_of(), DATA.classes, "masks:x,absent")
    assert terms["source"] == f"masks:{tmp_path / 'x'},absent"
    assert data_terms(splits_of(), DATA.classes, "farmyard:5")["source"] == "farmyard:5"


def test_digest_of_labels():
    assert labels_digest(DATA) == labels_digest(Farmyard(5, size=(48, 48), seed=3))
    assert labels_digest(DATA) != labels_digest(Farmyard(5, size=(48, 48), seed=4))
    assert labels_digest(DATA) != labels_digest(Subset(DATA, [0, 1]))
    assert len(labels_digest(Subset(DATA, []))) == 64

    class Relabelled:
        def __len__(self):
            return len(DATA)

        def __getitem__(self, index):
            image, target = DATA[index]
            return image, {**target, "labels": target["labels"] + 1}

    assert labels_digest(DATA) != labels_digest(Relabelled())
    pictures = [[(np.zeros((3, 2, 2)), {"label": label, "image_id": "a"})] for label in (1, 1, 2)]
    one, same, other = map(labels_digest, pictures)
    assert one == same != other


def test_a_checkpoint_without_terms_goes_on_by_those_that_are_named(out):
    """Checkpoints that were written before the terms were noted."""
    arrays, description = load_checkpoint(out / "last.npz")
    del description["training"]["terms"]
    save_checkpoint(out / "last.npz", arrays, description)
    assert load(out / "last.npz")[1].name == "faster_rcnn"
    said = run(out, changes={**TERMS, "epochs": 3}, resume=True)
    assert "going on from epoch 3 of 3 (2 done), with seed 4" in said[-1]
    assert epochs(out) == [1, 2, 3]


def test_fields_that_a_version_did_not_have_are_as_if_they_had_been_neutral(out):
    """The fault before: a field that a newer version added was called another option, None."""
    arrays, description = load_checkpoint(out / "last.npz")
    terms = description["training"]["terms"]
    del terms["recipe"]["average"], terms["settings"]["aligned"], description["settings"]["aligned"]
    save_checkpoint(out / "last.npz", arrays, description)
    with pytest.raises(ValueError, match=r"began with --average 0.0, not 0.9;"):
        run(out, changes={"epochs": 3, "average": 0.9}, resume=True)
    run(out, changes={"epochs": 3}, resume=True)
    assert epochs(out) == [1, 2, 3]
    # What suits the backbone by now does not count; the default of the field does.
    completed = earlier_training(out, resume=True, overwrite=False).completed(
        SYSTEMS["faster_rcnn"].recipes["small"],
        dataclasses.replace(SYSTEMS["faster_rcnn"].settings["small"], head_units=7, aligned=False),
    )
    assert completed.terms["settings"]["aligned"] is True
    assert completed.terms["settings"]["head_units"] == 256


def test_what_cannot_be_resumed(out):
    arrays, description = load_checkpoint(out / "last.npz")
    other = json.loads(json.dumps(description))
    other["training"]["terms"]["recipe"]["momentum"] = 0.5
    save_checkpoint(out / "last.npz", arrays, other)
    with pytest.raises(WeightsError, match="a recipe of another version"):
        run(out, resume=True)
    del description["training"]
    save_checkpoint(out / "last.npz", arrays, description)
    with pytest.raises(WeightsError, match="holds weights alone, no training to resume"):
        run(out, resume=True)
    (out / "last.npz").write_bytes(b"cut off")
    with pytest.raises(WeightsError, match=r"not a readable \.npz"):
        run(out, resume=True)
    with pytest.raises(ValueError, match=r"stands there already \(last.npz, best.npz"):
        run(out)


def test_svms_that_are_fitted_are_not_fitted_again(tmp_path):
    small = {"epochs": 1, "batch_size": 2, "lr": 0.01}
    said = run(tmp_path, "rcnn", small, proposals="sliding_window")
    assert "SVMs and box regressors" in said[-1]
    before = (tmp_path / "best.npz").read_bytes()
    assert run(tmp_path, "rcnn", {}, resume=True)[-1].startswith("nothing left to do")
    assert (tmp_path / "best.npz").read_bytes() == before
    # Interrupted after the last epoch, before the SVMs.
    shutil.copy(tmp_path / "last.npz", tmp_path / "best.npz")
    assert "SVMs and box regressors" in run(tmp_path, "rcnn", {}, resume=True)[-1]
    assert load(tmp_path / "best.npz")[0].svms.is_fitted


def test_weights_to_start_from_are_not_read_on_resuming(out, tmp_path):
    shutil.copy(out / "best.npz", tmp_path / "other.npz")
    said = run(out, backbone_weights=tmp_path / "other.npz", resume=True)
    assert f"--backbone-weights is not read: the weights come from {out / 'last.npz'}" in said


def test_resuming_is_exact_with_the_options_left_away(tmp_path, monkeypatch):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(whole, changes={**TERMS, "epochs": 4})
    real = training.write_history

    def interrupted(folder, about, history):
        real(folder, about, history)
        if len(history) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "write_history", interrupted)
        run(parts, changes={**TERMS, "epochs": 4})
    assert epochs(parts) == [1, 2]
    said = run(parts, changes=None, seed=None, resume=True)
    assert said[-1] == (
        "going on from epoch 3 of 4 (2 done), as it began: seed 4, lr 0.01, batch size 2"
    )
    assert epochs(parts) == [1, 2, 3, 4]
    ours, theirs = (load_checkpoint(folder / "last.npz")[0] for folder in (parts, whole))
    for name, array in theirs.items():
        np.testing.assert_array_equal(array, ours[name], err_msg=name)
