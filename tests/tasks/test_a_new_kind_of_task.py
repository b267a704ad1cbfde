"""A new kind of task in one short file: count the objects, by the ordinary commands."""

import json
from dataclasses import dataclass

import numpy as np
from command_line import picture, run

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.inspection import contact_sheet
from minicv.inspection.canvas import to_picture
from minicv.models.model import Model
from minicv.nn import Linear
from minicv.tasks import SYSTEMS, System, Task
from minicv.training import Recipe


class CountError:
    def __init__(self, classes):
        self.errors = []

    def add(self, result, target):
        self.errors.append(abs(result["count"] - len(target["labels"])))

    def values(self):
        return {"error": float(np.mean(self.errors)), "closeness": -float(np.mean(self.errors))}


COUNTING = Task(
    name="counting",
    needs=("boxes", "labels"),
    metric=CountError,
    best_by="closeness",
    draw=lambda p, threshold: contact_sheet([to_picture(p.image)], [f"{p.result['count']:.1f}"]),
    to_json=lambda p: [{"image_id": p.name, "count": round(float(p.result["count"]), 2)}],
    summary=lambda p, threshold: f"{p.result['count']:.1f} objects",
)


@dataclass(frozen=True)
class CounterSettings:
    bins: int = 4  # rows and columns over which the colours are averaged


class Counter(Model):
    def __init__(self, spec, rng):
        self.classes, self.settings = spec.classes, spec.settings
        self.count = Linear(3 * spec.settings.bins**2, 1, rng=rng)

    def forward(self, images):  # -> (N, 3, b, b) -> (N, 1)
        colours = [F.adaptive_avg_pool2d(Tensor(i[None]), self.settings.bins) for i in images]
        return self.count(F.concatenate(colours).reshape(len(images), -1))

    def loss(self, images, targets, rng=None):
        truth = np.array([[len(t["labels"])] for t in targets], np.float32)
        return {"loss_count": F.l2_loss(self(images), truth)}

    def predict(self, images):
        return [{"count": row[0]} for row in self(images).data]


HOW = {None: CounterSettings()}, {None: Recipe(epochs=1, batch_size=4, lr=0.02)}
COUNTER = System("counter", "a line on colours", "nobody", COUNTING, Counter, *HOW)


def test_trained_resumed_evaluated_and_run(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(SYSTEMS, "counter", COUNTER)
    for more in ([], ["--epochs", 3, "--resume"]):
        train = ("train", "counter", "--data", "farmyard:16", "--out", tmp_path, *more)
        assert run(capsys, *train)[0] == 0
    assert len(json.loads((tmp_path / "history.json").read_text())["epochs"]) == 3
    _, text, _ = run(capsys, "eval", "--weights", tmp_path / "best.npz", "--data", "farmyard")
    assert float(text.partition("error")[2].split()[0]) < 1.5  # the answer 0 is 2.6 off on average
    to = ("--json", "--out", tmp_path, "--weights", tmp_path / "best.npz")
    _, text, _ = run(capsys, "predict", picture(tmp_path / "a.png"), *to)
    (record,) = json.loads((tmp_path / "results.json").read_text())
    assert record["image_id"] == "a.png" and f"{record['count']:.1f} objects" in text
    assert (tmp_path / "a_result.png").is_file()
