"""Training: it learns, it resumes exactly, it stops with a sentence when it diverges."""

import numpy as np
import pytest
from tiny_detector import tiny_detector

from minicv.data import DataLoader, Farmyard
from minicv.optim import SGD, ConstantLR
from minicv.training import (
    DivergenceError,
    describe_detector,
    fit,
    load_detector,
    validator,
)
from minicv.weights import WeightsError, load_checkpoint, save_checkpoint

DATA = Farmyard(6, size=(48, 48), seed=3)


class Run:
    """One training from seed 0, as small as it can be."""

    def __init__(self, classes=DATA.classes, lr=0.01):
        self.model = tiny_detector(classes)
        self.optimizer = SGD(self.model.parameters(), lr=lr, momentum=0.9)
        self.lr = lr

    def fit(self, epochs, out, resume=False, validate=None, data=DATA, **options):
        loader = DataLoader(data, 2, shuffle=True, rng=np.random.default_rng(1))
        return fit(
            self.model,
            loader,
            self.optimizer,
            ConstantLR(self.lr),
            epochs=epochs,
            rng=np.random.default_rng(2),
            out=out,
            resume=resume,
            validate=validate,
            description=describe_detector("small", self.model),
            progress=False,
            **options,
        )


def test_interrupted_and_resumed_equals_uninterrupted(tmp_path):
    whole = Run()
    history = whole.fit(4, tmp_path / "whole")
    Run().fit(2, tmp_path / "parts")
    resumed = Run()
    resumed_history = resumed.fit(4, tmp_path / "parts", resume=True)
    assert [record["epoch"] for record in resumed_history] == [1, 2, 3, 4]
    for a, b in zip(history, resumed_history, strict=True):
        assert {k: v for k, v in a.items() if k != "seconds"} == {
            k: v for k, v in b.items() if k != "seconds"
        }
    final = resumed.model.state_dict()
    for name, array in whole.model.state_dict().items():
        np.testing.assert_array_equal(array, final[name], err_msg=name)


def test_resume_without_checkpoint_starts_and_a_finished_run_stays(tmp_path):
    first = Run().fit(1, tmp_path, resume=True)
    again = Run().fit(1, tmp_path, resume=True)
    assert first == again


def test_resuming_another_run_is_refused(tmp_path):
    Run().fit(1, tmp_path)
    with pytest.raises(WeightsError, match="cannot resume, its classes is"):
        Run(classes=("a", "b", "c", "d", "e")).fit(2, tmp_path, resume=True)
    save_checkpoint(tmp_path / "last.npz", {"w": np.ones(1)}, {})
    with pytest.raises(WeightsError, match="no training to resume"):
        Run().fit(2, tmp_path, resume=True)


def test_losses_and_figures_are_recorded_and_best_is_kept(tmp_path):
    figures = iter([0.2, 0.5, 0.1])
    history = Run().fit(3, tmp_path, validate=lambda model: {"AP": next(figures)})
    assert [record["AP"] for record in history] == [0.2, 0.5, 0.1]
    assert {"loss_objectness", "loss_classifier", "seconds", "step"} <= set(history[0])
    assert history[-1]["step"] == 9
    _, best = load_checkpoint(tmp_path / "best.npz")
    _, last = load_checkpoint(tmp_path / "last.npz")
    assert best["training"]["epoch"] == 2 and last["training"]["epoch"] == 3
    model = load_detector(tmp_path / "best.npz")
    assert model.classes == DATA.classes and not model.training


def test_validator_gives_losses_and_precision():
    figures = validator(Farmyard(3, size=(48, 48), seed=9))(Run().model)
    assert 0 <= figures["AP50"] <= 1
    assert figures["val_loss"] == pytest.approx(
        sum(v for name, v in figures.items() if name.startswith("val loss"))
    )


def test_divergence_names_term_images_box_and_rate(tmp_path):
    run = Run(lr=1e9)
    diverges = pytest.raises(DivergenceError, match=r"diverged at step \d+")
    with np.errstate(all="ignore"), diverges as caught:
        run.fit(5, tmp_path, max_norm=float("inf"))
    message = str(caught.value)
    for part in (
        " is ",
        "images farmyard-3-",
        "smallest box",
        "learning rate 1e+09 for a batch of 2",
    ):
        assert part in message


class BadLabels:
    """A data set with one label that the model does not know."""

    classes = DATA.classes

    def __len__(self):
        return 2

    def __getitem__(self, index):
        image, target = DATA[index]
        return image, {**target, "labels": target["labels"] + 90}


def test_labels_the_model_does_not_know_are_refused(tmp_path):
    with pytest.raises(ValueError, match="label"):
        Run().fit(1, tmp_path, data=BadLabels())
