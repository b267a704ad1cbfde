"""Pose by regression: first the whole person, then a closer look at each joint.

Where is the left knee? DeepPose answers with two numbers, x and y, as fractions of the person's
picture. One network sees the whole body, and gives all joints at once; so it knows that a knee is
below a hip, also where it cannot see it. But its picture is small, and it must average where it is
unsure: it is right about the body, and a few pixels off everywhere. A second network looks at the
pixels around each joint that the first one gave, and says how far to move it. A third does it once
more.

    python examples/19_pose_cascade.py

It trains the cascade on drawn people from random weights, and prints what share of the joints is
right after each stage, beside the mean pose, which looks at no pixel. The pictures show people
after each stage; the crops that the second stage sees; the errors of the first stage, joint by
joint, with the normal distributions from which the second stage's examples are drawn; and the share
of joints within any distance.

A joint is right if it is within 0.2 of the torso's diameter, left shoulder to right hip.

Source: Toshev & Szegedy, DeepPose: human pose estimation via deep neural networks (CVPR 2014).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minicv.data import Cached, Farmyard
from minicv.data.person_crops import PersonCrops
from minicv.data.sources import Splits
from minicv.inspection import contact_sheet, draw_curves, draw_pose
from minicv.inspection.canvas import Canvas, to_picture
from minicv.inspection.palette import BLACK, GREY, INK, ORANGE, PALE, SKY_BLUE, WHITE
from minicv.inspection.panels import LegendEntry, with_legend
from minicv.inspection.poses import SIDES
from minicv.inspection.stage_scene import at_width
from minicv.metrics.pose import JointMetric
from minicv.models.backbones import SmallBackbone
from minicv.models.pose import DeepPose, DeepPoseSettings, MeanPose
from minicv.tasks.pose import PoseRecipe
from minicv.training import evaluate, fit

PEOPLE = (1, 2)  # in a scene
SETTINGS = DeepPoseSettings(
    size=64, pooled_size=4, units=256, sigma=1.0, warp_size=32, crop_pooled_size=2, crop_units=128,
    crops=8,
)  # fmt: skip
WIDTH = 16  # channels of the backbone's first layer
RECIPE = PoseRecipe(
    epochs=60, batch_size=16, lr=2e-3, warmup_steps=50, first_share=0.6,
    jitter=0.1, degrees=8.0, scale=(0.9, 1.1), shift=0.03,
)  # fmt: skip
SHOWN = (
    "head top", "neck", "right elbow", "left elbow",
    "right wrist", "left wrist", "right ankle", "left ankle",
)  # fmt: skip
FRACTIONS = np.linspace(0, 0.5, 51)
TILE = 260  # pixels of a crop, drawn
PERSON = 230  # width of a person, drawn


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/19_pose_cascade")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    run(options.out, options.seed)


def run(
    out: Path, seed: int, scenes: tuple[int, int] = (420, 80), recipe: PoseRecipe = RECIPE
) -> None:
    """Train, measure, print, draw."""
    out.mkdir(parents=True, exist_ok=True)
    known, unseen = (
        people_of(count, own) for count, own in zip(scenes, (2 * seed, 2 * seed + 1), strict=True)
    )
    print(f"{len(known)} people to learn from, {len(unseen)} unseen")
    model = train(known, recipe, seed)
    metric, mean = JointMetric(), JointMetric()
    evaluate(model, unseen, metric)
    evaluate(MeanPose.of(known, known.joint_names), unseen, mean)
    print(table(metric, mean))
    person = person_to_draw(metric)
    image, target = unseen[person]
    pictures = {
        "1_stages": draw_people(model, unseen, metric),
        "2_crops": draw_crops(model, image, target["joints"]),
        "3_errors_and_simulations": draw_errors(model, unseen, seed),
        "4_pdj": draw_pdj(metric, mean),
        "5_best_to_worst": draw_best_to_worst(model, unseen, metric),
    }
    for name, picture in pictures.items():
        picture.save(out / f"{name}.png")
    print(f"pictures in {out.resolve()}")


def people_of(scenes: int, seed: int) -> Any:
    """Drawn people, each cut out of its scene."""
    drawn = Farmyard(scenes, seed=seed, objects=PEOPLE, only=("person",))
    return Cached(PersonCrops(Cached(drawn, keep=("boxes", "labels", "keypoints", "image_id"))))


def train(known: Any, recipe: PoseRecipe, seed: int) -> DeepPose:
    """Stage by stage: each learns from what those before do wrong; see `CascadeStep`."""
    rng = np.random.default_rng(seed)
    splits = Splits(lambda: known, lambda: known, lambda: None)
    prepared = recipe.prepare(splits, SETTINGS)
    backbone = SmallBackbone(WIDTH, (16,), rng=rng)
    model = DeepPose(backbone, ("person",), prepared.settings, rng=rng)
    step, loader, rng = recipe.begin(model, known, seed=seed, transform=prepared.transform)
    fit(step, loader, epochs=recipe.epochs, rng=rng)
    return model.eval()


def table(metric: JointMetric, mean: JointMetric) -> str:
    """A line for the mean pose and for each stage: joints within two distances, and by part."""
    parts = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    lines = [f"{'within 0.2 of the torso':<24}{'all':>7}" + "".join(f"{p:>10}" for p in parts)]
    rows = {"the mean pose": mean.errors()}
    stages = [name for name in metric.values() if name.startswith("PCK@0.2 stage")]
    rows |= {f"stage {s}": metric.errors(s) for s in range(1, len(stages) + 1)}
    for name, errors in rows.items():
        shares = [share(errors)]
        for part in parts:
            own = [j for j, joint in enumerate(metric.joint_names) if joint.endswith(part)]
            shares.append(share(errors[:, own]))
        lines.append(f"{name:<24}{shares[0]:>7.3f}" + "".join(f"{v:>10.3f}" for v in shares[1:]))
    return "\n".join(lines)


def share(errors: np.ndarray, most: float = 0.2) -> float:
    """Of the errors that are known, the share of at most ``most``.

    >>> share(np.array([[0.1, 0.3], [np.nan, 0.2]]))
    0.6666666666666666
    """
    known = errors[~np.isnan(errors)]
    return float((known <= most).mean()) if len(known) else float("nan")


def gains(metric: JointMetric) -> np.ndarray:
    """(N,) how much nearer the joints of each person are after the last stage than after the first,
    where the last one is right about most of them; without a value -1."""
    first, last = metric.errors(1), metric.errors()
    counted = ~np.isnan(last)
    near = (last <= 0.2).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    moved = np.where(counted, first - last, 0).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    return np.where((near >= 0.5) & (counted.sum(axis=1) >= 10), moved, -1.0)


def person_to_draw(metric: JointMetric) -> int:
    """The person whom the cascade helps most."""
    return int(gains(metric).argmax())


def draw_people(model: DeepPose, unseen: Any, metric: JointMetric) -> Image.Image:
    """Three people after each stage: one whom the cascade helps most, and those in the middle."""
    order = np.argsort(-gains(metric), kind="stable")
    names = model.settings.joint_names
    tiles, captions = [], []
    for person in (order[0], order[len(order) // 4], order[len(order) // 2]):
        image, target = unseen[int(person)]
        (found,) = model.predict([image])
        for stage, joints in enumerate(found["joints by stage"], start=1):
            errors = metric.errors(stage)[person]
            known = errors[~np.isnan(errors)]
            note = f"mean error {known.mean():.2f} of the torso" if len(known) else ""
            tiles.append(draw_pose(image, joints, names, truth=target["joints"]))
            captions.append(f"Stage {stage}\n{note}")
        tiles.append(draw_pose(image, target["joints"], names))
        captions.append("The truth\n")
    columns = len(tiles) // 3
    tiles = [at_width(tile, PERSON) for tile in tiles]
    title = "The cascade: lines go to the true places"
    sheet = contact_sheet(tiles, captions, columns, title=title, tile_width=PERSON)
    return with_legend(sheet, SIDES, margin=28)


def draw_crops(model: DeepPose, image: np.ndarray, truth: np.ndarray) -> Image.Image:
    """What the second stage sees: a crop around each joint, where it moves it, and the truth."""
    stages = {stage.name: stage for stage in model.stages(image)}
    crops, boxes = (stages["crops_2"].arrays[name] for name in ("crops", "boxes"))
    before, after = (stages[f"joints_{s}"].arrays["joints"] for s in (1, 2))
    names = model.settings.joint_names
    tiles = []
    for name in SHOWN:
        joint = names.index(name)
        x1, y1, x2, _ = boxes[joint]
        factor = TILE / (x2 - x1)
        picture = to_picture(crops[joint]).resize((TILE, TILE), Image.Resampling.BICUBIC)
        canvas = Canvas(picture)
        start, end = (
            tuple(((place[joint] - (x1, y1)) * factor).tolist()) for place in (before, after)
        )
        if truth[joint, 2] > 0:
            x, y = ((truth[joint, :2] - (x1, y1)) * factor).tolist()
            for colour, width, arm in ((BLACK, 5.0, 11), (ORANGE, 2.6, 10)):
                canvas.line(((x - arm, y), (x + arm, y)), colour, width)
                canvas.line(((x, y - arm), (x, y + arm)), colour, width)
        for colour, width in ((BLACK, 4.5), (WHITE, 2.2)):
            canvas.line((start, end), colour, width)
        for place, colour in ((start, GREY), (end, WHITE)):
            canvas.disc(place, 6, BLACK)
            canvas.disc(place, 4.4, colour)
        tiles.append(canvas.finish())
    title = "Stage 2 sees this around each joint of stage 1, and moves the joint"
    sheet = contact_sheet(tiles, [f"\n{name}" for name in SHOWN], columns=4, title=title)
    entries = [
        LegendEntry(GREY, "stage 1, in the middle"),
        LegendEntry((235, 235, 235), "stage 2"),
        LegendEntry(ORANGE, "the truth"),
    ]
    return with_legend(sheet, entries, margin=28)


def draw_errors(model: DeepPose, unseen: Any, seed: int) -> Image.Image:
    """For some joints: errors of stage 1 on unseen people, and as many that are simulated."""
    found = []
    for index in range(len(unseen)):
        image, target = unseen[index]
        person = target["joints"]
        (result,) = model.predict([image])
        names = model.settings.joint_names
        shoulder, hip = (names.index(name) for name in ("left shoulder", "right hip"))
        ruler = np.linalg.norm(person[shoulder, :2] - person[hip, :2])
        apart = (result["joints by stage"][0] - person[:, :2]) / max(float(ruler), 1.0)
        known = (person[:, 2:] > 0) & (person[[shoulder, hip], 2].min() > 0)
        found.append(np.where(known, apart, np.nan))
    measured = np.array(found)  # (N, J, 2), in diameters of the torso
    errors, rng = model.errors_before(2), np.random.default_rng(seed)
    tiles, captions = [], []
    for name in SHOWN:
        joint = model.settings.joint_names.index(name)
        real = measured[~np.isnan(measured[:, joint]).any(axis=1), joint]
        drawn = errors.simulate(np.full(len(real), joint), rng)
        tiles.append(scatter(real, drawn))
        spread = np.sqrt(np.trace(errors.covariance[joint]) / 2)
        captions.append(f"{name}\ndeviation in training {spread:.2f}")
    title = "How far off is stage 1? Each square is two diameters of the torso wide"
    sheet = contact_sheet(tiles, captions, columns=4, title=title)
    entries = [
        LegendEntry(ORANGE, "errors of stage 1 on unseen people"),
        LegendEntry(SKY_BLUE, "simulated, what stage 2 learns from"),
    ]
    return with_legend(sheet, entries, margin=28)


def scatter(real: np.ndarray, drawn: np.ndarray) -> Image.Image:
    """Two clouds of points (N, 2) about the middle of a square from -1 to 1."""
    canvas = Canvas(Image.new("RGB", (TILE, TILE), WHITE))
    half = TILE / 2
    for corner in (0.0, half, TILE - 1.0):
        colour = INK if corner == half else PALE
        canvas.line(((corner, 0), (corner, TILE)), colour, 1)
        canvas.line(((0, corner), (TILE, corner)), colour, 1)
    for cloud, colour in ((drawn, SKY_BLUE), (real, ORANGE)):
        for x, y in np.clip(cloud, -0.98, 0.98).tolist():
            canvas.disc((half + half * x, half + half * y), 3.2, colour)
    return canvas.finish()


def draw_pdj(metric: JointMetric, mean: JointMetric) -> Image.Image:
    """The share of joints within any distance, after each stage."""
    stages = [name for name in metric.values() if name.startswith("PCK@0.2 stage")]
    curves = {f"stage {s}": metric.pdj(FRACTIONS, s) for s in range(len(stages), 0, -1)}
    curves["the mean pose"] = mean.pdj(FRACTIONS)
    panels = {name: (FRACTIONS, values) for name, values in curves.items()}
    title = "PDJ: share of joints within a distance of the truth"
    return draw_curves({title: panels}, x_label="distance in diameters of the torso")


def draw_best_to_worst(model: DeepPose, unseen: Any, metric: JointMetric) -> Image.Image:
    """The best person, one in the middle and the worst, beside the truth."""
    right, counted = metric.pck_of_images()
    judged = np.flatnonzero(counted >= 10)
    judged = judged if len(judged) else np.arange(len(unseen))
    order = judged[np.argsort(-right[judged] / np.maximum(counted[judged], 1), kind="stable")]
    names = model.settings.joint_names
    tiles, captions = [], []
    for rank in (0, len(order) // 2, len(order) - 1):
        person = int(order[rank])
        image, target = unseen[person]
        (found,) = model.predict([image])
        tiles += [
            draw_pose(image, target["joints"], names),
            draw_pose(image, found["joints"], names, truth=target["joints"]),
        ]
        captions += [
            f"Number {rank + 1} of {len(order)}\nthe truth",
            f"Found\n{right[person]} of {counted[person]} joints are right",
        ]
    tiles = [at_width(tile, PERSON) for tile in tiles]
    sheet = contact_sheet(tiles, captions, columns=6, tile_width=PERSON)
    return with_legend(sheet, SIDES, margin=28)


if __name__ == "__main__":
    main()
