"""The parts of a segmenter's and a classifier's page in a real browser: a pixel, an unpooling,
Grad-CAM."""

import numpy as np
import pytest

from minicv.explain import explain
from minicv.explain.widgets_label_maps import field_of
from minicv.explain.widgets_unpooling import unpoolings_of
from minicv.models.backbones import SmallBackbone
from minicv.models.classification import Classifier, ClassifierSettings
from minicv.models.segmentation import SegNet, SegNetSettings

NAMES = ("sky", "grass", "cow")


def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The file of the page, the model, and the stages that it shows, by name."""
    image = rng().random((3, 48, 40), dtype=np.float32)
    model = SegNet(NAMES, SegNetSettings(widths=(4, 6), depths=(1, 1)), rng=rng())
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(explain(model, "SegNet", image, "noise.png"), encoding="utf-8")
    return path, model, {stage.name: stage.arrays for stage in model.stages(image)}


def cursor(page):
    svg = page.locator("svg.pixels")
    return int(svg.get_attribute("data-row")), int(svg.get_attribute("data-column"))


def check_pixel(page, model, maps):
    """What the page says of its pixel is what the model says."""
    row, column = cursor(page)
    said = page.locator(".pixel-scores .note").inner_text()
    best = int(maps[:, row, column].argmax())
    x1, y1, x2, y2 = field_of(model, maps.shape[1:]).box(row, column)
    assert said.startswith(f"Pixel ({column}, {row}): {NAMES[best]} ")
    assert f"depend on {x2 - x1} × {y2 - y1} pixels" in said
    rect = page.locator("svg.pixels .field .line")
    found = [float(rect.get_attribute(name)) for name in ("x", "y", "width", "height")]
    assert found == [x1, y1, x2 - x1, y2 - y1]
    names = page.locator(".pixel-scores .bars li span:first-child").all_inner_texts()
    shown = np.floor(maps[:, row, column] * 255 + 0.5)
    assert names == [NAMES[k] for k in np.argsort(-shown, kind="stable")]


def test_the_pixel_under_the_cursor(made, opened):
    path, model, stages = made
    page, maps = opened(path), stages["class_maps"]["class_maps"]
    check_pixel(page, model, maps)
    part = page.locator(".pixel-scores")
    for label, value in (("Column", 7), ("Row", 40)):
        part.get_by_role("slider", name=label, exact=True).evaluate(
            "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }",
            value,
        )
    assert cursor(page) == (40, 7)
    check_pixel(page, model, maps)
    page.locator("svg.pixels").focus()
    for key, place in (("ArrowUp", (39, 7)), ("ArrowLeft", (39, 6)), ("Shift+ArrowUp", (29, 6)),
                       ("Shift+ArrowLeft", (29, 0)), ("ArrowRight", (29, 1))):  # fmt: skip
        page.keyboard.press(key)
        assert cursor(page) == place
    check_pixel(page, model, maps)
    page.locator("svg.pixels").scroll_into_view_if_needed()
    box = page.locator("svg.pixels").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.501, box["y"] + box["height"] * 0.251)
    assert cursor(page) == (12, 20)
    check_pixel(page, model, maps)


def test_a_button_leads_to_a_pixel_with_an_effective_field(made, opened):
    page = opened(made[0])
    buttons = page.get_by_role("button", name="Effective field")
    assert buttons.count() >= 1
    image = page.locator("svg.pixels .influence")
    page.locator("svg.pixels").focus()
    page.keyboard.press("ArrowUp")
    assert image.get_attribute("visibility") == "hidden"
    buttons.last.click()
    assert buttons.last.get_attribute("aria-pressed") == "true"
    assert image.get_attribute("visibility") == "visible"
    assert image.get_attribute("href").startswith("data:image/png")
    assert "half of the influence" in page.locator(".pixel-scores .note").inner_text()


def test_a_value_of_the_unpooled_map_leads_to_its_cell_and_back(made, opened):
    path, model, stages = made
    page = opened(path)
    grids = page.locator(".unpooling-grids")
    first = unpoolings_of(model, stages["input"]["image"])[0]
    channel = int(page.get_by_role("button", name="Channel").first.inner_text().split()[1])
    corner_row, corner_column = (
        2 * max(0, min(int(at) - 4, length - 8))
        for at, length in zip(
            np.unravel_index(np.abs(first.small[channel]).argmax(), first.small[channel].shape),
            first.small[channel].shape, strict=True,
        )
    )  # fmt: skip
    page.locator(".unpooling-grids").focus()
    for _ in range(20):
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowLeft")
    seen = 0
    for row, column in ((0, 0), (0, 1), (0, 2), (0, 3)):
        assert int(grids.get_attribute("data-column")) == column
        large_row, large_column = corner_row + row, corner_column + column
        place = int(first.switches[channel, large_row // 2, large_column // 2])
        to = place // first.size[1] - corner_row, place % first.size[1] - corner_column
        assert grids.get_attribute("data-to") == f"{to[0]} {to[1]}"
        said = page.locator(".unpooling .note").first.inner_text()
        assert ("The switch points here" in said) == (to == (row, column))
        seen += to == (row, column)
        page.keyboard.press("ArrowRight")
    cell = grids.locator("figure").nth(1).locator("svg > rect").nth(9)  # row 1, column 1
    cell.hover()
    place = int(first.switches[channel, corner_row // 2 + 1, corner_column // 2 + 1])
    assert int(grids.get_attribute("data-row")) == place // first.size[1] - corner_row
    assert int(grids.get_attribute("data-column")) == place % first.size[1] - corner_column
    assert "The switch points here" in page.locator(".unpooling .note").first.inner_text()


def test_on_a_phone_nothing_is_wider_than_the_screen(made, opened):
    page = opened(made[0], width=360, height=700)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    widths = page.locator(".part").evaluate_all(
        "parts => parts.map(p => p.scrollWidth - p.clientWidth)"
    )
    assert max(widths) <= 1


def test_grad_cam_of_each_class(tmp_path, opened):
    model = Classifier(SmallBackbone(4, rng=rng()), NAMES, ClassifierSettings(size=32), rng=rng())
    image = rng().random((3, 40, 50), dtype=np.float32)
    path = tmp_path / "page.html"
    path.write_text(explain(model, "Classifier", image, "noise.png"), encoding="utf-8")
    page = opened(path)
    saliency = page.locator(".part").filter(has=page.locator("img.saliency"))
    part = saliency.filter(has=page.get_by_role("button"))  # the other shows the middle cell
    scores = model.predict([image])[0]["scores"]
    names = [f"{NAMES[k]} {scores[k]:.2f}" for k in np.argsort(-scores)]
    assert part.get_by_role("button").all_inner_texts() == names
    before = part.locator("img").get_attribute("src")
    part.get_by_role("button").nth(1).click()
    assert part.locator("img").get_attribute("src") != before
    assert part.locator("img").get_attribute("alt").startswith(names[1])
    assert part.get_by_role("button").nth(1).get_attribute("aria-pressed") == "true"
