"""Four autoencoders: a picture through a code of few numbers, and back.

An encoder makes a code of a picture, a decoder a picture of the code, and both learn together that
the second picture is as the first. The code is far shorter than the picture, so the networks must
find out what pictures have in common. Four ways, with codes of the same length:

- fully connected: layers of fewer and fewer units
- convolutional, strided: convolutions with stride 2 down, transposed convolutions up
- convolutional, pooled: max pooling down, max unpooling by the switches up
- variational: the code is a small cloud, and the clouds of all pictures fill a normal distribution

Beside them stands a principal component analysis with as many numbers: the best that a linear
encoder and a linear decoder can do. It needs no training, and is hard to beat with a long code and
few pictures.

    python examples/21_four_autoencoders.py
    python examples/21_four_autoencoders.py --data idx:DIR

It prints the mean squared error of unseen pictures. The pooled one looks best, but more than the
code passes to its decoder: the switches say where each maximum was. So it also prints how many bits
they are, and draws what the decoder makes of the code of one picture and the switches of another.

The pictures: pictures, codes and reconstructions; the error by the length of the code; and codes
with foreign switches.

Source: Hinton & Salakhutdinov, Science 2006; Masci et al., ICANN 2011; Zhao et al., Stacked
what-where auto-encoders, 2016; Kingma & Welling, ICLR 2014.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.data.cut_outs import CutOuts
from minicv.data.one_object import SingleObjectScenes
from minicv.data.sources import open_data
from minicv.inspection import contact_sheet, draw_curves
from minicv.inspection.reconstruction import draw_code, draw_square
from minicv.models.generative import (
    VAE,
    Autoencoder,
    ConvAutoencoder,
    ConvSettings,
    FullyConnectedSettings,
    PictureAutoencoder,
    PictureSettings,
    VAESettings,
)
from minicv.tasks import SYSTEMS
from minicv.tasks.generative_data import Squares, evenly_spread, measured, squares_of
from minicv.training import fit
from minicv.vision.principal_components import fit_principal_components

FULL, STRIDED, POOLED, VARIATIONAL = KINDS = (
    "fully connected", "convolutional, strided", "convolutional, pooled", "variational",
)  # fmt: skip
PCA = "principal components"
CODE = 16
LENGTHS = (2, 4, 8, 32)
BATCH = 16
SIZE = 28  # pixels of a drawn animal
MOST = (6000, 500)  # pictures to learn from, and unseen, of a set with more
SHOWN = 5
TILE = 148


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/21_four_autoencoders")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--data", metavar="DATA", help="pictures, as for minicv train")
    parser.add_argument("--epochs", type=int, default=14, help="of each network; default 14")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    known, unseen = animals(options.seed) if options.data is None else pictures_of(options.data)
    run(options.out, known, unseen, options.seed, options.epochs)


def run(
    out: Path,
    known: Squares,
    unseen: Squares,
    seed: int,
    epochs: int,
    lengths: Sequence[int] = LENGTHS,
) -> None:
    """Train all, print, draw.

    Args:
        out: for the pictures.
        known, unseen: pictures.
        seed: of everything random.
        epochs: of each network.
        lengths: of codes.
    """
    out.mkdir(parents=True, exist_ok=True)
    channels, size = known.x.shape[1:3]
    print(f"{len(known)} pictures to learn from, {len(unseen)} unseen, {channels}x{size}x{size}")
    print(f"{f'code of {CODE} numbers':<26}{'parameters':>12}{'seconds':>9}{'MSE':>9}")
    models: dict[str, PictureAutoencoder] = {}
    made: dict[str, np.ndarray] = {}
    for kind in KINDS:
        before = time.process_time()
        model = models[kind] = train(build(kind, known.x.shape, CODE, seed), known, epochs, seed)
        seconds = time.process_time() - before
        made[kind] = reconstructions(model, unseen)
        count = sum(p.size for p in model.parameters())
        print(f"{kind:<26}{count:>12,}{seconds:>9.0f}{error_of(made[kind], unseen.x):>9.4f}")
    made[PCA] = by_components(known, unseen, CODE)
    print(f"{PCA:<26}{2 * CODE * known.x[0].size:>12,}{'':>9}{error_of(made[PCA], unseen.x):>9.4f}")
    pooled = models[POOLED]
    assert isinstance(pooled, ConvAutoencoder)
    bits = pooled.switch_bits
    print(f"beside the code of the pooled one pass {bits:,} bits of switches, {bits // 32} numbers")
    draw_all(models, made, unseen).save(out / "1_four_autoencoders.png")
    curves(known, unseen, lengths, epochs, seed).save(out / "2_length_of_the_code.png")
    draw_switches(pooled, unseen).save(out / "3_switches.png")
    print(
        f"pictures in {out.resolve()}: 1_four_autoencoders.png, 2_length_of_the_code.png, "
        "3_switches.png"
    )


# Pictures.


def animals(seed: int, scenes: tuple[int, int] = (2000, 200)) -> tuple[Squares, Squares]:
    """Drawn animals and people, each alone on black: to learn from, and unseen."""
    known, unseen = (
        CutOuts(SingleObjectScenes(count, (96, 96), 2 * seed + part))
        for part, count in enumerate(scenes)
    )
    settings = PictureSettings(SIZE, 3)
    return squares_of(known, settings), squares_of(unseen, settings)


def pictures_of(data: str) -> tuple[Squares, Squares]:
    """Of a set as `minicv train` takes it, some thousand evenly spread."""
    splits = open_data(data, SYSTEMS["vae"].task.labels_from(data))
    known, unseen = (
        evenly_spread(own, most)
        for own, most in zip((splits.train, splits.test), MOST, strict=True)
    )
    settings = measured(PictureSettings(), known)
    return squares_of(known, settings), squares_of(unseen, settings)


# Networks.


def build(kind: str, shape: tuple[int, ...], code: int, seed: int) -> PictureAutoencoder:
    """A network for squares of that shape (N, C, S, S)."""
    rng = np.random.default_rng(seed)
    square: dict[str, Any] = {"size": shape[2], "channels": shape[1], "code": code}
    if kind == FULL:
        return Autoencoder(("any",), FullyConnectedSettings(**square, units=256), rng=rng)
    if kind == VARIATIONAL:
        return VAE(("any",), VAESettings(**square), rng=rng)
    down = {STRIDED: "stride", POOLED: "pool"}[kind]
    filters = 32 if down == "stride" else 16  # a convolution at full size costs more
    return ConvAutoencoder(("any",), ConvSettings(**square, filters=filters, down=down), rng=rng)


def train(model: Any, known: Squares, epochs: int, seed: int) -> Any:
    """By the recipe of `minicv train`."""
    recipe = SYSTEMS["vae"].recipes[None].changed(epochs=epochs, batch_size=BATCH)
    step, loader, rng = recipe.begin(model, known, seed=seed)
    fit(step, loader, epochs=epochs, rng=rng, progress=False)
    return model.eval()


def reconstructions(model: PictureAutoencoder, unseen: Squares) -> np.ndarray:
    """(N, C, S, S)."""
    return np.stack([result["reconstruction"] for result in model.predict(unseen.images)])


def by_components(known: Squares, unseen: Squares, count: int) -> np.ndarray:
    """The best linear reconstructions (N, C, S, S)."""
    components = fit_principal_components(known.flat, count)
    back = components.back(components.project(unseen.flat))
    return np.clip(back, 0, 1).reshape(unseen.x.shape)


def error_of(made: np.ndarray, x: np.ndarray) -> float:
    """The mean squared error.

    >>> error_of(np.zeros((1, 1, 2, 2)), np.full((1, 1, 2, 2), 0.5))
    0.25
    """
    return float(np.mean(np.square(made - x)))


# Drawings.


def draw_all(
    models: Mapping[str, PictureAutoencoder], made: Mapping[str, np.ndarray], unseen: Squares
) -> Image.Image:
    """A row for each of some unseen pictures; below each reconstruction the code it was made of."""
    chosen = [index * len(unseen) // SHOWN for index in range(SHOWN)]
    pictures = [unseen[index][0] for index in chosen]
    codes = {kind: model.predict(pictures) for kind, model in models.items()}
    tiles, captions = [], []
    for row, index in enumerate(chosen):
        tiles.append(draw_square(unseen.x[index], TILE))
        captions.append("picture" if row == 0 else "")
        for kind in KINDS:
            code = draw_code(codes[kind][row]["code"], (TILE, 60))
            pair = [draw_square(made[kind][index], TILE), code]
            tiles.append(contact_sheet(pair, columns=1, margin=0, gap=4))
            captions.append(kind.replace(", ", "\n") if row == 0 else "")
        tiles.append(draw_square(made[PCA][index], TILE))
        captions.append(PCA.replace(" ", "\n") if row == 0 else "")
    title = f"Unseen pictures from codes of {CODE} numbers"
    return contact_sheet(tiles, captions, len(KINDS) + 2, title, TILE, gap=18)


def curves(
    known: Squares, unseen: Squares, lengths: Sequence[int], epochs: int, seed: int
) -> Image.Image:
    """The error by the length of the code, of a network and of principal components."""
    errors: dict[str, list[float]] = {FULL: [], PCA: []}
    print(f"{'numbers of the code':<20}{FULL:>18}{PCA:>23}")
    for length in lengths:
        model = train(build(FULL, known.x.shape, length, seed), known, epochs, seed)
        errors[FULL].append(error_of(reconstructions(model, unseen), unseen.x))
        errors[PCA].append(error_of(by_components(known, unseen, length), unseen.x))
        print(f"{length:<20}{errors[FULL][-1]:>18.4f}{errors[PCA][-1]:>23.4f}")
    bits = np.log2(np.array(lengths, np.float64))
    series = {kind: (bits, np.array(own)) for kind, own in errors.items()}
    panel = {"Mean squared error of unseen pictures": series}
    return draw_curves(panel, x_label="numbers of the code, as a power of two", size=(900, 460))


def draw_switches(model: ConvAutoencoder, unseen: Squares) -> Image.Image:
    """Codes of some pictures with the switches of others."""
    count = min(4, len(unseen))
    rows = [index * len(unseen) // count for index in range(count)]
    x = Tensor(unseen.x[rows])
    tiles = [draw_square(np.ones((1, 8, 8)), TILE)]
    captions = ["code of"]
    with no_grad():
        features, _ = model.encoder(x)
        codes = model.to_code(features).data
        for own in unseen.x[rows]:
            tiles.append(draw_square(own, TILE))
            captions.append("switches of")
        for row, index in enumerate(rows):
            tiles.append(draw_square(unseen.x[index], TILE))
            captions.append("")
            for column in rows:
                _, switches = model.encoder(Tensor(unseen.x[[column]]))
                logits = model.decode(Tensor(codes[[row]]), switches)
                tiles.append(draw_square(F.sigmoid(logits).data[0], TILE))
                captions.append("")
    title = "The switches say where, the code how strong"
    return contact_sheet(tiles, captions, count + 1, title, TILE, gap=14)


if __name__ == "__main__":
    main()
