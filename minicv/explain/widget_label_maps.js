// A cursor over the photograph: the class scores of its pixel, and what they depend on.

minicv.widgets.pixel_scores = function (element, data, stage) {
  "use strict";
  const make = minicv.element;
  const scores = minicv.array(data.scores);
  const rows = minicv.array(data.rows).data, columns = minicv.array(data.columns).data;
  const [classes, mapRows, mapColumns] = scores.shape;
  const [width, height] = data.size, [workingWidth, workingHeight] = data.working;
  const across = width / workingWidth, down = height / workingHeight;
  const spots = data.spots.map((spot) => ({ ...spot, heat: minicv.array(spot.heat) }));
  const cursor = { row: Math.floor(workingHeight / 2), column: Math.floor(workingWidth / 2) };

  const svg = make("svg", {
    viewBox: `0 0 ${width} ${height}`, class: "pixels", tabindex: 0, role: "group",
    "aria-label": "The photograph. The arrow keys move the pixel, with Shift by ten.",
  });
  if (stage.photo)
    svg.append(make("image", { href: stage.photo.src, width, height, preserveAspectRatio: "none", class: "photo" }));
  const influence = make("image", { preserveAspectRatio: "none", class: "influence" });
  const field = make("g", { class: "field" },
    make("rect", { class: "casing" }), make("rect", { class: "line" }));
  const cross = make("g", { class: "cross" }, make("path", { class: "casing" }), make("path", { class: "line" }));
  svg.append(influence, field, cross);

  const columnSlider = minicv.slider({
    label: "Column", min: 0, max: workingWidth - 1, step: 1, value: cursor.column,
    oninput: (value) => move(cursor.row, value),
  });
  const rowSlider = minicv.slider({
    label: "Row", min: 0, max: workingHeight - 1, step: 1, value: cursor.row,
    oninput: (value) => move(value, cursor.column),
  });
  const list = make("ol", { class: "bars" });
  const fills = data.classes.map(() => make("span", { class: "fill" }));
  const outputs = data.classes.map(() => make("output"));
  const items = data.classes.map((name, k) => {
    fills[k].style.background = `rgb(${data.colours[k].join(", ")})`;
    return make("li", {}, make("span", {}, name), fills[k], outputs[k]);
  });
  const said = make("p", { class: "note", "aria-live": "polite" });
  const jumps = minicv.buttons(spots.map((spot) => [
    `Effective field: ${data.classes[spot.label]}`, () => move(spot.row, spot.column),
  ]));
  const buttons = [...jumps.children];
  element.classList.add("pixel-scores");
  element.append(make("div", { class: "row" }, columnSlider, rowSlider));
  if (spots.length) element.append(jumps);
  element.append(make("div", { class: "pixel-view" }, svg, list), said);

  // The score of each class at the cell of the class maps that lies under the pixel.
  const scoresAt = (row, column) => {
    const y = Math.min(mapRows - 1, Math.floor(((row + 0.5) / workingHeight) * (data.maps[0] / data.step)));
    const x = Math.min(mapColumns - 1, Math.floor(((column + 0.5) / workingWidth) * (data.maps[1] / data.step)));
    return Array.from({ length: classes }, (_, k) => scores.data[(k * mapRows + y) * mapColumns + x] / 255);
  };

  function move(row, column) {
    cursor.row = Math.min(workingHeight - 1, Math.max(0, row));
    cursor.column = Math.min(workingWidth - 1, Math.max(0, column));
    for (const [slider, value] of [[rowSlider, cursor.row], [columnSlider, cursor.column]]) {
      slider.input.value = value;
      slider.input.setAttribute("aria-valuetext", String(value));
      slider.querySelector("output").textContent = value;
    }
    draw();
  }

  function draw() {
    const { row, column } = cursor;
    const own = scoresAt(row, column);
    const order = own.map((_, k) => k).sort((a, b) => own[b] - own[a]).slice(0, 8);
    list.replaceChildren(...order.map((k) => {
      fills[k].style.width = `${100 * own[k]}%`;
      outputs[k].textContent = own[k].toFixed(2);
      return items[k];
    }));
    const [y1, y2] = rows.subarray(2 * row, 2 * row + 2), [x1, x2] = columns.subarray(2 * column, 2 * column + 2);
    for (const rect of field.children) {
      rect.setAttribute("x", x1 * across);
      rect.setAttribute("y", y1 * down);
      rect.setAttribute("width", (x2 - x1) * across);
      rect.setAttribute("height", (y2 - y1) * down);
    }
    const x = (column + 0.5) * across, y = (row + 0.5) * down, arm = Math.max(width, height) / 40;
    for (const path of cross.children)
      path.setAttribute("d", `M${x - arm} ${y}h${2 * arm}M${x} ${y - arm}v${2 * arm}`);
    const spot = spots.find((each) => each.row === row && each.column === column);
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", spots[i] === spot));
    showInfluence(spot);
    const best = order[0];
    const fieldWords = data.patch
      ? `The classifier sees a patch of ${data.patch} × ${data.patch} pixels around it`
      : `They depend on ${x2 - x1} × ${y2 - y1} pixels, the frame`;
    said.textContent =
      `Pixel (${column}, ${row}): ${data.classes[best]} ${own[best].toFixed(2)}. ${fieldWords}` +
      (spot ? `; half of the influence is within ${spot.half} × ${spot.half} pixels: bright is strong.` : ".");
    svg.dataset.row = row;
    svg.dataset.column = column;
  }

  // The effective field in colours over the grey photograph: the root of the influence, so that
  // weak places show. From dark over blue and green to yellow: the same order in grey.
  const ramp = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const coloured = (value) => {
    const place = Math.min(0.9999, value / 255) * (ramp.length - 1), low = Math.floor(place);
    return ramp[low].map((from, i) => from + (ramp[low + 1][i] - from) * (place - low));
  };

  function showInfluence(spot) {
    svg.classList.toggle("grey", Boolean(spot));
    influence.setAttribute("visibility", spot ? "visible" : "hidden");
    if (!spot) return;
    if (!spot.src) {
      const [cellsDown, cellsAcross] = spot.heat.shape;
      const small = make("canvas", { width: cellsAcross, height: cellsDown });
      const pixels = small.getContext("2d").createImageData(cellsAcross, cellsDown);
      spot.heat.data.forEach((value, i) => pixels.data.set([...coloured(value), 165], 4 * i));
      small.getContext("2d").putImageData(pixels, 0, 0);
      spot.src = small.toDataURL();
    }
    influence.setAttribute("href", spot.src);
    influence.setAttribute("width", spot.heat.shape[1] * spot.block * across);
    influence.setAttribute("height", spot.heat.shape[0] * spot.block * down);
  }

  const follow = (event) => {
    const box = svg.getBoundingClientRect();
    move(
      Math.floor(((event.clientY - box.top) / box.height) * workingHeight),
      Math.floor(((event.clientX - box.left) / box.width) * workingWidth),
    );
  };
  svg.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse") follow(event);
  });
  svg.addEventListener("pointerdown", follow);
  svg.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 10 : 1;
    const by = { ArrowUp: [-step, 0], ArrowDown: [step, 0], ArrowLeft: [0, -step], ArrowRight: [0, step] }[event.key];
    if (!by) return;
    event.preventDefault();
    move(cursor.row + by[0], cursor.column + by[1]);
  });
  if (spots.length) move(spots[0].row, spots[0].column);
  else draw();
};
