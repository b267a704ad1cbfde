"""minicv's networks with given weights: the arrays of `benchmarks.torchvision_models`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmarks.drawn_by_index import DrawsByIndex
from minicv.autograd import no_grad
from minicv.models.detection import region_targets, rpn
from minicv.models.model import Model
from minicv.models.published import load
from minicv.models.segmentation import FCNResNet50
from minicv.nn import evaluating

Arrays = dict[str, np.ndarray]


def build(network: str, weights: Mapping[str, np.ndarray], **settings: Any) -> Model:
    """A network of `minicv.models.load`, perhaps with other settings, such as ``min_size``."""
    model = load(network, weights)
    model.settings = dataclasses.replace(model.settings, **settings)
    return model


@contextmanager
def _kept(owners: Sequence[tuple[Any, str]]) -> Iterator[dict[str, list]]:
    """What each function or method gives while the block runs, by its name, call after call."""
    kept: dict[str, list] = {}
    before = []

    def keeping(owner: Any, name: str) -> None:
        call, results = getattr(owner, name), kept.setdefault(_name_of(owner, name), [])

        def keep(*arguments: Any, **options: Any) -> Any:
            results.append(call(*arguments, **options))
            return results[-1]

        before.append((owner, name, vars(owner).get(name)))
        setattr(owner, name, keep)

    try:
        for owner, name in owners:
            keeping(owner, name)
        yield kept
    finally:
        for owner, name, old in reversed(before):
            if old is None:
                delattr(owner, name)
            else:
                setattr(owner, name, old)


def _name_of(owner: Any, name: str) -> str:
    return type(owner).__name__ if name == "forward" else name


def stages(model: Model, images: Sequence[np.ndarray]) -> list[Arrays]:
    """What a detector computes for each image; see `benchmarks.torchvision_models.stages`.

    Labels count from 1 on, as there.
    """
    parts = [
        (model, "_stage1_batch"),
        (model, "_stage2_features"),
        (model, "_stage3_rpn"),
        (model, "_stage5_suppress"),
        (model, "pool"),
        (model.box_predictor, "forward"),
    ]
    masks = getattr(model.settings, "masks", False)
    joints = bool(getattr(model.settings, "joint_names", ()))
    if masks:
        parts.append((model.mask_predictor, "forward"))
    if joints:
        parts.append((model.keypoint_predictor, "forward"))
    with _kept(parts) as kept:
        results = model.predict(images)
    (batch,), (features,), (found,) = (
        kept[name] for name in ("_stage1_batch", "_stage2_features", "_stage3_rpn")
    )
    (proposals,), ((logits, deltas),) = kept["_stage5_suppress"], kept["BoxPredictor"]
    answers = []
    first_region = first_found = 0
    for i, result in enumerate(results):
        own = slice(first_region, first_region + len(proposals[i].boxes))
        first_region = own.stop
        answer = {
            "pixels": batch.pixels[i],
            "size": np.array(batch.sizes[i]),
            **{f"features_{level}": one.data[i] for level, one in enumerate(features)},
            "objectness": found.objectness.data[i],
            "deltas": found.deltas.data[i],
            "anchors": found.anchors,
            "proposals": proposals[i].boxes,
            "proposal_scores": proposals[i].scores,
            "pooled": kept["pool"][0].data[own],
            "class_logits": logits.data[own],
            "box_deltas": deltas.data[own].reshape(len(proposals[i].boxes), -1),
            "boxes": result["boxes"],
            "labels": result["labels"] + 1,
            "scores": result["scores"],
        }
        own = slice(first_found, first_found + len(result["boxes"]))
        first_found = own.stop
        if masks:
            grids = kept["MaskPredictor"][0].data[own]
            chosen = grids[np.arange(len(grids)), answer["labels"]]
            answer["mask_pooled"] = kept["pool"][1].data[own]
            answer["mask_probabilities"] = 1 / (1 + np.exp(-chosen))
            answer["masks"] = result["masks"]
        if joints:
            answer["keypoint_pooled"] = kept["pool"][-1].data[own]
            answer["heatmaps"] = kept["KeypointPredictor"][0].data[own]
            answer["keypoints"] = result["keypoints"]
            answer["keypoint_scores"] = result["keypoint_scores"]
        answers.append(answer)
    return answers


def losses(
    model: Model,
    images: Sequence[np.ndarray],
    targets: Sequence[Arrays],
    proposals: Sequence[np.ndarray] | None = None,
) -> Arrays:
    """The losses by name and what was drawn; see `benchmarks.torchvision_models.losses`.

    Args:
        proposals: of each image (R, 4); where given, regions are drawn from these and not from
            ours. Two proposals whose scores agree in six digits may have changed places, and a
            draw by their numbers would then draw another region.
    """
    ours = [{**target, "labels": target["labels"] - 1} for target in targets]
    own: list[rpn.Proposals] = []
    suppress = model._stage5_suppress

    def proposed(*arguments: Any) -> list[rpn.Proposals]:
        own.extend(suppress(*arguments))
        if proposals is None:
            return own
        return [rpn.Proposals(boxes, boxes[:, 0], boxes[:, 0], boxes[:, 0]) for boxes in proposals]

    model._stage5_suppress = proposed
    try:
        with (
            _kept([(rpn, "balanced_samples")]) as anchors,
            _kept([(region_targets, "balanced_samples")]) as regions,
            no_grad(),
            evaluating(model),
        ):
            found = model.loss(images, ours, DrawsByIndex())
    finally:
        del model._stage5_suppress
    answer = {name: value.data for name, value in found.items()}
    for name, kept in (("drawn_anchors", anchors), ("drawn_regions", regions)):
        (drawn,) = kept["balanced_samples"]
        for i, rows in enumerate(np.split(drawn.rows, np.cumsum(drawn.counts)[:-1])):
            answer[f"{name}_{i}"] = rows - drawn.starts[i]
    return answer | {f"proposals_{i}": part.boxes for i, part in enumerate(own)}


def score_maps(
    model: FCNResNet50, image: np.ndarray, segmentation: np.ndarray | None = None
) -> Arrays:
    """The scores of fcn_resnet50 at the size of the image; see the other `score_maps`."""
    model.settings = dataclasses.replace(model.settings, min_size=None, max_size=None)
    with _kept([(model.backbone, "forward"), (model, "forward")]) as kept:
        result = model.predict([image])[0]
    (features,), (logits,) = kept["DilatedResNet50"], kept["FCNResNet50"]
    answer = {
        "features": features.data[0],
        "logits": logits.data[0],
        "segmentation": result["segmentation"],
    }
    if segmentation is not None:
        with no_grad(), evaluating(model):
            loss = model.loss([image], [{"segmentation": segmentation}])
        answer["loss_pixels"] = loss["loss_pixels"].data
    return answer
