"""The numbers of a code, and what the decoder makes of it when one of them is turned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minicv import functional as F
from minicv.autograd import no_grad
from minicv.explain.encoding import packed, picture_url
from minicv.inspection.canvas import to_picture
from minicv.inspection.stage import Stage
from minicv.models.generative import DCGAN, PictureAutoencoder
from minicv.models.generative.picture_autoencoder import on_host
from minicv.models.generative.pictures import as_rgb
from minicv.models.model import Model
from minicv.nn import evaluating

MOST_OF_A_CODE = 512  # numbers that are shown
MOST_TRIED = 256  # numbers of which the effect is measured
TURNED = 8  # numbers that can be turned: those with the largest effect
STEPS = 9  # values of each, besides its own
ALIKE = 1e-3  # a decoder gives the stage's own picture, or it sees more than the code


def code(stages: Sequence[Stage], index: int, model: Model) -> dict[str, Any] | None:
    """The numbers of a stage of kind "code"; for each of a few the pictures of other values."""
    numbers = np.asarray(stages[index].arrays["code"], np.float32)  # (D,)
    if not len(numbers):
        return None
    return {
        "name": "code",
        "title": "The code, number by number",
        "data": {
            "numbers": packed(numbers[:MOST_OF_A_CODE], "float32"),
            "of": len(numbers),
            "turns": _turns(numbers, stages[index:], model),
        },
    }


def _turns(numbers: np.ndarray, later: Sequence[Stage], model: Model) -> list[dict[str, Any]]:
    """For each number to turn its place, the values, and their pictures in one row."""
    decode = decoder_of(model)
    shown = next((s for s in later if s.name in ("reconstruction", "sample")), None)
    if decode is None or shown is None:
        return []
    own = decode(numbers[None])[0]
    if np.abs(as_rgb(own) - shown.arrays["image"]).max() > ALIKE:
        return []
    reach = max(float(np.abs(numbers).max()), 1e-3) * 1.5
    tried = np.argsort(-np.abs(numbers), kind="stable")[:MOST_TRIED]
    low, high = (decode(_with(numbers, tried, value)) for value in (-reach, reach))
    effect = ((high - low) ** 2).reshape(len(tried), -1).mean(axis=1)
    turns = []
    for place in tried[np.argsort(-effect, kind="stable")[:TURNED]]:
        values = np.sort(np.append(np.linspace(-reach, reach, STEPS), numbers[place]))
        codes = np.repeat(numbers[None], len(values), axis=0)
        codes[:, place] = values
        row = np.concatenate([as_rgb(picture) for picture in decode(codes)], axis=2)
        turns.append(
            {
                "place": int(place),
                "values": [round(float(value), 4) for value in values],
                "own": int(np.abs(values - numbers[place]).argmin()),
                "src": picture_url(to_picture(np.asarray(row, np.float32)), quality=90),
            }
        )
    return turns


def decoder_of(model: Model) -> Callable[[np.ndarray], np.ndarray] | None:
    """From codes (N, D) to pictures (N, C, S, S) in 0..1; None for a model that has no decoder."""
    if isinstance(model, DCGAN):
        return model.draw
    if not isinstance(model, PictureAutoencoder):
        return None

    def decode(codes: np.ndarray) -> np.ndarray:
        with no_grad(), evaluating(model):
            return on_host(F.sigmoid(model.decode(model.tensor(codes))))

    return decode


def _with(numbers: np.ndarray, places: np.ndarray, value: float) -> np.ndarray:
    """The code once for each place, with that value there: (P, D)."""
    codes = np.repeat(numbers[None], len(places), axis=0)
    codes[np.arange(len(places)), places] = value
    return codes


WIDGETS: Mapping[str, Callable[[Sequence[Stage], int, Model], dict[str, Any] | None]] = {
    "code": code
}
