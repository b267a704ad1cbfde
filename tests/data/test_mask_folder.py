"""Pictures and masks in two folders: what masks mean, which belong together, what is refused."""

import numpy as np
import pytest
from PIL import Image

from minicv.data import open_data
from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, DatasetWarning, ImageError
from minicv.data.mask_folder import MaskFolder
from minicv.vision.label_maps import VOID

SIZE = (6, 8)
RED, GREEN, BLACK, CREAM = (128, 0, 0), (0, 128, 0), (0, 0, 0), (224, 224, 192)


def mask_of(values, dtype=np.uint8):
    """A mask whose rows are the values in turn; numbers or colours."""
    rows = np.array([values[row % len(values)] for row in range(SIZE[0])], dtype)
    return np.repeat(rows[:, None], SIZE[1], axis=1)


@pytest.fixture
def folder(tmp_path):
    """Makes IMAGES and MASKS from names and masks: arrays or pictures."""
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()

    def make(masks, picture=lambda name: name.split(".")[0] + ".jpg", size=SIZE, **options):
        for name, mask in masks.items():
            Image.new("RGB", size[::-1], (90, 60, 30)).save(tmp_path / "images" / picture(name))
            mask = mask if isinstance(mask, Image.Image) else Image.fromarray(mask)
            mask.save(tmp_path / "masks" / name, **options)
        return tmp_path / "images", tmp_path / "masks"

    return make


def values_of(dataset, index=0):
    return sorted(np.unique(dataset[index][1]["segmentation"]).tolist())


def test_masks_of_0_and_255_are_background_and_object(folder):
    """The fault before: 255 was no class, one class was left, and mIoU was 1."""
    dataset = MaskFolder(*folder({"a.png": mask_of([0, 255, 255]), "b.png": mask_of([0])}))
    assert dataset.segmentation_classes == ("background", "object")
    image, target = dataset[0]
    assert image.shape == (3, *SIZE) and sorted(target) == ["image_id", "segmentation"]
    labels = target["segmentation"]
    assert labels.dtype == np.int64 and labels[:, 0].tolist() == [0, 1, 1, 0, 1, 1]
    assert values_of(dataset, 1) == [0] and dataset.classes == ()
    assert dataset.said == "the masks hold 0 and 255: 0 is 'background', 255 is 'object'"
    assert dataset.segmentation_colors.tolist() == [[0, 0, 0], [128, 0, 0]]
    assert [path.name for path in dataset.paths] == ["a.jpg", "b.jpg"]
    assert [path.name for path in dataset.label_paths] == ["a.png", "b.png"]


BINARY = {
    "one bit": Image.fromarray(mask_of([0, 1, 1]).astype(bool)),
    "0 and 1": mask_of([0, 1, 1]),
    "16 bits": mask_of([0, 65535, 65535], np.uint16),
    "16 bits that hold 8": mask_of([0, 255, 255], np.uint16),
    "32 bits": mask_of([0, 1, 1], np.int32),
    "grey as colours": np.repeat(mask_of([0, 255, 255])[..., None], 3, axis=2),
    "opaque": np.dstack([np.repeat(mask_of([0, 255, 255])[..., None], 3, 2), mask_of([255])]),
    "a palette": Image.fromarray(mask_of([0, 1, 1]), mode="P"),
}


@pytest.mark.parametrize("form", BINARY)
@pytest.mark.parametrize(
    ("classes", "names"),
    [(None, ("background", "object")), (["cow"], ("background", "cow")), (["a", "b"], ("a", "b"))],
)
def test_every_form_of_two_numbers(folder, form, classes, names):
    mask = BINARY[form]
    if form == "a palette":
        mask = mask.copy()
        mask.putpalette([0, 0, 0, 200, 10, 10])
    suffix = "tif" if form == "32 bits" else "png"
    dataset = MaskFolder(*folder({f"a.{suffix}": mask}), classes)
    assert dataset.segmentation_classes == names
    assert dataset[0][1]["segmentation"][:, 3].tolist() == [0, 1, 1, 0, 1, 1]


def test_beside_other_numbers_255_is_no_class(folder):
    images, masks = folder({"a.png": mask_of([0, 1, 255]), "b.png": mask_of([0, 255])})
    dataset = MaskFolder(images, masks, ["grass", "cow"])
    assert values_of(dataset) == [0, 1, VOID] and values_of(dataset, 1) == [0, VOID]
    assert dataset.said == "255 is taken for no class, in 2 of 2 masks"
    assert MaskFolder(images, masks).segmentation_classes == ("class0", "class1")


def test_numbers_without_names(folder):
    dataset = MaskFolder(*folder({"a.png": mask_of([0, 2]), "b.png": mask_of([1, 3, 255])}))
    assert dataset.segmentation_classes == ("class0", "class1", "class2", "class3")
    assert values_of(dataset, 1) == [1, 3, VOID]
    assert dataset.said == (
        "the masks name no classes, which are called class0, class1, class2, class3; --classes "
        "names them; 255 is taken for no class, in 1 of 2 masks"
    )


def test_names_in_a_file_beside_the_masks(folder):
    images, masks = folder({"a.png": mask_of([0, 2])})
    (masks.parent / "classes.txt").write_text("grass\ncow\nduck\n")
    assert MaskFolder(images, masks).segmentation_classes == ("grass", "cow", "duck")
    (masks / "label_names.txt").write_text("a\nb\nc\n")  # nearer
    dataset = MaskFolder(images, masks)
    assert dataset.segmentation_classes == ("a", "b", "c") and dataset.said == ""
    assert MaskFolder(images, masks, ["x", "y", "z"]).segmentation_classes == ("x", "y", "z")


def test_a_number_that_is_no_class_is_named_with_its_place(folder):
    images, masks = folder({"a.png": mask_of([0, 1, 7]), "b.png": mask_of([0, 1]),
                            "c.png": mask_of([9, 0])})  # fmt: skip
    with pytest.raises(AnnotationError) as caught:
        MaskFolder(images, masks, ["grass", "cow"])
    first, second = str(caught.value).split("\n")[1:]
    assert "a.png: label 7 in row 2, column 0 (16 of 48 pixels); expected 0..1, or 255" in first
    assert "c.png: label 9 in row 0, column 0 (24 of 48 pixels)" in second


def test_numbers_that_begin_at_1(folder):
    with pytest.raises(
        AnnotationError, match=r"label 2 .*; numbers begin at 0: name the class 0 to"
    ):
        MaskFolder(*folder({"a.png": mask_of([1, 2])}), ["grass", "cow"])


@pytest.mark.parametrize(
    ("masks", "said"),
    [
        ({"a.png": mask_of([0]), "b.png": mask_of([0])}, "hold 0: of 1 classes only 'class0'"),
        ({"a.png": mask_of([255])}, "hold 255, and 255 is no class: of 1 classes only none occurs"),
        ({"a.png": mask_of([3]), "b.png": mask_of([3, 255])}, "only 'class3' occurs in 2 masks"),
    ],
)
def test_fewer_than_two_classes_are_refused(folder, masks, said):
    with pytest.raises(AnnotationError, match=f"{said}.*nothing to tell apart"):
        MaskFolder(*folder(masks))


def test_0_and_255_with_three_names_are_one_class(folder):
    with pytest.raises(AnnotationError, match="of 3 classes only 'a' occurs in 1 masks"):
        MaskFolder(*folder({"a.png": mask_of([0, 255])}), ["a", "b", "c"])


def coloured(*colours):
    return mask_of(colours)


LABELMAPS = {
    "labelmap.txt": (
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncow:128,0,0::\nduck:0,128,0::\n"
    ),
    "label_colors.txt": "0 0 0\tbackground\n128 0 0\tcow\n0 128 0\tduck\n",
    "classes.csv": "name,r,g,b\nbackground,0,0,0\ncow,128,0,0\nduck,0,128,0\n",
    "labelmap.json": '{"background": [0, 0, 0], "cow": "#800000", "duck": [0, 128, 0]}',
}


@pytest.mark.parametrize("name", LABELMAPS)
@pytest.mark.parametrize("form", ["RGB", "RGBA", "P"])
def test_coloured_masks_with_a_file_of_colours(folder, name, form):
    mask = Image.fromarray(coloured(BLACK, RED, GREEN))
    if form == "P":
        # A tool that counts colours as it meets them: the numbers mean nothing.
        mask = Image.fromarray(mask_of([0, 2, 1]), mode="P")
        mask.putpalette([*BLACK, *GREEN, *RED])
    elif form == "RGBA":
        mask = mask.convert("RGBA")
    images, masks = folder({"a.png": mask, "b.png": coloured(BLACK, RED)})
    (masks / name).write_text(LABELMAPS[name])
    dataset = MaskFolder(images, masks)
    assert dataset.segmentation_classes == ("background", "cow", "duck")
    assert dataset.segmentation_colors.tolist() == [list(BLACK), list(RED), list(GREEN)]
    assert dataset[0][1]["segmentation"][:3, 0].tolist() == [0, 1, 2]
    assert values_of(dataset, 1) == [0, 1]


def test_black_that_no_one_named_is_the_background(folder):
    images, masks = folder({"a.png": coloured(BLACK, RED, GREEN)})
    (masks / "labelmap.txt").write_text("cow:128,0,0\nduck:0,128,0\n")
    dataset = MaskFolder(images, masks)
    assert dataset.segmentation_classes == ("background", "cow", "duck")
    assert dataset[0][1]["segmentation"][:3, 0].tolist() == [0, 1, 2]


def test_a_colour_that_is_no_class(folder):
    images, masks = folder({"a.png": coloured(BLACK, RED, CREAM)})
    file = masks / "labelmap.txt"
    file.write_text("background:0,0,0\ncow:128,0,0\nignored:224,224,192\n")
    dataset = MaskFolder(images, masks)
    assert dataset.segmentation_classes == ("background", "cow")
    assert values_of(dataset) == [0, 1, VOID]
    file.write_text("background:0,0,0\ncow:128,0,0\n")
    with pytest.raises(
        AnnotationError, match=r"a\.png: colour \(224, 224, 192\) in row 2, column 0 \(16 of 48"
    ):
        MaskFolder(images, masks)


def test_greys_that_stand_for_classes(folder):
    images, masks = folder({"a.png": mask_of([0, 128, 255])})
    with pytest.raises(AnnotationError, match=r"numbers besides 255 \(0, 128\).*cow:128,128,128"):
        MaskFolder(images, masks)
    (masks / "labelmap.txt").write_text("ground 0 0 0\ncow 128 128 128\nduck 255 255 255\n")
    dataset = MaskFolder(images, masks)
    assert dataset.segmentation_classes == ("ground", "cow", "duck")
    assert dataset[0][1]["segmentation"][:3, 0].tolist() == [0, 1, 2]


def test_colours_without_a_file_are_listed(folder):
    images, masks = folder({"a.png": coloured(BLACK, BLACK, RED), "b.png": coloured(BLACK, GREEN)})
    with pytest.raises(AnnotationError) as caught:
        MaskFolder(images, masks)
    said = str(caught.value)
    assert "(0, 0, 0) (58.3%), (0, 128, 0) (25.0%), (128, 0, 0) (16.7%)" in said
    assert "write a file labelmap.txt into" in said


def smoothed(seed=0):
    """0 and 255 with every number in between along the edge."""
    return np.tile(np.array([0] * 3 + [7, 60, 131, 190, 255], np.uint8) + 0, (SIZE[0], 1))


WRONG = {
    "numbers of objects": (mask_of([0, 300, 4000], np.uint16), "numbers of single objects"),
    "smoothed edges": (smoothed(), "If edges were smoothed"),
    "every number": (np.arange(48, dtype=np.uint8).reshape(SIZE) * 5, "If edges were smoothed"),
    "floating-point numbers": (mask_of([0, 1], np.float32), "it has the mode F, expected whole"),
    "transparent": (np.dstack([coloured(RED, RED), mask_of([0, 255])]), "partly transparent"),
    "transparent grey": (Image.new("LA", SIZE[::-1], (1, 100)), "partly transparent"),
    "CMYK": (Image.new("CMYK", SIZE[::-1]), "it has the mode CMYK"),
    "negative": (mask_of([0, -1], np.int32), "expected classes 0..254"),
}


@pytest.mark.parametrize("what", WRONG)
def test_masks_that_do_not_say_what_is_meant_are_refused(folder, what):
    mask, said = WRONG[what]
    suffix = "tif" if what in ("floating-point numbers", "CMYK", "negative") else "png"
    with pytest.raises(AnnotationError, match=said):
        MaskFolder(*folder({f"a.{suffix}": mask}))


def test_a_wrong_file_of_colours_is_to_be_mended(folder):
    """A second one, which masks without any would need, is not asked for."""
    images, masks = folder({f"{k}.png": mask_of([BLACK, RED]) for k in "abc"})
    (masks / "labelmap.txt").write_text("background:0,0,0::\ncow:128,0,256::\n")
    faults = Faults(raises=False)
    MaskFolder(images, masks, faults=faults)
    wrong, meaning = faults.found
    assert wrong.file == masks / "labelmap.txt" and "expected 0..255" in wrong.what
    assert (
        meaning.what == f"{masks / 'labelmap.txt'} must be mended first, which says what they mean"
    )
    with pytest.raises(AnnotationError, match=r"colour \(128, 0, 256\), expected 0\.\.255"):
        MaskFolder(images, masks)


def test_a_jpeg_is_no_mask(folder):
    images, masks = folder({"a.jpg": mask_of([0, 255]), "b.png": mask_of([0, 255])})
    with pytest.raises(AnnotationError, match=r"a\.jpg: it is a JPEG, which blurs numbers"):
        MaskFolder(images, masks)
    (masks / "a.jpg").rename(masks / "a.png")  # the suffix does not count
    with pytest.raises(AnnotationError, match=r"a\.png: it is a JPEG"):
        MaskFolder(images, masks)


def test_smoothed_edges_with_names(folder):
    mask = np.arange(48, dtype=np.uint8).reshape(SIZE)
    with pytest.raises(
        AnnotationError, match=r"a\.png: it has 46 numbers that are no class, as sm"
    ):
        MaskFolder(*folder({"a.png": mask}), ["ground", "cow"])


def test_a_photograph_among_the_masks(folder):
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3)).astype(np.uint8)
    images, masks = folder({"a.png": noise}, size=(80, 80))
    with pytest.raises(
        AnnotationError, match=r"a\.png: it has [\d,]+ colours, as a photograph has"
    ):
        MaskFolder(images, masks)


def test_another_size_than_the_picture(folder):
    images, masks = folder({"a.png": mask_of([0, 1]), "b.png": mask_of([0, 1])})
    Image.fromarray(mask_of([0, 1])[:, :5]).save(masks / "a.png")
    with pytest.raises(
        AnnotationError, match=r"a\.png: the label map is 6 x 5 \(height x width\) b"
    ):
        MaskFolder(images, masks)


def test_a_mask_of_a_turned_photograph_is_turned_with_it(tmp_path):
    """A phone stores 8 x 6 pixels and notes that they stand; the mask was drawn on those pixels."""
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 6)).save(tmp_path / "images" / "a.jpg", exif=exif)
    stored = np.zeros((6, 8), np.uint8)
    stored[0, 0] = 1
    Image.fromarray(stored).save(tmp_path / "masks" / "a.png")
    with pytest.warns(DatasetWarning, match="turned upright"):
        dataset = MaskFolder(tmp_path / "images", tmp_path / "masks")
    image, target = dataset[0]
    assert image.shape == (3, 8, 6) and target["segmentation"].shape == (8, 6)
    assert np.argwhere(target["segmentation"]).tolist() == [[0, 5]]
    # Drawn on the upright picture, the mask stays.
    upright = np.zeros((8, 6), np.uint8)
    upright[0, 0] = 1
    Image.fromarray(upright).save(tmp_path / "masks" / "a.png")
    labels = MaskFolder(tmp_path / "images", tmp_path / "masks")[0][1]["segmentation"]
    assert np.argwhere(labels).tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("picture", "mask"),
    [
        ("cow 1.jpg", "cow 1.png"),
        ("cow_1.JPG", "cow_1_mask.PNG"),
        ("cow_1.jpg", "cow_1_label.png"),
        ("cow_1.jpg", "cow_1_gt.tif"),
        ("cow_1.jpg", "cow_1-mask.png"),
        ("cow_1.jpg", "mask_cow_1.png"),
        ("cow_1.jpg", "gt-cow_1.bmp"),
        ("cow_1.jpg", "cow_1.jpg.png"),
        ("cow_1.jpg", "cow_1.jpg_mask.png"),
        ("cow_1_image.jpg", "cow_1_mask.png"),
        ("img_0001.jpg", "mask_0001.png"),
        ("image1.jpg", "mask1.png"),
        ("Cow.jpg", "cow.png"),
        ("K\u00fche.jpg", "Ku\u0308he.png"),
        ("cow.jpg", "cow_gtFine_labelIds.png".replace("gtFine_", "")),
        ("cow_2.jpg", "cow_2_segmentation.png"),
        ("sub/cow.jpg", "sub/cow_mask.png"),
        ("one/cow.jpg", "two/cow.png"),
    ],
)
def test_names_of_masks(tmp_path, picture, mask):
    for root, name in (("images", picture), ("masks", mask)):
        (tmp_path / root / name).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE[::-1]).save(tmp_path / "images" / picture)
    Image.fromarray(mask_of([0, 1])).save(tmp_path / "masks" / mask)
    dataset = MaskFolder(tmp_path / "images", tmp_path / "masks")
    assert [path.relative_to(tmp_path / "masks").as_posix() for path in dataset.label_paths] == [
        mask
    ]
    assert dataset.ids == [picture.rpartition(".")[0]]


def test_two_pictures_of_one_name_in_two_folders(tmp_path):
    for number, name in enumerate(("a", "b")):
        for root in ("images", "masks"):
            (tmp_path / root / name).mkdir(parents=True)
        Image.new("RGB", SIZE[::-1]).save(tmp_path / "images" / name / "x.jpg")
        Image.fromarray(mask_of([0, number + 1])).save(tmp_path / "masks" / name / "x.png")
    dataset = MaskFolder(tmp_path / "images", tmp_path / "masks")
    assert dataset.ids == ["a/x", "b/x"]
    assert [values_of(dataset, i) for i in (0, 1)] == [[0, 1], [0, 2]]


def test_masks_in_the_folder_of_the_pictures(tmp_path):
    for name in ("a", "b"):
        Image.new("RGB", SIZE[::-1]).save(tmp_path / f"{name}.jpg")
        Image.fromarray(mask_of([0, 1])).save(tmp_path / f"{name}_mask.png")
    assert MaskFolder(tmp_path, tmp_path).ids == ["a", "b"]
    (tmp_path / "masks").mkdir()
    for name in ("a", "b"):
        (tmp_path / f"{name}_mask.png").rename(tmp_path / "masks" / f"{name}.png")
    dataset = MaskFolder(tmp_path, tmp_path / "masks")
    assert dataset.ids == ["a", "b"] and len(dataset) == 2


def test_several_masks_of_one_picture(folder):
    images, masks = folder({"person.png": mask_of([0, 1])})
    (masks / "person.png").unlink()
    for name in ("person_1.png", "person_2.png"):
        Image.fromarray(mask_of([0, 1])).save(masks / name)
    with pytest.raises(
        AnnotationError, match=r"person\.jpg: it has 2 masks \(person_1\.png, person_2\.png\), exp"
    ):
        MaskFolder(images, masks)


def test_pictures_without_a_mask_are_counted_and_left_out(folder):
    images, masks = folder({"a.png": mask_of([0, 1]), "b.png": mask_of([0, 1])})
    for name in ("c.jpg", "d.jpg"):
        Image.new("RGB", (3, 3)).save(images / name)
    with pytest.warns(DatasetWarning, match=r"c\.jpg: there is no mask .*; left out \(and 1 more"):
        assert len(MaskFolder(images, masks)) == 2


def test_a_mask_without_a_picture(folder):
    images, masks = folder({"a.png": mask_of([0, 1]), "b.png": mask_of([0, 1])})
    (images / "b.jpg").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"b\.png: there is no picture of that name in .*im"
    ):
        MaskFolder(images, masks)


def test_nothing_fits(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        MaskFolder(tmp_path / "away", tmp_path / "masks")
    (tmp_path / "other").mkdir()
    Image.new("RGB", (3, 3)).save(tmp_path / "other" / "z.jpg")
    with pytest.raises(ValueError, match="has a mask in"):
        MaskFolder(tmp_path / "other", tmp_path / "masks")


def test_broken_masks_are_all_named_at_the_start(folder):
    noise = np.random.default_rng(0).integers(0, 3, SIZE).astype(np.uint8)
    images, masks = folder({f"{i}.png": noise for i in range(4)})
    for name in ("1.png", "2.png"):
        (masks / name).write_bytes((masks / name).read_bytes()[:45])
    (images / "3.jpg").write_text("no picture")
    with pytest.raises(ImageError) as caught:
        MaskFolder(images, masks)
    for name in ("1.png", "2.png", "3.jpg"):
        assert name in str(caught.value)
    with pytest.warns(DatasetWarning, match="left out"):
        dataset = MaskFolder(images, masks, faults=Faults(skip_unreadable=True))
    assert dataset.ids == ["0"]


def test_a_doctor_sees_all_faults(folder):
    images, masks = folder({"a.png": mask_of([0, 1]), "b.png": mask_of([0, 5])})
    (masks / "c.png").write_bytes(b"")
    faults = Faults(raises=False)
    dataset = MaskFolder(images, masks, ["grass", "cow"], faults)
    assert dataset.ids == ["a"]
    assert [fault.kind for fault in faults.found] == ["annotation without picture", "unknown class"]


def test_a_file_that_changed_since_is_an_error_of_that_file(folder):
    images, masks = folder({"a.png": mask_of([0, 1])})
    dataset = MaskFolder(images, masks)
    Image.fromarray(mask_of([0, 9])).save(masks / "a.png")
    with pytest.raises(AnnotationError, match=r"MaskFolder: .*a\.png: label 9 in row 1, column 0"):
        dataset[0]
    Image.fromarray(mask_of([0, 1])[:3]).save(masks / "a.png")
    with pytest.raises(AnnotationError, match=r"a\.png: the label map is 3 x 8"):
        dataset[0]


def test_on_the_command_line(folder):
    images, masks = folder({f"{i:02}.png": mask_of([0, 255]) for i in range(12)})
    splits = open_data(f"masks:{images},{masks}", ("segmentation",), classes=["cow"])
    assert [len(splits.train), len(splits.validation)] == [11, 1]
    assert splits.validation[0][1]["image_id"] == "09" and splits.tested_on_validation
    assert splits.train.segmentation_classes == ("background", "cow")
    assert splits.rule.startswith("the masks hold 0 and 255: 0 is 'background', 255 is 'cow'; the ")
    with pytest.raises(ValueError, match="but boxes and labels are needed"):
        open_data(f"masks:{images},{masks}", ("boxes", "labels"))


def test_the_rule_of_masks_that_cannot_be_read(folder):
    images, masks = folder({"a.png": mask_of([0])})
    splits = open_data(f"masks:{images},{masks}", ("segmentation",))
    with pytest.raises(AnnotationError, match="nothing to tell apart"):
        assert splits.rule
    assert splits.rule.startswith("the set has no lists of its own")
    with pytest.raises(AnnotationError, match="nothing to tell apart"):
        assert splits.train
