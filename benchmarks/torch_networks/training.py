"""A training step of each system in PyTorch; `benchmarks.minicv_training` is the other side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks import dcgan_side, inputs
from benchmarks.torch_networks.detectors import FastRCNN, MaskRCNN, SPPNet
from benchmarks.torch_networks.pictures import Classifier, ConvAutoencoder, DeepPose
from benchmarks.torch_networks.segmenters import DeconvNet, EncoderDecoder, FCN8s, SegNet

SYSTEMS: dict[str, Callable[..., nn.Module]] = {
    "classifier": Classifier,
    "fcn8s": FCN8s,
    "segnet": SegNet,
    "encoder_decoder": EncoderDecoder,
    "deconvnet": DeconvNet,
    "conv_autoencoder": lambda classes, size, channels, filters, code: ConvAutoencoder(
        (channels, size, size), (filters, 2 * filters), code
    ),
    "deep_pose": lambda classes, pooled_size, units: DeepPose(14, pooled_size, units),
}
DETECTORS: dict[str, Callable[..., nn.Module]] = {
    "fast_rcnn": FastRCNN,
    "spp_net": SPPNet,
    "mask_rcnn": lambda classes, settings, proposals: MaskRCNN(classes, settings),
}


def training_step(
    dtype, system, batch, size, classes, optimizer, settings, proposals=0
) -> Callable[[], list[Any]]:
    """Losses, gradients clipped to a norm of 10, and the optimizer's step."""
    if system in DETECTORS:
        model = DETECTORS[system](classes, settings, proposals)
    else:
        model = SYSTEMS[system](classes, **settings)
    model.load_state_dict(
        {
            name: torch.from_numpy(inputs.weight(name, tuple(array.shape))).to(array.dtype)
            for name, array in model.state_dict().items()
        }
    )
    model.train()
    images, targets = inputs.lessons(batch, tuple(size), classes)
    learning = [p for p in model.parameters() if p.requires_grad]
    first = inputs.first_vector(model.named_parameters())
    if optimizer == "sgd":
        moving = torch.optim.SGD(learning, lr=1e-3, momentum=0.9, weight_decay=1e-4)
    else:
        moving = torch.optim.Adam(learning, lr=1e-4)
    rng = np.random.default_rng(0)

    def step():
        losses = model.loss(images, targets, rng)
        moving.zero_grad()
        sum(losses).backward()
        nn.utils.clip_grad_norm_(learning, 10.0)
        gradient = first.grad.clone()
        moving.step()
        return [torch.stack([loss.detach() for loss in losses]), gradient]

    return step


def dcgan_step(dtype, batch, numbers, shapes) -> Callable[[], list[Any]]:
    """A step of both players, as in ``python -m benchmarks gans race``."""
    state = {name: inputs.weight(name, tuple(shape)) for name, shape in shapes.items()}
    side = dcgan_side.InTorch(state, numbers)
    shape = (batch, numbers["channels"], numbers["size"], numbers["size"])
    pictures, rng = np.tanh(inputs.normal("pictures", shape)), np.random.default_rng(0)
    return lambda: [np.array(side.step(pictures, rng))]
