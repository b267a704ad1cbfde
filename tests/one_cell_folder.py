"""The smallest data set of a detector on the disk: one picture of one white cell, as Pascal VOC."""

import numpy as np
from PIL import Image

XML = """<annotation><filename>im.jpg</filename>
<size><width>40</width><height>32</height><depth>3</depth></size>
<object><name>cell</name><difficult>0</difficult>
<bndbox><xmin>8</xmin><ymin>6</ymin><xmax>31</xmax><ymax>27</ymax></bndbox></object>
</annotation>"""


def one_cell_folder(root):
    """For training, validation and tests; what ``--data`` takes."""
    for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / name).mkdir(parents=True)
    (root / "Annotations" / "im.xml").write_text(XML)
    pixels = np.zeros((32, 40, 3), np.uint8)
    pixels[5:27, 7:31] = 255
    Image.fromarray(pixels).save(root / "JPEGImages" / "im.jpg")
    for split in ("train", "val", "test"):
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("im\n")
    return f"voc:{root}"
