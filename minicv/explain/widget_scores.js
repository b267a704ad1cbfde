// Scores of classes, and the joints of a pose.

// A bar for each class, with a temperature by which all scores are divided before the softmax.
minicv.widgets.class_scores = function (element, data) {
  const logs = minicv.array(data.logs).data;
  const list = minicv.element("ol", { class: "bars" });
  const rows = data.classes.map((name) => {
    const fill = minicv.element("span", { class: "fill" });
    const value = minicv.element("output");
    const bar = minicv.element("span", { class: "bar" }, fill);
    list.append(minicv.element("li", {}, minicv.element("span", {}, name), bar, value));
    return { fill, value };
  });
  const said = minicv.element("p", { class: "note", "aria-live": "polite" });
  const show = (temperature) => {
    const shares = minicv.softmax(logs, temperature);
    rows.forEach(({ fill, value }, place) => {
      fill.style.width = `${100 * shares[place]}%`;
      value.textContent = shares[place].toFixed(4);
    });
    const entropy = shares.reduce((sum, p) => sum - (p > 0 ? p * Math.log2(p) : 0), 0);
    said.textContent =
      `p = softmax(s / T). At T = ${temperature.toFixed(2)} the best class has ` +
      `${(100 * shares[0]).toFixed(1)} %, and the entropy is ${entropy.toFixed(2)} of at most ` +
      `${Math.log2(shares.length).toFixed(2)} bits. The order of the classes stays.`;
  };
  const slider = minicv.slider({
    label: "Temperature T",
    min: -2,
    max: 3,
    step: 0.25,
    value: 0,
    format: (power) => (2 ** power).toFixed(2),
    oninput: (power) => show(2 ** power),
  });
  element.append(slider, list, said);
  show(1);
};

// exp(log p / T), made to sum to 1: what the softmax of scores that are divided by T gives.
minicv.softmax = function (logs, temperature) {
  const most = Math.max(...logs);
  const powers = Array.from(logs, (log) => Math.exp((log - most) / temperature));
  const sum = powers.reduce((before, power) => before + power, 0);
  return powers.map((power) => power / sum);
};

// The joints by name: a button for each; the chosen one is marked on the photograph.
minicv.widgets.pose = function (element, data, stage) {
  const { src, width, height } = stage.photo;
  const size = Math.max(width, height);
  const side = (name) => ({ right: "#e69f00", left: "#56b4e9" })[name.split(" ")[0]] || "#ffffff";
  const svg = minicv.element("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width: Math.round(Math.min(720, (560 * width) / height)),
    role: "img",
  });
  svg.append(minicv.element("image", { href: src, width, height }));
  const said = minicv.element("p", { class: "note", "aria-live": "polite" });
  const dots = data.joints.map(([x, y], joint) => {
    const group = minicv.element("g", { onmouseenter: () => choose(joint) });
    if (data.from) {
      const [x1, y1] = data.from[joint];
      const way = { x1, y1, x2: x, y2: y, stroke: "#fff", "stroke-width": size / 250 };
      group.append(minicv.element("line", { ...way, "stroke-dasharray": size / 120 }));
    }
    const name = minicv.element("title", {}, data.names[joint]);
    const dot = { cx: x, cy: y, fill: side(data.names[joint]), stroke: "#111" };
    group.append(minicv.element("circle", { ...dot, "stroke-width": size / 350 }, name));
    return group;
  });
  svg.append(...dots);
  const buttons = data.names.map((name, joint) => {
    const chosen = () => choose(joint);
    return minicv.element("button", { type: "button", onclick: chosen, onfocus: chosen }, name);
  });
  const choose = (joint) => {
    dots.forEach((dot, i) => {
      dot.querySelector("circle").setAttribute("r", i === joint ? size / 32 : size / 75);
    });
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", i === joint));
    const [x, y] = data.joints[joint];
    const before = data.from && Math.hypot(x - data.from[joint][0], y - data.from[joint][1]);
    said.textContent =
      `${data.names[joint]}: x ${x.toFixed(1)}, y ${y.toFixed(1)}` +
      (data.from ? `; the stage before had it ${before.toFixed(1)} pixels away.` : ".");
    svg.setAttribute("aria-label", said.textContent);
  };
  element.append(minicv.element("div", { class: "row joints" }, ...buttons), svg, said);
  choose(0);
};
