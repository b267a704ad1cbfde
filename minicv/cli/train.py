"""``minicv train SYSTEM --data ... --out DIR``."""

from __future__ import annotations

import argparse
from pathlib import Path

from minicv.cli.device_option import add_device_option, chosen_device
from minicv.data.sources import open_data, sources_help
from minicv.models.backbones import BACKBONES
from minicv.proposals import PROPOSERS
from minicv.tasks import SYSTEMS, Option, Task, train
from minicv.tasks.training import DEFAULT_PROPOSALS

_EPILOG = """examples:
  minicv train faster_rcnn --data farmyard --out runs/farm
  minicv train faster_rcnn --data pennfudan:PennFudanPed --backbone efficientnet_lite0 --out runs/people
  minicv train fast_rcnn --data farmyard --proposals edge_boxes --out runs/fast
  minicv train fcn8s --data camvid:CamVid --backbone efficientnet_lite0 --out runs/road
  minicv train segnet --data camvid:CamVid --out runs/road --resume

DIR/last.npz is written after every epoch and DIR/best.npz when the validation value ({best_by}) is
the best so far; DIR/history.json holds every epoch's values."""  # noqa: E501


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options."""
    by_task = {task.name: _names(task) for task in tasks()}
    best_by = ", ".join(f"{task.best_by} in {task.name}" for task in tasks())
    parser = commands.add_parser(
        "train",
        help="train a system on a data set",
        description="Train a system by the recipe that suits it and its backbone.\n\n"
        + "\n".join(f"{name}: {systems}" for name, systems in by_task.items()),
        epilog=_EPILOG.format(best_by=best_by),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("system", choices=list(SYSTEMS), metavar="SYSTEM", help=f"one of {', '.join(SYSTEMS)}")
    add("--data", required=True, metavar="DATA", help=data_help())
    add("--out", required=True, type=Path, metavar="DIR", help="folder for checkpoints and history")
    add("--backbone", choices=list(BACKBONES), help="default, where there is one: small")
    add(
        "--backbone-weights",
        type=Path,
        metavar="FILE",
        help="a .pth of published weights for the backbone, or a .npz of minicv train on the same "
        "backbone, of any system; default: published weights for efficientnet_lite0, random ones "
        "for the others",
    )
    add("--epochs", type=int, metavar="N", help="how often the training images are seen")
    add("--batch-size", type=int, metavar="N", help="images in a step")
    add("--lr", type=float, metavar="RATE", help="peak learning rate")
    add("--seed", type=int, default=0, help="of everything random; default 0")
    add("--workers", type=int, default=1, metavar="N", help="threads that read ahead; default 1")
    add("--resume", action="store_true", help="go on from DIR/last.npz, if it is there")
    add_device_option(parser)
    proposing = ", ".join(name for name, system in SYSTEMS.items() if system.on_proposals)
    group = parser.add_argument_group("for some systems")
    group.add_argument(
        "--proposals",
        choices=list(PROPOSERS),
        help=f"where to look; default: {DEFAULT_PROPOSALS} ({proposing})",
    )
    for name, option in options_of_systems().items():
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=option.type,
            metavar=option.metavar,
            choices=option.choices,
            nargs=option.count,
            help=f"{option.help} ({_having(name)})",
        )
    parser.set_defaults(run=run)


def tasks() -> list[Task]:
    """The kinds of task of all systems, each once."""
    return list({system.task.name: system.task for system in SYSTEMS.values()}.values())


def data_help() -> str:
    """Which data sources each kind of task can learn from."""
    return "; ".join(f"for {task.name} {sources_help(task.needs)}" for task in tasks())


def options_of_systems() -> dict[str, Option]:
    """The options of all systems by the name of the field, each once."""
    options: dict[str, Option] = {}
    for system in SYSTEMS.values():
        for name, option in system.options.items():
            options.setdefault(name, option)
    return options


def run(options: argparse.Namespace) -> None:
    """Train and say where the result is."""
    system = SYSTEMS[options.system]
    device = chosen_device(options)
    names = ("epochs", "batch_size", "lr", *options_of_systems())
    given = {name: getattr(options, name) for name in names}
    changes = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
    train(
        system,
        open_data(options.data, system.task.needs),
        options.out,
        backbone=options.backbone,
        backbone_weights=options.backbone_weights,
        proposals=options.proposals,
        changes=changes,
        seed=options.seed,
        device=device,
        resume=options.resume,
        workers=options.workers,
    )
    print(f"weights: {options.out / 'best.npz'} (best on validation), {options.out / 'last.npz'}")
    print(f"next: minicv eval --weights {options.out / 'best.npz'} --data {options.data}")


def _names(task: Task) -> str:
    return ", ".join(name for name, system in SYSTEMS.items() if system.task is task)


def _having(option: str) -> str:
    """The systems that have an option; a task's name stands for all of its systems."""
    having: list[str] = []
    for task in tasks():
        systems = [system for system in SYSTEMS.values() if system.task is task]
        names = [system.name for system in systems if option in system.options]
        having += [f"all of {task.name}"] if len(names) == len(systems) else names
    return ", ".join(having)
