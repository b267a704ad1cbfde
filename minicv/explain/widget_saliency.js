// Grad-CAM: one of several classes or detections, with the picture of what speaks for it; or the
// picture of what one cell sees.

minicv.widgets.saliency = function (element, data) {
  "use strict";
  const picture = minicv.element("img", { class: "saliency" });
  const said = minicv.element("p", { class: "note", "aria-live": "polite" });
  const row = minicv.buttons(data.choices.map((choice, i) => [choice.name, () => show(i)]));

  function show(number) {
    const choice = data.choices[number];
    for (const [name, value] of [["src", choice.src], ["width", choice.width], ["height", choice.height]])
      picture.setAttribute(name, value);
    const where = choice.nothing
      ? "Nothing on the map speaks for it: no channel raises its score."
      : "Bright is where the map speaks for it.";
    said.textContent =
      choice.note || `${choice.name}. ${where} The map has ${choice.cells[0]} × ${choice.cells[1]} cells.`;
    picture.alt = said.textContent;
    [...row.children].forEach((button, i) => button.setAttribute("aria-pressed", i === number));
  }

  if (data.choices.length > 1) element.append(row);
  element.append(picture, said);
  show(0);
};
