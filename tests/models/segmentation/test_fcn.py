"""FCN-32s, 16s, 8s: size, alignment, how they start, what they learn."""

import numpy as np
import pytest
from device_of_the_host import check_losses_and_gradients, check_on_the_host, install_device
from hypothesis import given
from hypothesis import strategies as st
from segmenter_checks import (
    arrays_of,
    check_stages,
    farmyard_scenes,
    mean_iou_after_training,
    values_of,
)

from minicv import Tensor, no_grad
from minicv.data import Farmyard
from minicv.models.backbones import BACKBONES, Backbone, SmallBackbone
from minicv.models.segmentation import FCN8s, FCN16s, FCN32s, FCNSettings
from minicv.vision.label_maps import VOID

FORMS = (FCN32s, FCN16s, FCN8s)


STRIDES = (8, 16, 32)


def make_model(form, classes=("cow", "sky", "grass"), seed=0, **options):
    rng = np.random.default_rng(seed)
    backbone = SmallBackbone(4, STRIDES, rng=rng)
    model = form(backbone, classes, FCNSettings(**options), rng=rng)
    for name, parameter in model.named_parameters():
        if name.startswith("score"):  # they start at 0, which would hide what lies before them
            parameter.data = rng.normal(size=parameter.shape).astype("f4")
    return model


def make_image(height, width, seed=0):
    return np.random.default_rng(seed).random((3, height, width), dtype=np.float32)


@pytest.mark.parametrize("form", FORMS)
@given(height=st.integers(1, 75), width=st.integers(1, 75))
def test_logits_have_exactly_the_size_of_the_image(form, height, width):
    model = make_model(form).eval()
    with no_grad():
        logits = model(Tensor(np.zeros((2, 3, height, width), "f4")))
    assert logits.shape == (2, 3, height, width)
    found = model.predict([make_image(height, width)])[0]
    assert found["segmentation"].shape == (height, width)
    np.testing.assert_allclose(found["probabilities"].sum(axis=0), 1, rtol=1e-5)


@pytest.mark.parametrize("name", BACKBONES)
def test_stands_on_every_backbone(name):
    rng = np.random.default_rng(0)
    narrow = {"classifier_channels": 8} if name in ("vgg16", "alexnet") else {}
    backbone = BACKBONES[name](strides=STRIDES, rng=rng, **narrow)
    model = FCN8s(backbone, ("sky", "road"), rng=rng)
    assert (model.mean, model.std) == (backbone.mean, backbone.std)
    assert [key for key in model.state_dict() if key.startswith("backbone.")] == [
        f"backbone.{key}" for key in backbone.state_dict()
    ]
    for size in ((1, 1), (37, 50)):
        assert model.predict([make_image(*size)])[0]["probabilities"].shape == (2, *size)


def test_a_backbone_of_other_strides_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"FCN8s: the backbone has maps of strides \(8, 16\)"):
        FCN8s(SmallBackbone(4, (8, 16), rng=rng), ("sky",), rng=rng)


@pytest.mark.parametrize("form", FORMS)
def test_at_first_no_class_is_preferred(form):
    rng = np.random.default_rng(0)
    model = form(SmallBackbone(4, STRIDES, rng=rng), "abcde", rng=rng)
    found = model.predict([make_image(20, 30)])[0]
    np.testing.assert_array_equal(found["probabilities"], np.float32(0.2))


@pytest.mark.parametrize("form", FORMS)
def test_the_loss_reaches_all_that_is_learned_and_nothing_else(form):
    model = make_model(form)
    labels = np.random.default_rng(1).integers(0, 3, (64, 70))
    model.loss([make_image(64, 70)], [{"segmentation": labels}])["loss_pixels"].backward()
    last = {FCN32s: "upscore", FCN16s: "upscore16", FCN8s: "upscore8"}[form]
    for name, parameter in model.named_parameters():
        if name == f"{last}.weight":  # the last enlargement stays bilinear
            assert parameter.grad is None
        else:
            assert np.abs(parameter.grad).max() > 0, name


class _Counting(Backbone):
    """Maps that hold where they are: the centre of each cell, in pixels, along x and along y."""

    strides, out_channels = STRIDES, (2, 2, 2)
    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)

    def __init__(self):
        pass

    def forward(self, x):
        maps = []
        for stride in self.strides:
            h, w = (-(-length // stride) for length in x.shape[2:])
            down, across = ((np.arange(n) + 0.5) * stride for n in (h, w))
            maps.append(Tensor(np.stack(np.broadcast_arrays(across[None], down[:, None]))[None]))
        return tuple(maps)


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_shifted(form):
    """Fed with coordinates, every stream gives each pixel its own coordinate."""
    model = form(_Counting(), ("x", "y"), rng=np.random.default_rng(0)).astype("float64").eval()
    streams = [layer for name, layer in model.named_children() if name.startswith("score")]
    assert len(streams) == 1 + FORMS.index(form)
    for layer in streams:  # each stream gives its share of the coordinate
        layer.weight.data = np.eye(2)[:, :, None, None] / len(streams)
    with no_grad():
        logits = model(Tensor(np.zeros((1, 3, 160, 192)))).data[0]
    across, down = np.arange(192) + 0.5, np.arange(160) + 0.5
    inside = (slice(32, -32), slice(32, -32))  # near the edge, interpolation meets the zeros beyond
    np.testing.assert_allclose(logits[0][inside], np.tile(across, (160, 1))[inside], rtol=1e-6)
    np.testing.assert_allclose(logits[1][inside], np.tile(down, (192, 1)).T[inside], rtol=1e-6)


def test_a_finer_form_starts_where_the_coarser_one_ended():
    """The paper's training in stages: a new stream adds nothing at first."""
    coarse = make_model(FCN32s)
    for form in (FCN16s, FCN8s):
        rng = np.random.default_rng(7)
        finer = form(SmallBackbone(4, STRIDES, rng=rng), coarse.classes, rng=rng)
        missing, _ = finer.load_state_dict(coarse.state_dict(), strict=False)
        assert not [name for name in missing if not name.startswith(("score_pool", "upscore"))]
        pixels = Tensor(np.random.default_rng(1).normal(size=(1, 3, 192, 192)).astype("f4"))
        with no_grad():
            before, after = coarse.eval()(pixels).data, finer.eval()(pixels).data
        # Interpolating in two steps is not quite interpolating at once.
        correlation = np.corrcoef(before.ravel(), after.ravel())[0, 1]
        assert correlation > 0.95
        coarse = finer


@pytest.mark.parametrize("form", FORMS)
def test_stages_are_those_of_predict_with_the_three_maps(form):
    model = make_model(form)
    check_stages(model, (45, 70), [f"feature_map_{stride}" for stride in STRIDES])
    shown = arrays_of(model.stages(make_image(45, 70)))
    for stride, channels in zip(STRIDES, (16, 32, 32), strict=True):
        shape = (channels, -(-45 // stride), -(-70 // stride))
        assert shown[f"feature_map_{stride}/features"].shape == shape
        assert shown[f"feature_map_{stride}/stride"] == stride


@pytest.mark.parametrize("form", FORMS)
def test_an_image_without_labels_gives_no_loss_and_no_gradient(form):
    model = make_model(form)
    void = {"segmentation": np.full((40, 50), VOID)}
    loss = model.loss([make_image(40, 50)], [void])["loss_pixels"]
    loss.backward()
    assert loss.item() == 0
    for name, parameter in model.named_parameters():
        assert parameter.grad is None or not parameter.grad.any(), name


def test_a_label_out_of_range_is_refused_by_name():
    target = {"segmentation": np.full((40, 50), 3), "image_id": "meadow"}
    with pytest.raises(ValueError, match=r"FCN8s: image 'meadow': label 3 .*expected 0..2"):
        make_model(FCN8s).loss([make_image(40, 50)], [target])


def test_on_a_device_it_gives_the_same(monkeypatch):
    install_device(monkeypatch)
    host, moved = make_model(FCN8s), make_model(FCN8s).to("cuda")
    image = make_image(19, 22)
    check_on_the_host(arrays_of(moved.stages(image)), arrays_of(host.stages(image)))
    for model in (host, moved):
        model.upscore8.requires_grad_(True)  # the check wants a gradient of everything
    images, rng = [make_image(40, 50, seed) for seed in range(2)], np.random.default_rng(0)
    targets = [{"segmentation": rng.integers(0, 3, (40, 50))} for _ in images]
    check_losses_and_gradients(host, moved, images, targets)


@pytest.mark.slow
@pytest.mark.parametrize(("form", "least"), [(FCN32s, 0.65), (FCN16s, 0.79), (FCN8s, 0.85)])
def test_overfits_two_farmyard_scenes(form, least):
    """Not even by heart: FCN-32s has four scores of a class to paint 64 x 64 pixels with."""
    images, targets = farmyard_scenes(2, (64, 64))
    rng = np.random.default_rng(0)
    backbone = SmallBackbone(16, STRIDES, rng=rng)
    model = form(backbone, Farmyard.segmentation_classes, rng=rng)
    untrained = values_of(model, images, targets).pixel_accuracy
    mean_iou_after_training(model, images, targets, steps=40, lr=0.01)
    assert untrained < 0.5
    assert values_of(model, images, targets).pixel_accuracy > least
