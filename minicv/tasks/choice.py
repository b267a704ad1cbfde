"""What a training is asked to do: all that can be checked before a picture is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minicv.tasks.earlier import FILES, Earlier, check_terms, earlier_training, terms_of
from minicv.tasks.folders import check_folder
from minicv.tasks.ranges import check_ranges
from minicv.tasks.systems import SYSTEMS
from minicv.tasks.task import System
from minicv.training import Recipe
from minicv.weights import KNOWN_WEIGHTS, WeightsError, efficientnet_lite0_weights

DEFAULT_PROPOSALS = "selective_search"
# Options that need no entry in System.options.
OF_ALL_SYSTEMS = ("epochs", "batch_size", "lr")
OF_SYSTEMS_ON_A_BACKBONE = ("freeze", "backbone_lr_ratio")


@dataclass(frozen=True)
class Choice:
    """A training that can be tried.

    Attributes:
        recipe, settings: of the system and its backbone, with the changes.
        backbone: None for a system without.
        proposals: the proposer's name; None for a system without.
        seed: of everything random.
        earlier: the training that goes on; None for a new one.
    """

    recipe: Recipe
    settings: Any
    backbone: str | None
    proposals: str | None
    seed: int
    earlier: Earlier | None

    def terms(self) -> dict[str, Any]:
        """What a checkpoint notes, but for the data."""
        return terms_of(self.recipe, self.settings, self.seed, self.backbone, self.proposals)


def choose(
    system: System,
    out: Path,
    *,
    backbone: str | None = None,
    backbone_weights: Path | None = None,
    proposals: str | None = None,
    changes: Mapping[str, Any] | None = None,
    seed: int | None = None,
    workers: int = 1,
    resume: bool = False,
    overwrite: bool = False,
) -> Choice:
    """The system's recipe and settings with the changes; the arguments are those of `train`.

    A training that goes on keeps what is not named again: its backbone, proposer, seed, recipe and
    settings.

    Raises:
        ValueError: an option that the system does not know, or a value that cannot work; a training
            that stands in ``out`` and neither goes on nor may be deleted; one that began with other
            options.
        WeightsError: the weights to start from, or to go on from, cannot be used.
        OSError: nothing can be written to ``out``.
    """
    if proposals is not None and not system.on_proposals:
        raise ValueError(f"--proposals: {system.name} has no such option; it uses no proposer")
    system.backbone(backbone)
    if backbone_weights is not None and not system.backbones:
        raise ValueError(f"--backbone-weights: {system.name} stands on no backbone")
    for name, value in (("seed", seed), ("workers", workers)):
        if value is not None and value < 0:
            raise ValueError(f"--{name} {value}: expected a whole number from 0 on")
    given = {name: value for name, value in (changes or {}).items() if value is not None}
    _check_options(system, given)
    _changed(system, system.backbone(backbone), None, given)  # wrong numbers, before the folder

    earlier = earlier_training(out, resume=resume, overwrite=overwrite)
    if earlier is None:
        backbone = system.backbone(backbone)
        if system.on_proposals:
            proposals = proposals or DEFAULT_PROPOSALS
    else:
        of_then = earlier.description
        if of_then.get("system") != system.name:
            raise ValueError(
                f"--resume: the training in {out} is of {of_then.get('system')}, not of "
                f"{system.name}; name another --out for a new training"
            )
        backbone = system.backbone(backbone or of_then.get("backbone"))
        proposals = proposals or of_then.get("proposals")
        seed = earlier.terms.get("seed", 0) if seed is None else seed
        earlier = earlier.completed(system.recipes[backbone], system.settings[backbone])
    recipe, settings = _changed(system, backbone, earlier, given)
    choice = Choice(recipe, settings, backbone, proposals, seed or 0, earlier)
    if earlier is not None:
        check_terms(earlier, choice.terms())
    check_folder(out, files=FILES)
    if system.on_proposals:
        check_folder(out / "proposals")
    if earlier is None:
        _check_weights(backbone, backbone_weights)
        if recipe.freeze and backbone_weights is None and backbone not in KNOWN_WEIGHTS:
            raise ValueError(
                f"--freeze: no weights are known for {backbone}, so it would keep the random ones; "
                "say with --backbone-weights FILE what it has learnt"
            )
    return choice


def _check_options(system: System, given: Mapping[str, Any]) -> None:
    for name in given:
        if name in OF_SYSTEMS_ON_A_BACKBONE and not system.backbones:
            raise ValueError(
                f"--{name.replace('_', '-')}: {system.name} stands on no backbone, and learns as a "
                "whole"
            )
        known = (*OF_ALL_SYSTEMS, *OF_SYSTEMS_ON_A_BACKBONE, *system.options)
        if name not in known:
            having = [other.name for other in SYSTEMS.values() if name in other.options]
            raise ValueError(
                f"--{name.replace('_', '-')}: {system.name} has no such option; "
                f"{', '.join(having) or 'no system'} {'have' if len(having) > 1 else 'has'} it"
            )
    if given.get("freeze") and "backbone_lr_ratio" in given:
        raise ValueError(
            "--freeze: the backbone then learns at no rate, and --backbone-lr-ratio says at which; "
            "give one of the two"
        )


def _changed(
    system: System, backbone: str | None, earlier: Earlier | None, given: Mapping[str, Any]
) -> tuple[Recipe, Any]:
    """The recipe and the settings, as the training began or new, with the changes one by one."""
    recipe, settings = system.recipes[backbone], system.settings[backbone]
    if earlier is not None:
        recipe = earlier.begun_with("recipe", recipe)
        settings = earlier.begun_with("settings", settings)
    of_recipe = {f.name for f in dataclasses.fields(recipe)}
    sizes = {name: given[name] for name in ("min_size", "max_size") if name in given}
    if "min_size" in sizes and "max_size" not in sizes:  # keep the ratio of the two
        ratio = settings.max_size / settings.min_size if settings.min_size else 2
        sizes["max_size"] = round(sizes["min_size"] * ratio)
    steps = [(name, {name: value}) for name, value in given.items() if name not in sizes]
    steps += [(next(name for name in sizes if name in given), sizes)] if sizes else []
    for name, change in steps:
        try:
            if name in of_recipe:
                recipe = recipe.changed(**change)
            else:
                settings = dataclasses.replace(settings, **change)
                check_ranges(settings)
        except ValueError as error:
            option = name.replace("_", "-")
            raise ValueError(f"--{option}: {str(error).removeprefix('recipe: ')}") from None
    if sizes:
        _check_sizes(system, backbone, settings)
    return recipe, settings


def _check_sizes(system: System, backbone: str | None, settings: Any) -> None:
    smallest, largest = settings.min_size, settings.max_size
    if largest < smallest:
        raise ValueError(
            f"--max-size {largest}: less than the shorter side (--min-size), which is {smallest} "
            "here; expected at least as much"
        )
    cell = system.cells.get(backbone, 1)
    if smallest < cell:
        on = f"{system.name}{'' if backbone is None else f' on {backbone}'}"
        raise ValueError(
            f"--min-size {smallest}: smaller than one cell of {on}, which is {cell} pixels wide; "
            f"expected at least {cell}"
        )


def _check_weights(backbone: str | None, path: Path | None) -> None:
    """Whether the weights to start from are there; whether they fit shows when they are read."""
    if path is not None and not path.is_file():
        raise WeightsError(f"--backbone-weights {path}: no such file")
    if backbone in KNOWN_WEIGHTS and (path is None or path.suffix == ".npz"):
        efficientnet_lite0_weights()
