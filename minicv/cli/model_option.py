"""Which model a command runs: ``--weights FILE``, or ``--model NAME`` with weights of others."""

from __future__ import annotations

import argparse
from pathlib import Path

from minicv.cli.arguments import checkpoint
from minicv.cli.weights_candidates import CANDIDATES, fits
from minicv.models.model import Model
from minicv.tasks import Task, load
from minicv.tasks.published_models import TASKS, load_published_model
from minicv.weights import WeightsError
from minicv.weights.published.reading import CHECKPOINT, form_of, read_weights_file


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--weights`` and ``--model``."""
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="a checkpoint of minicv train; with --model a file of published weights",
    )
    parser.add_argument(
        "--model",
        choices=list(TASKS),
        help="a model as torchvision, or the makers of EfficientNet-Lite0, published it; without "
        "--weights its file is taken from the cache folder, or fetched",
    )


def chosen_model(options: argparse.Namespace) -> tuple[Model, Task]:
    """The model that the options name, in evaluation mode, and its task.

    Raises:
        ValueError: neither option was given, or a file that is for the other one.
        WeightsError: an unreadable file, or weights of another model.
        OSError: published weights cannot be fetched.
    """
    weights = None if options.weights is None else checkpoint(options.weights)
    if options.model is not None:
        if weights is not None and form_of(weights) == CHECKPOINT:
            raise ValueError(
                f"{weights}: a checkpoint of minicv train, which says itself what its model is; "
                f"leave --model {options.model} away"
            )
        return load_published_model(options.model, weights)
    if weights is None:
        raise ValueError("--weights is missing: a checkpoint of minicv train, or --model NAME")
    if weights.is_file():
        _check_is_own(weights)
    model, system = load(weights)
    return model, system.task


def _check_is_own(weights: Path) -> None:
    """Refuse a readable file of others' weights; say for which ``--model`` it is.

    Raises:
        ValueError: it is one.
    """
    try:
        if form_of(weights) == CHECKPOINT:
            return
        found = read_weights_file(weights)
    except WeightsError:
        return  # loading says why
    shapes = {name: array.shape for name, array in found.arrays.items()}
    by_name = fits(shapes, {name: CANDIDATES[name] for name in TASKS})
    fitting = next((name for name, fit in by_name.items() if fit.fits), None)
    advice = (
        f"add --model {fitting}, which it fits"
        if fitting
        else f"minicv weights {weights} says what is in it"
    )
    raise ValueError(f"{weights}: {found.form}, no checkpoint of minicv train; {advice}")
