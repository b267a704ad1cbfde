"""Farmyard's scenes on the disk, as a COCO set: polygons, run lengths of both kinds, joints."""

import json

import numpy as np
from PIL import Image

from minicv.data import Farmyard
from minicv.vision.run_lengths import compress_counts, encode_runs

CATEGORY_IDS = (3, 4, 9, 20, 21)  # of Farmyard's classes; with gaps, as COCO has them


def coco_scenes(folder, count=4, size=(48, 48), joints=None, masks=True, seed=3):
    """Write pictures and labels.json; what ``--data`` takes.

    Args:
        folder: is made.
        count: pictures.
        size: height and width.
        joints: how many of the person's 14; None for no keypoints at all.
        masks: whether objects have a segmentation: in turn a polygon of their box, run lengths,
            and compressed ones.
        seed: of the scenes.
    """
    scenes = Farmyard(count, size=size, seed=seed)
    folder.mkdir(parents=True)
    images, annotations = [], []
    for number in range(count):
        image, target = scenes[number]
        pixels = np.floor(image.transpose(1, 2, 0) * 255 + 0.5).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"scene{number}.png")
        images.append({"id": 10 + number, "file_name": f"scene{number}.png", "height": size[0],
                       "width": size[1]})  # fmt: skip
        for index, (box, label) in enumerate(zip(target["boxes"], target["labels"], strict=True)):
            x1, y1, x2, y2 = box.tolist()
            entry = {
                "id": len(annotations) + 1,
                "image_id": 10 + number,
                "category_id": CATEGORY_IDS[label],
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": float(target["masks"][index].sum()),
                "iscrowd": 0,
            }
            if masks:
                runs = encode_runs(target["masks"][index])
                entry["segmentation"] = (
                    [[x1, y1, x2, y1, x2, y2, x1, y2]],
                    {"size": list(size), "counts": [int(run) for run in runs]},
                    {"size": list(size), "counts": compress_counts(runs)},
                )[len(annotations) % 3]
            if joints is not None and scenes.classes[label] == "person":
                marked = np.round(target["keypoints"][index, :joints] - [0.5, 0.5, 0])
                marked[:, 2] *= 2
                marked[marked[:, 2] == 0] = 0
                entry["keypoints"] = [int(value) for value in marked.reshape(-1)]
                entry["num_keypoints"] = int((marked[:, 2] > 0).sum())
            annotations.append(entry)
    categories = [
        {"id": i, "name": name} for i, name in zip(CATEGORY_IDS, scenes.classes, strict=True)
    ]
    if joints is not None:
        names = [name.replace(" ", "_") for name in scenes.joint_names[:joints]]
        categories[scenes.classes.index("person")] |= {"keypoints": names, "skeleton": []}
    content = {"images": images, "categories": categories, "annotations": annotations}
    (folder / "labels.json").write_text(json.dumps(content))
    return f"coco:{folder},{folder / 'labels.json'}"
