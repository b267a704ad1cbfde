"""``minicv train SYSTEM --data ... --out DIR``."""

from __future__ import annotations

import argparse
import functools
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minicv.cli.arguments import Parser, path
from minicv.cli.data_option import add_data_options, opened
from minicv.cli.device_option import add_device_option, chosen_device
from minicv.cli.system_help import default_of, description_of
from minicv.data.sources import SOURCES, sources_help
from minicv.files import check_unlocked
from minicv.models.backbones import BACKBONES, PYRAMIDS
from minicv.proposals import PROPOSERS
from minicv.tasks import SYSTEMS, Option, System, Task, train
from minicv.tasks.before_training import checked
from minicv.tasks.choice import (
    DEFAULT_PROPOSALS,
    OF_ALL_SYSTEMS,
    OF_SYSTEMS_ON_A_BACKBONE,
    choose,
)

_EPILOG = """examples:
  minicv train faster_rcnn --data farmyard --out runs/farm
  minicv train faster_rcnn --data pennfudan:PennFudanPed --backbone efficientnet_lite0 --out runs/people
  minicv train fast_rcnn --data farmyard --proposals edge_boxes --out runs/fast
  minicv train fcn8s --data camvid:CamVid --backbone efficientnet_lite0 --out runs/road
  minicv train fcn8s --data camvid:CamVid --backbone efficientnet_lite0 --freeze --out runs/quick
  minicv train segnet --data camvid:CamVid --out runs/road --resume

minicv train SYSTEM --help shows the options of one system, its defaults and its recipe.

DIR/last.npz is written after every epoch and DIR/best.npz when the validation value ({best_by}) is
the best so far; DIR/history.json, .csv and .png hold every epoch's values."""  # noqa: E501


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
        usage="minicv train SYSTEM --data DATA --out DIR [options]",
        add_help=False,
    )
    parser.add_argument("-h", "--help", action=_Help, help="of all systems, or of the SYSTEM")
    _add_options(parser)
    group = parser.add_argument_group("for some systems")
    proposing = ", ".join(name for name, system in SYSTEMS.items() if system.on_proposals)
    _add_proposals(group, proposing)
    for name, option in options_of_systems().items():
        _add_option(group, name, option, f"{option.help} ({_having(name)})")
    parser.set_defaults(run=run)


def parser_of(system: System) -> Parser:
    """The options of one system, with its defaults and its recipe."""
    parser = Parser(
        prog=f"minicv train {system.name}",
        description=description_of(system),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage=f"minicv train {system.name} --data DATA --out DIR [options]",
    )
    _add_options(parser, system)
    if system.on_proposals:
        _add_proposals(parser)
    for name, option in system.options.items():
        _add_option(parser, name, option, default_of(system, name, option.help))
    return parser


class _Help(argparse.Action):
    """``train --help`` is about all systems, ``train SYSTEM --help`` about one."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        name = getattr(namespace, "system", None)
        (parser if name is None else parser_of(SYSTEMS[name])).print_help()
        parser.exit()


def _add_options(parser: argparse.ArgumentParser, system: System | None = None) -> None:
    """What all systems have; for one system without what it lacks, and with its defaults."""
    add = parser.add_argument

    def numbers(name: str, text: str) -> str:
        return text if system is None else default_of(system, name, text)

    if system is None:
        add("system", choices=list(SYSTEMS), metavar="SYSTEM", help=f"one of {', '.join(SYSTEMS)}")
    add_data_options(parser, data_help() if system is None else sources_help(system.task.needs))
    add("--out", required=True, type=path, metavar="DIR", help="folder for checkpoints and history")
    backbones = [*BACKBONES, *PYRAMIDS] if system is None else list(system.backbones)
    if backbones:
        first = (
            "default: the system's own; see minicv train SYSTEM --help"
            if system is None
            else f"default: {backbones[0]}"
        )
        add("--backbone", choices=backbones, help=first)
        add(
            "--backbone-weights",
            type=path,
            metavar="FILE",
            help="a .pth of published weights for the backbone, or a .npz of minicv train on the "
            "same backbone, of any system; default: published weights for efficientnet_lite0, "
            "random ones for the others",
        )
        add(
            "--backbone-lr-ratio",
            type=float,
            metavar="RATIO",
            help=numbers(
                "backbone_lr_ratio",
                "the backbone's learning rate as a multiple of --lr, such as 0.1",
            ),
        )
        add(
            "--freeze",
            action="store_true",
            default=None,  # as the recipe says
            help="the backbone (of a pyramid the network under it) keeps its weights and batch "
            "statistics, and the rest learns on it, in less time",
        )
    often = numbers("epochs", "how often the training images are seen")
    add("--epochs", type=int, metavar="N", help=often)
    add("--batch-size", type=int, metavar="N", help=numbers("batch_size", "images in a step"))
    add("--lr", type=float, metavar="RATE", help=numbers("lr", "peak learning rate"))
    add("--seed", type=int, metavar="N", help="of everything random; default 0")
    add("--workers", type=int, default=1, metavar="N", help="threads that read ahead; default 1")
    earlier = parser.add_mutually_exclusive_group()
    earlier.add_argument(
        "--resume",
        action="store_true",
        help="go on from DIR/last.npz, if it is there, with the options that it began with",
    )
    earlier.add_argument(
        "--overwrite",
        action="store_true",
        help="begin anew; the training that stands in DIR is replaced when the first epoch is done",
    )
    add_device_option(parser)


Group = argparse.ArgumentParser | argparse._ArgumentGroup


def _add_proposals(group: Group, having: str = "") -> None:
    text = f"where to look; default: {DEFAULT_PROPOSALS}" + (f" ({having})" if having else "")
    group.add_argument("--proposals", choices=list(PROPOSERS), help=text)


def _add_option(group: Group, name: str, option: Option, text: str) -> None:
    group.add_argument(
        f"--{name.replace('_', '-')}",
        type=option.type,
        metavar=option.metavar,
        choices=option.choices,
        nargs=option.count,
        help=text,
    )


def tasks() -> list[Task]:
    """The kinds of task of all systems, each once."""
    return list({system.task.name: system.task for system in SYSTEMS.values()}.values())


def data_help() -> str:
    """The data sources, each once, and which of them each kind of task can learn from."""
    suiting = {task.name: _sources_for(task) for task in tasks()}
    usages = [SOURCES[name].usage for name in SOURCES if any(name in of for of in suiting.values())]
    of_tasks = [f"for {task} {', '.join(names)}" for task, names in suiting.items()]
    return "; ".join([*usages, *of_tasks])


def _sources_for(task: Task) -> list[str]:
    return [name for name, source in SOURCES.items() if source.gives(task.needs)]


def options_of_systems() -> dict[str, Option]:
    """The options of all systems by the name of the field, each once."""
    options: dict[str, Option] = {}
    for system in SYSTEMS.values():
        for name, option in system.options.items():
            options.setdefault(name, option)
    return options


def run(options: argparse.Namespace) -> None:
    """Train and say where the result is.

    An interruption says with which command the training goes on.
    """
    before = _stamp(options.out)
    try:
        _train(options)
    except KeyboardInterrupt as interruption:
        saved = _stamp(options.out) != before
        how = "interrupted" if saved else "interrupted before an epoch was saved"
        command = command_to_go_on(options.words, overwrite=not saved)
        raise type(interruption)(f"{how}; go on with: {command}") from None


def _train(options: argparse.Namespace) -> None:
    say = functools.partial(print, flush=True)
    system = SYSTEMS[options.system]
    device = chosen_device(options)
    names = (*OF_ALL_SYSTEMS, *OF_SYSTEMS_ON_A_BACKBONE, *options_of_systems())
    given = {name: getattr(options, name) for name in names}
    asked = {
        "backbone": options.backbone,
        "backbone_weights": options.backbone_weights,
        "proposals": options.proposals,
        "changes": {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()},
        "seed": options.seed,
        "workers": options.workers,
        "resume": options.resume,
        "overwrite": options.overwrite,
    }
    # What is wrong with the options is said before the data are opened, and what is wrong with the
    # data before the model is built.
    check_unlocked(options.out)
    choice = choose(system, options.out, **asked)
    splits = opened(options, system.task)
    if splits.rule:
        say(f"{options.data}: {splits.rule}")
    resized = getattr(choice.settings, "min_size", None) is not None
    splits = checked(
        splits,
        system.task,
        batch_size=choice.recipe.batch_size,
        cell=1 if resized else system.cells.get(choice.backbone, 1),
        skip_unreadable=options.skip_unreadable,
        say=say,
    )
    train(system, splits, options.out, device=device, data=options.data, say=say, **asked)
    print(f"weights: {options.out / 'best.npz'} (best on validation), {options.out / 'last.npz'}")
    judge = ["minicv", "eval", "--weights", str(options.out / "best.npz"), "--data", options.data]
    judge += [] if options.classes is None else ["--classes", options.classes]
    judge += ["--skip-unreadable"] if options.skip_unreadable else []
    print(f"next: {shlex.join(judge)}")


def command_to_go_on(words: Sequence[str], overwrite: bool) -> str:
    """The command of these words, as it goes on after an interruption.

    Args:
        words: the arguments of the command that was interrupted.
        overwrite: whether ``--overwrite`` among them has still to be done.

    >>> command_to_go_on(["train", "segnet", "--out", "my runs", "--overwrite"], overwrite=False)
    "minicv train segnet --out 'my runs' --resume"
    """
    begins = [word for word in words if len(word) > 3 and "--overwrite".startswith(word)]
    if begins and overwrite:
        return shlex.join(["minicv", *words])
    kept = [word for word in words if word not in begins]
    resumes = any(len(word) > 2 and "--resume".startswith(word) for word in kept)
    return shlex.join(["minicv", *kept, *([] if resumes else ["--resume"])])


def _stamp(out: Path) -> int | None:
    """When the last epoch was saved; None for none."""
    try:
        return (out / "last.npz").stat().st_mtime_ns
    except (OSError, ValueError):
        return None


def _names(task: Task) -> str:
    return ", ".join(name for name, system in SYSTEMS.items() if system.task is task)


def _having(option: str) -> str:
    """The systems that have an option; a task's name stands for all of its systems, if many."""
    having: list[str] = []
    for task in tasks():
        systems = [system for system in SYSTEMS.values() if system.task is task]
        names = [system.name for system in systems if option in system.options]
        every = len(names) == len(systems) > 1
        having += [f"all of {task.name}"] if every else names
    return ", ".join(having)
