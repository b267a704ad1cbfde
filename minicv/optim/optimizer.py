"""What all optimizers share: parameter groups, the step, the saved state."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from minicv.autograd import Tensor
from minicv.backend import Array, to_numpy, xp_of
from minicv.backend.parallel import parallel_for, split
from minicv.optim.joined import ALIGNMENT, Joined, join, whole_of
from minicv.optim.options import as_list, as_number, check_parameter

Group = dict[str, Any]

# One block of a parameter, its gradient and two moments is 1 MB of float32: it stays in the cache
# while the update formula passes over it several times, and temporaries are never large.
BLOCK = 1 << 16
# On the host too, parameters of no more elements are changed together, in a copy: a formula takes
# longer to begin than to run over so few.
FEW = 1 << 11


class Optimizer:
    """Changes parameters along their gradients. A subclass writes ``update``.

    Args:
        params: Parameters, or a list of groups: dictionaries with the key ``"params"`` and any
            options that differ from the defaults. A group without an option takes the default. A
            group learns at a rate of its own by ``"lr"``, the rate itself, or by ``"lr_ratio"``,
            the rate as a multiple of the default.
        defaults: the options of this optimizer; ``"lr"`` is one of them.

    Attributes:
        param_groups: the groups, each with all options, its present ``"lr"`` and its
            ``"lr_ratio"``, by which `set_lr` multiplies.
        state: what the optimizer remembers of each parameter, by the parameter's position.
        remembered: the names that ``state`` may have: "step" is a number, all others are arrays of
            the parameter's shape.
    """

    remembered: tuple[str, ...] = ()

    def __init__(self, params: Iterable[Tensor] | Iterable[Group], defaults: Group) -> None:
        name = type(self).__name__
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: dict[int, dict[str, Any]] = {}
        self._joined: dict[Any, Joined] = {}
        given = as_list(name, params)
        grouped = bool(given) and isinstance(given[0], Mapping)
        seen: set[int] = set()
        for number, group in enumerate(given if grouped else [{"params": given}]):
            if not isinstance(group, Mapping) or "params" not in group:
                raise TypeError(
                    f"{name}: group {number} must be a dictionary with the key 'params' but is "
                    f"{sorted(group) if isinstance(group, Mapping) else type(group).__name__}"
                )
            members = group["params"]
            members = [members] if isinstance(members, Tensor) else as_list(name, members)
            unknown = set(group) - {"params", "lr_ratio"} - set(defaults)
            if unknown:
                raise ValueError(
                    f"{name}: group {number} has the unknown options {sorted(unknown)}; "
                    f"known are {sorted([*defaults, 'lr_ratio'])}"
                )
            for parameter in members:
                check_parameter(name, parameter, f"group {number}")
                if id(parameter) in seen:
                    raise ValueError(f"{name}: a parameter of group {number} is given twice")
                seen.add(id(parameter))
            if "lr" in group and "lr_ratio" in group:
                raise ValueError(
                    f"{name}: group {number} has both 'lr' and 'lr_ratio'; give one of them: the "
                    "rate itself, or a multiple of the rate that holds for all"
                )
            self.param_groups.append({**defaults, **group, "params": members})
        if not seen:
            raise ValueError(f"{name}: there is no parameter to change; is the model empty?")
        self._settle_rates()

    def _settle_rates(self) -> None:
        """Give each group both its rate and its ratio to the default rate.

        Without a default rate the greatest of the groups stands for it.
        """
        name = type(self).__name__
        for group in self.param_groups:
            if group["lr"] is None:
                raise TypeError(f"{name}: lr, the learning rate, is missing; pass e.g. lr=0.01")
            group["lr"] = as_number(name, "lr", group["lr"], least=0)
        usual = self.defaults["lr"]
        if usual is None:
            usual = max(group["lr"] for group in self.param_groups)
        usual = as_number(name, "lr", usual, least=0)
        for group in self.param_groups:
            if "lr_ratio" in group:
                group["lr_ratio"] = as_number(name, "lr_ratio", group["lr_ratio"], least=0)
                group["lr"] = usual * group["lr_ratio"]
            else:
                group["lr_ratio"] = group["lr"] / usual if usual else 1.0

    def step(self) -> None:
        """Change every parameter that has a gradient, and skip those without.

        On a device all parameters of a group change together: their ``data`` become views of one
        array. A caller may replace such a view by another array. On the host each ``data`` stays
        the array that it is, and changes in place.
        """
        together: dict[Any, list[tuple[int, Group, Tensor]]] = {}
        for index, group, parameter in self._parameters():
            if parameter.grad is None:
                continue
            xp = xp_of(parameter.data, parameter.grad)
            # The update works in place, on contiguous memory. Only a first step needs this copy.
            if not (parameter.data.flags.c_contiguous and _writable(parameter.data)):
                parameter.data = parameter.data.copy()
            state = self.state.setdefault(index, {})
            past = self.prepare(state, group, parameter.data)
            if xp is np and parameter.data.size > FEW:
                self._update_in_blocks(parameter.data, parameter.grad, state, group, past)
            else:
                alike = (id(group), xp, parameter.dtype, past)
                together.setdefault(alike, []).append((index, group, parameter))
        before, self._joined = self._joined, {}
        for (*_, past), members in together.items():
            self._update_together(members, past, before)

    def _update_in_blocks(
        self, data: Array, grad: Array, state: dict[str, Any], group: Group, past: Any
    ) -> None:
        data, grad = data.reshape(-1), grad.reshape(-1)
        moments = {name: state[name].reshape(-1) for name in _moments(state)}

        def change(part: slice) -> None:
            own = {name: moment[part] for name, moment in moments.items()}
            self.update(data[part], grad[part], own, group, past)

        if data.size <= BLOCK:
            change(slice(None))
        else:
            parallel_for(change, split(data.size, BLOCK))

    def _update_together(
        self,
        members: list[tuple[int, Group, Tensor]],
        past: Any,
        before: dict[tuple[str, tuple[int, ...]], Joined],
    ) -> None:
        """One update for all ``members``, whose arrays are joined.

        On the host the parameters are joined by a copy, which is copied back.

        ``before`` holds the joined arrays of the last step. They are used again, unless other
        parameters have a gradient now or a caller has replaced one of the views.
        """
        indices = tuple([index for index, _, _ in members])
        arrays = [parameter.data for _, _, parameter in members]
        grads = [parameter.grad for _, _, parameter in members]
        states = [self.state[index] for index in indices]
        on_host = isinstance(arrays[0], np.ndarray)
        alignment = 1 if on_host else ALIGNMENT

        def joined(name: str, arrays: list[Array], is_copy: bool = False) -> Joined:
            found = before.get((name, indices))
            if found is None or not (is_copy or found.holds(arrays)):
                found = Joined(arrays, alignment)
            elif is_copy:
                found.take(arrays)
            self._joined[name, indices] = found
            return found

        moments = {}
        for name in _moments(states[0]):
            moment = joined(name, [state[name] for state in states])
            for state, part in zip(states, moment.parts, strict=True):
                state[name] = part
            moments[name] = moment.whole
        data = joined("data", arrays, is_copy=on_host)
        if on_host:
            grad = joined("grad", grads, is_copy=True).whole
            self._update_in_blocks(data.whole, grad, moments, members[0][1], past)
            for array, part in zip(arrays, data.parts, strict=True):
                array[...] = part
            return
        for (_, _, parameter), part in zip(members, data.parts, strict=True):
            parameter.data = part
        grad = whole_of(grads)
        grad = join(grads) if grad is None else grad
        self.update(data.whole, grad, moments, members[0][1], past)

    def remembers(self, group: Group) -> tuple[str, ...]:
        """The names that ``state`` has of a parameter in ``group`` after its first step."""
        return self.remembered

    def prepare(self, state: dict[str, Any], group: Group, data: Array) -> Any:
        """Before a parameter is updated: count the step, make the moments ``update`` will need.

        Returns:
            what the formula must know of the parameter's past beside the moments, such as the
            number of the step. Parameters with the same answer may be updated together.
        """
        raise NotImplementedError(f"{type(self).__name__}: prepare is not written")

    def update(
        self, data: Array, grad: Array, moments: dict[str, Array], group: Group, past: Any
    ) -> None:
        """Change ``data`` and ``moments`` in place; all arrays are flat and of one length.

        A parameter comes in pieces, on the host from several threads, or many in one array; so the
        formula may only look at one element at a time. ``past`` is what `prepare` has said.
        """
        raise NotImplementedError(f"{type(self).__name__}: update is not written")

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for _, _, parameter in self._parameters():
            parameter.grad = None

    def set_lr(self, lr: float) -> None:
        """Set the learning rate, usually to ``schedule.lr(step)`` before each step.

        A group with a rate of its own keeps its ratio: made with ``lr=0.1`` and a group at 0.01, or
        one with ``lr_ratio=0.1``, ``set_lr(0.5)`` sets that group to 0.05. Where the groups have
        rates and the optimizer has none, the group with the greatest rate gets ``lr``.

        Raises:
            TypeError: the rate is no number, but a schedule, say.
            ValueError: it is negative, infinite or NaN.

        >>> from minicv.optim import Adam
        >>> backbone, head = Tensor([1.0], requires_grad=True), Tensor([1.0], requires_grad=True)
        >>> groups = [{"params": [backbone], "lr_ratio": 0.1}, {"params": [head]}]
        >>> optimizer = Adam(groups, lr=0.01)
        >>> optimizer.set_lr(0.5)
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.05, 0.5]
        """
        lr = as_number(f"{type(self).__name__}.set_lr", "lr", lr, least=0)
        for group in self.param_groups:
            group["lr"] = lr * group["lr_ratio"]

    def state_dict(self) -> dict[str, np.ndarray]:
        """What the optimizer remembers, as arrays by flat names: ready for `numpy.savez`.

        Options such as the learning rate are not saved: after a resume the options of the program
        hold, so a rate that was lowered by hand or by a schedule is not set back.
        """
        saved = {"number_of_parameters": np.array(sum(1 for _ in self._parameters()))}
        for index, state in self.state.items():
            for name, value in state.items():
                saved[f"{index}.{name}"] = np.array(to_numpy(value))
        return saved

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` gave, exactly as if there had been no break.

        Raises:
            ValueError: the state belongs to other parameters or another optimizer.
        """
        name = type(self).__name__
        if not isinstance(state_dict, Mapping):
            raise TypeError(
                f"{name}.load_state_dict: expected what state_dict() gives, arrays by name, but "
                f"got a {type(state_dict).__name__}"
            )
        parameters = {index: parameter for index, _, parameter in self._parameters()}
        count = int(state_dict.get("number_of_parameters", -1))
        if count != len(parameters):
            raise ValueError(
                f"{name}: the saved state is of {'no' if count < 0 else count} parameters but this "
                f"optimizer has {len(parameters)}; was it saved with another model?"
            )
        state: dict[int, dict[str, Any]] = {}
        for key, value in state_dict.items():
            if key == "number_of_parameters":
                continue
            number, _, moment = key.partition(".")
            parameter = parameters.get(int(number)) if number.isdecimal() else None
            if parameter is None or moment not in self.remembered:
                raise ValueError(
                    f"{name}: the saved state has the unknown entry {key!r}; expected are a "
                    f"parameter's number below {len(parameters)} and one of "
                    f"{sorted(self.remembered)}; was it saved by another optimizer?"
                )
            entry = state.setdefault(int(number), {})
            if moment == "step":
                entry[moment] = int(value)
                continue
            if np.shape(value) != parameter.shape:
                raise ValueError(
                    f"{name}: the saved entry {key!r} has shape {np.shape(value)} but the "
                    f"parameter has {parameter.shape}; was it saved with another model?"
                )
            xp = xp_of(parameter.data)
            entry[moment] = xp.asarray(value, dtype=parameter.dtype).copy()  # in C order
        for index, group, _ in self._parameters():
            if index not in state:
                continue
            absent = [moment for moment in self.remembers(group) if moment not in state[index]]
            if absent:
                raise ValueError(
                    f"{name}: the saved state has no entry '{index}.{absent[0]}'; is it complete?"
                )
        self.state = state

    def _parameters(self) -> Iterator[tuple[int, Group, Tensor]]:
        """(position, group, parameter) of all parameters in order."""
        numbers = itertools.count()
        for group in self.param_groups:
            for parameter in group["params"]:
                yield next(numbers), group, parameter


def _moments(state: dict[str, Any]) -> list[str]:
    """The names of the arrays in it."""
    return [name for name, value in state.items() if hasattr(value, "reshape")]


def _writable(array: Array) -> bool:
    return getattr(array.flags, "writeable", True)  # CuPy's arrays always are
