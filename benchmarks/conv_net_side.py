"""A side of the race on Fashion-MNIST: trains the ConvNet in minicv or in PyTorch, so many steps
at a time.

    python -m benchmarks.conv_net_side minicv|torch FILE.npz

It runs under the peer's interpreter too, so it needs NumPy alone until it knows its library. Both
sides draw the same batches from the same seed, mirrored and moved alike, start from the same
weights, and follow the same learning rates. Orders come as JSON, a line each: ``{"train": 50}`` or
``{"test": 1000}``, the number of images at a time; a line of JSON answers.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

MEAN, STD, MOMENTUM, WEIGHT_DECAY = 0.5, 0.25, 0.9, 5e-4
WARMUP, SHIFT = 100, 2
STAGES = 3


class Trainer(Protocol):
    """What a library does."""

    version: str

    def step(self, images: np.ndarray, labels: np.ndarray, rate: float) -> float:
        """One step of SGD; the loss."""

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The best class of each image."""


def rate_of(step: int, steps: int, peak: float) -> float:
    """A linear warm-up, half a cosine wave down: as `minicv.training.Recipe` has it.

    >>> [round(rate_of(step, 1000, 0.1), 3) for step in (0, 50, 500, 1000)]
    [0.0, 0.05, 0.05, 0.0]
    """
    warm = min(1.0, 0.001 + 0.999 * step / WARMUP)
    return warm * peak * (1 + math.cos(math.pi * step / steps)) / 2


def batches(
    pixels: np.ndarray, labels: np.ndarray, size: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For ever (size, 3, H, W) float32 in 0..1 and (size,): in random order, mirrored, moved.

    >>> images, labels = next(batches(np.zeros((9, 28, 28), "uint8"), np.arange(9), 4, 0))
    >>> images.shape, labels.shape
    ((4, 3, 28, 28), (4,))
    """
    rng = np.random.default_rng(seed)
    height, width = pixels.shape[1:]
    padded = np.pad(pixels, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)), mode="edge")
    while True:
        order = rng.permutation(len(pixels))
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start : start + size]
            down, across = rng.integers(0, 2 * SHIFT + 1, (2, size))
            rows = down[:, None] + np.arange(height)  # (N, H)
            columns = across[:, None] + np.arange(width)
            mirrored = rng.random(size) < 0.5
            columns[mirrored] = columns[mirrored, ::-1]
            grey = padded[chosen[:, None, None], rows[:, :, None], columns[:, None]] / 255
            images = np.repeat(grey.astype(np.float32)[:, None], 3, axis=1)
            yield images, labels[chosen]


class InMinicv:
    """The classifier on `ConvNetBackbone`, as `minicv train classifier --backbone conv_net` has."""

    def __init__(self, state: dict[str, np.ndarray], width: int) -> None:
        import minicv
        from minicv.optim import SGD

        self.version = minicv.__version__
        self.model = conv_net(width)
        self.model.load_state_dict(state)
        self.optimizer = SGD(
            self.model.parameters(), 0.1, MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True
        )

    def step(self, images: np.ndarray, labels: np.ndarray, rate: float) -> float:
        self.model.train()
        self.optimizer.set_lr(rate)
        self.optimizer.zero_grad()
        loss = self.model.loss(images, [{"label": int(k)} for k in labels])["loss_classifier"]
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def predict(self, images: np.ndarray) -> np.ndarray:
        return np.array([result["labels"][0] for result in self.model.predict(images)])


def conv_net(width: int) -> Any:
    """The model of minicv, with weights drawn from seed 0."""
    from minicv.models.backbones import ConvNetBackbone
    from minicv.models.classification import Classifier, ClassifierSettings

    rng = np.random.default_rng(0)
    backbone = ConvNetBackbone(width, (2**STAGES,), rng=rng)
    settings = ClassifierSettings(size=28, fit="stretch")
    return Classifier(backbone, [str(k) for k in range(10)], settings, rng=rng)


class InTorch:
    """The same layers under the same names."""

    def __init__(self, state: dict[str, np.ndarray], width: int) -> None:
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                layers, before = [], 3
                for stage in range(STAGES):
                    for _ in range(2):
                        out = width * 2**stage
                        layers.append(nn.Conv2d(before, out, 3, padding=1, bias=False))
                        layers += [nn.BatchNorm2d(out), nn.ReLU()]
                        before = out
                self.backbone = nn.ModuleDict({"layers": nn.Sequential(*layers)})
                self.pool = nn.MaxPool2d(2, ceil_mode=True)
                self.fc = nn.Linear(before, 10)

            def forward(self, x):
                layers = self.backbone["layers"]
                for stage in range(STAGES):
                    x = self.pool(layers[6 * stage : 6 * stage + 6](x))
                return self.fc(x.mean((2, 3)))

        self.torch, self.version, self.net = torch, torch.__version__, Net()
        weights = {name: torch.from_numpy(array.copy()) for name, array in state.items()}
        self.net.load_state_dict(weights)
        self.optimizer = torch.optim.SGD(
            self.net.parameters(), 0.1, MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True
        )

    def step(self, images: np.ndarray, labels: np.ndarray, rate: float) -> float:
        self.net.train()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        scores = self.net(self._input(images))
        loss = self.torch.nn.functional.cross_entropy(scores, self.torch.from_numpy(labels))
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def predict(self, images: np.ndarray) -> np.ndarray:
        self.net.eval()
        with self.torch.no_grad():
            return self.net(self._input(images)).argmax(1).numpy()

    def _input(self, images: np.ndarray):
        return (self.torch.from_numpy(images) - MEAN) / STD


LIBRARIES = {"minicv": InMinicv, "torch": InTorch}


def main(library: str, file: str) -> None:
    """Answer orders until there are no more."""
    with np.load(file) as saved:
        arrays = dict(saved)
    numbers = json.loads(str(arrays.pop("numbers")))
    state = {name[6:]: array for name, array in arrays.items() if name.startswith("state/")}
    trainer: Trainer = LIBRARIES[library](state, numbers["width"])
    drawn = batches(arrays["pixels"], arrays["labels"], numbers["batch_size"], numbers["seed"])
    done = 0
    print(json.dumps({"version": trainer.version}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        answer: dict[str, Any] = {}
        if "train" in order:
            losses = []
            started = time.perf_counter()
            for _ in range(order["train"]):
                rate = rate_of(done, numbers["steps"], numbers["lr"])
                losses.append(trainer.step(*next(drawn), rate))
                done += 1
            answer = {"seconds": time.perf_counter() - started, "losses": losses}
        else:
            right, pixels = 0, arrays["test_pixels"]
            for start in range(0, len(pixels), order["test"]):
                part = slice(start, start + order["test"])
                grey = (pixels[part] / 255).astype(np.float32)
                found = trainer.predict(np.repeat(grey[:, None], 3, axis=1))
                right += int((found == arrays["test_labels"][part]).sum())
            answer = {"accuracy": right / len(pixels)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
