"""Several threads predict with one model that was left in training mode."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from minicv.tasks import SYSTEMS, Spec, build

THREADS = 4
IMAGES = [
    np.random.default_rng(seed).random((3, 40 + 4 * seed, 48), dtype=np.float32)
    for seed in range(THREADS)
]


def model_of(name):
    """With statistics that have moved, so that a batch's own would give another result."""
    system = SYSTEMS[name]
    backbone = system.backbone(None)
    settings = system.settings[backbone]
    if name == "patch_classifier":
        settings = dataclasses.replace(settings, patch_size=16, channels=(16,), kernel_size=3)
    proposals = "sliding_window" if system.on_proposals else None
    spec = Spec(name, ("cow", "duck"), settings, backbone, proposals)
    model = build(spec, np.random.default_rng(0))
    for path, buffer in model.named_buffers():
        if path.endswith(("running_mean", "running_var")):
            buffer.data = buffer.data + np.float32(0.1)
    return model.train()


def assert_equal(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.mark.parametrize(
    "name", ["faster_rcnn", "fast_rcnn", "spp_net", "patch_classifier", "fcn8s", "segnet"]
)
def test_threads_predict_what_one_thread_predicts(name):
    """The switch was the model's: the first thread to end turned it back under the others."""
    model = model_of(name)
    wanted = [model.predict([image]) for image in IMAGES]
    before = model.state_dict()
    generators = [part.rng.bit_generator.state for part in model.modules() if hasattr(part, "rng")]

    def predict(number):
        turns = [(number + turn) % THREADS for turn in range(2)]
        return [(image, model.predict([IMAGES[image]])) for image in turns]

    with ThreadPoolExecutor(THREADS) as pool:
        for results in pool.map(predict, range(THREADS)):
            for image, found in results:
                assert_equal(found, wanted[image])
    for path, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[path], err_msg=path)
    assert all(part.training for part in model.modules())
    assert generators == [
        part.rng.bit_generator.state for part in model.modules() if hasattr(part, "rng")
    ]


def test_threads_draw_the_stages_that_one_thread_draws():
    model = model_of("faster_rcnn")
    wanted = [model.stages(image) for image in IMAGES]
    with ThreadPoolExecutor(THREADS) as pool:
        for found, own in zip(pool.map(model.stages, IMAGES), wanted, strict=True):
            assert_equal([stage.arrays for stage in found], [stage.arrays for stage in own])
    assert all(part.training for part in model.modules())


def test_one_thread_trains_while_others_predict():
    """A prediction in another thread turned the training's dropout off for a moment."""
    model = model_of("segnet")
    target = {"segmentation": np.zeros((40, 48), np.int64), "image_id": "a"}
    target["segmentation"][:, 24:] = 1
    stop = []

    def predict():
        count = 0
        while not stop:
            model.predict([IMAGES[1]])
            count += 1
        return count

    before = model.state_dict()
    with ThreadPoolExecutor(2) as pool:
        predicting = [pool.submit(predict) for _ in range(2)]
        try:
            losses = [model.loss([IMAGES[0]], [target]) for _ in range(5)]
        finally:
            stop.append(True)
        assert all(future.result() > 0 for future in predicting)
    assert all(np.isfinite(loss["loss_pixels"].item()) for loss in losses)
    counted = [name for name in before if name.endswith("num_batches_tracked")]
    assert counted
    for name in counted:  # each of the five batches was seen in training mode, by every layer
        assert model.state_dict()[name] == before[name] + 5
