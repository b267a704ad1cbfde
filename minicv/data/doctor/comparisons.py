"""What shows only when all samples are known: pictures that return, classes that are missing."""

from __future__ import annotations

from collections.abc import Sequence

from minicv.data.class_names import names_alike
from minicv.data.doctor.census import Census
from minicv.data.doctor.findings import Findings, Kind
from minicv.data.doctor.sample import Sample
from minicv.vision.label_maps import VOID

FEW_OBJECTS = 10
MANY_PICTURES = 20  # with the same labels: no chance
MOST_UNEQUAL = 50.0  # objects of the commonest class for one of the rarest
Classes = Sequence[str]

LEAK = Kind(
    "picture in two splits", True, "what was learnt by heart is judged: the values are too good"
)
SAME_NAME = Kind("name in two splits", False, "two pictures with one name; is one of them a copy?")
DUPLICATE = Kind("duplicate picture", False, "the same pixels twice in a split")
OTHER_LABELS = Kind(
    "duplicate picture with other labels", False, "the same pixels, labelled in two ways"
)
ALIKE = Kind(
    "names of classes that differ by case or blanks",
    True,
    "one class is split in two; write its name in one way",
)
EMPTY = Kind("split without pictures", True, "")
NOTHING_TO_LEARN = Kind("training without objects", True, "there is nothing to learn from")
NOTHING_TO_JUDGE = Kind(
    "validation without objects", False, "no AP, so best.npz is the latest epoch, not the best"
)
UNLEARNT = Kind(
    "class without training objects", False, "it cannot be learnt, and its value will be 0"
)
UNJUDGED = Kind("class without validation objects", False, "best.npz is chosen without it")
NEVER = Kind("class that never occurs", False, "leave it out of the classes, or label it")
FEW = Kind("class with few objects", False, f"fewer than {FEW_OBJECTS} to learn from")
UNEQUAL = Kind(
    "imbalance", False, "the rare class is hard to learn: more pictures of it help the most"
)
FEWER_THAN_TWO = Kind(
    "fewer than two classes", True, "there is nothing to tell apart, and mIoU is 1"
)
SAME_LABELS = Kind(
    "same labels in all pictures",
    False,
    "copies of one picture's labels teach where, not what",
)
GREY = Kind("grey picture among coloured ones", False, "")


def compare(splits: Sequence[Census], findings: Findings) -> None:
    """Add to ``findings`` what the splits and their classes show, training first."""
    train = splits[0]
    for census in splits:
        if census.length == 0:
            spoils = census.split != "test"
            findings.add(EMPTY._replace(spoils=spoils), census.split, "it has no picture")
    _pictures_that_return(splits, findings)
    _names_in_two_splits(splits, findings)
    for names in (train.classes, train.pixel_classes, train.joint_names):
        for alike in names_alike(names):
            shown = " and ".join(repr(name) for name in alike)
            findings.add(ALIKE, "names", f"{shown} are read as {len(alike)} classes")
    if train.classes:
        _objects(splits, findings)
    if train.pixels:
        _label_maps(splits, findings)
    _grey(splits, findings)


def _pictures_that_return(splits: Sequence[Census], findings: Findings) -> None:
    first_of: dict[bytes, tuple[Census, Sample]] = {}
    for census in splits:
        for sample in census.readable:
            other, first = first_of.setdefault(sample.digest, (census, sample))
            if first is sample:
                continue
            where = f"{census.split}: {sample.name}"
            what = f"has the pixels of {other.split}: {first.name}"
            if other is not census:
                findings.add(LEAK, where, what)
            elif sample.labels_digest != first.labels_digest:
                findings.add(OTHER_LABELS, where, what)
            else:
                findings.add(DUPLICATE, where, what)


def _names_in_two_splits(splits: Sequence[Census], findings: Findings) -> None:
    """The same file again is a leak, whether or not it can be read; another one is looked at."""
    first_of: dict[object, tuple[Census, Sample]] = {}
    for census in splits:
        for sample in census.samples:
            for kind, key in ((LEAK, sample.path), (SAME_NAME, sample.image_id)):
                other, first = (
                    first_of.setdefault(key, (census, sample)) if key else (census, sample)
                )
                if other is census or (sample.digest and sample.digest == first.digest):
                    continue  # told already, as having the same pixels
                where = f"{census.split}: {sample.name}"
                findings.add(kind, where, f"is also {other.split}: {first.name}")


def _objects(splits: Sequence[Census], findings: Findings) -> None:
    train = splits[0]
    for census in splits[:2]:
        if census.length and not any(sample.learnt for sample in census.samples):
            kind = NOTHING_TO_LEARN if census is train else NOTHING_TO_JUDGE
            findings.add(kind, census.split, _without_objects(census))
    labelled = [sample for census in splits for sample in census.readable if sample.objects]
    if len(labelled) >= MANY_PICTURES and len({s.labels_digest for s in labelled}) == 1:
        what = f"all {len(labelled)} pictures with objects have the labels of {labelled[0].name}"
        findings.add(SAME_LABELS, "labels", what)
    if not train.objects.total():
        return
    counts = [[census.objects[k] for census in splits] for k in range(len(train.classes))]
    _missing(train.classes, counts, splits, findings, "objects")
    present = {name: of[0] for name, of in zip(train.classes, counts, strict=True) if of[0]}
    for name, count in present.items():
        if count < FEW_OBJECTS:
            findings.add(FEW, name, f"{count} in training")
    rare, common = min(present, key=present.__getitem__), max(present, key=present.__getitem__)
    if present[common] > MOST_UNEQUAL * present[rare]:
        what = f"{present[common]} objects, but only {present[rare]} of {rare}"
        findings.add(UNEQUAL, common, what)


def _without_objects(census: Census) -> str:
    one = census.length == 1
    pictures = f"{census.length} picture{'' if one else 's'}"
    count = census.objects.total()
    if count:
        return f"{pictures}, and all objects in {'it' if one else 'them'} are difficult or crowds"
    return f"{pictures}, and no object in {'it' if one else 'them'}"


def _label_maps(splits: Sequence[Census], findings: Findings) -> None:
    train = splits[0]
    occurring = [name for k, name in enumerate(train.pixel_classes) if train.pixels[k]]
    if len(occurring) < 2:
        what = f"only {occurring[0]} occurs" if occurring else "no pixel has a class"
        if train.pixels[VOID]:
            what += (
                f", and {train.void_share:.0%} of the pixels are {VOID}, which means no class; "
                "masks of 0 and 255 must be written as 0 and 1"
            )
        if all(finding.kind.name != FEWER_THAN_TWO.name for finding in findings):  # by the reader
            findings.add(FEWER_THAN_TWO, train.split, what)
        return
    counts = [
        [census.pictures_with[k] for census in splits] for k in range(len(train.pixel_classes))
    ]
    _missing(train.pixel_classes, counts, splits, findings, "pictures")


def _missing(
    names: Classes,
    counts: Sequence[Sequence[int]],
    splits: Sequence[Census],
    findings: Findings,
    unit: str,
) -> None:
    """Classes that one split has and another lacks; ``counts`` (K, splits)."""
    judged = len(splits) > 1 and any(of[1] for of in counts)
    for name, of in zip(names, counts, strict=True):
        elsewhere = [
            f"{count} {unit if count > 1 else unit.removesuffix('s')} in {census.split}"
            for census, count in zip(splits, of, strict=True)
            if count
        ]
        if not elsewhere:
            what = f"no {unit} in any split"
            if name == names[0] and len(names) > 2 and all(any(of) for of in counts[1:]):
                what += "; if the labels count their classes from 1, each has the next one's name"
            findings.add(NEVER, name, what)
        elif of[0] == 0:
            findings.add(UNLEARNT, name, ", ".join(elsewhere))
        elif judged and of[1] == 0:
            findings.add(UNJUDGED, name, ", ".join(elsewhere))


def _grey(splits: Sequence[Census], findings: Findings) -> None:
    readable = [(census, sample) for census in splits for sample in census.readable]
    grey = [(census, sample) for census, sample in readable if sample.grey]
    if 0 < len(grey) < len(readable):
        for census, sample in grey:
            findings.add(GREY, f"{census.split}: {sample.name}", "its three channels are equal")
