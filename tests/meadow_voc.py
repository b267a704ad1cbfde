"""A small set of cows and ducks in Pascal VOC's form, into which a test puts faults."""

import numpy as np
from PIL import Image

OBJECT = (
    "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax>"
    "<ymax>{}</ymax></bndbox></object>"
)
COW, DUCK = ("cow", 3, 5, 40, 45), ("duck", 41, 10, 70, 50)


class VOCSet:
    """A set in VOC's form, 10 pictures to train on, 2 to validate and 2 to test, without faults."""

    def __init__(self, root):
        self.root, self.source = root, f"voc:{root}"
        rng = np.random.default_rng(0)
        for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
            (root / folder).mkdir(parents=True)
        for split, count in (("train", 10), ("val", 2), ("test", 2)):
            names = [f"{split}{number}" for number in range(count)]
            for name in names:
                pixels = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(self.picture(name))
                self.label(name, COW, DUCK)
            (root / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(names))

    def picture(self, name):
        return self.root / "JPEGImages" / f"{name}.jpg"

    def label(self, name, *objects, size=(80, 60)):
        text = "<annotation><size><width>{}</width><height>{}</height><depth>3</depth></size>{}"
        objects = "".join(OBJECT.format(*each) for each in objects)
        xml = self.root / "Annotations" / f"{name}.xml"
        xml.write_text(text.format(*size, objects) + "</annotation>")
