"""The examination: open all splits, look at every sample once, compare, report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minicv.data.doctor.census import Census
from minicv.data.doctor.comparisons import compare
from minicv.data.doctor.findings import Findings, Kind
from minicv.data.doctor.sample import Sample
from minicv.data.faults import Faults
from minicv.data.sources import Splits

NOT_OPENED = Kind("split that does not open", True, "")


@dataclass
class Report:
    """What an examination found.

    Attributes:
        splits: the census of each split that could be opened, training first.
        findings: what is wrong.
        rule: how the splits were made, where the set itself does not say it.
        tested_on_validation: whether there is no split that only judges.
    """

    splits: list[Census]
    findings: Findings
    rule: str = ""
    tested_on_validation: bool = False

    @property
    def spoils(self) -> bool:
        """Whether a training must not begin with this set."""
        return self.findings.spoil

    def as_json(self) -> dict[str, Any]:
        """For the report's file."""
        return {
            "rule": self.rule,
            "tested_on_validation": self.tested_on_validation,
            "splits": {census.split: census.as_json() for census in self.splits},
            "findings": [finding.as_json() for finding in self.findings],
            "spoils_a_training": self.spoils,
        }


def examine(
    splits: Splits,
    faults: Faults,
    *,
    most: int | None = None,
    workers: int = 2,
    watch: Callable[[Iterable[Sample], int], Iterable[Sample]] | None = None,
) -> Report:
    """Look at every sample of every split once.

    Args:
        splits: of `open_data`, opened with these ``faults``.
        faults: a `Faults(raises=False)`, to which the readers note what is wrong.
        most: samples of a split at most, evenly spread; None takes all.
        workers: threads.
        watch: takes the samples as they come and their number, and gives them back: a progress
            bar.

    Raises:
        ValueError, FileNotFoundError: the training split cannot be opened at all, and no reader
            has found a reason.

    >>> from minicv.data.sources import open_data
    >>> faults = Faults(raises=False)
    >>> report = examine(open_data("farmyard:4", (), faults=faults), faults, most=2)
    >>> [len(census.samples) for census in report.splits], report.spoils
    ([2, 2, 2], False)
    """
    findings = Findings()
    opened: list[Census] = []
    for name in ("train", "validation", "test"):
        try:
            if name == "test" and splits.tested_on_validation:
                continue
            opened.append(Census(name, getattr(splits, name), most))
        except (OSError, ValueError) as error:
            if not opened and not faults.found:
                raise
            findings.add(NOT_OPENED, name, str(error))
    for census in opened:
        samples: Iterable[Sample] = census.read(workers)
        if watch is not None:
            samples = watch(samples, len(census.indices))
        for sample in samples:
            where = f"{census.split}: {sample.name}"
            for note in sample.notes:
                findings.add(note.kind, where, note.what, note.count)
    for fault in faults.found:
        findings.add_fault(fault)
    if opened and opened[0].split == "train":
        compare(opened, findings)
    tested_on_validation = len(opened) < 3 and splits_share_test(splits)
    return Report(opened, findings, splits.rule, tested_on_validation)


def splits_share_test(splits: Splits) -> bool:
    """Whether the validation images are also those that judge; False where that cannot be said."""
    try:
        return splits.tested_on_validation
    except (OSError, ValueError):
        return False


def to_show(report: Report, census: Census, count: int) -> list[tuple[Sample, list[str]]]:
    """Samples for a contact sheet, each with the kinds of what was found there.

    Up to half are samples with findings, each kind at least once where there is room; the others
    are such that every class is seen.

    Args:
        report: of the examination.
        census: of one of its splits.
        count: at most so many.
    """
    kinds_of: dict[str, list[str]] = {}
    for finding in report.findings:
        for where, _ in finding.places:
            file = where.removeprefix(f"{census.split}: ")
            if file == where and not Path(where).suffix:
                continue  # of another split, or of a class
            there = kinds_of.setdefault(Path(file).stem, [])
            if finding.kind.name not in there:
                there.append(finding.kind.name)

    def kinds(sample: Sample) -> list[str]:
        return kinds_of.get(Path(sample.name).stem, [])

    def labels(sample: Sample) -> list[int]:
        return [*sample.objects, *sample.pixels]

    odd = [sample for sample in census.readable if kinds(sample)]
    chosen = list(_varied(odd, kinds, count // 2))
    indices = {sample.index for sample in chosen}
    others = [sample for sample in census.readable if sample.index not in indices]
    chosen += _varied(others, labels, count - len(chosen))
    return [(sample, kinds(sample)) for sample in chosen]


def _varied(
    samples: Sequence[Sample], marks: Callable[[Sample], Sequence[Any]], count: int
) -> Iterator[Sample]:
    """``count`` of the samples; each next one has the mark that was shown least so far."""
    shown: Counter[Any] = Counter()
    left = list(samples)
    for _ in range(min(count, len(left))):
        best = min(left, key=lambda s: min((shown[mark] for mark in marks(s)), default=count))
        left.remove(best)
        shown.update(marks(best))
        yield best
