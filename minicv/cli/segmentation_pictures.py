"""Label maps beside the truth, from the best image of a data set to the worst."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from minicv.inspection import draw_segmentation_comparison
from minicv.models.segmentation.segmenter import Segmenter

COUNT = 5


def best_to_worst(mean_ious: np.ndarray, count: int = COUNT) -> list[int]:
    """Indices of ``count`` images, evenly spread from the best mean IoU to the worst.

    An image without a figure (NaN) is left out. Of fewer images there are all.

    >>> best_to_worst(np.array([0.2, 0.9, np.nan, 0.5, 0.1, 0.7]), count=3)
    [1, 3, 4]
    """
    order = np.argsort(-mean_ious, kind="stable")  # NaN comes last
    order = order[: np.count_nonzero(~np.isnan(mean_ious))]
    ranks = np.linspace(0, len(order) - 1, min(count, len(order)))
    return order[np.floor(ranks + 0.5).astype(int)].tolist()


def write_pictures(
    model: Segmenter, dataset: Any, mean_ious: np.ndarray, folder: Path
) -> list[Path]:
    """Photograph, truth, prediction and errors of `COUNT` images, one picture each.

    Args:
        mean_ious: (N,) of each image of ``dataset``, see `SegmentationRun`.
        folder: is made; the files are NUMBER_IMAGE.png, the best image's number is 1.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, index in enumerate(best_to_worst(mean_ious), start=1):
        image, target = dataset[index]
        name = str(target.get("image_id", index))
        better = int((mean_ious > mean_ious[index]).sum())
        picture = draw_segmentation_comparison(
            image,
            target["segmentation"],
            model.predict([image])[0]["segmentation"],
            model.classes,
            getattr(dataset, "segmentation_colors", None),
            title=f"{name}: number {better + 1} of {len(mean_ious)} by mean IoU",
        )
        paths.append(folder / f"{number}_{Path(name).name}.png")
        picture.save(paths[-1])
    return paths
