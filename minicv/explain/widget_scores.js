// Scores of classes, the numbers of a code, and the joints of a pose.

// A bar for each class, and how far each is behind the best.
minicv.widgets.class_scores = function (element, data) {
  const list = minicv.element("ol", { class: "bars" });
  const largest = Math.max(...data.scores.map(Math.abs), 1e-12);
  const said = minicv.element("p", { class: "note", "aria-live": "polite" });
  data.classes.forEach((name, place) => {
    const score = data.scores[place];
    const share = data.probabilities ? score : Math.abs(score) / largest;
    const fill = minicv.element("span", { class: "fill", style: `width: ${100 * share}%` });
    list.append(
      minicv.element("li", {}, minicv.element("span", {}, name), fill,
        minicv.element("output", {}, data.probabilities ? score.toFixed(4) : score.toFixed(3))),
    );
  });
  element.append(list, said);
  if (!data.probabilities) return;
  let together = 0;
  const enough = data.scores.findIndex((score) => (together += score) >= 0.95);
  said.textContent =
    enough < 0
      ? `The best ${data.scores.length} of ${data.of} classes have ${(100 * together).toFixed(0)} % together.`
      : `The best ${enough + 1} of ${data.of} classes have 95 % together.`;
};

// Every number of the code is a cell; the arrow keys walk from one to the next.
minicv.widgets.code = function (element, data) {
  const numbers = minicv.array(data.numbers).data;
  const most = Math.max(...numbers.map(Math.abs), 1e-12);
  const slider = minicv.slider({
    label: "Number", min: 1, max: numbers.length, step: 1, value: 1,
    format: (place) => `${place} of ${data.of}`,
    oninput: (place) => show(place - 1),
  });
  const width = 720;
  const across = Math.max(1, Math.min(32, numbers.length));
  const down = Math.ceil(numbers.length / across);
  const cell = width / across;
  const svg = minicv.element("svg", { viewBox: `0 0 ${width} ${down * cell}`, width, role: "img" });
  const cells = [...numbers].map((number, place) =>
    minicv.element("rect", {
      x: (place % across) * cell + 1, y: Math.floor(place / across) * cell + 1,
      width: cell - 2, height: cell - 2, rx: 3,
      fill: number >= 0 ? "#0072b2" : "#d55e00", "fill-opacity": 0.06 + (0.94 * Math.abs(number)) / most,
      onclick: () => choose(place),
    }),
  );
  svg.append(...cells);
  const said = minicv.element("p", { class: "note", "aria-live": "polite" });
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const show = (place) => {
    cells.forEach((own, i) => own.setAttribute("stroke", i === place ? "currentColor" : "none"));
    said.textContent =
      `Number ${place + 1} is ${numbers[place].toPrecision(4)}; the mean of all is ` +
      `${mean.toPrecision(3)}. Blue is above 0, orange below.`;
    svg.setAttribute("aria-label", said.textContent);
  };
  const choose = (place) => {
    slider.input.value = place + 1;
    slider.input.dispatchEvent(new Event("input"));
  };
  element.append(slider, svg, said);
  show(0);
};

// The joints by name: a button for each; the chosen one is marked on the photograph.
minicv.widgets.pose = function (element, data, stage) {
  const { src, width, height } = stage.photo;
  const size = Math.max(width, height);
  const svg = minicv.element("svg", { viewBox: `0 0 ${width} ${height}`, width: Math.min(640, Math.max(width, 320)), role: "img" });
  svg.append(minicv.element("image", { href: src, width, height }));
  const said = minicv.element("p", { class: "note", "aria-live": "polite" });
  const dots = data.joints.map(([x, y], joint) => {
    const group = minicv.element("g");
    if (data.from) {
      const [x1, y1] = data.from[joint];
      group.append(minicv.element("line", { x1, y1, x2: x, y2: y, stroke: "#fff", "stroke-width": size / 200 }));
    }
    group.append(
      minicv.element("circle", { cx: x, cy: y, r: size / 60, fill: minicv.colour(joint), stroke: "#fff",
        "stroke-width": size / 250 }, minicv.element("title", {}, data.names[joint])),
    );
    group.addEventListener("mouseenter", () => choose(joint));
    return group;
  });
  svg.append(...dots);
  const buttons = data.names.map((name, joint) =>
    minicv.element("button", { type: "button", onclick: () => choose(joint), onfocus: () => choose(joint) }, name),
  );
  const choose = (joint) => {
    dots.forEach((dot, i) => dot.querySelector("circle").setAttribute("r", i === joint ? size / 30 : size / 60));
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", i === joint));
    const [x, y] = data.joints[joint];
    const moved = data.from ? Math.hypot(x - data.from[joint][0], y - data.from[joint][1]) : null;
    said.textContent =
      `${data.names[joint]}: x ${x.toFixed(1)}, y ${y.toFixed(1)}` +
      (moved === null ? "." : `, moved by ${moved.toFixed(1)} pixels from the stage before.`);
    svg.setAttribute("aria-label", said.textContent);
  };
  element.append(minicv.element("div", { class: "row" }, ...buttons), svg, said);
  choose(0);
};
