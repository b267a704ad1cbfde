"""MSE and PSNR by hand; what noise and nats add; what is refused."""

import math

import numpy as np
import pytest

from minicv.metrics.reconstruction import ReconstructionMetric, mse, psnr


def result(level=0.1, **more):
    square = np.full((1, 2, 2), 0.5)
    return {"picture": square, "reconstruction": square + level, **more}


def test_by_hand():
    assert mse(np.array([0.0, 0.5, 1.0]), np.array([1.0, 0.5, 0.0])) == 2 / 3
    assert psnr(0.5) == pytest.approx(10 * math.log10(2))
    assert psnr(1.0) == 0 and psnr(0.0) == 100 and math.isnan(psnr(math.nan))


def test_psnr_is_the_mean_over_pictures_not_of_the_mean_error():
    metric = ReconstructionMetric(("any",))
    for level in (0.1, 0.01, 0.001):
        metric.add(result(level), {})
    values = metric.values()
    assert values["PSNR"] == pytest.approx((20 + 40 + 60) / 3)
    assert values["MSE"] == pytest.approx((1e-2 + 1e-4 + 1e-6) / 3)
    assert list(values) == ["MSE", "PSNR"]


def test_of_a_denoising_result_what_came_of_the_noise_is_judged():
    metric = ReconstructionMetric()
    square = np.full((1, 2, 2), 0.5)
    metric.add(result(0.4, noisy=square + 0.1, denoised=square - 0.01), {})
    values = metric.values()
    assert values["PSNR"] == pytest.approx(40)
    assert values["PSNR of the noisy input"] == pytest.approx(20)
    assert values["gain in dB"] == pytest.approx(20)


def test_nats_are_averaged_and_the_elbo_is_their_difference():
    metric = ReconstructionMetric()
    for nats in ((200.0, 10.0), (100.0, 20.0)):
        metric.add(result(loss_reconstruction=np.float32(nats[0]), loss_kl=np.float32(nats[1])), {})
    values = metric.values()
    assert values["ELBO"] == -165
    assert values["reconstruction in nats"] == -150 and values["KL in nats"] == 15


def test_without_pictures_there_is_no_value():
    values = ReconstructionMetric().values()
    assert set(values) == {"MSE", "PSNR"} and all(map(math.isnan, values.values()))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"picture": np.zeros((1, 2, 2))}, "'a.jpg': the result has no 'reconstruction'"),
        (result(noisy=np.zeros((1, 2, 2))), "no 'denoised'"),
        ({**result(), "picture": np.zeros((1, 3, 2))}, r"\(1, 3, 2\) and reconstruction"),
        ({"picture": np.zeros((1, 0, 0)), "reconstruction": np.zeros((1, 0, 0))}, "one pixel"),
    ],
)
def test_what_is_no_result_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        ReconstructionMetric().add(wrong, {"image_id": "a.jpg"})
