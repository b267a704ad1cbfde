"""Module: a part of a network that holds parameters, buffers and other modules."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import numpy as np

from minicv.autograd import Tensor
from minicv.backend import Array, to_device, to_numpy, xp_of
from minicv.nn.capture import Captured, capture
from minicv.nn.parameter import Buffer, Parameter
from minicv.nn.tree import tree

Self = TypeVar("Self", bound="Module")


class _BeingEvaluated(threading.local):
    """The modules that are in evaluation mode for this thread, by their number."""

    modules: Mapping[int, object] = MappingProxyType({})


being_evaluated = _BeingEvaluated()


class _Training:
    """The attribute ``training``: as it was set, or False while this thread evaluates the module.

    A switch in the module itself would be shared: one thread would predict while another turns it.
    """

    def __get__(self, module: Module | None, kind: type) -> bool:
        if module is None:
            return True
        return module.__dict__.get("training", True) and id(module) not in being_evaluated.modules

    def __set__(self, module: Module, mode: bool) -> None:
        module.__dict__["training"] = mode


class IncompatibleKeys(NamedTuple):
    """What `Module.load_state_dict` skipped with ``strict=False``."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """A part of a network. A subclass sets its parts as attributes and writes ``forward``.

    A `Parameter`, `Buffer` or `Module` that is assigned to an attribute belongs to the module,
    under the attribute's name; a list of modules goes into a `ModuleList`. Nothing else is needed,
    not even a call of ``super().__init__()``.

    Attributes:
        training: False after `eval`, and within a block of `evaluating` for the thread that entered
            it; dropout and batch normalisation behave accordingly.

    >>> from minicv import Tensor
    >>> class Shift(Module):
    ...     def __init__(self, size):
    ...         self.offset = Parameter(np.zeros(size, dtype=np.float32))
    ...
    ...     def forward(self, x):
    ...         return x + self.offset
    >>> shift = Shift(2)
    >>> shift(Tensor([1.0, 2.0])).data.tolist()
    [1.0, 2.0]
    >>> [(name, parameter.shape) for name, parameter in shift.named_parameters()]
    [('offset', (2,))]
    """

    training = _Training()

    def forward(self, *inputs: Any, **options: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: forward is not written")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        return self.forward(*inputs, **options)

    def __setattr__(self, name: str, value: object) -> None:
        before = self.__dict__.get(name)
        if isinstance(before, (Parameter, Buffer)) and not (
            value is None or isinstance(value, (Parameter, Buffer, Module))
        ):
            kind = type(before).__name__
            raise TypeError(
                f"{type(self).__name__}.{name} is a {kind} and cannot become a "
                f"{type(value).__name__}; set .{name}.data to change its numbers, or assign "
                f"a new {kind}"
            )
        super().__setattr__(name, value)

    # The parts, each once, in the order of their assignment

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly inside this one, with their names."""
        for name, value in self._members():
            if isinstance(value, Module):
                yield name, value

    def children(self) -> Iterator[Module]:
        """The modules directly inside this one."""
        for _, child in self.named_children():
            yield child

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module under the name ``prefix`` and all modules inside it, each once."""
        seen: set[int] = set()
        for name, module in self._walk(prefix):
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def modules(self) -> Iterator[Module]:
        """This module and all modules inside it, each once."""
        for _, module in self.named_modules():
            yield module

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """All parameters in here, each once, under names such as ``layer1.0.conv1.weight``."""
        yield from self._named(Parameter)

    def own_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """The parameters of this module itself, not of the modules inside it, with their names."""
        for name, value in self._members():
            if isinstance(value, Parameter):
                yield name, value

    def parameters(self) -> Iterator[Parameter]:
        """All parameters in here, each once."""
        for _, parameter in self.named_parameters():
            yield parameter

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """All buffers in here, each once, with their names."""
        yield from self._named(Buffer)

    def buffers(self) -> Iterator[Buffer]:
        """All buffers in here, each once."""
        for _, buffer in self.named_buffers():
            yield buffer

    def capture(self, *names: str) -> AbstractContextManager[Captured]:
        """Within the block, keep what the modules of these names give when they run.

        ``captured[name]`` is a list, with an entry for each time that the module's ``forward`` ran:
        a Tensor, or whatever else it returned, in the order of the calls. When the block ends, by
        an exception too, the modules are as before. Layers that usually run as one operation run
        one by one meanwhile, where a layer is captured; that may change the last digits. (A
        normalisation may still have the ReLU after it in it.) No other thread should use the model
        meanwhile.

        Args:
            names: as `named_modules` has them, such as "backbone"; "" is this module itself.

        Raises:
            ValueError: there is no module of that name; the message names the nearest ones.
            KeyError: at ``captured[name]``, where the module has not run.

        >>> from minicv import Tensor
        >>> from minicv.nn import Linear, ReLU, Sequential
        >>> rng = np.random.default_rng(0)
        >>> net = Sequential(Linear(3, 8, rng=rng), ReLU(), Linear(8, 2, rng=rng))
        >>> with net.capture("1") as captured:
        ...     y = net(Tensor([[1.0, 2.0, 3.0]]))
        >>> [hidden.shape for hidden in captured["1"]]
        [(1, 8)]
        """
        return capture(self, *names)

    # Changes to all parts

    def train(self: Self, mode: bool = True) -> Self:
        """Put this module and all inside it into training mode, or with False out of it."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: Self) -> Self:
        """Put this module and all inside it into evaluation mode."""
        return self.train(False)

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Unfreeze all parameters in here, or with False freeze them."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters in here."""
        for parameter in self.parameters():
            parameter.grad = None

    def to(self: Self, device: str | None) -> Self:
        """Move all arrays to ``device``: "cpu", "cuda", "cuda:1" or "auto". Changes the module.

        Move the module before the optimizer's first step: the optimizer's own arrays are not moved.
        """
        for holder in self._holders():
            holder.data = to_device(holder.data, device)
            if isinstance(holder, Parameter) and holder.grad is not None:
                holder.grad = to_device(holder.grad, device)
        return self

    def astype(self: Self, dtype: str | type | np.dtype) -> Self:
        """Convert all floating point arrays, e.g. to "float64" for checking. Changes the module.

        Raises:
            TypeError: the dtype is not a floating one.
        """
        if dtype is None or np.dtype(dtype).kind != "f":
            raise TypeError(
                f"astype: the weights of a module are floating point numbers, and {dtype!r} is not "
                'a floating dtype; write e.g. astype("float32")'
            )
        for holder in self._holders():
            if holder.data.dtype.kind == "f":
                holder.data = holder.data.astype(dtype)
            if isinstance(holder, Parameter) and holder.grad is not None:
                holder.grad = holder.grad.astype(dtype)
        return self

    # The state

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of all parameters and buffers in host memory, by name, as PyTorch names them.

        The module stays where it is, and training on does not change the copies.
        """
        return {key: np.array(to_numpy(holder.data)) for key, holder in self._state()}

    def load_state_dict(
        self, state_dict: Mapping[str, Array], strict: bool = True
    ) -> IncompatibleKeys:
        """Take over the arrays of ``state_dict``, keeping this module's dtypes and devices.

        Either everything fits, or nothing is changed.

        Args:
            state_dict: arrays by name.
            strict: also refuse missing and unexpected names. Wrong shapes are always refused.

        Returns:
            The names that were missing and unexpected; with ``strict`` both lists are empty.

        Raises:
            ValueError: names or shapes do not fit; the message lists all of them.
            TypeError: no arrays by name.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict: {_what_to_load(state_dict)}")
        state = {key: _as_array(key, value) for key, value in state_dict.items()}
        own = dict(self._state())
        missing = [key for key in own if key not in state]
        unexpected = [key for key in state if key not in own]
        shared = {key: holder for key, holder in own.items() if key in state}
        faults = []
        if strict:
            faults += [f"missing: {key} {own[key].shape}" for key in missing]
            faults += [f"unexpected: {key} {state[key].shape}" for key in unexpected]
        faults += [
            f"mismatched: {key} is {holder.shape} in the module but {state[key].shape} in the state"
            for key, holder in shared.items()
            if state[key].shape != holder.shape
        ]
        if faults:
            raise ValueError(
                f"load_state_dict: the state does not fit {type(self).__name__}; nothing was "
                "loaded.\n  " + "\n  ".join(faults)
            )
        for key, holder in shared.items():
            xp = xp_of(holder.data)
            values = to_numpy(state[key]) if xp is np else state[key]
            holder.data = xp.asarray(values, dtype=holder.dtype).copy()  # in C order
        return IncompatibleKeys(missing, unexpected)

    # The text that `print` shows

    def extra_repr(self) -> str:
        """What `repr` shows of this module itself, beside the modules in it."""
        return ""

    def __repr__(self) -> str:
        return tree(self)

    def _members(self) -> Iterator[tuple[str, Parameter | Buffer | Module]]:
        for name, value in vars(self).items():
            if isinstance(value, (Parameter, Buffer, Module)):
                yield name, value
            elif isinstance(value, (list, dict)):
                inside = value.values() if isinstance(value, dict) else value
                if any(isinstance(item, (Parameter, Buffer, Module)) for item in inside):
                    raise TypeError(
                        f"{type(self).__name__}.{name} is a {type(value).__name__} with modules or "
                        "parameters in it, which would be neither trained nor saved; put modules "
                        "into a ModuleList, and parameters into attributes of their own"
                    )

    def _walk(self, prefix: str) -> Iterator[tuple[str, Module]]:
        """This module and all inside it; one that has several names comes once for each."""
        yield prefix, self
        for name, child in self.named_children():
            yield from child._walk(_join(prefix, name))

    def _holders(self) -> list[Parameter | Buffer]:
        """All parameters and buffers, each once."""
        return [*self.parameters(), *self.buffers()]

    def _state(self) -> Iterator[tuple[str, Parameter | Buffer]]:
        """All parameters and buffers; one that has several names comes once for each."""
        for prefix, module in self._walk(""):
            for name, value in module._members():
                if not isinstance(value, Module):
                    yield _join(prefix, name), value

    def _named(self, kind: type) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for name, value in self._state():
            if isinstance(value, kind) and id(value) not in seen:
                seen.add(id(value))
                yield name, value


def _as_array(key: str, value: Any) -> Array:
    if isinstance(value, Tensor):
        return value.data
    array = value
    if not (hasattr(value, "shape") and hasattr(value, "dtype")):
        try:
            array = np.asarray(value)
        except ValueError as error:  # rows of different lengths
            raise TypeError(f"load_state_dict: {key!r} is no array: {error}") from None
    if getattr(array.dtype, "kind", "f") not in "fiub":
        raise TypeError(
            f"load_state_dict: {key!r} must be an array of real numbers but is "
            f"{f'{array.dtype}' if array.size > 1 else repr(value)}"
        )
    return array


def _what_to_load(given: Any) -> str:
    expected = "expected arrays by name, as state_dict() gives them, but got"
    if isinstance(given, Module):
        return f"{expected} a module; write load_state_dict(other.state_dict())"
    if isinstance(given, (str, bytes, os.PathLike)):
        return (
            f"{expected} the path {given!r}; read the file first: "
            "minicv.weights.load_checkpoint(path)[0]"
        )
    return f"{expected} {'None' if given is None else f'a {type(given).__name__}'}"


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
