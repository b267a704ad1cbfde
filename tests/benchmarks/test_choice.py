"""What is measured of the choice: layers of a network, times of all algorithms, what is lost."""

import numpy as np
import pytest

from benchmarks import choice
from benchmarks.choice import Task, layers_of, pick, regret, time_tasks
from minicv.backend.convolution_layer import Layer
from minicv.backend.cpu import conv2d_forward, conv2d_grad_input, convolution
from minicv.backend.cpu.machine import BUILT_IN

OPTIONS = ((1, 1), (1, 1), (1, 1), 1)
SMALL = Layer.of(np.dtype("float32"), (1, 3, 8, 8), (4, 3, 3, 3), *OPTIONS)
LARGE = Layer.of(np.dtype("float32"), (2, 3, 8, 9), (4, 3, 3, 3), *OPTIONS)


def test_layers_are_those_computed_forward_and_how_often():
    def step():
        for layer in (SMALL, LARGE, SMALL):
            x, weight = (np.ones(shape, np.float32) for shape in (layer.x_shape, (4, 3, 3, 3)))
            y = conv2d_forward(x, weight, None, *OPTIONS)
            conv2d_grad_input(y, weight, x.shape, *OPTIONS)

    choose = convolution.choose_algorithm
    assert layers_of(step) == {SMALL: 2, LARGE: 1}
    assert convolution.choose_algorithm is choose


@pytest.mark.parametrize("direction", ["forward", "grad_input", "grad_weight"])
def test_every_possible_algorithm_is_timed(direction):
    task = Task(SMALL, direction)
    seconds = time_tasks([task], rounds=2)[task]
    assert seconds.keys() == convolution.costs(*task).keys() > {"im2col", "shifted"}
    assert all(0 < value < 1 for value in seconds.values())


def test_a_hopeless_algorithm_is_called_three_times(monkeypatch):
    called = []
    now = [0.0]

    def call(name, seconds):
        def run():
            called.append(name)
            now[0] += seconds

        return run

    calls = {"im2col": call("im2col", 1.0), "shifted": call("shifted", 9.0)}
    monkeypatch.setattr(choice, "_calls", lambda task: calls)
    monkeypatch.setattr(choice.time, "perf_counter", lambda: now[0])
    task = Task(SMALL, "forward")
    assert time_tasks([task], rounds=6)[task] == {"im2col": 1.0, "shifted": 9.0}
    assert called.count("im2col") == 7 and called.count("shifted") == 3


def test_a_table_that_picks_well_loses_nothing():
    tasks = {Task(SMALL, "forward"): 1, Task(LARGE, "forward"): 3}
    seconds = {task: {"im2col": 1.0, "shifted": 2.0} for task in tasks}
    assert regret(tasks, seconds, dict.fromkeys(tasks, "im2col")) == 1.0
    picks = dict(zip(tasks, ["im2col", "shifted"], strict=True))
    assert regret(tasks, seconds, picks) == 7 / 4


def test_a_pick_is_the_cheapest_of_the_table():
    task = Task(LARGE, "forward")
    name, predicted = pick(task, BUILT_IN)
    assert predicted == min(cost.time for cost in convolution.costs(*task, BUILT_IN).values())
    assert name == convolution.choose_algorithm(*task)
