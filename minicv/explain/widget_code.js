// The numbers of a code as cells, and what the decoder makes of it when one of them is turned.
minicv.widgets.code = function (element, data) {
  const numbers = minicv.array(data.numbers).data;
  const most = Math.max(...Array.from(numbers, Math.abs), 1e-12);
  const width = 720;
  const across = Math.max(1, Math.min(numbers.length > 64 ? 32 : 16, numbers.length));
  const down = Math.ceil(numbers.length / across);
  const cell = Math.min(60, width / across);
  const size = { viewBox: `0 0 ${across * cell} ${down * cell}`, width: across * cell };
  const svg = minicv.element("svg", { ...size, role: "img" });
  const cells = Array.from(numbers, (number, place) =>
    minicv.element("rect", {
      x: (place % across) * cell + 1.5,
      y: Math.floor(place / across) * cell + 1.5,
      width: cell - 3,
      height: cell - 3,
      rx: 3,
      fill: number >= 0 ? "#0072b2" : "#d55e00",
      "fill-opacity": (0.06 + (0.94 * Math.abs(number)) / most).toFixed(3),
      "stroke-width": 2,
      onclick: () => choose(place),
    }),
  );
  svg.append(...cells);
  const said = minicv.element("p", { class: "note", "aria-live": "polite" });
  const slider = minicv.slider({
    label: "Number",
    min: 1,
    max: numbers.length,
    step: 1,
    value: 1,
    format: (place) => `${place} of ${data.of}`,
    oninput: (place) => show(place - 1),
  });
  const show = (place) => {
    cells.forEach((own, i) => own.setAttribute("stroke", i === place ? "currentColor" : "none"));
    const text = `Number ${place + 1} is ${numbers[place].toPrecision(4)}.`;
    said.textContent = `${text} Blue is above 0, orange below; strong colour is far from 0.`;
    svg.setAttribute("aria-label", text);
  };
  const choose = (place) => {
    slider.input.value = place + 1;
    slider.input.dispatchEvent(new Event("input"));
  };
  element.append(slider, svg, said);
  show(0);
  if (data.turns.length) element.append(minicv.turnedCode(data));
};

// One number is turned, the others stay; the decoder has run in Python, for a few values of each.
minicv.turnedCode = function (data) {
  const side = 224;
  const picture = () => minicv.element("canvas", { width: side, height: side, role: "img" });
  const before = picture();
  const after = picture();
  const said = minicv.element("p", { class: "note", "aria-live": "polite" });
  const select = minicv.element(
    "select",
    { onchange: () => choose(Number(select.value)) },
    ...data.turns.map((turn, i) => minicv.element("option", { value: i }, `number ${turn.place + 1}`)),
  );
  const place = minicv.element("div");
  const row = (canvas, text) =>
    minicv.element("figure", {}, canvas, minicv.element("figcaption", {}, text));
  const images = data.turns.map((turn) => minicv.loaded(turn, () => draw()));
  let chosen = 0;
  let step = data.turns[0].own;

  const paint = (canvas, frame) => {
    const image = images[chosen];
    if (!image.complete || !image.naturalHeight) return;
    const from = image.naturalHeight; // frames are squares beside each other
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = from > 96;
    context.drawImage(image, frame * from, 0, from, from, 0, 0, side, side);
  };
  const draw = () => {
    const turn = data.turns[chosen];
    paint(before, turn.own);
    paint(after, step);
    const text = `Number ${turn.place + 1} is ${turn.values[step].toFixed(2)} instead of ${turn.values[turn.own].toFixed(2)}`;
    said.textContent = step === turn.own ? "This is the code's own value: both pictures are alike." : `${text}.`;
    before.setAttribute("aria-label", "Decoded from the code as it is");
    after.setAttribute("aria-label", text);
  };
  const choose = (turn) => {
    chosen = turn;
    step = data.turns[turn].own;
    place.replaceChildren(
      minicv.slider({
        label: "its value",
        min: 0,
        max: data.turns[turn].values.length - 1,
        step: 1,
        value: step,
        format: (own) => data.turns[turn].values[own].toFixed(2),
        oninput: (own) => {
          step = own;
          draw();
        },
      }),
    );
    draw();
  };
  const element = minicv.element(
    "div",
    { class: "turned" },
    minicv.element("h3", {}, "Turn one number, keep the others"),
    minicv.element("div", { class: "row" }, minicv.element("label", { class: "row" }, "Turn", select), place),
    minicv.element("div", { class: "row" }, row(before, "as it is"), row(after, "turned")),
    said,
  );
  choose(0);
  return element;
};
