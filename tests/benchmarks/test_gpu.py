"""`python -m benchmarks gpu`, rehearsed on tiny cases: all of it but the GPU's clock.

The stand-in plays CuPy, with the CPU's kernels and a clock that is the host's. PyTorch plays itself
on the CPU where it is installed; where not, a second minicv, on NumPy, plays the peer.
"""

import contextlib
import functools
import importlib.util
import re
import sys
import time
from types import ModuleType, SimpleNamespace

import cupy_stand_in
import numpy as np
import pytest
from device_of_the_host import install_device

import minicv.backend
from benchmarks import gpu, gpu_ceilings, gpu_side
from benchmarks.alternate import Schedule
from benchmarks.case import Case
from benchmarks.gpu_cases import (
    CASES,
    NETWORKS,
    GpuCase,
    convolution,
    on_regions,
    suppression,
    training_step,
)
from benchmarks.gpu_side import Library
from benchmarks.libraries import with_minicv
from minicv import Tensor, no_grad
from minicv.models.counting_multiplications import counting_multiplications

TINY = [
    on_regions("roi_align", (1, 2, 6, 8), 3, 16),
    on_regions("roi_pool", (1, 2, 6, 8), 3, 16),
    suppression(60),
    training_step(1, 128, 20),
    GpuCase(Case("lite", "networks", "network", {"name": "efficientnet_lite0", "x": (1, 3, 32, 32)},
                 peers=("torch",), accuracy=True), flops=1e9, bytes=1e6),
    convolution("layers", 2, (3, 4, 7, 3, 2), gradients=False),
    convolution("layers", 1, (128, 128, 3, 1, 1), gradients=True),
]  # fmt: skip

BRIEF = Schedule(rounds=2, turn_seconds=0.0, slow_seconds=0.0, slow_rounds=1)


class Event:
    def record(self):
        self.at = time.perf_counter()

    def synchronize(self):
        pass


def pretended_cupy():
    """As much of CuPy as the harness asks for, on the stand-in."""
    cupy = ModuleType("cupy")
    cupy.__getattr__ = functools.partial(getattr, cupy_stand_in)
    cupy.__version__ = "14.2.0"
    properties = {"name": b"Card", "multiProcessorCount": 2, "totalGlobalMem": 2**30}
    cupy.cuda = SimpleNamespace(
        Event=Event,
        get_elapsed_time=lambda start, end: 1e3 * (end.at - start.at),
        Device=lambda number: SimpleNamespace(use=lambda: None),
        runtime=SimpleNamespace(
            getDeviceCount=lambda: 1,
            getDeviceProperties=lambda number: properties,
            driverGetVersion=lambda: 13000,
            runtimeGetVersion=lambda: 13020,
        ),
    )
    cupy.get_default_memory_pool = lambda: SimpleNamespace(free_all_blocks=lambda: None)
    return cupy


@pytest.fixture
def card(monkeypatch):
    """The pretended card; the list that comes back has every precision that was switched to."""
    precisions = []

    @contextlib.contextmanager
    def matmul_precision(name):
        precisions.append(name)
        yield

    usable = functools.cache(lambda: (True, "Card"))
    monkeypatch.setattr(gpu, "gpu_status", usable)
    monkeypatch.setattr("minicv.backend.device.gpu_status", usable)
    monkeypatch.setattr(minicv.backend, "matmul_precision", matmul_precision, raising=False)
    monkeypatch.setitem(sys.modules, "cupy", pretended_cupy())
    install_device(monkeypatch, emulated=False)
    monkeypatch.setattr("minicv.nn.module.to_device", minicv.backend.to_device)  # obeys the name
    monkeypatch.setattr(with_minicv, "device", "cpu")  # put back after the test
    monkeypatch.setattr(gpu_ceilings, "GEMM_SIDE", 16)
    monkeypatch.setattr(gpu_ceilings, "COPIED_NUMBERS", 64)
    return precisions


@pytest.fixture
def run(card, monkeypatch):
    """``run(cases, *options)``: the exit status, and what would have been kept."""

    def call(cases, *options):
        records = {}
        monkeypatch.setattr(gpu, "CASES", cases)
        monkeypatch.setattr(gpu, "FULL", BRIEF)
        monkeypatch.setattr(gpu, "QUICK", BRIEF)
        monkeypatch.setattr(gpu_side, "WARM_UP_CALLS", 1)
        monkeypatch.setattr(gpu, "write_record", lambda name, values: records.update(values))
        return gpu.main(options), records

    return call


def second_minicv(**replaced):
    """Its file in benchmarks/libraries once more, left on NumPy, with some functions replaced."""
    spec = importlib.util.spec_from_file_location("with_second", with_minicv.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, function in replaced.items():
        setattr(module, name, function)
    return Library(module, lambda precision: contextlib.nullcontext(), lambda: None)


@pytest.fixture
def peers(monkeypatch):
    """``peers(torch=..., torchvision=...)`` are found in place of the real ones."""

    def install(**libraries):
        load = gpu_side.load_libraries
        for name in ("torch", "torchvision"):
            monkeypatch.setitem(sys.modules, f"benchmarks.libraries.with_{name}", None)
        monkeypatch.setattr(
            gpu, "load_libraries", lambda algorithms: {**load(algorithms), **libraries}
        )

    return install


def test_every_case_with_peers(run, card, peers, capsys):
    peers(torch=second_minicv(), torchvision=second_minicv())
    status, record = run(TINY)
    assert status == 0
    assert record["card"] == "Card" and record["cuda_of_driver"] == 13000
    assert set(record["ceilings"]) == {"float32_tflops", "tf32_tflops", "copy_gb_per_s"}
    assert len(record["cases"]) == sum(len(case.precisions) for case in TINY)
    for result in record["cases"]:
        assert not result["failed"]
        (peer,) = result["ratio"]
        assert min(result["seconds"]["minicv"], result["seconds"][peer], result["ratio"][peer]) > 0
        for error in result.get("error", {}).values():
            assert error < 1e-4
    assert {"float32", "tf32"} == set(card)
    said = capsys.readouterr().out
    assert "0.9 reached" in said or "0.9 not reached" in said
    assert "that have an aim reach it" in said and "of GEMM" in said


def test_without_peers_minicv_is_timed_alone(run, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "benchmarks.libraries.with_torch", None)
    monkeypatch.setitem(sys.modules, "benchmarks.libraries.with_torchvision", None)
    status, record = run(TINY[-2:])
    assert status == 0
    assert all(set(result["seconds"]) == {"minicv"} for result in record["cases"])
    assert all(result["error"]["minicv"] < 1e-5 for result in record["cases"])
    assert not any(result.get("reached") for result in record["cases"])
    said = capsys.readouterr().out
    assert "torch is left out: " in said and "no peer to compare with" in said


def test_beside_pytorch_on_the_cpu(run, monkeypatch, capsys):
    pytest.importorskip("torch", reason="PyTorch is not installed; a second minicv plays it above")
    monkeypatch.setattr(gpu_side, "TORCH_DEVICE", "cpu")
    status, record = run(TINY)
    assert status == 0, capsys.readouterr().out
    compared = [result for result in record["cases"] if result["ratio"]]
    assert len(compared) >= 8  # RoIs and suppression need torchvision
    assert record["torch"] and "cudnn" in record


def test_a_peer_that_dies_or_differs_gets_no_ratio_and_the_rest_goes_on(run, peers, capsys):
    def dies(dtype, **parameters):
        raise MemoryError("out of memory")

    def differs(dtype, x, **parameters):
        return lambda: [np.ones((2, 4, 4, 4), dtype)]

    peers(torch=second_minicv(network=dies, conv2d_forward=differs))
    status, record = run(TINY[4:])
    assert status == 1
    for result in record["cases"][:4]:
        assert result["ratio"] == {} and result["seconds"]["minicv"] > 0
    assert record["cases"][0]["failed"]["torch"] == "MemoryError: out of memory"
    assert "float64" in record["cases"][0]["failed"]
    assert "computes something else" in record["cases"][2]["failed"]["torch"]
    assert record["cases"][-1]["ratio"]
    assert "torch has no result in float32: MemoryError" in capsys.readouterr().out


def test_without_minicv_there_is_nothing_to_compare_with(run, peers, monkeypatch):
    def dies(dtype, **parameters):
        raise ValueError("no such kernel")

    peers(torch=second_minicv())
    monkeypatch.setattr(with_minicv, "conv2d_forward", dies)
    status, record = run(TINY[5:6])
    assert status == 1
    for result in record["cases"]:
        assert result["failed"] == {"minicv": "ValueError: no such kernel"}
        assert result["seconds"] == {}


def test_when_time_runs_out_the_rest_is_named(run, capsys):
    _, record = run(TINY[5:], "--minutes", "-1", "--commit", "abc")
    assert record["cases"] == [] and len(record["left_out"]) == 2 and record["commit"] == "abc"
    assert "left out after -1 minutes: layers, batch 2" in capsys.readouterr().out


def test_algorithms_of_convolution_beside_the_one_that_is_chosen(run, peers, capsys):
    peers(torch=second_minicv())
    status, record = run(TINY[4:6], "--algorithm", "im2col", "--algorithm", "pointwise")
    assert status == 0 and record == {}
    said = capsys.readouterr().out
    (line, _) = re.findall("by im2col .*, pointwise .*", said)
    assert said.splitlines()[said.splitlines().index(f"    {line}") - 1].startswith("  2x3x7x7")


def test_a_quick_run_or_one_of_some_cases_is_not_kept(run, capsys):
    for options in (["--quick"], ["--only", "7x7"]):
        _, record = run(TINY[5:], *options)
        assert record == {}
    (*_, last) = capsys.readouterr().out.split("ceilings")  # of the second run
    assert "2x3x7x7" in last and "1x128x3x3" not in last


def test_no_gpu_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "gpu_status", lambda: (False, "no CUDA device is visible"))
    assert gpu.main([]) == 2
    said = capsys.readouterr()
    assert said.out == "" and len(said.err.splitlines()) == 1
    assert "no usable CUDA device: no CUDA device is visible; install the extra" in said.err


def test_names_are_unique_and_every_operation_is_rehearsed():
    labels = [(case.case.row, case.case.name) for case in CASES]
    assert len(set(labels)) == len(labels)
    assert {case.case.operation for case in CASES} <= {case.case.operation for case in TINY}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_work_of_a_network_is_as_counted(name):
    model = with_minicv.NETWORKS[name](rng=np.random.default_rng(0)).eval()
    with no_grad(), counting_multiplications(model) as count:
        model(Tensor(np.zeros((1, 3, 224, 224), np.float32)))
    parameters = sum(parameter.data.size for parameter in model.parameters())
    assert NETWORKS[name] == (count.multiplications, parameters)
