"""Region proposals: boxes that may hold an object, of whatever class.

Four methods find a few hundred boxes, where a sliding window has thousands. Selective Search merges
regions that look alike and puts a box around each merged region. Edge Boxes counts the contours
that lie wholly inside a box. BING has learnt what an outline looks like in 8 x 8 pixels. Objectness
adds up four cues: an object stands out, differs from its surroundings, has edges along its border,
and its box cuts no region in two.

    python examples/08_region_proposals.py
    python examples/08_region_proposals.py --image PHOTOGRAPH

It prints which share of the objects in unseen scenes the first boxes of each way cover (by an IoU
of 0.5), and the seconds an image. The pictures are 1_grouping.png, 2_edges.png, 3_proposals.png and
4_recall.png; those of a photograph begin with "photograph". BING and objectness are trained on
drawn scenes, also for a photograph.

Source: Uijlings et al. 2013; Zitnick & Dollar 2014; Cheng et al. 2014; Alexe et al. 2012.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from minicv.data import Farmyard, read_image
from minicv.inspection import (
    contact_sheet,
    draw_curves,
    draw_detections,
    draw_proposals,
    draw_segments,
)
from minicv.inspection.canvas import enlarged, to_picture
from minicv.inspection.heatmap import heat_picture
from minicv.metrics import ProposalRecall, proposal_recall
from minicv.models.photographs import resize_image
from minicv.proposals import (
    Bing,
    EdgeBoxes,
    GradientEdges,
    Objectness,
    Proposer,
    SelectiveSearch,
    SlidingWindow,
    felzenszwalb,
    train_bing,
    train_objectness,
)
from minicv.proposals.edge_groups import edge_groups
from minicv.proposals.edge_map import thin_edges
from minicv.proposals.hierarchical_grouping import (
    colour_bins,
    group_until,
    regions_of,
    texture_bins,
)

COUNTS = (5, 10, 20, 50, 100, 150, 200, 300, 400)
PRINTED = (10, 50, 200)
LONGEST = 500  # pixels of a photograph's longer side
LEAST_AREA = 100.0  # of a box in a drawn scene of 128 x 128 pixels


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/08_region_proposals")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    parser.add_argument("--image", type=Path, metavar="FILE", help="a photograph of yours, too")
    options = parser.parse_args(arguments)
    run(options.out, options.seed, options.image)


def run(
    out: Path, seed: int, photograph: Path | None = None, scenes: tuple[int, int] = (30, 30)
) -> None:
    """Learn from some scenes, propose in others, print, draw."""
    out.mkdir(parents=True, exist_ok=True)
    known, unseen = (
        list(Farmyard(count, seed=own_seed))
        for count, own_seed in zip(scenes, (2 * seed, 2 * seed + 1), strict=True)
    )
    ways = proposers([scene[0] for scene in known], [scene[1]["boxes"] for scene in known], seed)
    recalls, seconds = measure(ways, unseen)
    print(table(recalls, seconds))
    curves = {name: (recall.boxes_per_image, recall.recall[0]) for name, recall in recalls.items()}
    title = f"Share of {next(iter(recalls.values())).objects} objects that a box covers (IoU 0.5)"
    draw_curves({title: curves}, x_label="boxes an image", size=(1100, 520)).save(
        out / "4_recall.png"
    )
    counts = [len(scene[1]["boxes"]) for scene in unseen]
    image, truth = unseen[counts.index(3) if 3 in counts else 0]
    objects = draw_detections(image, truth["boxes"], truth["labels"], None, Farmyard.classes)
    pictures = {
        "1_grouping": draw_grouping(image, k=50),
        "2_edges": draw_edges(image, ways["Edge Boxes"].edges),
        "3_proposals": draw_ways(image, ways, {"Truth": objects}),
    }
    if photograph is not None:
        image = read_image(photograph)
        share = min(1.0, LONGEST / max(image.shape[1:]))
        image = resize_image(image, *(max(1, round(share * side)) for side in image.shape[1:]))
        ways |= {
            "Selective Search": SelectiveSearch.fast(),
            "Edge Boxes": EdgeBoxes(),
            "sliding window": SlidingWindow(),
        }
        pictures |= {
            "photograph_1_grouping": draw_grouping(image, k=150),
            "photograph_2_edges": draw_edges(image, ways["Edge Boxes"].edges),
            "photograph_3_proposals": draw_ways(image, ways, {}),
        }
    for name, picture in pictures.items():
        picture.save(out / f"{name}.png")
    print(f"pictures in {out.resolve()}")


def proposers(
    images: Sequence[np.ndarray], boxes: Sequence[np.ndarray], seed: int
) -> dict[str, Proposer]:
    """Each with parameters for scenes of 128 pixels; the published ones are for photographs."""
    rng = np.random.default_rng(seed)
    sizes = (16.0, 24.0, 36.0, 54.0)
    return {
        "Selective Search": SelectiveSearch(min_side=10),
        "Edge Boxes": EdgeBoxes(GradientEdges(sigma=1.0), least_area=LEAST_AREA),
        "BING": Bing(train_bing(images, boxes, rng)),
        "objectness": Objectness(
            train_objectness(images, boxes, rng, least_area=LEAST_AREA), LEAST_AREA, drawn=3000
        ),
        "sliding window": SlidingWindow(sizes, (0.5, 1.0, 2.0), step=0.3),
    }


def measure(
    ways: Mapping[str, Proposer], scenes: Sequence[tuple]
) -> tuple[dict[str, ProposalRecall], dict[str, float]]:
    """Recall of each way, and seconds an image."""
    recalls, seconds = {}, {}
    for name, proposer in ways.items():
        started = time.perf_counter()
        found = [proposer.propose(s[0], np.random.default_rng(i)) for i, s in enumerate(scenes)]
        seconds[name] = (time.perf_counter() - started) / len(scenes)
        recalls[name] = proposal_recall(found, [scene[1] for scene in scenes], COUNTS, (0.5,))
    return recalls, seconds


def table(recalls: Mapping[str, ProposalRecall], seconds: Mapping[str, float]) -> str:
    """A line for each way."""
    head = "".join(f"{count:>6}" for count in PRINTED)
    lines = [f"{'recall, of boxes:':<18}{head}{'of all':>8}{'boxes':>8}{'seconds':>9}"]
    for name, recall in recalls.items():
        row = "".join(f"{recall.recall[0, COUNTS.index(count)]:>6.2f}" for count in PRINTED)
        all_boxes = f"{recall.recall[0, -1]:>8.2f}{recall.boxes_per_image[-1]:>8.0f}"
        lines.append(f"{name:<18}{row}{all_boxes}{seconds[name]:>9.3f}")
    return "\n".join(lines)


def draw_grouping(image: np.ndarray, k: float) -> Image.Image:
    """Selective Search: the small regions, and what is left of them after some merges."""
    labels = felzenszwalb(image, k=k, min_size=20)
    regions = regions_of(labels, colour_bins(image), texture_bins(image))
    given = len(regions.size)
    pictures = [enlarged(image)[0], draw_segments(image, labels)]
    captions = ["Image", f"Felzenszwalb and Huttenlocher\n{given} regions of alike pixels"]
    for share in (3, 6, 12, 25):
        left = max(2, given // share)
        pictures.append(draw_segments(image, group_until(labels, regions, "CTSF", left)))
        captions.append(f"Hierarchical grouping\n{left} regions left; each had its box on the way")
    return contact_sheet(pictures, captions, columns=3, tile_width=512)


def draw_edges(image: np.ndarray, edges: GradientEdges) -> Image.Image:
    """Edge Boxes: how strong an edge each pixel is, and which pixels form one contour."""
    magnitude, orientation = edges.detect(image)
    y, x = thin_edges(magnitude, orientation, 0.1)
    groups = edge_groups(y, x, magnitude[y, x], orientation[y, x]).labels
    colours = np.random.default_rng(0).uniform(0.35, 1, (groups.max(initial=0) + 1, 3))
    contours = np.zeros_like(image)
    contours[:, y, x] = colours[groups].T  # (E, 3) -> (3, E)
    picture, factor = enlarged(image)
    contour_picture = to_picture(contours.repeat(factor, axis=1).repeat(factor, axis=2))
    return contact_sheet(
        [picture, heat_picture(magnitude, picture.size, 0, 1), contour_picture],
        [
            "Image",
            "Edge map\nthe gradient's strength, bright for strong",
            f"Edge groups\n{len(np.unique(groups))} contours, each in a colour of its own",
        ],
        columns=3,
        tile_width=512,
    )


def draw_ways(
    image: np.ndarray, ways: Mapping[str, Proposer], first: Mapping[str, Image.Image]
) -> Image.Image:
    """The best 50 boxes of each way, beside each other."""
    pictures = dict(first)
    for name, proposer in ways.items():
        boxes, scores = proposer.propose(image, np.random.default_rng(0))
        caption = f"{name[0].upper()}{name[1:]}\n{len(boxes):,} boxes, the best 50 drawn: "
        if name == "sliding window":
            caption = f"Sliding window\n{len(boxes):,} boxes, any 50 drawn: none is better"
        else:
            caption += "bright is good"
        pictures[caption] = draw_proposals(image, boxes, scores, most=50)
    return contact_sheet(list(pictures.values()), list(pictures), columns=3, tile_width=512)


if __name__ == "__main__":
    main()
