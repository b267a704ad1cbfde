// Max unpooling: a value of the small map, the block that it goes to, and the place in the block
// where the encoder's maximum had been.

minicv.widgets.unpooling = function (element, data) {
  "use strict";
  const make = minicv.element;
  const channels = data.channels.map((own) => ({
    ...own,
    values: minicv.array(own.values), rows: minicv.array(own.rows).data, columns: minicv.array(own.columns).data,
    before: own.before ? minicv.array(own.before) : null,
  }));
  let own = channels[0];
  const place = { row: 0, column: 0 }; // in the large map
  const grids = make("div", { class: "unpooling-grids" });
  const said = make("p", { class: "note", "aria-live": "polite" });
  const rowSlider = minicv.slider({
    label: "Row of the large map", min: 0, max: 1, step: 1, value: 0, oninput: (value) => choose(value, place.column),
  });
  const columnSlider = minicv.slider({
    label: "Column", min: 0, max: 1, step: 1, value: 0, oninput: (value) => choose(place.row, value),
  });
  const buttons = minicv.buttons(channels.map((each, i) => [`Channel ${each.channel}`, () => open(i)]));
  element.classList.add("unpooling");
  element.append(buttons, make("div", { class: "row" }, rowSlider, columnSlider), grids, said);
  let shown = [];

  const number = (value) => (value === 0 ? "0" : value.toPrecision(3));

  // A grid of cells; `chosen(row, column)` is called when a cell is pointed at.
  function grid(title, rows, columns, values, chosen) {
    const cell = 240 / Math.max(rows, columns);
    const most = Math.max(...values.map(Math.abs), 1e-12);
    const svg = make("svg", { viewBox: `-1 -1 ${columns * cell + 2} ${rows * cell + 2}`, role: "img", "aria-label": title });
    const cells = [];
    values.forEach((value, i) => {
      const rect = make("rect", {
        x: (i % columns) * cell + 0.5, y: Math.floor(i / columns) * cell + 0.5, width: cell - 1, height: cell - 1,
        class: value === 0 ? "zero" : value > 0 ? "above" : "below",
        "fill-opacity": value === 0 ? 1 : 0.12 + (0.88 * Math.abs(value)) / most,
      });
      const [row, column] = [Math.floor(i / columns), i % columns];
      rect.addEventListener("pointerenter", () => chosen(row, column));
      rect.addEventListener("pointerdown", () => chosen(row, column));
      cells.push(rect);
    });
    const frame = make("rect", { class: "frame" }), mark = make("rect", { class: "mark" });
    svg.append(...cells, frame, mark);
    const put = (rect, row, column, down, across) => {
      rect.setAttribute("x", column * cell);
      rect.setAttribute("y", row * cell);
      rect.setAttribute("width", Math.max(0, across) * cell);
      rect.setAttribute("height", Math.max(0, down) * cell);
    };
    return { figure: make("figure", {}, make("figcaption", {}, title), svg), svg, frame, mark, put };
  }

  function open(number) {
    own = channels[number];
    [...buttons.children].forEach((button, i) => button.setAttribute("aria-pressed", i === number));
    const [small, smallColumns] = own.values.shape, [rows, columns] = own.large, [down, across] = own.block;
    own.large_values = new Float32Array(rows * columns);
    own.values.data.forEach((value, i) => { own.large_values[own.rows[i] * columns + own.columns[i]] += value; });
    const toLarge = (row, column) => choose(own.rows[row * smallColumns + column], own.columns[row * smallColumns + column]);
    shown = [];
    if (own.before)
      shown.push(grid("Encoder, before its pooling", rows, columns, [...own.before.data], choose));
    shown.push(grid("Decoder, before the unpooling", small, smallColumns, [...own.values.data], toLarge));
    shown.push(grid("Decoder, after the unpooling", rows, columns, [...own.large_values], choose));
    grids.replaceChildren(...shown.map((each) => each.figure));
    for (const [slider, most] of [[rowSlider, rows - 1], [columnSlider, columns - 1]]) slider.input.max = most;
    const strongest = own.values.data.reduce((best, value, i, all) => (Math.abs(value) > Math.abs(all[best]) ? i : best), 0);
    choose(own.rows[strongest], own.columns[strongest]);
  }

  function choose(row, column) {
    const [rows, columns] = own.large, [down, across] = own.block, smallColumns = own.values.shape[1];
    place.row = row;
    place.column = column;
    for (const [slider, value] of [[rowSlider, row], [columnSlider, column]]) {
      slider.input.value = value;
      slider.input.setAttribute("aria-valuetext", String(value));
      slider.querySelector("output").textContent = value;
    }
    const r = Math.floor(row / down), c = Math.floor(column / across), i = r * smallColumns + c;
    const to = [own.rows[i], own.columns[i]];
    const large = own.before ? [shown[0], shown[2]] : [shown[1]];
    for (const each of large) {
      each.put(each.frame, r * down, c * across, Math.min(down, rows - r * down), Math.min(across, columns - c * across));
      each.put(each.mark, to[0], to[1], 1, 1);
    }
    const small = own.before ? shown[1] : shown[0];
    small.put(small.frame, r, c, 1, 1);
    const value = own.values.data[i];
    const here = `Cell (${row}, ${column}) after the unpooling`;
    const cell = `cell (${r}, ${c}) before it, ${number(value)}`;
    const why = own.before
      ? `, because there the encoder's block had its maximum, ${number(own.before.data[to[0] * columns + to[1]])}`
      : "";
    said.textContent =
      row === to[0] && column === to[1]
        ? `${here} has the value of ${cell}. The switch points here${why}.`
        : `${here} is 0. The value of ${cell}, went to (${to[0]}, ${to[1]})${why}.`;
    grids.dataset.row = row;
    grids.dataset.column = column;
    grids.dataset.to = to.join(" ");
  }

  grids.tabIndex = 0;
  grids.setAttribute("role", "group");
  grids.setAttribute("aria-label", "Maps of a channel. The arrow keys walk over the large map.");
  grids.addEventListener("keydown", (event) => {
    const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!by) return;
    event.preventDefault();
    const [rows, columns] = own.large;
    choose(Math.min(rows - 1, Math.max(0, place.row + by[0])), Math.min(columns - 1, Math.max(0, place.column + by[1])));
  });
  const windows = data.small.some((side, axis) => side > own.values.shape[axis]);
  element.append(make("p", { class: "note" },
    `${data.small.join(" × ")} cells become ${data.size.join(" × ")}, in ${data.of} channels` +
    (windows ? "; shown is the part around the strongest value" : "") +
    (data.count > 1 ? `. It is the first of ${data.count} unpoolings.` : ".")));
  open(0);
};
