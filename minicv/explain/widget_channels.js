// Steps through the largest channels of a feature map, over the photograph.
minicv.widgets.channels = function (element, data, stage) {
  const maps = minicv.array(data.maps);
  const [count, rows, columns] = maps.shape;
  const canvas = minicv.element("canvas", { role: "img" });
  const said = minicv.element("p", { class: "note", "aria-live": "polite" });
  let shown = 0;
  let photo = null;

  // From dark over blue and green to yellow: the same order in grey.
  const colours = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const colour = (share) => {
    const place = Math.min(0.9999, Math.max(0, share)) * (colours.length - 1);
    const low = Math.floor(place);
    return colours[low].map((from, i) => from + (colours[low + 1][i] - from) * (place - low));
  };

  const draw = () => {
    const [across, down] = photo ? [photo.naturalWidth, photo.naturalHeight] : [columns, rows];
    const factor = Math.max(1, Math.ceil(512 / Math.max(across, down))); // a small picture is enlarged
    const width = across * factor;
    const height = down * factor;
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    const small = minicv.element("canvas", { width: columns, height: rows });
    const pixels = small.getContext("2d").createImageData(columns, rows);
    const start = shown * rows * columns;
    let most = 0;
    for (let i = 0; i < rows * columns; i++) most = Math.max(most, Math.abs(maps.data[start + i]));
    for (let i = 0; i < rows * columns; i++) {
      const [red, green, blue] = colour(most ? Math.abs(maps.data[start + i]) / most : 0);
      pixels.data.set([red, green, blue, 255], 4 * i);
    }
    small.getContext("2d").putImageData(pixels, 0, 0);
    context.imageSmoothingEnabled = false;
    if (photo) {
      const scale = width / stage.photo.width;
      context.filter = "grayscale(1)";
      context.drawImage(photo, 0, 0, width, height);
      context.filter = "none";
      context.globalAlpha = 0.62;
      context.drawImage(small, 0, 0, columns * data.cell * scale, rows * data.cell * scale);
      context.globalAlpha = 1;
    } else context.drawImage(small, 0, 0, width, height);
    const text =
      `${shown + 1} of ${count}: channel ${data.channels[shown]} of ${data.of}, ` +
      `from ${data.least[shown].toPrecision(3)} to ${data.most[shown].toPrecision(3)}`;
    said.textContent = text;
    canvas.setAttribute("aria-label", text);
  };

  const step = (by) => () => {
    shown = (shown + by + count) % count;
    draw();
  };
  const row = minicv.buttons([["Previous", step(-1)], ["Next", step(1)]]);
  row.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1)();
    if (event.key === "ArrowRight") step(1)();
  });
  element.append(row, canvas, said);
  if (stage.photo) photo = minicv.loaded(stage.photo, draw);
  else draw();
};
