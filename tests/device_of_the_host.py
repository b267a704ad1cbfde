"""A device without a GPU: the strict stand-in for CuPy, with emulated kernels or those of the host.

What kernels compute is tested in tests/backend/cuda; this is for tests of all the code above them.
"""

import cuda_emulator
import cupy_stand_in as cupy
import numpy as np
from cupy_stand_in.array import host_values

from minicv.backend import cpu, cuda, to_numpy


def install_device(monkeypatch, emulated=True):
    """Until the test ends, ``module.to("cuda")`` moves a module to the stand-in.

    Kernels are those of CUDA, emulated, where there is a compiler. With ``emulated=False`` they are
    those of the host: for tests that would take too long, or that need the same rounding.
    """
    if not emulated or cuda_emulator.compiler() is None:
        for name, kernel in vars(cpu).items():
            if callable(kernel):
                monkeypatch.setitem(vars(cuda), name, _on_the_host(name, kernel))
    monkeypatch.setattr("minicv.nn.module.to_device", lambda array, name: cupy.asarray(array))


def check_losses_and_gradients(host, moved, images, targets):
    """Two equal models, one of them on the device, have the same losses and gradients."""
    here, there = host.loss(images, targets), moved.loss(images, targets)
    for name, expected in here.items():
        assert isinstance(there[name].data, cupy.ndarray)
        np.testing.assert_allclose(there[name].item(), expected.item(), rtol=1e-4)
    sum(here.values(), start=0.0).backward()
    sum(there.values(), start=0.0).backward()
    gradients = dict(moved.named_parameters())
    for name, parameter in host.named_parameters():
        if parameter.grad is None:  # frozen
            assert gradients[name].grad is None, name
            continue
        assert isinstance(gradients[name].grad, cupy.ndarray)
        ours, scale = to_numpy(gradients[name].grad), np.abs(parameter.grad).max()
        np.testing.assert_allclose(ours, parameter.grad, rtol=1e-3, atol=1e-4 * scale, err_msg=name)


def check_on_the_host(arrays, expected):
    """Arrays by name are on the host, and equal to those of the model that never left it.

    A list of arrays counts as each of them.
    """
    for name, array in expected.items():
        if isinstance(array, list):
            check_on_the_host(dict(enumerate(arrays[name])), dict(enumerate(array)))
            continue
        assert not isinstance(arrays[name], cupy.ndarray), name
        np.testing.assert_allclose(arrays[name], array, rtol=1e-3, atol=1e-4, err_msg=name)


def _on_the_host(name, kernel):
    """``kernel`` for device arrays. It works in their memory, so nothing moves and nobody waits."""

    def down(value):
        return host_values(value, name) if isinstance(value, cupy.ndarray) else value

    def up(value):
        if isinstance(value, tuple):
            return tuple(up(item) for item in value)
        return cupy.ndarray(value) if isinstance(value, np.ndarray) else value

    def run(*arguments, **options):
        named = {key: down(value) for key, value in options.items()}
        return up(kernel(*[down(value) for value in arguments], **named))

    return run
