"""``minicv train faster_rcnn --data ... --out DIR``."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np

from minicv.cli.data_sources import DATA_HELP, open_data
from minicv.cli.device_option import add_device_option, chosen_device
from minicv.cli.recipe import RECIPES, flip_for, train_detector
from minicv.data.transforms import ColorJitter, Compose
from minicv.models.backbones import Backbone
from minicv.training import build_detector
from minicv.training.detector_files import BACKBONES, SETTINGS
from minicv.weights import efficientnet_lite0_weights, load_published, read_torch_file

_EPILOG = """examples:
  minicv train faster_rcnn --data farmyard --out runs/farm
  minicv train faster_rcnn --data pennfudan:PennFudanPed --backbone efficientnet_lite0 --out runs/people
  minicv train faster_rcnn --data voc:BCCD --backbone efficientnet_lite0 --out runs/blood --resume

DIR/last.npz is written after every epoch and DIR/best.npz when validation AP is the best so far;
DIR/history.json holds every epoch's figures."""  # noqa: E501


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options."""
    parser = commands.add_parser(
        "train",
        help="train a detector on a data set",
        description="Train a detector. Without options, the recipe that suits the backbone.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", choices=["faster_rcnn"], help="which system")
    add("--data", required=True, metavar="DATA", help=DATA_HELP)
    add("--out", required=True, type=Path, metavar="DIR", help="folder for checkpoints and history")
    add("--backbone", default="small", choices=list(BACKBONES), help="default: small")
    add(
        "--backbone-weights",
        type=Path,
        metavar="FILE",
        help="a .pth of published weights for the backbone (efficientnet_lite0 finds its own; "
        "vgg16 starts from noise without)",
    )
    add("--epochs", type=int, metavar="N", help="passes over the training images")
    add("--batch-size", type=int, metavar="N", help="images in a step")
    add("--lr", type=float, metavar="RATE", help="peak learning rate of SGD")
    add("--min-size", type=int, metavar="PIXELS", help="the shorter side of an image becomes this")
    add(
        "--max-size",
        type=int,
        metavar="PIXELS",
        help="but the longer side at most this; default: in the ratio of the backbone's recipe",
    )
    add("--seed", type=int, default=0, help="of everything random; default 0")
    add("--workers", type=int, default=1, metavar="N", help="threads that read ahead; default 1")
    add("--resume", action="store_true", help="go on from DIR/last.npz, if it is there")
    add_device_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train and say where the result is."""
    device = chosen_device(options)
    splits = open_data(options.data)
    recipe = _with(
        RECIPES[options.backbone],
        epochs=options.epochs,
        batch_size=options.batch_size,
        lr=options.lr,
    )
    settings = SETTINGS[options.backbone]
    max_size = options.max_size
    if options.min_size is not None and max_size is None:  # keep the ratio of the two
        max_size = round(options.min_size * settings.max_size / settings.min_size)
    settings = _with(settings, min_size=options.min_size, max_size=max_size)
    rng = np.random.default_rng(options.seed)
    model = build_detector(options.backbone, splits.classes, settings, rng=rng)
    resuming = options.resume and (options.out / "last.npz").is_file()
    if not resuming:
        start_from_published_weights(model.backbone, options.backbone, options.backbone_weights)
    model.to(device)
    count = sum(p.size for p in model.parameters())
    print(
        f"{options.model} on {options.backbone}: {count:,} parameters; {len(splits.train)} "
        f"training and {len(splits.validation)} validation images; "
        f"classes {', '.join(splits.classes)}"
    )
    transform = Compose(
        [flip_for(splits.train), ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2)]
    )
    train_detector(
        model,
        options.backbone,
        splits.train,
        splits.validation,
        recipe,
        out=options.out,
        seed=options.seed,
        transform=transform,
        resume=options.resume,
        workers=options.workers,
    )
    print(f"weights: {options.out / 'best.npz'} (best on validation), {options.out / 'last.npz'}")
    print(f"next: minicv eval --weights {options.out / 'best.npz'} --data {options.data}")


def start_from_published_weights(backbone: Backbone, name: str, path: Path | None) -> None:
    """Load what was published for the backbone: the file given, or the one that is known."""
    if path is not None:
        load_published(backbone, read_torch_file(path), str(path))
    elif name == "efficientnet_lite0":
        load_published(backbone, efficientnet_lite0_weights(), "EfficientNet-Lite0")


def _with(values, **changes):
    """A copy of a dataclass with those changes that are not None."""
    return dataclasses.replace(values, **{k: v for k, v in changes.items() if v is not None})
