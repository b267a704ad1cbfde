"""A side of the race of GANs: trains a DCGAN in minicv or in PyTorch, so many steps at a time.

    python -m benchmarks.dcgan_side minicv|torch FILE.npz

It runs under the peer's interpreter too, so it needs NumPy alone until it knows its library. Both
sides draw the same batches and the same latent vectors from the same seeds, start from the same
weights, and make the step of `minicv.training.adversarial`: the discriminator on real and on
generated pictures, then the generator. Orders come as JSON, a line each: ``{"train": 50}``; a line
of JSON answers.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Protocol

import numpy as np

BETAS, LEAK = (0.5, 0.999), 0.2


class Trainer(Protocol):
    """What a library does."""

    version: str

    def step(self, pictures: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
        """One step of both networks on pictures (N, C, S, S) in -1..1: both losses."""


class InMinicv:
    """`minicv.models.generative.DCGAN` by `minicv.training.AdversarialStep`."""

    def __init__(self, state: dict[str, np.ndarray], numbers: dict[str, Any]) -> None:
        import minicv
        from minicv.optim import Adam
        from minicv.training import AdversarialStep

        self.version = minicv.__version__
        model = dcgan(numbers)
        model.load_state_dict(state)
        # The pictures come as the discriminator takes them, here as in PyTorch.
        model.__dict__["real"] = lambda pictures: model.on_device(pictures)
        self.adversarial = AdversarialStep(
            model,
            Adam(model.generator.parameters(), numbers["lr"], BETAS),
            Adam(model.discriminator.parameters(), numbers["lr"], BETAS),
        )

    def step(self, pictures: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
        losses = self.adversarial(pictures, [{}] * len(pictures), rng)
        return losses["loss_discriminator"], losses["loss_generator"]


def dcgan(numbers: dict[str, Any]) -> Any:
    """The model of minicv, with weights drawn from seed 0."""
    from minicv.models.generative import DCGAN, DCGANSettings

    names = ("size", "channels", "latent", "filters")
    settings = DCGANSettings(**{name: numbers[name] for name in names})
    return DCGAN(("any",), settings, rng=np.random.default_rng(0))


class InTorch:
    """The same layers under the same names."""

    def __init__(self, state: dict[str, np.ndarray], numbers: dict[str, Any]) -> None:
        import torch
        from torch import nn

        def kernel(name: str) -> tuple[int, ...]:
            return state[f"{name}.weight"].shape

        def count(prefix: str) -> int:
            return sum(name.startswith(prefix) and name.endswith(".weight") for name in state)

        class Generator(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                wide, latent = kernel("generator.project")
                top = len(state["generator.norm.weight"])
                self.map = (top, round((wide / top) ** 0.5), round((wide / top) ** 0.5))
                self.project = nn.Linear(latent, wide, bias=False)
                self.norm = nn.BatchNorm2d(top)
                self.enlarge, self.norms = nn.ModuleList(), nn.ModuleList()
                for level in range(count("generator.enlarge.")):
                    before, after, *_ = kernel(f"generator.enlarge.{level}")
                    self.enlarge.append(nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False))
                    self.norms.append(nn.BatchNorm2d(after))
                before, after, *_ = kernel("generator.picture")
                self.picture = nn.ConvTranspose2d(before, after, 4, 2, 1)

            def forward(self, z):
                h = torch.relu(self.norm(self.project(z).view(-1, *self.map)))
                for enlarge, norm in zip(self.enlarge, self.norms, strict=True):
                    h = torch.relu(norm(enlarge(h)))
                return torch.tanh(self.picture(h))

        class Discriminator(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                after, before, *_ = kernel("discriminator.first")
                self.first = nn.Conv2d(before, after, 4, 2, 1)
                self.reduce, self.norms = nn.ModuleList(), nn.ModuleList()
                for level in range(count("discriminator.reduce.")):
                    after, before, *_ = kernel(f"discriminator.reduce.{level}")
                    self.reduce.append(nn.Conv2d(before, after, 4, 2, 1, bias=False))
                    self.norms.append(nn.BatchNorm2d(after))
                self.judge = nn.Linear(kernel("discriminator.judge")[1], 1)

            def forward(self, x):
                h = nn.functional.leaky_relu(self.first(x), LEAK)
                for reduce, norm in zip(self.reduce, self.norms, strict=True):
                    h = nn.functional.leaky_relu(norm(reduce(h)), LEAK)
                return self.judge(h.flatten(1)).flatten()

        self.torch, self.version = torch, torch.__version__
        self.latent = numbers["latent"]
        self.gan = nn.ModuleDict({"generator": Generator(), "discriminator": Discriminator()})
        weights = {name: torch.from_numpy(array.copy()) for name, array in state.items()}
        self.gan.load_state_dict(weights)
        self.optimizers = [
            torch.optim.Adam(self.gan[player].parameters(), numbers["lr"], BETAS)
            for player in ("generator", "discriminator")
        ]

    def step(self, pictures: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
        torch = self.torch
        loss_of = torch.nn.functional.binary_cross_entropy_with_logits
        generator, discriminator = self.gan["generator"], self.gan["discriminator"]
        of_generator, of_discriminator = self.optimizers
        n = len(pictures)
        with torch.no_grad():
            drawn = generator(self._latents(n, rng))
        of_real, of_drawn = discriminator(torch.from_numpy(pictures)), discriminator(drawn)
        loss_d = loss_of(of_real, torch.ones(n)) + loss_of(of_drawn, torch.zeros(n))
        of_discriminator.zero_grad()
        loss_d.backward()
        of_discriminator.step()
        discriminator.requires_grad_(False)
        loss_g = loss_of(discriminator(generator(self._latents(n, rng))), torch.ones(n))
        of_generator.zero_grad()
        loss_g.backward()
        of_generator.step()
        discriminator.requires_grad_(True)
        return loss_d.item(), loss_g.item()

    def _latents(self, n: int, rng: np.random.Generator):
        return self.torch.from_numpy(rng.standard_normal((n, self.latent), dtype=np.float32))


LIBRARIES = {"minicv": InMinicv, "torch": InTorch}


def main(library: str, file: str) -> None:
    """Answer orders until there are no more."""
    with np.load(file) as saved:
        arrays = dict(saved)
    numbers = json.loads(str(arrays.pop("numbers")))
    state = {name[6:]: array for name, array in arrays.items() if name.startswith("state/")}
    trainer: Trainer = LIBRARIES[library](state, numbers)
    pictures = arrays["pictures"]  # (N, C, S, S) uint8
    order, latents = (np.random.default_rng([numbers["seed"], part]) for part in (0, 1))
    print(json.dumps({"version": trainer.version}), flush=True)
    for line in sys.stdin:
        losses, seconds = [], 0.0
        for _ in range(json.loads(line)["train"]):
            chosen = order.integers(len(pictures), size=numbers["batch_size"])
            batch = (pictures[chosen] / 127.5 - 1).astype(np.float32)
            started = time.perf_counter()
            losses.append(trainer.step(batch, latents))
            seconds += time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "losses": losses}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
