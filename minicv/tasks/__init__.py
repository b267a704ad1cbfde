"""Floor 6: kinds of task, one file each, and every system by name."""

from minicv.tasks.systems import (
    SYSTEMS,
    build,
    load,
    save,
    system_named,
    table_of_systems,
)
from minicv.tasks.task import Option, Prediction, Spec, System, Task
from minicv.tasks.training import train

__all__ = [
    "SYSTEMS",
    "Option",
    "Prediction",
    "Spec",
    "System",
    "Task",
    "build",
    "load",
    "save",
    "system_named",
    "table_of_systems",
    "train",
]
