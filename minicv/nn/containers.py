"""Modules made of other modules: Sequential, ModuleList, and the one that does nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar, overload

from minicv.nn.module import Module

Container = TypeVar("Container", bound="ModuleList")


class ModuleList(Module):
    """A list of modules that belong to the module it is an attribute of. Not callable itself.

    >>> from minicv.nn.activation import ReLU
    >>> layers = ModuleList([ReLU(), ReLU()])
    >>> layers.append(Identity())
    >>> len(layers), layers[-1]
    (3, Identity())
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"{type(self).__name__}: expected a list of modules but got {modules!r}"
            )
        for module in modules:
            self.append(module)

    def append(self, module: Module) -> None:
        """Add a module at the end."""
        if not isinstance(module, Module):
            name, hint = type(module).__name__, ""
            if isinstance(module, type) and issubclass(module, Module):
                name = f"the class {module.__name__}"
                hint = f"; make one of it: {module.__name__}(...)"
            elif isinstance(module, (list, tuple)):
                hint = "; write Sequential(*layers)" if isinstance(self, Sequential) else ""
            elif callable(module):
                hint = "; a function has no place here: wrap it into a Module with a forward"
            raise TypeError(f"{type(self).__name__}: expected a Module but got {name}{hint}")
        setattr(self, str(len(self)), module)

    def __len__(self) -> int:
        return sum(1 for _ in self.named_children())

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self: Container, index: slice) -> Container: ...
    def __getitem__(self, index: int | slice) -> Module:
        """The module at a position; a slice is a new container of the same modules."""
        modules = list(self.children())
        if not isinstance(index, slice):
            return modules[index]
        chosen = modules[index]
        return Sequential(*chosen) if isinstance(self, Sequential) else ModuleList(chosen)


class Sequential(ModuleList):
    """Modules one after the other: each is called with what the one before returned.

    >>> from minicv.nn.activation import ReLU
    >>> print(Sequential(ReLU(), Identity()))
    Sequential
      (0): ReLU()
      (1): Identity()
    """

    def __init__(self, *modules: Module) -> None:
        super().__init__(modules)

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x


class Identity(Module):
    """Returns its input: a placeholder where a model may have a layer or not.

    >>> Identity()(5)
    5
    """

    def forward(self, x: Any) -> Any:
        return x
