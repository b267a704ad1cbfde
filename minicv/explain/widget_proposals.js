// Proposals over the picture: how many of the best, and suppression with another threshold.

minicv.widgets.proposals = function (element, data, stage) {
  "use strict";
  const { nms, at } = minicv.boxes;
  const { picture, rectangle } = minicv.overlay;
  const make = minicv.element;
  const boxes = minicv.array(data.boxes).data, scores = minicv.array(data.scores).data;
  const levels = data.levels ? minicv.array(data.levels).data : null;
  const all = Array.from(scores, (_, i) => i);
  const limits = { many: data.start, nms: data.nms };
  const svg = picture(stage.photo, ...data.size, "The picture with the best proposals");
  const layer = make("g");
  svg.append(layer);
  const count = make("p", { class: "det-count", "aria-live": "polite" });
  let left = all;

  const controls = [minicv.slider({
    label: "Proposals drawn", min: 1, max: Math.min(data.most || 300, scores.length), step: 1,
    value: Math.min(limits.many, scores.length), format: (value) => `best ${value}`,
    oninput: (value) => { limits.many = value; draw(); },
  })];
  if (levels) {
    controls.push(minicv.slider({
      label: "NMS threshold (IoU)", min: 0, max: 1, step: 0.05, value: data.nms,
      format: (value) => value.toFixed(2),
      oninput: (value) => { limits.nms = value; suppress(); },
    }));
  }
  element.classList.add("detections");
  element.append(make("div", { class: "det-controls" }, ...controls), count, svg);

  // Boxes of different levels of a pyramid do not compete.
  function suppress() {
    if (levels) left = nms(boxes, scores, levels, all, limits.nms).kept;
    draw();
  }

  function draw() {
    const drawn = left.slice(0, limits.many);
    const least = scores[drawn[drawn.length - 1]], most = scores[drawn[0]];
    layer.replaceChildren(...[...drawn].reverse().map((i) => {
      const box = rectangle(at(boxes, i), "proposed");
      const share = most > least ? (scores[i] - least) / (most - least) : 1;
      box.style.setProperty("--share", `${Math.round(100 * share)}%`);
      box.append(make("title", {}, `score ${scores[i].toPrecision(3)}`));
      return box;
    }));
    const kept = levels ? Math.min(left.length, data.most) : data.of;
    count.replaceChildren(
      levels ? `Of ${scores.length} boxes suppression leaves ${left.length}` +
        (left.length > kept ? `, of which the best ${kept} go on` : "") : `${kept} boxes`,
      `; drawn are the best ${drawn.length}, with scores from ${most.toPrecision(3)} down to ` +
        `${least.toPrecision(3)}.`,
    );
    count.dataset.left = left.length;
  }

  suppress();
};
