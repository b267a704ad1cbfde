"""``minicv train SYSTEM --data ... --out DIR``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from minicv.cli import train_detector, train_segmenter
from minicv.cli.data_sources import DATA_HELP
from minicv.cli.device_option import add_device_option
from minicv.models.segmentation.upsampling import Upsampling
from minicv.training.detector_files import BACKBONES, DETECTORS, ON_PROPOSALS, PROPOSERS
from minicv.training.segmenter_files import ON_A_TRUNK, SEGMENTERS

_DESCRIPTION = f"""Train a detector ({", ".join(DETECTORS)})
or a segmenter ({", ".join(SEGMENTERS)}).
Without options, by the recipe that suits the system and its backbone, where it has one
(all detectors, {", ".join(ON_A_TRUNK)})."""

_EPILOG = """examples:
  minicv train faster_rcnn --data farmyard --out runs/farm
  minicv train faster_rcnn --data pennfudan:PennFudanPed --backbone efficientnet_lite0 --out runs/people
  minicv train fast_rcnn --data farmyard --proposals edge_boxes --out runs/fast
  minicv train fcn8s --data camvid:CamVid --backbone efficientnet_lite0 --out runs/road
  minicv train segnet --data camvid:CamVid --out runs/road --resume

DIR/last.npz is written after every epoch and DIR/best.npz when the validation figure (AP of a
detector, mIoU of a segmenter) is the best so far; DIR/history.json holds every epoch's figures."""  # noqa: E501

_FOR_SEGMENTERS = ("crop", "balance", *train_segmenter.OPTION_OF)


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options."""
    parser = commands.add_parser(
        "train",
        help="train a detector or a segmenter on a data set",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    systems = [*DETECTORS, *SEGMENTERS]
    add("model", choices=systems, metavar="SYSTEM", help=f"one of {', '.join(systems)}")
    add("--data", required=True, metavar="DATA", help=DATA_HELP)
    add("--out", required=True, type=Path, metavar="DIR", help="folder for checkpoints and history")
    add("--backbone", choices=list(BACKBONES), help="default, where there is one: small")
    add(
        "--backbone-weights",
        type=Path,
        metavar="FILE",
        help="a .pth of published weights for the backbone, or a .npz of minicv train on the same "
        "backbone (efficientnet_lite0 finds its own; the others start from noise without)",
    )
    add("--epochs", type=int, metavar="N", help="passes over the training images")
    add("--batch-size", type=int, metavar="N", help="images in a step")
    add("--lr", type=float, metavar="RATE", help="peak learning rate")
    add(
        "--min-size",
        type=int,
        metavar="PIXELS",
        help="the shorter side of an image becomes this; default: by the backbone's recipe for a "
        "detector, as it is for a segmenter",
    )
    add(
        "--max-size",
        type=int,
        metavar="PIXELS",
        help="but the longer side at most this; default: in the ratio of the backbone's recipe "
        "for a detector, twice the shorter for a segmenter",
    )
    add("--seed", type=int, default=0, help="of everything random; default 0")
    add("--workers", type=int, default=1, metavar="N", help="threads that read ahead; default 1")
    add("--resume", action="store_true", help="go on from DIR/last.npz, if it is there")
    add_device_option(parser)
    add = parser.add_argument_group(f"for {', '.join(ON_PROPOSALS)}").add_argument
    add("--proposals", choices=list(PROPOSERS), help="where to look; default: selective_search")
    add = parser.add_argument_group("for segmenters").add_argument
    add(
        "--crop",
        type=int,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="window to which training images are cut after a random zoom; default: their size",
    )
    add(
        "--balance",
        type=float,
        metavar="POWER",
        help="how far rare classes count more in the loss: 1 by median frequency, all alike, 0 as "
        "often as they occur, 0.5 between; default: by the recipe",
    )
    add(
        "--upsampling",
        choices=get_args(Upsampling),
        help="how the decoder of encoder_decoder enlarges; default: max_unpool",
    )
    add(
        "--scales",
        type=int,
        metavar="N",
        help="levels of the image pyramid that patch_classifier looks at; default: 1",
    )
    add(
        "--width",
        type=float,
        metavar="FACTOR",
        help="of all layers of deconvnet; default: 1, the paper's 252 million weights, which need "
        "4 GB in training; 0.25 suits a CPU",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train and say where the result is."""
    if options.model in SEGMENTERS:
        if options.proposals is not None:
            raise ValueError(f"--proposals: {options.model} has no such option")
        train_segmenter.run(options)
    else:
        for name in _FOR_SEGMENTERS:
            if getattr(options, name) is not None:
                raise ValueError(f"--{name.replace('_', '-')}: {options.model} has no such option")
        train_detector.run(options)
    print(f"weights: {options.out / 'best.npz'} (best on validation), {options.out / 'last.npz'}")
    print(f"next: minicv eval --weights {options.out / 'best.npz'} --data {options.data}")
