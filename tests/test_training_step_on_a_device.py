"""A whole training step on a device: as on the host, and how often the host waits, and why.

The device is the stand-in, its kernels those of CUDA, emulated. A GPU works through a queue; while
the host waits for a result it can queue nothing, and soon the GPU has nothing to do. So each wait
of a step is counted here, with its reason. Likewise arrays on their way to the device.
"""

import cupy_stand_in as cupy
import numpy as np
import pytest
from cuda_kernels import needs_compiler
from device_of_the_host import install_device
from tiny_detector import SETTINGS

from minicv import Tensor, nn
from minicv import functional as F
from minicv.data import DataLoader
from minicv.models.backbones import SmallBackbone
from minicv.models.detection import FasterRCNN
from minicv.models.segmentation import FCN8s, FCNSettings
from minicv.optim import SGD, Adam, ConstantLR, clip_grad_norm
from minicv.training import GradientStep, fit

CLASSES = ("grass", "cow")
IMAGES = [np.random.default_rng(i).random((3, 40, 56), dtype=np.float32) for i in range(2)]
BOXES = [
    {"boxes": np.array([[4, 4, 30, 36], [8, 20, 50, 38]], np.float32), "labels": np.array([1, 0])},
    {"boxes": np.array([[10, 2, 28, 20]], np.float32), "labels": np.array([1])},
]
LABEL_MAPS = [{"segmentation": np.arange(40 * 56).reshape(40, 56) // 300 % 2} for _ in range(2)]

pytestmark = needs_compiler


@pytest.fixture(autouse=True)
def device(monkeypatch):
    install_device(monkeypatch)


def faster_rcnn():
    rng = np.random.default_rng(0)
    return FasterRCNN(SmallBackbone(4, rng=rng), CLASSES, SETTINGS, rng=rng)


def fcn8s():
    rng = np.random.default_rng(0)
    backbone = SmallBackbone(2, (8, 16, 32), rng=rng)
    return FCN8s(backbone, CLASSES, FCNSettings(class_weights=(0.5, 1.5)), rng=rng)


def train(model, targets, steps=2):
    """The losses of some steps; and of the last step where the host waited and what it has sent."""
    optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9)
    rng, history = np.random.default_rng(0), []
    for _ in range(steps):
        with cupy.recorded_places() as (waits, sent):
            losses = model.loss(IMAGES, targets, rng)
            optimizer.zero_grad()
            sum(losses.values(), start=0.0).backward()
            clip_grad_norm(model.parameters(), 10.0)
            optimizer.step()
        history.append({name: loss.item() for name, loss in losses.items()})
    return history, waits, sent


def check_that_both_have_learned_the_same(host, moved, rtol=1e-2, atol=1e-4):
    there = moved.state_dict()
    for name, array in host.state_dict().items():
        np.testing.assert_allclose(there[name], array, rtol, atol, err_msg=name)


def test_faster_rcnn():
    host, moved = faster_rcnn(), faster_rcnn().to("cuda")
    expected, _, _ = train(host, BOXES)
    history, waits, sent = train(moved, BOXES)
    for here, there in zip(expected, history, strict=True):
        assert there == pytest.approx(here, rel=1e-3)
    check_that_both_have_learned_the_same(host, moved)
    # By the file in which the host waits, each time for all images.
    assert waits == {
        "vision/matching.py": 2,  # labels of anchors, then of proposals: drawn on the host
        "backend/cuda/nms.py": 1,  # how many proposals survive
        "optim/clipping.py": 1,  # the length of all gradients, which training looks at
    }
    assert sent == {
        "models/detection/faster_rcnn.py": 1,  # the pixels
        "vision/anchors.py": 1,
        "models/detection/region_targets.py": 3,  # true boxes and numbers; which regions were drawn
        "models/detection/rpn.py": 3,  # the levels of proposals; which anchors were drawn
        "models/detection/roi_heads.py": 2,  # the images of regions; which of them are positive
        "backend/cuda/box_coding.py": 1,  # the sizes of the images
        "backend/cuda/matching.py": 2,  # which boxes belong to which image
    }


def test_fcn8s():
    host, moved = fcn8s(), fcn8s().to("cuda")
    expected, _, _ = train(host, LABEL_MAPS)
    history, waits, sent = train(moved, LABEL_MAPS)
    for here, there in zip(expected, history, strict=True):
        assert there == pytest.approx(here, rel=1e-3)
    check_that_both_have_learned_the_same(host, moved)
    assert waits == {"optim/clipping.py": 1}
    assert sent == {"models/segmentation/segmenter.py": 3}  # pixels, labels, weights of the classes


class Game:
    """A generator and a discriminator in small, with the layers of DCGAN (Radford 2016)."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.generator = nn.Sequential(
            nn.ConvTranspose2d(5, 6, 4, bias=False, rng=rng),  # (N, 5, 1, 1) -> (N, 6, 4, 4)
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.ConvTranspose2d(6, 3, 4, stride=2, padding=1, rng=rng),  # -> (N, 3, 8, 8)
            nn.Tanh(),
        )
        self.discriminator = nn.Sequential(
            nn.Conv2d(3, 4, 4, stride=2, padding=1, rng=rng),  # (N, 3, 8, 8) -> (N, 4, 4, 4)
            nn.LeakyReLU(0.2),
            nn.Conv2d(4, 6, 4, stride=2, padding=1, bias=False, rng=rng),  # -> (N, 6, 2, 2)
            nn.BatchNorm2d(6),
            nn.LeakyReLU(0.2),
            nn.Conv2d(6, 1, 2, rng=rng),  # -> (N, 1, 1, 1)
        )
        self.players = (self.generator, self.discriminator)

    def play(self, real, noise, steps=2):
        """The losses of both in each step; and in the last step where the host waited."""
        optimizers = [Adam(p.parameters(), lr=0.01, betas=(0.5, 0.999)) for p in self.players]
        history = []
        for _ in range(steps):
            with cupy.recorded_places() as (waits, sent):
                fake = self.generator(noise)
                # The discriminator shall tell the two apart ...
                on_real, on_fake = self.discriminator(real), self.discriminator(fake.detach())
                discriminates = says(on_real, 1.0) + says(on_fake, 0.0)
                self.move(optimizers[1], discriminates)
                # ... and the generator shall make it fail.
                generates = says(self.discriminator(fake), 1.0)
                self.move(optimizers[0], generates)
            history.append((discriminates.item(), generates.item()))
        return history, waits, sent

    def move(self, optimizer, loss):
        for player in self.players:
            player.zero_grad()
        loss.backward()
        optimizer.step()


def says(logits, answer):
    targets = logits.data * 0 + answer  # an array of the same device
    return F.binary_cross_entropy_with_logits(logits, targets)


def test_both_steps_of_the_game_of_dcgan():
    rng = np.random.default_rng(1)
    real, noise = rng.uniform(-1, 1, (4, 3, 8, 8)), rng.normal(size=(4, 5, 1, 1))
    real, noise = real.astype(np.float32), noise.astype(np.float32)
    host, moved = Game(), Game()
    for player in moved.players:
        player.to("cuda")
    expected, _, _ = host.play(Tensor(real), Tensor(noise))
    history, waits, sent = moved.play(Tensor(cupy.asarray(real)), Tensor(cupy.asarray(noise)))
    np.testing.assert_allclose(history, expected, rtol=1e-3)
    for ours, theirs in zip(host.players, moved.players, strict=True):
        check_that_both_have_learned_the_same(ours, theirs)
    assert waits == {}
    assert sent == {}


class InMemory:
    classes = CLASSES

    def __init__(self, targets):
        self.targets = targets

    def __len__(self):
        return len(IMAGES)

    def __getitem__(self, index):
        return IMAGES[index], self.targets[index]


def test_fit_asks_for_all_losses_at_once_and_moves_nothing_else():
    """The loader gives arrays of the host; the model sends each batch to where its weights are."""
    model = fcn8s().to("cuda")
    loader = DataLoader(InMemory(LABEL_MAPS), 2, workers=1)
    optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9)
    epochs = 3
    with cupy.recorded_places() as (waits, sent):
        step = GradientStep(model, optimizer, ConstantLR(0.01))
        fit(step, loader, epochs=epochs, rng=np.random.default_rng(0), progress=False)
    assert waits == {"training/step.py": epochs, "optim/clipping.py": epochs}
    assert sent == {"models/segmentation/segmenter.py": 3 * epochs}
    assert all(isinstance(p.data, cupy.ndarray) for p in model.parameters())
