"""Three looks at a person, ever closer, and what each stage of a cascade brought."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from board import Panel, board
from PIL import Image
from sheet import Sheet, photo

from minicv import Tensor
from minicv import functional as F
from minicv.data import Farmyard
from minicv.data.person_crops import PersonCrops
from minicv.inspection import draw_bars
from minicv.inspection.canvas import Canvas, to_picture
from minicv.inspection.keypoints import LSP_SKELETON, paint_keypoints
from minicv.inspection.palette import ORANGE, SKY_BLUE, WHITE
from minicv.models.photographs import resize_image
from minicv.models.pose.displacements import ErrorsOfJoints, boxes_around, torso_diameter

STEM = Path(__file__).stem
RECORD = Path(__file__).parents[2] / "benchmarks" / "results" / "pose_farmyard.json"
SIZE = 64  # side of the square that the first stage sees, and of a crop
ERRORS = (0.15, 0.07)  # of stages 1 and 2, standard deviation in diameters of the torso
JOINTS = ("head top", "right wrist", "left ankle")
SHOWN = 340  # pixels of a crop on the sheet


def draw(out: Path) -> None:
    draw_looks().save(out / f"{STEM}_looks.png")
    draw_stages().save(out / f"{STEM}_stages.png")


def person() -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """A large person cut out: image, joints (J, 3), names."""
    scenes = Farmyard(16, (320, 320), seed=8, objects=(1, 2), only=("person",))
    people = PersonCrops(scenes, context=0.3)
    everyone = [people[i] for i in range(len(people))]
    image, target = max(everyone, key=lambda each: min(each[0].shape[1], 1.7 * each[0].shape[2]))
    return image, target["joints"].astype(np.float64), people.joint_names


def draw_looks() -> Sheet:
    image, joints, names = person()
    height, width = image.shape[1:]
    ruler = torso_diameter(joints, names, height, width)
    rng = np.random.default_rng(3)
    every = np.arange(len(joints))
    said = []  # (J, 2) by stage: the truth moved by a draw, as training simulates it
    for error in ERRORS:
        normal = ErrorsOfJoints(
            np.zeros((len(joints), 2)), np.tile(error**2 * np.eye(2), (len(joints), 1, 1))
        )
        said.append(joints[:, :2] + normal.simulate(every, rng) * ruler)

    square = resize_image(image, SIZE, SIZE)
    first = photo_nearest(square, 420)
    zoom = 420 / height
    whole = photo(image, round(width * zoom))
    canvas = Canvas(with_joints(whole, zoom, said[0]))
    for joint, colour in zip(JOINTS, (ORANGE, SKY_BLUE, WHITE), strict=True):
        (box,) = boxes_around(said[0][[names.index(joint)]], ruler)
        canvas.outline([zoom * v for v in box], colour, 4)
    second = canvas.finish()
    third = with_joints(whole, zoom, said[1])
    rows: list = [
        [
            Panel(first, "First look: the whole picture", f"{SIZE} x {SIZE} pixels in all"),
            Panel(second, "What stage 1 says", "three squares are cut out", 360),
            Panel(third, "What stage 2 says", "each joint has moved", 360),
        ]
    ]
    for stage, places in enumerate(said, start=2):
        crops = crops_around(image, places, ruler)
        panels = []
        for joint in JOINTS:
            j = names.index(joint)
            apart = (joints[j, :2] - places[j]) / ruler  # the two numbers to be learnt
            note = f"to learn: ({apart[0]:+.2f}, {apart[1]:+.2f})"
            panels.append(Panel(crop_picture(crops[j], apart), f"Look {stage}: {joint}", note, 360))
        rows.append(panels)
    return board(rows)


def photo_nearest(image: np.ndarray, width: int) -> Image.Image:
    """Each pixel a square."""
    return to_picture(image).resize((width, width), Image.Resampling.NEAREST)


def with_joints(picture: Image.Image, zoom: float, places: np.ndarray) -> Image.Image:
    """A skeleton on the enlarged picture."""
    seen = np.column_stack([places * zoom, np.ones(len(places))])
    return paint_keypoints(picture, 1, seen[None], LSP_SKELETON)


def crops_around(image: np.ndarray, centres: np.ndarray, side: float) -> np.ndarray:
    """(J, 3, SIZE, SIZE), as `DeepPose` cuts them: grey beyond the image, its mean colour."""
    boxes = boxes_around(centres, side).astype(np.float32)
    of_image = np.zeros(len(centres), np.int64)
    grey = np.float32(0.5)
    return F.roi_align(Tensor(image[None] - grey), boxes, of_image, SIZE).data + grey


def crop_picture(crop: np.ndarray, apart: np.ndarray) -> Image.Image:
    """A crop with an arrow from its middle, the prediction, to the true place."""
    canvas = Canvas(to_picture(crop).resize((SHOWN, SHOWN), Image.Resampling.BICUBIC))
    middle = (SHOWN / 2, SHOWN / 2)
    true = tuple((0.5 + apart) * SHOWN)
    canvas.line((middle, true), (0, 0, 0), 7)
    canvas.line((middle, true), WHITE, 4)
    for place, colour in ((middle, ORANGE), (true, WHITE)):
        canvas.disc(place, 11, (0, 0, 0))
        canvas.disc(place, 8, colour)
    return canvas.finish()


def draw_stages() -> Image.Image:
    record = json.loads(RECORD.read_text("utf-8"))
    rows = {"mean pose": {"no look": record["mean pose"]["PCK@0.2"]}}
    for seed, own in record["seeds"].items():
        values = own["test"]["last"]
        looks = {"1 look": 1, "2 looks": 2, "3 looks": 3}
        rows[f"seed {seed}"] = {name: values[f"PCK@0.2 stage {n}"] for name, n in looks.items()}
    return draw_bars(
        "Joints within 0.2 of the torso's diameter (PCK)", rows, width=760, longest=1.0
    )
