"""torchvision's detectors and its FCN, with given weights: every stage of a prediction, every loss.

It is the other side of `benchmarks.parity` and runs in torchvision's own Python:

    python -m benchmarks.torchvision_models ORDER.npz ANSWER.npz

ORDER holds the weights (``weights/NAME``), photographs (``images/NUMBER``), what they show
(``targets/NUMBER/FIELD``) and, as JSON in ``asked``, the network, its settings, the runs (numbers
of photographs, by name) and the photographs to learn from. ANSWER holds ``RUN/i/NAME`` for the i-th
photograph of each run and ``losses/NAME``. No random number decides: `DrawnByIndex` says which
anchors and regions a loss is made of.

Debian's torch needs a fast BLAS: with ``libopenblas0-pthread`` it is ten times as fast.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torchvision.models.detection._utils import overwrite_eps
from torchvision.ops.misc import FrozenBatchNorm2d

from benchmarks.drawn_by_index import first_by_hash

VERSION = f"{torchvision.__version__} with torch {torch.__version__}"
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])  # mean and deviation
Arrays = dict[str, np.ndarray]


def build(network: str, weights: Arrays | None, **settings) -> nn.Module:
    """A network of torchvision in evaluation mode, as its published checkpoint would make it.

    Args:
        network: such as "maskrcnn_resnet50_fpn".
        weights: a state_dict under the published names; None keeps torchvision's random ones.
        settings: such as ``min_size``, of a detector.
    """
    of = (
        torchvision.models.segmentation
        if network == "fcn_resnet50"
        else (torchvision.models.detection)
    )
    model = getattr(of, network)(weights=None, weights_backbone=None, **settings)
    if network != "fcn_resnet50":
        # What a checkpoint does: statistics stay as they are, without the small number in the root.
        freeze(model)
        overwrite_eps(model, 0.0)
    if weights is not None:
        tensors = {name: torch.from_numpy(np.array(array)) for name, array in weights.items()}
        missing, unexpected = model.load_state_dict(tensors, strict=False)
        missing = [name for name in missing if not name.endswith("num_batches_tracked")]
        if missing or unexpected:
            raise ValueError(f"{network}: missing {missing}, unexpected {unexpected}")
    return model.eval()


def freeze(module: nn.Module) -> None:
    """Put a `FrozenBatchNorm2d` in the place of every `BatchNorm2d`."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, FrozenBatchNorm2d(child.num_features))
        else:
            freeze(child)


class Recorder:
    """Keeps what the parts of a detector give while it runs."""

    def __init__(self, model: nn.Module) -> None:
        self.kept: dict[str, object] = {}
        parts = {
            "transform": model.transform,
            "features": model.backbone,
            "rpn_head": model.rpn.head,
            "anchors": model.rpn.anchor_generator,
            "pooled": model.roi_heads.box_roi_pool,
            "box_predictor": model.roi_heads.box_predictor,
        }
        for kind, names in (
            ("mask", ("mask_roi_pool", "mask_predictor")),
            ("keypoint", ("keypoint_roi_pool", "keypoint_predictor")),
        ):
            if getattr(model.roi_heads, f"{kind}_roi_pool") is not None:
                parts[f"{kind}_pooled"] = getattr(model.roi_heads, names[0])
                parts[f"{kind}_logits"] = getattr(model.roi_heads, names[1])
        self._handles = [
            part.register_forward_hook(self._keeping(name)) for name, part in parts.items()
        ]
        filter_proposals = model.rpn.filter_proposals

        def keeping(*arguments):
            self.kept["proposals"] = filter_proposals(*arguments)
            return self.kept["proposals"]

        model.rpn.filter_proposals = keeping
        self._model = model

    def _keeping(self, name):
        def hook(module, given, result):
            self.kept[name] = result

        return hook

    def close(self) -> None:
        for handle in self._handles:
            handle.remove()
        del self._model.rpn.filter_proposals


def stages(model: nn.Module, images: Sequence[np.ndarray]) -> list[Arrays]:
    """What a detector computes for each image, step by step, as plain arrays.

    Returns:
        for each image ``"pixels"`` (3, H, W), normalised and padded, ``"size"``;
        ``"features_0"`` ... (C, h, w), ``"objectness"`` (M,) and ``"deltas"`` (M, 4), ``"anchors"``
        (M, 4), ``"proposals"`` (R, 4) and ``"proposal_scores"``, ``"pooled"`` (R, C, 7, 7),
        ``"class_logits"`` (R, K+1), ``"box_deltas"`` (R, 4 (K+1)); then the detections:
        ``"boxes"``, ``"labels"`` from 1 on, ``"scores"``, and where there are any ``"masks"``
        (D, H, W) bool, ``"mask_probabilities"`` (D, 28, 28), ``"keypoints"`` (D, J, 3),
        ``"keypoint_scores"``, ``"heatmaps"``.
    """
    recorder = Recorder(model)
    with torch.no_grad():
        results = model([torch.from_numpy(np.array(image)) for image in images])
    recorder.close()
    kept = recorder.kept
    batch, _ = kept["transform"]
    levels = list(kept["features"].values())
    logits, deltas = kept["rpn_head"]
    counts = [len(boxes) for boxes in kept["proposals"][0]]
    found = [len(result["boxes"]) for result in results]
    answers = []
    for i, result in enumerate(results):
        own = slice(sum(counts[:i]), sum(counts[: i + 1]))
        answer = {
            "pixels": batch.tensors[i],
            "size": torch.tensor(batch.image_sizes[i]),
            **{f"features_{level}": own_map[i] for level, own_map in enumerate(levels)},
            "objectness": torch.cat([x[i].permute(1, 2, 0).reshape(-1) for x in logits]),
            "deltas": torch.cat(
                [
                    x[i].reshape(-1, 4, *x.shape[2:]).permute(2, 3, 0, 1).reshape(-1, 4)
                    for x in deltas
                ]
            ),
            "anchors": kept["anchors"][i],
            "proposals": kept["proposals"][0][i],
            "proposal_scores": kept["proposals"][1][i],
            "pooled": kept["pooled"][own],
            "class_logits": kept["box_predictor"][0][own],
            "box_deltas": kept["box_predictor"][1][own],
            "boxes": result["boxes"],
            "labels": result["labels"],
            "scores": result["scores"],
        }
        own = slice(sum(found[:i]), sum(found[: i + 1]))
        if "masks" in result:
            answer["masks"] = result["masks"][:, 0] > 0.5
            pick = kept["mask_logits"][own]
            answer["mask_pooled"] = kept["mask_pooled"][own]
            answer["mask_probabilities"] = torch.sigmoid(
                pick[torch.arange(len(pick)), result["labels"]]
            )
        if "keypoints" in result:
            answer["keypoints"] = result["keypoints"]
            answer["keypoint_scores"] = result["keypoints_scores"]
            answer["keypoint_pooled"] = kept["keypoint_pooled"][own]
            answer["heatmaps"] = kept["keypoint_logits"][own]
        answers.append({name: value.numpy() for name, value in answer.items()})
    return answers


class DrawnByIndex:
    """A sampler that takes the boxes with the smallest hashes of their indices."""

    def __init__(self, sampler) -> None:
        self.count = sampler.batch_size_per_image
        self.fraction = sampler.positive_fraction
        self.drawn: list[tuple[np.ndarray, np.ndarray]] = []

    def __call__(self, labels_of_images):
        masks = ([], [])
        for labels in labels_of_images:
            positive = np.flatnonzero((labels >= 1).numpy())
            negative = np.flatnonzero((labels == 0).numpy())
            positive = first_by_hash(positive, int(self.count * self.fraction))
            negative = first_by_hash(negative, self.count - len(positive))
            self.drawn.append((positive, negative))
            for mask, chosen in zip(masks, (positive, negative), strict=True):
                mask.append(torch.zeros_like(labels, dtype=torch.uint8))
                mask[-1][torch.from_numpy(chosen)] = 1
        return masks


def losses(model: nn.Module, images: Sequence[np.ndarray], targets: Sequence[Arrays]) -> Arrays:
    """The losses by name, and what was drawn: ``drawn_anchors_0``, ``drawn_regions_0``, ... (S,).

    Args:
        targets: ``"boxes"``, ``"labels"`` from 1 on, and what else the model learns.
    """
    model.train()
    samplers = DrawnByIndex(model.rpn.fg_bg_sampler), DrawnByIndex(model.roi_heads.fg_bg_sampler)
    model.rpn.fg_bg_sampler, model.roi_heads.fg_bg_sampler = samplers
    model.transform.torch_choice = lambda sizes: sizes[-1]  # as when testing
    recorder = Recorder(model)
    given = [
        {name: torch.from_numpy(np.array(array)) for name, array in target.items()}
        for target in targets
    ]
    with torch.no_grad():
        found = model([torch.from_numpy(np.array(image)) for image in images], given)
    recorder.close()
    model.eval()
    answer = {name: value.numpy() for name, value in found.items()}
    for name, sampler in zip(("drawn_anchors", "drawn_regions"), samplers, strict=True):
        for i, (positive, negative) in enumerate(sampler.drawn):
            answer[f"{name}_{i}"] = np.concatenate([positive, negative])
    for i, boxes in enumerate(recorder.kept["proposals"][0]):
        answer[f"proposals_{i}"] = boxes.numpy()
    return answer


def score_maps(
    model: nn.Module, image: np.ndarray, segmentation: np.ndarray | None = None
) -> Arrays:
    """``"logits"`` (21, H, W) of fcn_resnet50 at the size of the image, and what leads to them.

    With a label map (H, W), 255 where a pixel has no class, also the mean ``"loss_pixels"``.
    """
    mean, std = (np.array(values, np.float32)[:, None, None] for values in IMAGENET)
    kept = {}
    handles = [
        model.backbone.register_forward_hook(lambda m, g, r: kept.update(features=r["out"])),
        model.classifier.register_forward_hook(lambda m, g, r: kept.update(cell_scores=r)),
    ]
    with torch.no_grad():
        logits = model(torch.from_numpy((image - mean) / std)[None])["out"]
    for handle in handles:
        handle.remove()
    kept["logits"] = logits
    answer = {name: value[0].numpy() for name, value in kept.items()}
    if segmentation is not None:
        labels = torch.from_numpy(segmentation[None])
        answer["loss_pixels"] = F.cross_entropy(logits, labels, ignore_index=255).numpy()
    return answer


def main(order: str, answer: str) -> None:
    """Run what ORDER asks for; see the head of this file."""
    with np.load(order) as file:
        given = dict(file)
    asked = json.loads(str(given["asked"]))
    network, prefix = asked["network"], "weights/"
    weights = {name[len(prefix) :]: given[name] for name in given if name.startswith(prefix)}
    model = build(network, weights, **asked["settings"])
    answers: Arrays = {"version": np.array(VERSION)}

    def images_of(run: Sequence[int]) -> list[np.ndarray]:
        return [given[f"images/{number}"] for number in run]

    for name, run in asked["runs"].items():
        if network == "fcn_resnet50":
            labels = [given.get(f"targets/{number}/segmentation") for number in run]
            found = [
                score_maps(model, image, own)
                for image, own in zip(images_of(run), labels, strict=True)
            ]
        else:
            found = stages(model, images_of(run))
        for i, arrays in enumerate(found):
            answers |= {f"{name}/{i}/{array}": value for array, value in arrays.items()}
    if asked["learnt"]:
        targets = [
            {field: given[f"targets/{number}/{field}"] for field in asked["fields"]}
            for number in asked["learnt"]
        ]
        found = losses(model, images_of(asked["learnt"]), targets)
        answers |= {f"losses/{name}": value for name, value in found.items()}
    np.savez(answer, **answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
