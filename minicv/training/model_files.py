"""A checkpoint of `minicv train`, opened: what model it holds, and its weights."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from minicv.nn import Module
from minicv.training.train_state import as_model_arrays, model_arrays
from minicv.weights import WeightsError, load_checkpoint, save_checkpoint

Model = TypeVar("Model", bound=Module)


@dataclass(frozen=True)
class ModelFile:
    """The description that a checkpoint gives of its model, and the weights for it.

    Attributes:
        path: for messages.
        description: "model" is the system's name, the rest is what that system needs.
        weights: the model's state_dict.
    """

    path: Path
    description: dict[str, Any]
    weights: dict[str, np.ndarray]

    @classmethod
    def read(cls, path: str | Path) -> ModelFile:
        """Open the checkpoint at ``path``.

        Raises:
            WeightsError: no such file, damaged, or no checkpoint.
        """
        arrays, description = load_checkpoint(path)
        return cls(Path(path), description, model_arrays(arrays))

    @property
    def model(self) -> str:
        """Name of the system, such as ``"faster_rcnn"`` or ``"fcn8s"``."""
        return str(self.description.get("model", "unnamed"))

    def require(self, models: Collection[str], entries: Sequence[str]) -> None:
        """Refuse a file of a model that is not among ``models`` or that lacks an entry.

        Raises:
            WeightsError: names the model that it is of, or what its description lacks.
        """
        if self.model not in models:
            expected = "expected " + " or ".join(repr(name) for name in models)
            raise WeightsError(
                f"{self.path}: weights of another model ({self.model!r}, {expected})"
            )
        absent = [entry for entry in entries if entry not in self.description]
        if absent:
            raise WeightsError(
                f"{self.path}: no checkpoint of minicv train; its description lacks "
                f"{', '.join(absent)}"
            )

    def fill(self, model: Model) -> Model:
        """``model`` with the weights of this file, in evaluation mode.

        Raises:
            WeightsError: the weights are not those of a model as it is described.
        """
        try:
            model.load_state_dict(self.weights)
        except ValueError as error:
            raise WeightsError(
                f"{self.path}: the weights do not fit their own description: {error}"
            ) from None
        return model.eval()

    def write(self, model: Module) -> None:
        """Put the weights of ``model`` in the place of this file's; the description stays.

        What else a checkpoint holds, to resume the training, goes.

        Raises:
            WeightsError: the file cannot be written.
        """
        description = {key: v for key, v in self.description.items() if key != "training"}
        save_checkpoint(self.path, as_model_arrays(model.state_dict()), description)
