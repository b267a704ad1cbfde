// Detections over the picture: choose one to follow it back to its anchor; move the thresholds to see
// which boxes suppression leaves. Suppression is minicv.boxes.nms in widget_boxes.js.

minicv.widgets.detections = function (element, data, stage) {
  "use strict";
  const { iou, nms, voted, offsets, at } = minicv.boxes;
  const { picture, rectangle } = minicv.overlay;
  const make = minicv.element;
  const own = data.settings, regions = data.of_regions;
  const boxes = minicv.array(data.boxes).data, labels = minicv.array(data.labels).data;
  const scores = minicv.array(data.scores).data, regionOf = minicv.array(data.regions).data;
  const read = (packed) => (packed ? minicv.array(packed) : null);
  const proposed = read(regions.boxes).data, moved = read(regions.moved);
  const numbers = read(regions.numbers).data, proposalScores = read(regions.scores);
  const bestClasses = read(regions.best_classes), bestScores = read(regions.best_scores).data;
  const svmScores = read(regions.svm_scores), background = read(regions.background);
  const pooledFrom = read(regions.pooled_from), features = regions.features;
  const featureMaps = features && read(features.maps), strongest = features && read(features.channels);
  const featureEnds = features && read(features.ends).data;
  const anchors = regions.anchors, anchorBoxes = anchors && read(anchors.boxes).data;
  const anchorCells = anchors && read(anchors.cells).data;
  const anchorNumbers = anchors && read(anchors.numbers).data;
  const bodies = data.bodies, masks = data.masks;
  const maskMaps = masks && read(masks.maps);
  const heatMaps = bodies && read(bodies.maps), joints = bodies && read(bodies.joints).data;

  // What is chosen, and what is left of suppression.
  const limits = { score: data.start, nms: own.nms };
  let shown = [], among = [], removedBy = new Map(), chosen = null;

  const lowest = Math.min(Math.ceil(data.lowest * 100 - 1e-9) / 100, 0.99);
  const scoreSlider = minicv.slider({
    label: "Score threshold", min: lowest, max: 0.99, step: 0.01, value: Math.max(limits.score, lowest),
    format: (value) => value.toFixed(2),
    oninput: (value) => { limits.score = value; suppress(); },
  });
  const nmsSlider = minicv.slider({
    label: "NMS threshold (IoU)", min: 0, max: 1, step: 0.05, value: limits.nms,
    format: (value) => value.toFixed(2),
    oninput: (value) => { limits.nms = value; suppress(); },
  });
  limits.score = Math.max(limits.score, lowest);
  const count = make("p", { class: "det-count", "aria-live": "polite" });
  const svg = picture(stage.photo, ...data.size, "The picture with the detections");
  const boxLayer = make("g"), chainLayer = make("g", { class: "chain" });
  svg.append(chainLayer, boxLayer);
  const list = make("ol", { class: "det-list", "aria-label": "Detections, best first" });
  const steps = make("ol", { class: "det-steps", "aria-label": "The way back", "aria-live": "polite" });
  element.classList.add("detections");
  element.append(
    make("div", { class: "det-controls" }, scoreSlider, nmsSlider,
      minicv.buttons([["The model's own thresholds", () => set(own.score, own.nms)]])),
    count,
    make("p", { class: "note" }, "Point at a detection, or choose one: its way back is drawn and told below." +
      (data.lowest > own.score ? ` The page has the ${scores.length.toLocaleString("en")} best boxes, those with a ` +
        `score above ${data.lowest.toPrecision(2)}; the model goes down to ${own.score}.` : "")),
    make("div", { class: "det-view" }, svg, list),
    steps,
  );

  function set(score, overlap) {
    for (const [slider, value] of [[scoreSlider, score], [nmsSlider, overlap]]) {
      const input = slider.querySelector("input");
      input.value = value;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  function suppress() {
    const limit = Math.fround(limits.score);
    among = [];
    for (let i = 0; i < scores.length; i++) if (scores[i] > limit) among.push(i);
    const left = nms(boxes, scores, labels, among, limits.nms);
    removedBy = left.removedBy;
    shown = left.kept.slice(0, own.most);
    const few = left.kept.length - shown.length;
    count.replaceChildren(
      make("strong", {}, `${shown.length} ${shown.length === 1 ? "detection" : "detections"}`),
      `: ${among.length} boxes score above ${limits.score.toFixed(2)}, ` +
        `suppression removes ${removedBy.size}` + (few ? `, and of the others ${few} are too many.` : "."),
    );
    count.dataset.shown = shown.length;
    drawBoxes();
    choose(shown.includes(chosen) ? chosen : shown.length ? shown[0] : null);
  }

  const area = (i) => minicv.boxes.area(boxes, i);
  const finalBox = (i) => own.vote < 1 ? voted(boxes, scores, labels, among, i, own.vote) : [...at(boxes, i)];
  const named = (i) => `${data.classes[labels[i]]} ${scores[i].toFixed(2)}`;

  function drawBoxes() {
    const inFront = [...shown].sort((i, j) => area(j) - area(i)); // small ones can be reached
    boxLayer.replaceChildren(...inFront.map((i) => {
      const box = rectangle(finalBox(i), "detection");
      box.style.setProperty("--own", minicv.colour(labels[i]));
      box.append(make("title", {}, named(i)));
      for (const [key, value] of Object.entries({ role: "button", "aria-label": named(i) })) {
        box.setAttribute(key, value);
      }
      return reacting(box, i);
    }));
    list.replaceChildren(...shown.map((i) => {
      const swatch = make("span", { class: "swatch", style: `background: ${minicv.colour(labels[i])}` });
      const name = make("span", {}, data.classes[labels[i]]);
      const button = make("button", { type: "button" }, swatch, name, make("span", {}, scores[i].toFixed(2)));
      return make("li", {}, reacting(button, i));
    }));
  }

  // A box or a button of the list: a pointer over it shows the way of candidate i, a click keeps it.
  function reacting(target, i) {
    target.dataset.candidate = i;
    target.dataset.region = numbers[regionOf[i]];
    target.dataset.label = labels[i];
    target.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") show(i); });
    target.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") show(chosen); });
    target.addEventListener("click", () => choose(i));
    target.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step && target.namespaceURI === svg.namespaceURI) {
        event.preventDefault();
        const next = shown[(shown.indexOf(i) + step + shown.length) % shown.length];
        choose(next);
        boxLayer.querySelector(`[data-candidate="${next}"]`).focus();
      } else if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        choose(i);
      }
    });
    return target;
  }

  function choose(i) {
    chosen = i;
    for (const box of boxLayer.children) {
      box.setAttribute("tabindex", Number(box.dataset.candidate) === i ? 0 : -1); // one stop for Tab
      box.setAttribute("aria-pressed", Number(box.dataset.candidate) === i);
    }
    for (const button of list.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", Number(button.dataset.candidate) === i);
    }
    show(i);
  }

  // The way of candidate i, from the detection back to the anchor: on the picture, and in words.
  let drawn;
  function show(i) {
    if (i === drawn && steps.children.length) return;
    drawn = i;
    for (const box of boxLayer.children) {
      box.classList.toggle("faint", i !== null && Number(box.dataset.candidate) !== i);
    }
    if (i === null) {
      chainLayer.replaceChildren();
      steps.replaceChildren(make("li", {}, "No box scores above the threshold."));
      return;
    }
    const row = regionOf[i], colour = minicv.colour(labels[i]);
    chainLayer.replaceChildren(...layers(i, row));
    chainLayer.style.setProperty("--own", colour);
    steps.style.setProperty("--own", colour);
    steps.dataset.region = numbers[row];
    if (anchors) steps.dataset.anchor = anchorNumbers[row];
    steps.replaceChildren(...[
      detectionStep(i), maskStep(i), bodyStep(i), refinedStep(i, row), scoresStep(row), movedStep(row),
      featuresStep(row), proposalStep(row), anchorStep(row),
    ].filter(Boolean));
  }

  function layers(i, row) {
    const found = [];
    const removed = [...removedBy].filter(([, better]) => better === i).map(([other]) => other);
    for (const other of removed) found.push(rectangle(at(boxes, other), "removed"));
    if (anchors) {
      const [level, y, x] = anchorCells.subarray(4 * row), side = anchors.strides[level];
      found.push(rectangle([x * side, y * side, (x + 1) * side, (y + 1) * side], "cell"));
      found.push(rectangle(at(anchorBoxes, row), "anchor"));
    }
    found.push(rectangle(at(proposed, row), "proposal"));
    found.push(...overlaid(i));
    return found;
  }

  // The steps, one card each

  const signed = (value, digits = 1) => // without a minus before 0
    (Number(value.toFixed(digits)) + 0).toFixed(digits).replace("-", "−");
  const corners = (box) =>
    `x ${signed(box[0])} to ${signed(box[2])}, y ${signed(box[1])} to ${signed(box[3])} ` +
    `(${(box[2] - box[0]).toFixed(0)} × ${(box[3] - box[1]).toFixed(0)} pixels)`;
  const overlap = (one, other) => iou(Float32Array.from(one), 0, Float32Array.from(other), 0).toFixed(2);
  const plus = (text) => (text.startsWith("−") ? text : `+${text}`);
  const offsetsText = (from, to) => offsets(from, to)
    .map((value, c) => `${["dx", "dy", "dw", "dh"][c]} ${plus(signed(value, 2))}`)
    .join(", ");
  function card(name, title, ...parts) {
    const lines = parts.filter(Boolean).map((part) => typeof part === "string" ? make("p", {}, part) : part);
    return make("li", { class: `step ${name}` }, make("h4", {}, make("span", { class: "key" }), title), ...lines);
  }

  function detectionStep(i) {
    const removed = [...removedBy.values()].filter((better) => better === i).length;
    const box = finalBox(i);
    return card(
      "detection", `Detection: ${named(i)}`, corners(box),
      own.vote < 1 && `The mean of the boxes that overlap the refined box by ${own.vote} or more, weighted by ` +
        `their scores; IoU with it ${overlap(box, at(boxes, i))}.`,
      removed > 0 && `Suppression removed ${removed} ${removed === 1 ? "box" : "boxes"} of its class for it, ` +
        "drawn thin.",
    );
  }

  function refinedStep(i, row) {
    const from = moved ? at(moved.data, row) : at(proposed, row), to = at(boxes, i);
    if ([0, 1, 2, 3].every((c) => from[c] === to[c])) return null;
    return card(
      "refined", `Refined box, as ${data.classes[labels[i]]}`, corners(to),
      `IoU with the ${moved ? "region" : "proposal"} ${overlap(from, to)}; moved by ${offsetsText(from, to)}.`,
    );
  }

  function scoresStep(row) {
    const many = bestClasses.shape[1], bars = [];
    for (let c = 0; c < many; c++) {
      const k = bestClasses.data[row * many + c], score = bestScores[row * many + c];
      const raw = svmScores ? ` (SVM ${svmScores.data[row * many + c].toFixed(2)})` : "";
      bars.push([data.classes[k], score, minicv.colour(k), raw]);
    }
    if (background) bars.push(["background", Math.max(background.data[row], 0), "var(--soft)", ""]);
    const rest = data.classes.length - many;
    return card("scores", "Class scores of the region", make(
      "ul", { class: "bars" },
      ...bars.map(([name, score, colour, raw]) => make(
        "li", {}, make("span", { class: "name" }, name),
        make("span", { class: "track" }, make("span", {
          class: "bar", style: `width: ${(100 * score).toFixed(1)}%; background: ${colour}`,
        })),
        make("span", { class: "number" }, score.toFixed(3) + raw),
      )),
    ), rest > 0 && `The ${rest} other classes score less.`);
  }

  function heatCanvas(values, width, height, label) {
    const canvas = make("canvas", { width, height, class: "cells", role: "img", "aria-label": label });
    const pixels = new ImageData(width, height);
    values.forEach((value, place) => pixels.data.set([...data.heat[value], 255], 4 * place));
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    return canvas;
  }

  function featuresStep(row) {
    const crop = cropOf(row);
    if (!features || row >= featureMaps.shape[0]) return crop && card("seen", "What the network sees", crop);
    const [, many, high, wide] = featureMaps.shape;
    const tiles = [];
    for (let c = 0; c < many; c++) {
      const start = (row * many + c) * high * wide, channel = strongest.data[row * many + c];
      const canvas = heatCanvas(
        featureMaps.data.subarray(start, start + high * wide), wide, high, `channel ${channel}`,
      );
      tiles.push(make("figure", {}, canvas, make("figcaption", {}, channel)));
    }
    const [low, most] = featureEnds.subarray(2 * row);
    return card(
      "seen", `What the head sees: ${wide} × ${high} cells`,
      make("div", { class: "maps" }, crop, ...tiles),
      `Of the ${features.of} channels${moved ? ", at the first look," : ""} those with the largest means; dark ` +
        `is ${signed(low)}, bright ${signed(most)}.` +
        (pooledFrom ? ` Pooled from the map of stride ${pooledFrom.data[row]}.` : ""),
    );
  }

  // The pixels of the region: as the system cut them out, or else out of the picture.
  function cropOf(row) {
    const side = 64, sheet = regions.crops;
    const cut = sheet && row < sheet.count, source = cut ? sheet.src : stage.photo && stage.photo.src;
    if (!source) return null;
    const canvas = make("canvas", { width: side, height: side, role: "img", "aria-label": "the region's pixels" });
    const image = new Image();
    image.onload = () => {
      const across = image.naturalWidth / data.size[0], down = image.naturalHeight / data.size[1];
      const [x1, y1, x2, y2] = at(proposed, row);
      const place = cut ? [0, row * sheet.side, sheet.side, sheet.side]
        : [x1 * across, y1 * down, Math.max((x2 - x1) * across, 1), Math.max((y2 - y1) * down, 1)];
      canvas.getContext("2d").drawImage(image, ...place, 0, 0, side, side);
    };
    image.src = source;
    return make("figure", {}, canvas, make("figcaption", {}, "pixels"));
  }

  function movedStep(row) {
    if (!moved) return null;
    const from = at(proposed, row), to = at(moved.data, row);
    return card(
      "moved", "Region, after the head's first look", corners(to),
      `The head moved the proposal by ${offsetsText(from, to)}, and looked again; IoU ${overlap(from, to)}. The ` +
        "scores are the mean of its looks.",
    );
  }

  function proposalStep(row) {
    const box = at(proposed, row);
    return card(
      "proposal", `Proposal ${numbers[row] + 1} of ${regions.of}`, corners(box),
      proposalScores && `Score ${proposalScores.data[row].toPrecision(3)}` + (anchors
        ? `; IoU with its anchor ${overlap(at(anchorBoxes, row), box)}; ` +
          `moved by ${offsetsText(at(anchorBoxes, row), box)}.` : "."),
    );
  }

  function anchorStep(row) {
    if (!anchors) return null;
    const [level, y, x, which] = anchorCells.subarray(4 * row);
    const several = anchors.strides.length > 1 ? `level ${level + 1} of ${anchors.strides.length}, ` : "";
    return card(
      "anchor", `Anchor ${anchorNumbers[row].toLocaleString("en")}`, corners(at(anchorBoxes, row)),
      `At row ${y}, column ${x} of the map (${several}stride ${anchors.strides[level]}); number ${which + 1} of ` +
        `the ${anchors.per_cell} at each cell.`,
    );
  }

  // Masks and joints, of the model's own detections

  function grid(packed, place) {
    const [, height, width] = packed.shape.slice(-3), start = place * height * width;
    return [packed.data.subarray(start, start + height * width), width, height];
  }

  // The mask as a picture to lay over the box: the colour of the class where the probability is.
  function overlaid(i) {
    const found = [], d = masks ? masks.candidates.indexOf(i) : -1;
    const box = finalBox(i);
    if (d >= 0) {
      const [values, width, height] = grid(maskMaps, d);
      const canvas = make("canvas", { width, height });
      const pixels = new ImageData(width, height);
      const colour = minicv.colour(labels[i]).match(/\d+/g).map(Number);
      values.forEach((value, place) => pixels.data.set([...colour, value >= 128 ? 140 : 0], 4 * place));
      canvas.getContext("2d").putImageData(pixels, 0, 0);
      found.push(make("image", {
        href: canvas.toDataURL(), x: box[0], y: box[1], width: box[2] - box[0], height: box[3] - box[1],
        preserveAspectRatio: "none",
      }));
    }
    const b = bodies ? bodies.candidates.indexOf(i) : -1;
    if (b >= 0) {
      bodies.names.forEach((name, j) => {
        const [x, y] = joints.subarray(2 * (b * bodies.names.length + j));
        const radius = Math.max(...data.size) / 200;
        found.push(make("circle", { cx: x, cy: y, r: radius, class: "joint" }, make("title", {}, name)));
      });
    }
    return found;
  }

  function maskStep(i) {
    const d = masks ? masks.candidates.indexOf(i) : -1;
    if (!masks) return null;
    if (d < 0) return card("mask", "Mask", "The mask head looked only at the model's own detections.");
    const [values, width, height] = grid(maskMaps, d);
    return card(
      "mask", `Mask: ${width} × ${height} probabilities`, heatCanvas(values, width, height, "mask probabilities"),
      "Bright is the object; the box on the picture is tinted where the probability is a half or more.",
    );
  }

  function bodyStep(i) {
    const b = bodies ? bodies.candidates.indexOf(i) : -1;
    if (b < 0) return null;
    const tiles = bodies.names.map((name, j) => {
      const [values, width, height] = grid(heatMaps, b * bodies.names.length + j);
      return make("figure", {}, heatCanvas(values, width, height, name), make("figcaption", {}, name));
    });
    return card("body", "Joints: a map each", make("div", { class: "maps" }, ...tiles));
  }

  suppress();
};
