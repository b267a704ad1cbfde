"""``--storage``: in how many bits a network keeps its numbers."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import get_args

from minicv.backend import use_storage
from minicv.backend.storage import Storage
from minicv.nn import Module, store_weights_in_float16


def add_storage_option(parser: argparse.ArgumentParser) -> None:
    """Describe the option."""
    parser.add_argument(
        "--storage",
        choices=get_args(Storage),
        default="float32",
        help="float16 halves the memory of weights and activations, and is faster on a GPU; sums "
        "are in float32 all the same. Results differ in the third or fourth digit; default: "
        "float32",
    )


@contextlib.contextmanager
def chosen_storage(options: argparse.Namespace, model: Module) -> Iterator[None]:
    """Within this block, ``model`` and whatever else computes as ``--storage`` says.

    Raises:
        ValueError: the model has a weight that float16 cannot hold.
    """
    if options.storage == "float16":
        store_weights_in_float16(model)
    with use_storage(options.storage):
        yield
