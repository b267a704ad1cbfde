"""Which model a command runs: ``--weights FILE``, or ``--model NAME`` with weights of others."""

from __future__ import annotations

import argparse
from pathlib import Path

from minicv.cli.arguments import checkpoint
from minicv.models.model import Model
from minicv.tasks import Task, load
from minicv.tasks.published_models import TASKS, load_published_model


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
        help="a model as torchvision publishes it; without --weights its file is taken from the "
        "cache folder, or fetched",
    )


def chosen_model(options: argparse.Namespace) -> tuple[Model, Task]:
    """The model that the options name, in evaluation mode, and its task.

    Raises:
        ValueError: neither option was given.
        WeightsError: an unreadable file, or weights of another model.
        OSError: published weights cannot be fetched.
    """
    if options.model is not None:
        weights = None if options.weights is None else checkpoint(options.weights)
        return load_published_model(options.model, weights)
    if options.weights is None:
        raise ValueError("--weights is missing: a checkpoint of minicv train, or --model NAME")
    model, system = load(checkpoint(options.weights))
    return model, system.task
