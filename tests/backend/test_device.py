"""Where arrays live: asking an array, moving it, and finding out whether a GPU can be used.

`gpu_status` is tried against fake CuPy modules that fail at one stage each, because each stage
fails alone on some real installation.
"""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import cupy_stand_in
import numpy as np
import pytest

from minicv.backend import (
    DeviceError,
    gpu_status,
    resolve_device,
    to_device,
    to_numpy,
    xp_of,
)
from minicv.backend.device import received_together, sent_together


class FakeDevice:
    """As much of CuPy as `gpu_status` and `to_device` touch; ``fails_at`` names a stage."""

    def __init__(
        self, fails_at: str | None = None, devices: int = 1, broken: int | None = None
    ) -> None:
        self.fails_at = fails_at
        self.devices = devices
        self.broken = broken  # a device on which nothing runs
        self.used: list[int] = []

    def module(self) -> ModuleType:
        cupy = ModuleType("cupy")
        cupy.cuda = SimpleNamespace(
            runtime=SimpleNamespace(
                getDeviceCount=self._stage("driver", lambda: self.devices),
                getDeviceProperties=lambda index: {"name": b"Fake H100"},
            ),
            Device=self._device,
        )
        cupy.float32 = np.float32
        cupy.arange = self._stage("memory", self._arange)
        cupy.RawKernel = lambda source, name: self._stage("kernel", self._launch)
        cupy.asnumpy = lambda array: np.asarray(array.values)
        cupy.asarray = cupy_stand_in.asarray
        return cupy

    def _stage(self, name, function):
        def call(*args, **kwargs):
            if self.fails_at == name:
                raise RuntimeError(f"{name} is broken\nand here is a long story")
            return function(*args, **kwargs)

        return call

    def _arange(self, count, dtype):
        return FakeArray(np.arange(count, dtype=dtype), self)

    def _launch(self, grid, block, arguments):
        arguments[0].values *= 2

    def _device(self, number: int):
        return Current(self, number)


class Current:
    """A device that is used from now on, or within a block."""

    def __init__(self, fake: FakeDevice, number: int) -> None:
        self.fake, self.number = fake, number

    def use(self):
        self.fake.used.append(self.number)

    def __enter__(self):
        if self.number == self.fake.broken:
            raise RuntimeError(f"device {self.number} is broken")

    def __exit__(self, *error):
        pass


class FakeArray:
    def __init__(self, values: np.ndarray, device: FakeDevice) -> None:
        self.values = values
        self.device = device

    def __add__(self, number):
        return self.device._stage("elementwise", lambda: self._with(self.values + number))()

    def reshape(self, *shape):
        return self._with(self.values.reshape(shape))

    def __matmul__(self, other):
        wrong = 1.0 if self.device.fails_at == "result" else 0.0
        return self.device._stage(
            "matmul", lambda: self._with(self.values @ other.values + wrong)
        )()

    def _with(self, values):
        return FakeArray(values, self.device)


@pytest.fixture
def install(monkeypatch):
    """``install(fake)`` makes ``import cupy`` give it; None makes the import fail."""

    def put(fake: FakeDevice | None) -> None:
        monkeypatch.setitem(sys.modules, "cupy", None if fake is None else fake.module())
        gpu_status.cache_clear()

    yield put
    gpu_status.cache_clear()


def test_xp_of_host_arrays_and_numbers():
    assert xp_of(np.zeros(2)) is np
    assert xp_of(1.0, True, None, np.float32(2)) is np
    assert xp_of() is np

    class Special(np.ndarray):
        pass

    assert xp_of(np.zeros(2).view(Special)) is np


@pytest.mark.parametrize("value", [[1.0], "text", object(), {}])
def test_xp_of_refuses_what_is_no_array(value):
    with pytest.raises(TypeError, match="expected a NumPy or CuPy array but got builtins"):
        xp_of(value)


def test_xp_of_refuses_arrays_of_two_devices_in_either_order():
    host, device = np.zeros(2), cupy_stand_in.asarray(np.zeros(2))
    for arrays in ((host, device), (device, host), (1.0, device, None, host)):
        with pytest.raises(TypeError, match="live on different devices"):
            xp_of(*arrays)


def test_to_numpy():
    x = np.arange(3)
    assert to_numpy(x) is x
    assert to_numpy([1, 2]).tolist() == [1, 2]
    assert to_numpy(cupy_stand_in.asarray(x)).tolist() == [0, 1, 2]


def test_no_cupy(install):
    install(None)
    usable, reason = gpu_status()
    assert not usable
    assert reason.startswith("CuPy cannot be imported (ModuleNotFoundError: ")


def test_no_device(install):
    install(FakeDevice(devices=0))
    assert gpu_status() == (False, "no CUDA device is visible")


@pytest.mark.parametrize("stage", ["driver", "memory", "kernel", "elementwise", "matmul"])
def test_each_stage_that_fails_is_the_reason(install, stage):
    install(FakeDevice(fails_at=stage))
    assert gpu_status() == (False, f"RuntimeError: {stage} is broken")


def test_wrong_numbers_are_a_reason(install):
    install(FakeDevice(fails_at="result"))
    usable, reason = gpu_status()
    assert not usable
    assert "came out wrong: [[17.0, 25.0], [41.0, 65.0]]" in reason


def test_usable_device_tells_its_name(install):
    install(FakeDevice())
    assert gpu_status() == (True, "Fake H100")


def test_each_device_is_tried_itself(install):
    install(FakeDevice(devices=2, broken=1))
    assert resolve_device("cuda:0") == "cuda:0"
    with pytest.raises(DeviceError, match="'cuda:1' cannot be used: RuntimeError: device 1 is bro"):
        resolve_device("cuda:1")


def test_the_answer_is_kept(install):
    install(FakeDevice())
    gpu_status()
    sys.modules["cupy"].cuda.runtime.getDeviceCount = lambda: 0
    assert gpu_status() == (True, "Fake H100")


@pytest.mark.parametrize(
    ("requested", "resolved"),
    [("cpu", "cpu"), ("CPU", "cpu"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1"), ("auto", "cuda:0")],
)
def test_resolve_device_with_a_gpu(install, requested, resolved):
    install(FakeDevice(devices=2))
    assert resolve_device(requested) == resolved


def test_resolve_device_refuses_a_number_that_does_not_exist(install):
    install(FakeDevice(devices=2))
    with pytest.raises(DeviceError, match="'cuda:2' does not exist; there are 2 CUDA devices"):
        resolve_device("cuda:2")


def test_resolve_device_without_a_gpu(install):
    install(None)
    assert resolve_device("auto") == "cpu"
    with pytest.raises(DeviceError, match=r"device: 'cuda' cannot be used: CuPy .* --device cpu"):
        resolve_device("cuda")


def test_environment_decides_when_nothing_is_asked_for(install, monkeypatch):
    install(FakeDevice())
    monkeypatch.delenv("MINICV_DEVICE", raising=False)
    assert resolve_device() == "cpu"
    monkeypatch.setenv("MINICV_DEVICE", "cuda")
    assert resolve_device() == "cuda:0"
    assert resolve_device("cpu") == "cpu"
    monkeypatch.setenv("MINICV_DEVICE", "tpu")
    with pytest.raises(ValueError, match=r"MINICV_DEVICE: expected 'cpu', .* but got 'tpu'"):
        resolve_device()


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "cpu:0", "auto:1", ""])
def test_bad_device_name_is_refused(name):
    with pytest.raises(ValueError, match="device: expected 'cpu', 'cuda', 'cuda:N' or 'auto'"):
        resolve_device(name)


def test_to_device(install):
    fake = FakeDevice(devices=2)
    install(fake)
    x = np.arange(3.0)
    assert to_device(x, "cpu") is x
    moved = to_device(x, "cuda:1")
    assert isinstance(moved, cupy_stand_in.ndarray)
    assert fake.used == [1]
    assert to_device(moved, "cpu").tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("xp", [np, cupy_stand_in])
def test_several_arrays_travel_as_one(xp):
    whole = [np.arange(6).reshape(2, 3), np.zeros((0, 4), np.int64), np.array([7])]
    mixed = [np.array([[0.5, -1.0]], np.float32), np.array([2**40]), np.zeros((0, 4))]
    with cupy_stand_in.recorded_places() as (waits, sent):
        there = sent_together(whole, like=xp.asarray(np.zeros(1)))
        mixed_there = [xp.asarray(array) for array in mixed]
        back = received_together(mixed_there)
    assert all(isinstance(array, xp.ndarray) for array in there)
    for ours, theirs in zip([*map(to_numpy, there), *back], whole + mixed, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    if xp is cupy_stand_in:  # the three of `mixed_there`, and what `like` needs
        assert (sum(waits.values()), sum(sent.values())) == (1, 5)
