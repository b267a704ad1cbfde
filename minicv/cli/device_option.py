"""``--device``: the option that all commands share."""

from __future__ import annotations

import argparse
import os

from minicv.backend import gpu_status, resolve_device


def add_device_option(parser: argparse.ArgumentParser) -> None:
    """Describe the option."""
    parser.add_argument(
        "--device",
        metavar="DEVICE",
        help="cpu, cuda, cuda:N, or auto, which takes CUDA where it works; "
        "default: $MINICV_DEVICE, else cpu",
    )


def chosen_device(options: argparse.Namespace) -> str:
    """``"cpu"`` or ``"cuda:N"``; where "auto" left the choice, says what was chosen and why.

    Raises:
        DeviceError: the device that was asked for cannot be used.
    """
    device = resolve_device(options.device)
    if (options.device or os.environ.get("MINICV_DEVICE", "")).lower() == "auto":
        _, reason = gpu_status()
        print(f"device: {device} ({reason})")
    return device
