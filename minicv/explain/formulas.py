"""The formula of each stage, in HTML that reads without a library."""

from __future__ import annotations

import re

from minicv.inspection.stage import Stage
from minicv.models.model import Model


def sub(base: str, index: str) -> str:
    """
    >>> sub("x", "i")
    '<var>x</var><sub>i</sub>'
    """
    return f"<var>{base}</var><sub>{index}</sub>"


def line(text: str) -> str:
    """A formula on a line of its own."""
    return f'<p class="math">{text}</p>'


def words(text: str) -> str:
    """What a formula's letters mean."""
    return f"<p>{text}</p>"


_INPUT = line("x′ = (x − mean) / std, channel by channel") + words(
    "The photograph is resized and each colour is normalised as the backbone saw it in training; "
    "here it is drawn before that."
)
_CONVOLUTION = line(
    "y<sub>o, i, j</sub> = f( b<sub>o</sub> + Σ<sub>c, u, v</sub> w<sub>o, c, u, v</sub> · "
    "x<sub>c, s·i + u − p, s·j + v − p</sub> )"
) + words(
    "Layer after layer: each number of channel <i>o</i> is a weighted sum of the numbers under a "
    "small kernel, in all channels <i>c</i> of the layer before; <i>f</i> is mostly ReLU, "
    "max(0, ·). With stride <i>s</i> the map shrinks: a cell of the last map stands for as many "
    "pixels as the strides multiplied."
)
_SOFTMAX = line("p<sub>k</sub> = exp(s<sub>k</sub>) / Σ<sub>j</sub> exp(s<sub>j</sub>)")
_DECODE = line(
    "x̂ = x + w·t<sub>x</sub> &emsp; ŷ = y + h·t<sub>y</sub> &emsp; "
    "ŵ = w·exp(t<sub>w</sub>) &emsp; ĥ = h·exp(t<sub>h</sub>)"
)
_IOU = line("IoU(A, B) = |A ∩ B| / |A ∪ B|")
_SIGMOID = line("σ(s) = 1 / (1 + exp(−s))")

# By the name of the stage; of a name that is not here a number at its end, such as a stride, is
# left out.
BY_NAME: dict[str, str] = {
    "input": _INPUT,
    "tile": words(
        "A large photograph is cut into tiles that overlap by what one result depends on, so that "
        "the seams cannot be seen. The stages here are those of the tile in the middle."
    ),
    "feature_map": _CONVOLUTION,
    "pooled": line("y<sub>c, i, j</sub> = max or mean of x<sub>c</sub> over the cells of bin i, j")
    + words("Each channel is summed up on a grid of fixed size, whatever the size of the map."),
    "units": line("u = ReLU( W<sub>2</sub> · ReLU( W<sub>1</sub> · x + b<sub>1</sub> ) + "
                  "b<sub>2</sub> )")
    + words("Fully connected: every unit sees every number before it."),
    "anchors": line("w = size / √ratio &emsp; h = size · √ratio &emsp; centre = stride · (j + ½, "
                    "i + ½)")
    + words("At every cell the same boxes: one for each size and each ratio of height to width."),
    "objectness": _SIGMOID
    + words("A convolution of 3 × 3, then one of 1 × 1, gives each anchor a score; the sigmoid "
            "makes it a probability that an object is there."),
    "proposals_before_nms": _DECODE
    + words("The network also gives each anchor four offsets <i>t</i>. The surest anchors move by "
            "theirs, from centre x, y and size w, h to a box that fits better."),
    "proposals": _IOU
    + words("Non-maximum suppression: take the surest box, drop every box that overlaps it by "
            "more than the threshold, repeat with the next one that is left."),
    "region_levels": line("level = ⌊ 4 + log<sub>2</sub>( √(w·h) / 224 ) ⌋")
    + words("Small regions take their features from a fine map, large ones from a coarse one."),
    "region_features": line("y<sub>c, a, b</sub> = mean over the samples in bin a, b of "
                            "x<sub>c</sub>, interpolated between cells")
    + words("A grid is laid over each region, and every bin is filled from the map: regions of "
            "any size become arrays of one size, which a fully connected layer can take."),
    "class_scores": _SOFTMAX + words("Scores become probabilities: positive, and together 1."),
    "refined_boxes": _DECODE
    + words("Each class moves the region by offsets <i>t</i> of its own."),
    "detections": _IOU
    + words("Boxes that score too little are dropped; then non-maximum suppression, class by "
            "class: of boxes that overlap by more than the threshold the surest remains."),
    "warped_regions": line("crop<sub>u, v</sub> = x at (x<sub>1</sub> + w·(u + ½)/S, "
                           "y<sub>1</sub> + h·(v + ½)/S)")
    + words("Each region is cut out and stretched to a square, whatever its shape; the network "
            "then runs on every one of them, which is why this is slow."),
    "mask_probabilities": _SIGMOID
    + words("A small fully convolutional network gives each detection a mask for every class; the "
            "mask of its own class counts. The classes do not compete, so a sigmoid, no softmax."),
    "heatmaps": line("p<sub>j, u, v</sub> = exp(s<sub>j, u, v</sub>) / "
                     "Σ<sub>u′, v′</sub> exp(s<sub>j, u′, v′</sub>)")
    + words("A softmax over the places: for each joint where it is, if it is anywhere. The "
            "greatest place is the joint."),
    "instances": line("mask(x, y) = [ p at (x, y) ≥ ½ ]")
    + words("Every map of a mask is stretched over its box and cut at one half; of every map of a "
            "joint the greatest place counts."),
    "class_maps": line("p<sub>k, i, j</sub> = exp(s<sub>k, i, j</sub>) / "
                       "Σ<sub>l</sub> exp(s<sub>l, i, j</sub>)")
    + words("A softmax over the classes, at every cell by itself."),
    "label_map": line("label<sub>i, j</sub> = argmax<sub>k</sub> p<sub>k, i, j</sub>")
    + words("The class maps are brought to the size of the photograph; at each pixel the likeliest "
            "class wins."),
    "code": line("z = encoder(x)")
    + words("All that the decoder will know of the picture."),
    "reconstruction": line("x̂ = σ( decoder(z) ) &emsp; loss = mean of (x − x̂)²")
    + words("What the decoder makes of the code alone. Training pulls it towards the input."),
    "realness": line("D(x) = σ( s(x) )")
    + words("The discriminator's probability that a picture is a real one."),
    "latent": line("z<sub>i</sub> ~ N(0, 1)")
    + words("Random numbers, each normally distributed; the generator makes a picture of them."),
    "projected": line("h = ReLU( BN( W · z ) ), as C × 4 × 4")
    + words("A fully connected layer makes a first small map of the latent vector."),
    "enlarged_to": line("y<sub>o, s·i + u − p, s·j + v − p</sub> += w<sub>c, o, u, v</sub> · "
                        "x<sub>c, i, j</sub>")
    + words("A transposed convolution: every number is spread over a kernel, and where kernels "
            "overlap they add up. The map becomes larger."),
    "reduced_to": _CONVOLUTION,
    "sample": line("x = (1 + tanh( G(z) )) / 2")
    + words("The generator's picture, brought to 0..1."),
    "joints_1": line("(x, y)<sub>j</sub> = size · ( ½ + W · features + b )<sub>j</sub>")
    + words("Regression: the head gives the two coordinates of each joint, as shares of the "
            "picture's width and height; there is no search over places."),
    "joints": line("(x, y)<sub>j</sub> := (x, y)<sub>j</sub> + side · N( crop<sub>j</sub> )"
                   "<sub>j</sub>")
    + words("A second network sees each joint's crop and gives how far the joint is from the "
            "crop's centre, as a share of its side. Of all joints that it gives only the crop's "
            "own counts."),
    "crops": line("side = σ · | left shoulder − right hip |")
    + words("Around each joint a square is cut out, as wide as a multiple of the torso."),
}  # fmt: skip

_PROPOSER = words(
    "A proposer that knows no classes gives the regions. Selective Search, for one, merges "
    "neighbouring segments, the most alike first, and the box of every segment is a proposal."
)
_MAXIMA = line("y<sub>c, a, b</sub> = max of x<sub>c</sub> over the cells of bin a, b")

# Of systems in which a stage is something else than elsewhere, by the class of the model.
BY_MODEL: dict[tuple[str, str], str] = {
    ("PictureAutoencoder", "input"): words(
        "The picture becomes a square of the network's size, with numbers in 0..1."
    ),
    ("DCGAN", "input"): line("x′ = 2x − 1")
    + words("The picture becomes a square; the discriminator sees it in −1..1, where the "
            "generator's pictures are."),
    ("RCNN", "input"): words("The photograph as it is; what the network sees is normalised later."),
    ("RCNN", "proposals"): _PROPOSER,
    ("FastRCNN", "proposals"): _PROPOSER,
    ("FastRCNN", "region_features"): _MAXIMA
    + words("RoI pooling: a grid is laid over each region, and every bin takes the largest number "
            "of the map in it. Regions of any size become arrays of one size."),
    ("RCNN", "region_features"): _MAXIMA
    + words("The network runs on each crop, and its last map is pooled on a grid."),
    ("SPPNet", "region_features"): _MAXIMA
    + words("Spatial pyramid pooling: the largest number of every bin, on grids of several sizes, "
            "such as 1 × 1, 2 × 2 and 3 × 3, one after the other."),
    ("RCNN", "class_scores"): line("s<sub>k</sub> = w<sub>k</sub> · u + b<sub>k</sub> &emsp; "
                                   "p<sub>k</sub> = 1 / (1 + exp(−s<sub>k</sub>))")
    + words("A linear SVM for each class, fitted after the network, on its units <i>u</i>; without "
            "fitted SVMs the network's own softmax."),
    ("ImageClassifier", "class_scores"): _SOFTMAX
    + words("Scores become probabilities: positive, and together 1. Those of a network that was "
            "trained with the hinge loss stay as they are."),
    ("SingleObjectDetector", "detections"): line("box = size · ( W · units + b )")
    + words("Two heads on the same features: one says the class, with the softmax loss, the other "
            "gives four numbers for the box, with the L2 loss. There is one object by agreement."),
    ("VAE", "code"): line("z = μ(x), of N( μ(x), σ²(x) )")
    + words("The encoder gives a mean and a variance; a prediction takes the mean."),
    ("VAE", "reconstruction"): line(
        "−ELBO = −log p(x | z) + β · ½ Σ<sub>i</sub> ( μ<sub>i</sub>² + σ<sub>i</sub>² − "
        "log σ<sub>i</sub>² − 1 )"
    )
    + words("What training makes small: the reconstruction's part, and the divergence of the "
            "code's distribution from the standard normal one."),
}  # fmt: skip


def formula_of(stage: Stage, model: Model) -> str:
    """The formula of a stage as HTML; "" for a stage that has none.

    >>> import numpy as np
    >>> stage = Stage("input", "", "image", {"image": np.zeros((3, 4, 4))}, 0.0)
    >>> formula_of(stage, Model())[:20]
    '<p class="math">x′ ='
    """
    name = re.sub(r"_\d+$", "", stage.name)
    for of_class in type(model).__mro__:
        if (of_class.__name__, name) in BY_MODEL:
            return BY_MODEL[of_class.__name__, name]
    return BY_NAME.get(stage.name, BY_NAME.get(name, ""))
