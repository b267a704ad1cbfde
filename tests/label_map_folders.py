"""Small data sets on the disk with a class for every pixel, in the forms of CamVid and VOC."""

import numpy as np
from PIL import Image

from minicv.data.voc_segmentation import voc_colour_map


def coloured_by_class(rng, size, classes):
    """A picture of two classes, left and right, that colour tells apart; pixels and labels."""
    labels = np.full(size, rng.integers(classes))
    labels[:, size[1] // 2 :] = rng.integers(classes)
    pixels = np.stack([labels * (255 // classes), 255 - labels * (255 // classes), labels], -1)
    return pixels.astype(np.uint8), labels.astype(np.uint8)


def camvid_folder(root, train=4, val=2, test=3, size=(24, 32), void_rows=1):
    """Photographs and label maps as CamVid has them; the last rows have no class."""
    rng = np.random.default_rng(0)
    for split, count in (("train", train), ("val", val), ("test", test)):
        for folder in (split, f"{split}annot"):
            (root / folder).mkdir(parents=True)
        for number in range(count):
            pixels, labels = coloured_by_class(rng, size, classes=11)
            labels[size[0] - void_rows :] = 11
            Image.fromarray(pixels).save(root / split / f"{split}{number}.png")
            Image.fromarray(labels).save(root / f"{split}annot" / f"{split}{number}.png")
    return f"camvid:{root}"


def voc_segmentation_folder(root, **splits):
    """Photographs of different sizes and palette pictures; `splits` says how many each list has."""
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    rng = np.random.default_rng(1)
    for split, count in splits.items():
        names = [f"{split}{number}" for number in range(count)]
        for number, name in enumerate(names):
            pixels, labels = coloured_by_class(rng, (20 + number, 30 - number), classes=21)
            labels[:2] = 255
            Image.fromarray(pixels).save(root / "JPEGImages" / f"{name}.jpg")
            picture = Image.fromarray(labels, mode="P")
            picture.putpalette(voc_colour_map(256).ravel().tolist())
            picture.save(root / "SegmentationClass" / f"{name}.png")
        (root / "ImageSets" / "Segmentation" / f"{split}.txt").write_text("\n".join(names))
    return f"vocseg:{root}"
