"""The four cues of objectness, and saliency, against loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from minicv.data import Farmyard
from minicv.proposals.colour_spaces import lab
from minicv.proposals.edge_map import thin_edges
from minicv.proposals.felzenszwalb import felzenszwalb
from minicv.proposals.proposer import as_picture, resized
from minicv.proposals.window_cues import (
    EDGES,
    LAB_BINS,
    LEAST_EDGE,
    SALIENCY_SCALES,
    ColourContrast,
    EdgeDensity,
    IntegralHistogram,
    MultiScaleSaliency,
    SuperpixelStraddling,
    spectral_residual,
)


@given(row=st.integers(2, 29), column=st.integers(2, 29), seed=st.integers(0, 10_000))
def test_what_does_not_repeat_is_salient(row, column, seed):
    channel = np.random.default_rng(seed).normal(0, 0.02, (32, 32))
    channel += np.tile([[0, 0.5], [0.5, 0]], (16, 16))  # a chessboard
    channel[row, column] = 1
    saliency = spectral_residual(channel)
    y, x = np.unravel_index(saliency.argmax(), saliency.shape)
    assert max(abs(y - row), abs(x - column)) <= 2


@given(seed=st.integers(0, 10_000))
def test_spectral_residual_against_the_formula(seed):
    """The transform by its definition, and the mean over 3 x 3 by shifts."""
    rng = np.random.default_rng(seed)
    channel = rng.random((6, 6))
    wave = np.exp(-2j * np.pi * np.outer(np.arange(6), np.arange(6)) / 6)
    spectrum = wave @ channel @ wave
    log_amplitude = np.log(np.abs(spectrum) + 1e-8)
    shifts = [np.roll(log_amplitude, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    residual = log_amplitude - sum(shifts) / 9
    inverse = wave.conj() / 6
    raw = np.abs(inverse @ np.exp(residual + 1j * np.angle(spectrum)) @ inverse) ** 2
    saliency = spectral_residual(channel)
    smooth = ndimage.gaussian_filter(raw, 1.0, mode="nearest")
    np.testing.assert_allclose(saliency, smooth / smooth.mean(), rtol=1e-6)


def test_even_channels_have_no_saliency():
    assert (spectral_residual(np.full((16, 16), 0.3)) == 0).all()


HEIGHT, WIDTH = 48, 64


@pytest.fixture(scope="module")
def image():
    return Farmyard(1, size=(HEIGHT, WIDTH), seed=8)[0][0]


def random_boxes(rng, count=12):
    first = np.stack([rng.integers(0, WIDTH, count), rng.integers(0, HEIGHT, count)], axis=1)
    last = rng.integers(first + 1, np.array([WIDTH, HEIGHT]) + 1)
    return np.concatenate([first, last], axis=1)


def mask_of(box):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    x1, y1, x2, y2 = (max(0, int(value)) for value in box)
    mask[y1:y2, x1:x2] = True
    return mask


def scaled(box, factor):
    x, y = (np.floor((box[i + 2] - box[i]) * (factor - 1) / 2 + 0.5) for i in (0, 1))
    return [box[0] - x, box[1] - y, box[2] + x, box[3] + y]


@given(seed=st.integers(0, 10_000))
def test_integral_histogram(seed):
    rng = np.random.default_rng(seed)
    labels, boxes = rng.integers(0, 7, (HEIGHT, WIDTH)), random_boxes(rng)
    expected = [np.bincount(labels[mask_of(box)], minlength=7).tolist() for box in boxes]
    assert IntegralHistogram(labels, 7).counts(boxes).tolist() == expected


@pytest.mark.parametrize("surround", [1.5, 3.0])
def test_colour_contrast(image, surround):
    boxes = np.concatenate([random_boxes(np.random.default_rng(1)), [[0, 0, WIDTH, HEIGHT]]])
    steps = [
        np.minimum((c * n).astype(int), n - 1) for c, n in zip(lab(image), LAB_BINS, strict=True)
    ]
    bins = (steps[0] * 8 + steps[1]) * 8 + steps[2]
    expected = []
    for box in boxes:
        inside = mask_of(box)
        around = mask_of(scaled(box, surround)) & ~inside
        if not around.any():
            expected.append(0.0)
            continue
        a, b = (np.bincount(bins[m], minlength=256) / m.sum() for m in (inside, around))
        filled = a + b > 0
        expected.append(((a - b)[filled] ** 2 / (a + b)[filled]).sum())
    found = ColourContrast(image, surround).scores(boxes)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert found[-1] == 0 and found.max() > 0.3


@pytest.mark.parametrize("shrink", [1.3, 2.0])
def test_edge_density(image, shrink):
    boxes = random_boxes(np.random.default_rng(2))
    magnitude, orientation = EDGES.detect(image)
    edges = np.zeros((HEIGHT, WIDTH), bool)
    edges[thin_edges(magnitude, orientation, LEAST_EDGE)] = True
    expected = [
        (edges & mask_of(box) & ~mask_of(scaled(box, 1 / shrink))).sum()
        / (2 * (box[2] - box[0] + box[3] - box[1]))
        for box in boxes
    ]
    found = EdgeDensity(image, shrink).scores(boxes)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_superpixel_straddling(image):
    boxes = random_boxes(np.random.default_rng(3))
    labels = felzenszwalb(image, k=100, sigma=0.5, min_size=20)
    expected = []
    for box in boxes:
        inside = mask_of(box)
        straddling = sum(
            min((inside & (labels == s)).sum(), (~inside & (labels == s)).sum())
            for s in range(labels.max() + 1)
        )
        expected.append(1 - straddling / inside.sum())
    found = SuperpixelStraddling(image, 100).scores(boxes)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_superpixels_on_one_side_straddle_nothing():
    image = np.zeros((3, HEIGHT, WIDTH), np.float32)
    image[:, 10:30, 20:50] = 1
    scores = SuperpixelStraddling(image, 100).scores(np.array([[20, 10, 50, 30], [25, 10, 55, 30]]))
    assert scores[0] > 0.95 > 0.8 > scores[1]


def test_multi_scale_saliency(image):
    boxes = random_boxes(np.random.default_rng(4))
    picture = as_picture(image)
    expected = []
    for box in boxes:
        scores = []
        for scale in SALIENCY_SCALES:
            small = resized(picture, scale, scale)
            saliency = sum(spectral_residual(small[..., c]) for c in range(3)) / 3
            ratio = np.array([scale / WIDTH, scale / HEIGHT] * 2)
            x1, y1, x2, y2 = np.floor(box * ratio + 0.5).astype(int)
            part = saliency[y1:y2, x1:x2]
            salient = part[part >= 1.5]
            area = max(part.size, 1) / scale**2
            scores.append((salient.sum() / scale**2) * (len(salient) / scale**2) / area)
        expected.append(max(scores))
    found = MultiScaleSaliency(image, 1.5).scores(boxes)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(
    "make_cue", [MultiScaleSaliency, ColourContrast, EdgeDensity, SuperpixelStraddling]
)
def test_one_pixel_and_no_windows(make_cue):
    cue = make_cue(np.full((3, 1, 1), 0.5, np.float32), 2.0)
    assert np.isfinite(cue.scores(np.array([[0, 0, 1, 1]]))).all()
    assert cue.scores(np.zeros((0, 4), int)).shape == (0,)
