"""EfficientNet-Lite0: maps as the classifier has them, published weights and accuracy."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minicv import Tensor, nn, no_grad
from minicv import functional as F
from minicv.backend import use_storage
from minicv.models.backbones import EfficientNetLite0, EfficientNetLite0Backbone
from minicv.weights import WeightsError, efficientnet_lite0_weights, load_published


@pytest.fixture(scope="module")
def published():
    try:
        return efficientnet_lite0_weights()
    except WeightsError as error:
        pytest.skip(str(error))


def build(kind=EfficientNetLite0, *arguments, **options):
    return kind(*arguments, rng=np.random.default_rng(0), **options)


def test_the_deepest_map_is_what_the_classifier_looks_at():
    backbone = build(EfficientNetLite0Backbone, (32,))
    classifier = build().eval()
    classifier.load_state_dict({**classifier.state_dict(), **backbone.state_dict()})
    x = Tensor(np.random.default_rng(1).normal(size=(1, 3, 40, 56)).astype("f4"))
    with no_grad():
        (at32,) = backbone(x)
        widened = F.relu6(classifier._bn1(classifier._conv_head(at32)))
        from_map = classifier._fc(F.mean(widened, dim=(2, 3))).data
        logits = classifier(x).data
    assert np.ptp(logits) > 1e-3
    np.testing.assert_allclose(from_map, logits, rtol=1e-3, atol=1e-5)


def test_published_weights_fit_classifier_and_backbone(published):
    build().load_state_dict(published)
    for frozen in (True, False):
        backbone = build(EfficientNetLite0Backbone, (8, 16, 32), frozen_batch_norm=frozen)
        load_published(backbone, published, "EfficientNet-Lite0")
        for name in ("_conv_stem.weight", "_blocks.15._bn2.running_var"):
            np.testing.assert_array_equal(backbone.state_dict()[name], published[name])


def test_weights_of_another_model_are_refused(published):
    backbone = build(EfficientNetLite0Backbone)
    with pytest.raises(WeightsError, match=r"weights of another model \(no entry '_conv_stem"):
        load_published(backbone, {"conv1.weight": np.zeros(3)}, "file.pth")
    wrong = {name: a[:1] if a.ndim else a for name, a in published.items()}
    with pytest.raises(WeightsError, match="has shape"):
        load_published(backbone, wrong, "file.pth")


def centre_crop(path: Path) -> np.ndarray:
    """Shorter side 256, bicubic; the middle 224 x 224; (x - 0.5) / 0.5."""
    image = Image.open(path).convert("RGB")
    scale = 256 / min(image.size)
    width, height = (int(side * scale + 0.5) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - 224) // 2, (height - 224) // 2
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), dtype=np.float32)
    return ((pixels / 255 - 0.5) / 0.5).transpose(2, 0, 1)


@pytest.mark.slow
def test_top1_on_photographs(published, real_data):
    folder = real_data("imagenet-samples")
    lines = (folder / "synsets.txt").read_text(encoding="utf-8").splitlines()
    synsets = [line.split()[0] for line in lines]
    model = build()
    model.load_state_dict(published)
    model.eval()
    paths = sorted(folder.glob("*.jpg"))
    correct = 0
    for start in range(0, len(paths), 10):
        batch = paths[start : start + 10]
        with no_grad():
            logits = model(Tensor(np.stack([centre_crop(path) for path in batch]))).data
        for path, label in zip(batch, logits.argmax(axis=1), strict=True):
            correct += path.name.split("_")[0] == synsets[label]
    assert len(paths) == 100
    assert correct / len(paths) >= 0.85


@pytest.mark.slow
def test_float16_changes_no_class_of_photographs(published, real_data):
    paths = sorted(real_data("imagenet-samples").glob("*.jpg"))[::5]
    exact, stored = build().eval(), build().eval()
    for model in (exact, stored):
        model.load_state_dict(published)
    nn.store_weights_in_float16(stored)
    batch = Tensor(np.stack([centre_crop(path) for path in paths]))
    with no_grad():
        expected = exact(batch).data
        with use_storage("float16"):
            found = stored(batch).data
    assert len(paths) == 20 and found.dtype == np.float16
    assert np.abs(found - expected).max() < 0.01 * np.abs(expected).max()
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))
