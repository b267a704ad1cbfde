"""Does minicv take the fastest algorithm for each convolution of a network?

    python -m benchmarks choice [--only TEXT] [--rounds 7]

Every algorithm that can compute a layer is timed, forward and for both gradients, layer after layer
and round after round, so that each call finds the caches as a network leaves them. Beside the
fastest stand the picks of the built-in table of costs and of the table measured on this machine
(`minicv.backend.cpu.machine`). What a table loses is its regret: the time of what it picks over the
time of the fastest, both summed over the layers of a network. A full run is kept in
benchmarks/results/choice.json.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, get_args
from unittest import mock

import numpy as np

from benchmarks.libraries import with_minicv
from benchmarks.record import write_record
from benchmarks.table import align, format_seconds
from minicv.backend.convolution_layer import AlgorithmName, Direction, Epilogue, Layer
from minicv.backend.cpu import convolution
from minicv.backend.cpu.machine import BUILT_IN, Machine, measured_machine

HOPELESS = 4.0  # times as long as the fastest: not timed again

NETWORKS: Mapping[str, Callable[[], Callable[[], Any]]] = {
    "VGG-16, one image": lambda: with_minicv.network("float32", "vgg16", (1, 3, 224, 224)),
    "ResNet-50, one image": lambda: with_minicv.network("float32", "resnet50", (1, 3, 224, 224)),
    "EfficientNet-Lite0, one image": lambda: with_minicv.network(
        "float32", "efficientnet_lite0", (1, 3, 224, 224)
    ),
    "the demo's detector, a training step": lambda: with_minicv.faster_rcnn_step(
        "float32", 8, (128, 128), 5, {}
    ),
}
Seconds = dict[AlgorithmName, float]


class Task(NamedTuple):
    """One direction of one layer."""

    layer: Layer
    direction: Direction


def main(arguments: Sequence[str]) -> int:
    """Time all algorithms of all layers, print each pick beside the best, keep a full run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks choice", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="networks with TEXT in the name")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="of calls; default 7")
    options = parser.parse_args(arguments)
    tables = {"built-in": BUILT_IN, "measured": measured_machine()}
    results = []
    for name, build in NETWORKS.items():
        if options.only in name:
            layers = layers_of(build())
            tasks = [Task(layer, way) for layer in layers for way in get_args(Direction)]
            seconds = time_tasks(tasks, options.rounds)
            results.append(_result(name, layers, seconds, tables))
            print(_format(results[-1]) + "\n", flush=True)
    if not options.only:
        machines = {name: machine._asdict() for name, machine in tables.items()}
        print(f"kept in {write_record('choice', {'machines': machines, 'networks': results})}")
    return 0


def layers_of(step: Callable[[], Any]) -> Counter[Layer]:
    """The convolutions of one call that are computed forward, and how often each."""
    layers: Counter[Layer] = Counter()
    with _each_choice(lambda layer, direction: layers.update([layer] * (direction == "forward"))):
        step()
    return layers


@contextmanager
def _each_choice(seen: Callable[[Layer, Direction], object]) -> Iterator[None]:
    choose = convolution.choose_algorithm

    def see(layer: Layer, direction: Direction) -> AlgorithmName:
        seen(layer, direction)
        return choose(layer, direction)

    with mock.patch.object(convolution, "choose_algorithm", see):
        yield


def time_tasks(tasks: Sequence[Task], rounds: int) -> dict[Task, Seconds]:
    """The median time of every algorithm in every task; of a hopeless one, that of its first two.

    The first call of each is not timed.
    """
    calls = {task: _calls(task) for task in tasks}
    times: dict[Task, dict[AlgorithmName, list[float]]] = {
        task: {name: [] for name in calls[task]} for task in tasks
    }
    for number in range(rounds + 1):
        for task in tasks:
            own = times[task]
            fastest = min((min(values) for values in own.values() if values), default=math.inf)
            for name, call in calls[task].items():
                if number > 2 and min(own[name]) > HOPELESS * fastest:
                    continue
                started = time.perf_counter()
                call()
                if number > 0:
                    own[name].append(time.perf_counter() - started)
    return {
        task: {name: statistics.median(values) for name, values in own.items()}
        for task, own in times.items()
    }


def _calls(task: Task) -> dict[AlgorithmName, Callable[[], np.ndarray]]:
    layer, direction = task
    rng = np.random.default_rng(0)
    x, weight, grad = (
        rng.standard_normal(shape, np.float32)
        for shape in (layer.x_shape, layer.weight_shape, layer.y_shape)
    )
    operands = {
        "forward": (x, weight, Epilogue(shift=np.zeros(len(weight), np.float32), ceiling=math.inf)),
        "grad_input": (grad, weight),
        "grad_weight": (grad, x),
    }[direction]

    def call(name: AlgorithmName) -> Callable[[], np.ndarray]:
        compute = getattr(convolution.ALGORITHMS[name], direction)
        return lambda: compute(layer, *operands)

    return {name: call(name) for name in convolution.costs(layer, direction)}


def pick(task: Task, machine: Machine) -> tuple[AlgorithmName, float]:
    """What a table takes, and how long it believes that to last."""
    costs = convolution.costs(*task, machine)
    name = min(costs, key=lambda name: costs[name].time)
    return name, costs[name].time


def regret(
    weights: Mapping[Task, int],
    seconds: Mapping[Task, Seconds],
    picks: Mapping[Task, AlgorithmName],
) -> float:
    """Time of the picks over time of the fastest, summed over tasks that occur so many times.

    >>> layer = Layer.of(np.dtype("float32"), (1, 1, 3, 3), (1, 1, 3, 3), *[(1, 1)] * 3, 1)
    >>> task = Task(layer, "forward")
    >>> regret({task: 2}, {task: {"im2col": 3.0, "shifted": 2.0}}, {task: "im2col"})
    1.5
    """
    taken = sum(count * seconds[task][picks[task]] for task, count in weights.items())
    return taken / sum(count * min(seconds[task].values()) for task, count in weights.items())


def _result(
    name: str,
    layers: Counter[Layer],
    seconds: Mapping[Task, Seconds],
    tables: Mapping[str, Machine],
) -> dict[str, Any]:
    picks = {table: {task: pick(task, tables[table]) for task in seconds} for table in tables}
    regrets = {
        table: {
            direction: regret(
                {task: layers[task.layer] for task in seconds if task.direction == direction},
                seconds,
                {task: chosen for task, (chosen, _) in picks[table].items()},
            )
            for direction in get_args(Direction)
        }
        for table in tables
    }
    rows = [
        {
            "x": task.layer.x_shape,
            "weight": task.layer.weight_shape,
            "stride": task.layer.stride,
            "times": layers[task.layer],
            "direction": task.direction,
            "seconds": own,
            "picks": {table: dict(zip(("algorithm", "predicted"), picks[table][task], strict=True))
                      for table in tables},
        }
        for task, own in seconds.items()
    ]  # fmt: skip
    return {"network": name, "regret": regrets, "layers": rows}


def _format(result: Mapping[str, Any]) -> str:
    cells = [["", "fastest", *result["regret"]]]
    for row in result["layers"]:
        best = min(row["seconds"], key=row["seconds"].get)
        line = [
            f"{row['times']} x {'x'.join(map(str, row['x']))} with "
            f"{'x'.join(map(str, row['weight']))} by {row['stride'][0]} {row['direction']}",
            f"{best} {format_seconds(row['seconds'][best])}",
        ]
        for picked in row["picks"].values():
            name, predicted = picked["algorithm"], picked["predicted"]
            taken = row["seconds"][name]
            line.append(
                f"{name} {taken / row['seconds'][best]:.2f} ({format_seconds(predicted)} predicted)"
            )
        cells.append(line)
    lines = [result["network"], *align(cells)]
    for table, by_direction in result["regret"].items():
        told = ", ".join(f"{direction} {value:.3f}" for direction, value in by_direction.items())
        lines.append(f"  regret of the {table} table: {told}")
    return "\n".join(lines)
