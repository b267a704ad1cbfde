"""Segmenters train through the same `fit`: they learn, resume exactly, and diverge with words."""

import numpy as np
import pytest
from brightness_segmenter import BrightnessSegmenter, Stripes

from minicv.data import Cached, DataLoader, Farmyard
from minicv.data.transforms import RandomHorizontalFlip
from minicv.nn import Dropout
from minicv.optim import Adam, ConstantLR
from minicv.training import (
    DivergenceError,
    build_segmenter,
    describe_segmenter,
    fit,
    load_segmenter,
    segmentation_validator,
)
from minicv.weights import load_checkpoint

CLASSES = ("dark", "grey", "light")


def run_fit(model, data, epochs, out=None, *, lr=0.02, seed=1, rng=None, **options):
    loader = DataLoader(
        data,
        2,
        shuffle=True,
        rng=np.random.default_rng(seed),
        transform=RandomHorizontalFlip(),
    )
    return fit(
        model,
        loader,
        Adam(model.parameters(), lr=lr),
        ConstantLR(lr),
        epochs=epochs,
        rng=np.random.default_rng(2) if rng is None else rng,
        out=out,
        best_by="mIoU",
        progress=False,
        **options,
    )


def test_learns_and_keeps_the_best_by_mean_iou(tmp_path):
    data = Stripes(8)
    model = BrightnessSegmenter(CLASSES, levels=(0.9, 0.2, 0.4))
    validate = segmentation_validator(Stripes(3, seed=9))
    assert validate(model)["mIoU"] < 0.2
    history = run_fit(model, data, 12, tmp_path, validate=validate)
    assert history[-1]["mIoU"] == 1 and history[-1]["loss_pixels"] < history[0]["loss_pixels"] / 2
    assert (np.diff(model.levels.data) > 0.2).all()  # in the order of the classes now
    _, best = load_checkpoint(tmp_path / "best.npz")
    reached = [record["mIoU"] for record in history]
    assert best["training"]["best"] == max(reached)
    assert reached[best["training"]["epoch"] - 1] == max(reached)


def segnet():
    options = {"widths": (4, 6), "depths": (1, 1)}
    model = build_segmenter(
        "segnet",
        Farmyard.segmentation_classes,
        options=options,
        class_weights=np.linspace(0.5, 2, 8),
        rng=np.random.default_rng(0),
    )
    return model, describe_segmenter("segnet", model, options=options)


def test_interrupted_and_resumed_equals_uninterrupted(tmp_path):
    data = Cached(Farmyard(5, size=(32, 32), seed=3), keep=("segmentation", "image_id"))
    finals = []
    for parts in ([3], [1, 3]):
        for epochs in parts:
            model, description = segnet()
            out = tmp_path / str(len(parts))
            history = run_fit(
                model,
                data,
                epochs,
                out,
                resume=True,
                validate=segmentation_validator(data),
                description=description,
            )
        for record in history:
            del record["seconds"]
        finals.append((history, model.state_dict()))
        loaded = load_segmenter(out / "last.npz").state_dict()
        for name, array in loaded.items():
            np.testing.assert_array_equal(array, finals[-1][1][name], err_msg=name)
    (history, whole), (parts_history, parts) = finals
    assert history == parts_history and len(history) == 3
    for name, array in whole.items():
        np.testing.assert_array_equal(array, parts[name], err_msg=name)


class WithDropout(BrightnessSegmenter):
    """Draws in training from a generator of its own."""

    def __init__(self):
        super().__init__(CLASSES)
        self.drop = Dropout(0.5, rng=np.random.default_rng(5))

    def forward(self, x):
        return super().forward(self.drop(x))


def test_resuming_goes_on_where_dropout_stood(tmp_path):
    whole = run_fit(WithDropout(), Stripes(4), 3)
    run_fit(WithDropout(), Stripes(4), 2, tmp_path)
    resumed = run_fit(WithDropout(), Stripes(4), 3, tmp_path, resume=True)
    assert [r["loss_pixels"] for r in whole] == [r["loss_pixels"] for r in resumed]


class Sampling(BrightnessSegmenter):
    """Its loss draws from the generator that `fit` hands on."""

    def loss(self, images, targets, rng=None):
        losses = super().loss(images, targets)
        return {name: loss * float(rng.uniform(0.5, 2)) for name, loss in losses.items()}


def test_resuming_goes_on_where_the_sampling_stood(tmp_path):
    whole = run_fit(Sampling(CLASSES), Stripes(4), 3)
    run_fit(Sampling(CLASSES), Stripes(4), 2, tmp_path)
    other = np.random.default_rng(77)  # not used: the checkpoint brings the state
    resumed = run_fit(Sampling(CLASSES), Stripes(4), 3, tmp_path, resume=True, rng=other)
    assert [r["loss_pixels"] for r in whole] == [r["loss_pixels"] for r in resumed]


def test_divergence_names_term_images_and_pixels():
    model = BrightnessSegmenter(CLASSES, levels=(0.0, float("nan"), 1.0))
    with np.errstate(all="ignore"), pytest.raises(DivergenceError) as caught:
        run_fit(model, Stripes(2), 1)
    message = str(caught.value)
    assert "loss_pixels is nan" in message and "stripes0" in message and "stripes1" in message
    assert "fewest pixels with a class 24 of 24 (stripes0)" in message and "box" not in message


def test_labels_the_model_does_not_know_are_refused_by_name():
    with pytest.raises(ValueError, match=r"image 'stripes\d': label 2 in row 0"):
        run_fit(BrightnessSegmenter(CLASSES[:2]), Stripes(2), 1)
