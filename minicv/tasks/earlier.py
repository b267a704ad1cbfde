"""A training that stands in a folder already: whether a new one may go on from it, and how."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import numpy as np

from minicv.data import Dataset
from minicv.data.sources import Splits
from minicv.tasks import history
from minicv.training.fit import training_of
from minicv.weights import WeightsError, load_description
from minicv.weights.schema import check_value

FILES = ("last.npz", "best.npz", *history.FILES)
SAMPLES = 8  # training images by which a data set is known again

# The types of what a checkpoint says of the training that it was asked for; see `terms_of`.
_TERMS: dict[str, Any] = {
    "recipe": dict[str, Any],
    "settings": dict[str, Any],
    "seed": int,
    "backbone": str | None,
    "proposals": str | None,
    "data": dict[str, Any] | None,
}
_DATA: dict[str, Any] = {
    "source": str | None,
    "training images": int,
    "validation images": int,
    "classes": list[str],
    "labels": str,
}

D = TypeVar("D")


@dataclass(frozen=True)
class Earlier:
    """A training that can go on.

    Attributes:
        path: of its ``last.npz``.
        description: of that checkpoint.
        epochs: finished so far.
        terms: what it was asked to do, see `terms_of`; empty in a checkpoint of a version of minicv
            that did not note it.
    """

    path: Path
    description: Mapping[str, Any]
    epochs: int
    terms: Mapping[str, Any]

    @property
    def planned(self) -> int | None:
        """The epochs that were asked for."""
        return self.terms["recipe"]["epochs"] if self.terms else None

    def completed(self, recipe: Any, settings: Any) -> Earlier:
        """With the fields that minicv did not have when the training began.

        Each has the default of its class, which changes nothing. What suits a backbone by now may
        be another number, but not in the middle of a training.
        """
        if not self.terms:
            return self
        terms = dict(self.terms)
        for part, of_now in (("recipe", recipe), ("settings", settings)):
            defaults = {f.name: _as_json(f.default) for f in dataclasses.fields(of_now)
                        if f.default is not dataclasses.MISSING}  # fmt: skip
            terms[part] = {**defaults, **terms[part]}
        return dataclasses.replace(self, terms=terms)

    def begun_with(self, part: str, default: D) -> D:
        """``default``, the recipe or the settings, with the numbers that the training began with.

        Raises:
            WeightsError: they have other names or types in this version of minicv.
        """
        if part not in self.terms:
            return default
        values = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in self.terms[part].items()
        }
        hints = get_type_hints(type(default))
        for name, value in self.terms[part].items():
            check_value(self.path, f"training/terms/{part}/{name}", value, hints.get(name, Any))
        try:
            return dataclasses.replace(default, **values)  # type: ignore[type-var]
        except (TypeError, ValueError) as error:
            raise WeightsError(f"{self.path}: a {part} of another version ({error})") from None


def earlier_training(out: Path, *, resume: bool, overwrite: bool) -> Earlier | None:
    """The training in ``out`` that shall go on; None to begin a new one.

    Raises:
        ValueError: there is one and neither ``resume`` nor ``overwrite`` is said, or both are; or
            there is something of it but no ``last.npz`` to resume from.
        WeightsError: ``last.npz`` is damaged, or holds no training.
    """
    if resume and overwrite:
        raise ValueError("--resume goes on and --overwrite begins anew; give one of the two")
    found = [name for name in FILES if (out / name).is_file()]
    if overwrite or not found:
        return None
    last = out / "last.npz"
    if not resume:
        raise ValueError(
            f"--out {out}: a training stands there already ({_in_words(out, found)}); --resume "
            "goes on with it, --overwrite begins anew and replaces it, another --out keeps both"
        )
    if not last.is_file():
        raise ValueError(
            f"--resume: {out} has {' and '.join(found)} but no last.npz to go on from; --overwrite "
            "begins anew and replaces them"
        )
    description = load_description(last)
    training = training_of(description, last)
    terms = training.get("terms") or {}
    if terms:
        _check_fields(last, "training/terms", {"data": None, **terms}, _TERMS)
        _check_fields(last, "training/terms/recipe", terms["recipe"], {"epochs": int})
        if terms.get("data") is not None:
            _check_fields(last, "training/terms/data", terms["data"], _DATA)
    return Earlier(last, description, training["epoch"], terms)


def _check_fields(
    path: Path, field: str, values: Mapping[str, Any], hints: Mapping[str, Any]
) -> None:
    absent = [name for name in hints if name not in values]
    if absent:
        raise WeightsError(f"{path}: its {field} lacks {', '.join(absent)}")
    for name, hint in hints.items():
        check_value(path, f"{field}/{name}", values[name], hint)


def _in_words(out: Path, found: Sequence[str]) -> str:
    """Which system and how many epochs; where that cannot be read, the names of the files."""
    try:
        description = load_description(out / "last.npz")
        training = training_of(description, out / "last.npz")
        terms = training.get("terms") or {}
        of = f" of {terms['recipe']['epochs']}" if terms else ""
        return f"{description['system']}, {training['epoch']}{of} epochs done"
    except (WeightsError, KeyError, TypeError):
        return ", ".join(found)


def terms_of(
    recipe: Any, settings: Any, seed: int, backbone: str | None, proposals: str | None
) -> dict[str, Any]:
    """What a training is asked to do, as a checkpoint keeps it, but for the data."""
    return {
        "recipe": dataclasses.asdict(recipe),
        "settings": dataclasses.asdict(settings),
        "seed": seed,
        "backbone": backbone,
        "proposals": proposals,
    }


def check_terms(earlier: Earlier, now: Mapping[str, Any]) -> None:
    """Refuse to go on with other terms; the number of epochs may be another one.

    Args:
        earlier: the training that shall go on.
        now: of `terms_of`.

    Raises:
        ValueError: names each option that is another one, its value then and now.
    """
    then = earlier.terms
    if not then:
        return
    differing = [
        (name, then[name], now[name])
        for name in ("backbone", "proposals", "seed")
        if then[name] != now[name]
    ]
    for part in ("settings", "recipe"):
        for name, value in now[part].items():
            before = then[part].get(name)
            if name != "epochs" and before != _as_json(value):
                differing.append((name, before, _as_json(value)))
    if differing:
        options = ", ".join(_option(name, before) for name, before, _ in differing)
        wanted = ", ".join(
            _option(name, value) if isinstance(value, bool) else _shown(value)
            for name, _, value in differing
        )
        raise ValueError(
            f"--resume: the training in {earlier.path.parent} began with {options}, not {wanted}; "
            "leave the option away to go on as it began, or name another --out for a new training"
        )


def _option(name: str, value: Any) -> str:
    """As on the command line.

    >>> _option("batch_size", 4), _option("freeze", True), _option("freeze", False)
    ('--batch-size 4', '--freeze', 'no --freeze')
    """
    option = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return option if value else f"no {option}"
    return f"{option} {_shown(value)}"


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _as_json(value: Any) -> Any:
    return [_as_json(item) for item in value] if isinstance(value, (list, tuple)) else value


def data_terms(splits: Splits, classes: Sequence[str], source: str | None) -> dict[str, Any]:
    """By what a data set is known again: its source, its size, its classes, some of its labels.

    Args:
        splits: of the data set.
        classes: the names of its labels.
        source: as ``--data`` says it; None where a program brings its own data set.
    """
    return {
        "source": None if source is None else _absolute(source),
        "training images": len(splits.train),
        "validation images": len(splits.validation),
        "classes": list(classes),
        "labels": labels_digest(splits.train),
    }


def check_data(earlier: Earlier, now: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Refuse to go on with other data. A data set that has only moved is told of.

    Args:
        earlier: the training that shall go on.
        now: of `data_terms`.
        say: takes a sentence.

    Raises:
        ValueError: names what is different.
    """
    then = earlier.terms.get("data")
    if then is None:
        return
    names = ("training images", "validation images", "classes")
    differing = [
        f"{name}: {_listed(then[name])} then, {_listed(now[name])} now"
        for name in names
        if then[name] != now[name]
    ]
    moved = None not in (then["source"], now["source"]) and then["source"] != now["source"]
    relabelled = then["labels"] != now["labels"]
    if differing or (moved and relabelled):
        of = f" on {then['source']}" if then["source"] else ""
        different = "; ".join(differing) or f"now the data are {now['source']}, with other labels"
        raise ValueError(
            f"--resume: the training in {earlier.path.parent} began{of}, and these are other data: "
            f"{different}; name another --out for a new training"
        )
    if moved:
        say(f"the data set has moved from {then['source']} to {now['source']}")
    elif relabelled and now["source"] is not None:
        say(f"labels of {now['source']} have changed since the training began")


def _listed(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _absolute(source: str) -> str:
    """The same source from whatever folder the command is run.

    >>> _absolute("farmyard:40")
    'farmyard:40'
    """
    name, colon, rest = source.partition(":")
    parts = [
        str(Path(part).resolve()) if part and not part.isdigit() and Path(part).exists() else part
        for part in rest.split(",")
    ]
    return name + colon + ",".join(parts)


def labels_digest(dataset: Dataset) -> str:
    """A hash of the labels and names of some images, evenly spread, and of the images' sizes.

    Pixels do not count: another machine's JPEG decoder may round them otherwise.
    """
    digest = hashlib.sha256()
    count = len(dataset)
    for index in sorted({number * count // SAMPLES for number in range(SAMPLES)} if count else ()):
        image, target = dataset[index]
        digest.update(f"{image.shape} {target.get('image_id')}".encode())
        for name in sorted(target):
            if isinstance(target[name], (np.ndarray, int)):  # an int is the label of all of it
                array = np.ascontiguousarray(target[name])
                digest.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()
