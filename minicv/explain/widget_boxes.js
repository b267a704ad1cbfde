// Boxes: how much two of them overlap, and suppression, as minicv/vision/boxes.py has them.
//
// The page decides as Python does, to the last bit. Python computes in float32. A number here has 53
// binary digits, more than twice the 24 of a float32, so the sum, the product or the quotient of two
// float32 numbers that Math.fround rounds is the one that float32 arithmetic gives. Equal scores
// stay in the order they came: sort() is stable.

minicv.boxes = (function () {
  "use strict";
  const round = Math.fround;
  const TINY = 2 ** -126; // divides the 0 of two empty boxes to 0, not NaN

  function area(boxes, i) {
    const width = Math.max(round(boxes[4 * i + 2] - boxes[4 * i]), 0);
    const height = Math.max(round(boxes[4 * i + 3] - boxes[4 * i + 1]), 0);
    return round(width * height);
  }

  // |A n B| / (|A| + |B| - |A n B|) of box i of `some` and box j of `others`; both Float32Array.
  function iou(some, i, others, j) {
    const a = 4 * i, b = 4 * j;
    const left = Math.max(some[a], others[b]), right = Math.min(some[a + 2], others[b + 2]);
    const top = Math.max(some[a + 1], others[b + 1]), bottom = Math.min(some[a + 3], others[b + 3]);
    const width = Math.max(round(right - left), 0), height = Math.max(round(bottom - top), 0);
    const shared = round(width * height);
    const union = round(round(area(some, i) + area(others, j)) - shared);
    return round(shared / Math.max(union, TINY));
  }

  // Non-maximum suppression: take the best box, remove those of its label that overlap it by more
  // than the threshold, and so on. `among` are the numbers of the boxes that take part, ascending.
  // Returns which are kept, best first, and of each removed one which removed it.
  function nms(boxes, scores, labels, among, threshold) {
    const limit = round(threshold);
    const order = [...among].sort((i, j) => scores[j] - scores[i]);
    const kept = [], removedBy = new Map();
    for (const i of order) {
      const better = kept.find((k) => labels[k] === labels[i] && iou(boxes, k, boxes, i) > limit);
      if (better === undefined) kept.push(i);
      else removedBy.set(i, better);
    }
    return { kept, removedBy };
  }

  // Box voting: the mean of the boxes of its label that overlap box k by `least` or more, each with
  // the weight of its score; see minicv/vision/box_voting.py.
  function voted(boxes, scores, labels, among, k, least) {
    const sum = [0, 0, 0, 0];
    let weight = 0;
    for (const i of among) {
      if (labels[i] !== labels[k] || iou(boxes, k, boxes, i) < round(least)) continue;
      weight += scores[i];
      for (let c = 0; c < 4; c++) sum[c] += scores[i] * boxes[4 * i + c];
    }
    return weight > 0 ? sum.map((value) => value / weight) : [...boxes.subarray(4 * k, 4 * k + 4)];
  }

  // The offsets from one box to another, as minicv.vision.encode_boxes: dx, dy, dw, dh.
  function offsets(from, to) {
    const size = (box) => [box[2] - box[0], box[3] - box[1]];
    const centre = (box) => [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
    const [w, h] = size(from), [cx, cy] = centre(from);
    const [width, height] = size(to), [x, y] = centre(to);
    return [(x - cx) / w, (y - cy) / h, Math.log(width / w), Math.log(height / h)];
  }

  const at = (boxes, i) => boxes.subarray(4 * i, 4 * i + 4);

  return { area, iou, nms, voted, offsets, at };
})();

// A picture with boxes over it, and what the parts of detectors draw with.
minicv.overlay = (function () {
  "use strict";

  // The picture as an SVG that is measured in the pixels of the boxes.
  function picture(photo, width, height, label) {
    const svg = minicv.element("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", class: "overlay" });
    svg.setAttribute("aria-label", label);
    svg.style.aspectRatio = width / height;
    svg.style.width = `min(100%, ${(80 * width) / height}vh)`;
    if (photo) {
      svg.append(
        minicv.element("image", { href: photo.src, width, height, preserveAspectRatio: "none" }),
      );
    }
    return svg;
  }

  // A rectangle; with two lines, one dark and one in colour, so that it is seen on any photograph.
  function rectangle(box, name) {
    const [x1, y1, x2, y2] = box;
    const place = { x: x1, y: y1, width: Math.max(x2 - x1, 0), height: Math.max(y2 - y1, 0) };
    return minicv.element(
      "g", { class: `box ${name}` },
      minicv.element("rect", { ...place, class: "casing" }), minicv.element("rect", { ...place, class: "line" }),
    );
  }

  return { picture, rectangle };
})();
