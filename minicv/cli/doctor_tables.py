"""The examination of a data set as text: tables of what it holds, and its findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from minicv.data.doctor import Census, Finding, Report
from minicv.inspection.label_maps import percent
from minicv.vision.label_maps import VOID

PLACES = 3  # of each kind of finding that are printed
AREAS = ("small (< 32²)", "medium (< 96²)", "large")
Row = tuple[str, ...]


def tables(report: Report) -> Iterator[list[str]]:
    """Blocks of lines: the pictures, and then the labels of each kind that the set has."""
    splits = report.splits
    lines = aligned([("pictures", "number", "width x height"), *map(_pictures, splits)])
    if report.rule:
        lines.append(f"({report.rule})")
    if report.tested_on_validation:
        lines.append("(there is no test split: eval judges on the validation pictures)")
    yield lines
    names = tuple(census.split for census in splits)
    if any(census.objects for census in splits):
        rows = [("objects" if any(c.areas.any() for c in splits) else "pictures of", *names)]
        rows += _rows(splits[0].classes, [census.objects for census in splits])
        rows.append(("all", *(f"{sum(census.objects.values()):,}" for census in splits)))
        yield aligned(rows)
    if any(census.areas.any() for census in splits):
        by_area = [dict(enumerate(census.areas.tolist())) for census in splits]
        yield aligned([("area in pixels", *names), *_rows(AREAS, by_area)])
    if any(census.pixels for census in splits):
        yield aligned([("pixels (pictures)", *names), *_pixels(splits)])
    if any(census.joints.any() for census in splits):
        by_joint = [dict(enumerate(census.joints.tolist())) for census in splits]
        yield aligned([("joints", *names), *_rows(splits[0].joint_names, by_joint)])


def finding_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """What is wrong, under a heading for each severity: each kind, and its first places."""
    heading = ""
    for finding in findings:
        severity = "spoils a training" if finding.kind.spoils else "worth a look"
        if severity != heading:
            heading = severity
            yield f"{heading}:"
        advice = f" ({finding.kind.advice})" if finding.kind.advice else ""
        yield f"  {finding.kind.name}: {finding.count:,}{advice}"
        for where, what in finding.places[:PLACES]:
            yield f"    {where}: {what}"
        rest = len(finding.places) - PLACES + finding.more_places
        if rest > 0:
            yield f"    and {rest:,} more"


def verdict(report: Report) -> str:
    """The last line: whether a training may begin."""
    findings = list(report.findings)
    spoiling = sum(finding.kind.spoils for finding in findings)
    looked_at = sum(len(census.indices) for census in report.splits)
    of = sum(census.length for census in report.splits)
    pictures = f"{of:,} picture{'' if of == 1 else 's'}"
    among = pictures if looked_at == of else f"{looked_at:,} of {pictures}"
    if spoiling:
        kinds = "1 kind of fault" if spoiling == 1 else f"{spoiling} kinds of faults"
        where = f", in {among} examined" if report.splits else "; nothing was examined"
        return f"{kinds} would spoil a training{where}"
    if findings:
        kinds = "1 kind of finding" if len(findings) == 1 else f"{len(findings)} kinds of findings"
        return f"nothing would spoil a training, in {among} examined; {kinds} worth a look"
    return f"nothing is wrong in {among} examined"


def aligned(rows: Sequence[Row]) -> list[str]:
    """Rows as lines, the first column to the left, the others to the right.

    >>> aligned([("objects", "train"), ("cow", "12")])
    ['objects  train', 'cow         12']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in rows
    ]


def _pictures(census: Census) -> Row:
    sizes = np.array([sample.size for sample in census.readable]).reshape(-1, 2)
    if len(sizes) == 0:
        return census.split, f"{census.length:,}", "-"
    (h1, w1), (h2, w2) = sizes.min(axis=0).tolist(), sizes.max(axis=0).tolist()
    h, w = np.median(sizes, axis=0).astype(int).tolist()
    if (h1, w1) == (h2, w2):
        return census.split, f"{census.length:,}", f"{w} x {h}"
    return census.split, f"{census.length:,}", f"{w1}-{w2} x {h1}-{h2}, median {w} x {h}"


def _rows(names: Sequence[str], counts: Sequence[dict[int, int]]) -> list[Row]:
    """The numbers of each name by split; names that occur nowhere are left out."""
    return [
        (name, *(f"{of.get(k, 0):,}" for of in counts))
        for k, name in enumerate(names)
        if any(of.get(k) for of in counts)
    ]


def _pixels(splits: Sequence[Census]) -> list[Row]:
    """Share of the pixels that have a class, and number of pictures, by class; then no class."""
    rows = []
    for k, name in enumerate(splits[0].pixel_classes):
        if any(census.pixels[k] for census in splits):
            cells = (
                f"{percent(census.pixels[k] / max(1, census.labelled_pixels))} "
                f"({census.pictures_with[k]:,})"
                for census in splits
            )
            rows.append((name, *cells))
    void = (
        f"{percent(census.void_share)} ({census.pictures_with[VOID]:,})" if census.pixels else "-"
        for census in splits
    )
    return [*rows, ("no class", *void)]
