"""One evaluation for every kind of task: predictions in order, validation losses, the validator."""

import numpy as np
import pytest
from brightness_segmenter import BrightnessSegmenter, Stripes
from tiny_detector import LOSSES, tiny_detector

from minicv.data import Farmyard, Subset
from minicv.metrics.metric import DetectionMetric, SegmentationMetric
from minicv.training import evaluate, validation_losses, validator

DATA = Farmyard(5, size=(48, 64), seed=4)
CLASSES = ("dark", "grey", "light")
NAMES = {f"val {name}" for name in LOSSES}


@pytest.fixture(scope="module")
def detector():
    return tiny_detector(DATA.classes, score_threshold=0.0)


class Recorded:
    """A metric that only remembers."""

    def __init__(self):
        self.added = []

    def add(self, result, target):
        self.added.append((result, target))

    def values(self):
        return {"images": float(len(self.added))}


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_every_image_is_predicted_in_order(detector, batch_size):
    metric, numbers = Recorded(), []
    values, seconds = evaluate(
        detector, DATA, metric, batch_size=batch_size, on_result=lambda i, *_: numbers.append(i)
    )
    assert values == {"images": 5.0} and seconds > 0 and numbers == [0, 1, 2, 3, 4]
    for index, (result, target) in enumerate(metric.added):
        image, own = DATA[index]
        assert target["image_id"] == own["image_id"]
        (alone,) = detector.predict([image])
        np.testing.assert_allclose(result["boxes"], alone["boxes"], atol=1e-3)
        np.testing.assert_array_equal(result["labels"], alone["labels"])


def test_the_metric_of_all_images_and_of_each():
    data, model = Stripes(4, wrong=2), BrightnessSegmenter(CLASSES)
    of_each = []

    def note(index, result, target):
        alone = SegmentationMetric(CLASSES)
        alone.add(result, target)
        of_each.append(alone.values()["mIoU"])

    values, _ = evaluate(model, data, SegmentationMetric(CLASSES), on_result=note)
    together = SegmentationMetric(CLASSES)
    for index in range(4):
        image, target = data[index]
        together.add(model.predict([image])[0], target)
    assert values == together.values() and 0.4 < values["mIoU"] < 0.9
    assert len(set(of_each)) > 1 and values["mIoU"] not in of_each


def test_a_label_that_is_no_class_names_the_image():
    class Wrong(Stripes):
        def __getitem__(self, index):
            image, target = super().__getitem__(index)
            return image, {**target, "segmentation": target["segmentation"] + index}

    with pytest.raises(ValueError, match=r"image 'stripes1'.*label 3"):
        evaluate(BrightnessSegmenter(CLASSES), Wrong(2), SegmentationMetric(CLASSES))


def test_no_images(detector):
    nothing = Subset(DATA, [])
    values, seconds = evaluate(detector, nothing, DetectionMetric(DATA.classes))
    assert np.isnan(values["AP50"]) and values["AP"] == -1 and seconds == 0
    assert validation_losses(detector, nothing) == {}


def test_validation_losses_are_means_over_images(detector):
    detector.eval()
    for batches in ([[0], [1], [2], [3], [4]], [[0, 1], [2, 3], [4]], [[0, 1, 2], [3, 4]]):
        totals = {}
        for batch in batches:
            images, targets = zip(*(DATA[i] for i in batch), strict=True)
            for name, loss in detector.loss(images, targets).items():
                # The loss of a batch counts once for each of its images; the last one is short.
                totals[name] = totals.get(name, 0) + len(batch) * loss.item()
        found = validation_losses(detector, DATA, batch_size=len(batches[0]))
        assert set(found) == NAMES
        for name, total in totals.items():
            assert found[f"val {name}"] == pytest.approx(total / 5, rel=1e-6)


def test_validation_is_repeatable_and_leaves_no_trace(detector):
    detector.train()
    before = detector.state_dict()
    first = validation_losses(detector, DATA)
    assert validation_losses(detector, DATA) == first
    assert all(part.training for part in detector.modules())
    assert all(parameter.grad is None for parameter in detector.parameters())
    for name, array in detector.state_dict().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)


def test_the_validator_holds_what_the_functions_say():
    model, data = BrightnessSegmenter(CLASSES), Stripes(4, wrong=1)
    validate = validator(data, lambda: SegmentationMetric(CLASSES), ("mIoU",), batch_size=1)
    expected = [model.loss(*([part] for part in data[i]))["loss_pixels"].item() for i in range(4)]
    mean = pytest.approx(np.mean(expected))
    whole = evaluate(model, data, SegmentationMetric(CLASSES)).values["mIoU"]
    assert validate(model) == {"val_loss": mean, "val loss_pixels": mean, "mIoU": whole}
    assert validate(model)["mIoU"] == whole  # an empty metric each time
