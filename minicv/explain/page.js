// What all interactive parts use, and the start of the page. See minicv/explain/page.py.
"use strict";
const minicv = { widgets: {} };

// An array that Python's `packed` wrote: {shape, data}, the numbers in C order.
minicv.array = function (packed) {
  const bytes = Uint8Array.from(atob(packed.base64), (letter) => letter.charCodeAt(0));
  const kinds = { uint8: Uint8Array, int16: Int16Array, int32: Int32Array, float32: Float32Array };
  const data =
    packed.dtype === "float16"
      ? Float32Array.from(new Uint16Array(bytes.buffer), minicv.float16)
      : new kinds[packed.dtype](bytes.buffer);
  return { shape: packed.shape, data };
};

// The number that 16 bits are: sign, 5 bits of exponent, 10 of fraction.
minicv.float16 = function (bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
};

// An element: minicv.element("button", { type: "button", onclick: f }, "Next").
minicv.element = function (tag, attributes = {}, ...children) {
  const svg = ["svg", "g", "path", "rect", "circle", "line", "text", "image", "title", "polyline"];
  const element = svg.includes(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
};

// A slider with its label and its value beside it. `oninput` gets the number, and so does
// `format`, which writes it. The element's `input` is the slider itself.
minicv.slider = function ({ label, min, max, step, value, format = String, oninput }) {
  const said = minicv.element("output", {}, format(value));
  const input = minicv.element("input", { type: "range", min, max, step, value });
  input.setAttribute("aria-valuetext", format(value));
  input.addEventListener("input", () => {
    said.textContent = format(Number(input.value));
    input.setAttribute("aria-valuetext", said.textContent);
    oninput(Number(input.value));
  });
  const element = minicv.element("label", { class: "slider" }, label, input, said);
  element.input = input;
  return element;
};

// A row of buttons, from [label, function] each.
minicv.buttons = function (labelled) {
  return minicv.element(
    "div",
    { class: "row" },
    ...labelled.map(([label, onclick]) =>
      minicv.element("button", { type: "button", onclick }, label),
    ),
  );
};

// The colour of a class in the drawn pictures.
minicv.colour = function (label) {
  const palette = minicv.data.palette;
  return `rgb(${palette[label % palette.length].join(", ")})`;
};

// An image of `photo.src`; then(image) is called when it can be drawn on a canvas.
minicv.loaded = function (photo, then) {
  const image = new Image();
  image.onload = () => then(image);
  image.src = photo.src;
  return image;
};

minicv.start = function () {
  minicv.data = JSON.parse(document.getElementById("data").textContent);
  for (const place of document.querySelectorAll(".part")) {
    const stage = minicv.data.stages[place.dataset.stage];
    const part = stage.widgets[place.dataset.part];
    const widget = minicv.widgets[part.name];
    if (!widget) {
      place.remove();
      continue;
    }
    const photo = stage.photo === null ? null : minicv.data.photos[stage.photo];
    const about = { ...stage, photo, widgets: undefined };
    widget(place.querySelector(".control"), part.data, about);
  }
  minicv.followReading();
};

// The list of contents shows which stage is read; j and k go to the next and the one before.
minicv.followReading = function () {
  const sections = [...document.querySelectorAll(".stage")];
  const links = sections.map((section) => document.querySelector(`.contents a[href="#${section.id}"]`));
  if (matchMedia("(max-width: 999px)").matches) document.querySelector("nav details").open = false;
  let current = 0;
  const show = () => {
    const above = sections.filter((section) => section.getBoundingClientRect().top < innerHeight / 3);
    current = Math.max(0, above.length - 1);
    links.forEach((link, index) => {
      if (index === current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
  };
  addEventListener("scroll", show, { passive: true });
  show();
  addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "range";
    if (typing || event.ctrlKey || event.altKey || event.metaKey) return;
    const step = { j: 1, k: -1 }[event.key];
    if (!step) return;
    const next = sections[Math.min(sections.length - 1, Math.max(0, current + step))];
    next.scrollIntoView();
    history.replaceState(null, "", `#${next.id}`);
  });
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
};
