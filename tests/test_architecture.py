"""The house stands: imports only go down, each wing keeps to itself, each file is one idea.

Each rule is a function from the source files to the places that break it. The first half of this
file states the rules of the design, the second half applies them to the package and, so that no
rule is asleep, to small planted faults.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence

import pytest
from source_tree import REPOSITORY, SourceFile, room_of, source_files

FLOORS = {
    "files": 0,
    "backend": 0,
    "vision": 1,
    "autograd": 1,
    "proposals": 2,
    "data": 2,
    "metrics": 2,
    "functional": 2,
    "reference": 2,
    "testing": 2,
    "inspection": 3,
    "nn": 3,
    "optim": 3,
    "models": 4,
    "weights": 3.5,
    "export": 4.5,
    "training": 5,
    "tasks": 6,
    "explain": 6.2,
    "exercises": 6.2,
    "": 6.5,  # minicv/__init__.py, the top of the package: only the command line imports it
    "cli": 7,
    "__main__": 8,
}
WING_OF_ARRAYS = {"vision", "proposals", "data", "metrics"}
WING_OF_GRADIENTS = {"autograd", "functional", "nn", "optim"}
FOR_TESTS_ONLY = {"reference", "testing"}
HOLDS_CODE_AGAINST_TWINS = {"exercises"}  # a learner's code, as tests hold ours
PEERS = {"torch", "torchvision", "cv2", "pycocotools", "chainer", "chainercv", "tensorflow", "jax"}
MAX_LINES = 500
# Folders whose every file has a test file of its own. Kernels are tested by the operations that
# call them, reference twins by their doctests and by being what those operations are held against.
MIRRORED = ("autograd", "backend", "files", "functional", "tasks", "training", "vision")

Rule = Callable[[Sequence[SourceFile]], Iterator[str]]


def imports_only_go_down(files: Sequence[SourceFile]) -> Iterator[str]:
    for file in files:
        if file.room not in FLOORS:
            yield f"{file.path}: room {file.room!r} is not in the design; give it a floor in FLOORS"
            continue
        for imported in file.imports():
            if imported.module.partition(".")[0] != "minicv":
                continue
            room = room_of(imported.module)
            if room == file.room:
                continue
            if room not in FLOORS:
                yield (
                    f"{file.path}:{imported.line}: takes {imported.module} from the top of the "
                    "package, which stands above every room; import it from its own room"
                )
            elif FLOORS[room] >= FLOORS[file.room]:
                yield (
                    f"{file.path}:{imported.line}: {file.room} (floor {FLOORS[file.room]}) imports "
                    f"{room} (floor {FLOORS[room]}); imports only go down"
                )


def wings_keep_apart(files: Sequence[SourceFile]) -> Iterator[str]:
    for file in files:
        for wing, other in (
            (WING_OF_ARRAYS, WING_OF_GRADIENTS),
            (WING_OF_GRADIENTS, WING_OF_ARRAYS),
        ):
            if file.room not in wing:
                continue
            for imported in file.imports():
                if imported.module.startswith("minicv.") and room_of(imported.module) in other:
                    yield (
                        f"{file.path}:{imported.line}: imports {imported.module}; the wing of "
                        "arrays and the wing of gradients meet only in models/ and above"
                    )


def engine_stands_without_its_tests(files: Sequence[SourceFile]) -> Iterator[str]:
    for file in files:
        for imported in file.imports():
            room = room_of(imported.module) if imported.module.startswith("minicv.") else ""
            if room in FOR_TESTS_ONLY and file.room not in {room, *HOLDS_CODE_AGAINST_TWINS}:
                yield (
                    f"{file.path}:{imported.line}: imports {imported.module}; {room} is for tests, "
                    "docs and exercises, never for the engine"
                )


def only_backend_knows_cupy(files: Sequence[SourceFile]) -> Iterator[str]:
    for file in files:
        for imported in file.imports():
            if imported.module.partition(".")[0] not in ("cupy", "cupyx"):
                continue
            if file.room != "backend":
                yield (
                    f"{file.path}:{imported.line}: imports {imported.module}; only backend/ may, "
                    "others ask xp_of(array)"
                )
            elif imported.when_loaded:
                yield (
                    f"{file.path}:{imported.line}: imports {imported.module} when it is loaded; "
                    "import it inside the function that needs a device"
                )


def peers_stay_outside(files: Sequence[SourceFile]) -> Iterator[str]:
    for file in files:
        for imported in file.imports():
            if imported.module.partition(".")[0] in PEERS:
                yield (
                    f"{file.path}:{imported.line}: imports {imported.module}, which is a peer for "
                    "fixtures and benchmarks and never a dependency"
                )


def files_are_one_idea(files: Sequence[SourceFile]) -> Iterator[str]:
    for file in files:
        lines = file.text.count("\n")
        if lines > MAX_LINES:
            yield (
                f"{file.path}: {lines} lines; above {MAX_LINES} a file can no longer be read in "
                "one sitting and usually holds two ideas: cut it where they part"
            )
        if file.path.endswith(("/utils.py", "/util.py", "/helpers.py", "/misc.py")):
            yield f"{file.path}: name the file after its idea; this name could hold anything"


def public_names_are_documented(files: Sequence[SourceFile]) -> Iterator[str]:
    for file in files:
        for node in public_definitions(file):
            if ast.get_docstring(node) is None and not _is_operation(node):
                yield f"{file.path}:{node.lineno}: {node.name} has no docstring"


def public_names_are_typed(files: Sequence[SourceFile]) -> Iterator[str]:
    for file in files:
        for node in public_definitions(file):
            if isinstance(node, ast.ClassDef):
                functions = [
                    child
                    for child in node.body
                    if isinstance(child, ast.FunctionDef)
                    and (not child.name.startswith("_") or child.name == "__init__")
                ]
            else:
                functions = [node]
            for function in functions:
                for missing in _missing_hints(function, in_class=function is not node):
                    yield f"{file.path}:{function.lineno}: {function.name}: no type hint: {missing}"


def files_have_tests(files: Sequence[SourceFile]) -> Iterator[str]:
    for file in files:
        folder, _, name = file.path.removeprefix("minicv/").rpartition("/")
        if folder not in MIRRORED or name == "__init__.py" or file.is_private:
            continue
        test = f"tests/{folder}/test_{name}"
        if not (REPOSITORY / test).exists():
            yield f"{file.path}: its test file {test} is missing"


def public_definitions(file: SourceFile) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Functions and classes of a module that anybody may use: no leading underscore."""
    if file.is_private:
        return
    for node in file.tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node


def _is_operation(node: ast.AST) -> bool:
    """A Function subclass is documented by the public function that calls it."""
    return isinstance(node, ast.ClassDef) and any(
        isinstance(base, ast.Name) and base.id == "Function" for base in node.bases
    )


def _missing_hints(function: ast.FunctionDef, in_class: bool) -> list[str]:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    static = any(
        isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list
    )
    if in_class and not static:
        named = named[1:]  # self or cls
    named += [extra for extra in (arguments.vararg, arguments.kwarg) if extra is not None]
    missing = [argument.arg for argument in named if argument.annotation is None]
    return missing if function.returns is not None else [*missing, "return"]


RULES: list[Rule] = [
    imports_only_go_down,
    wings_keep_apart,
    engine_stands_without_its_tests,
    only_backend_knows_cupy,
    peers_stay_outside,
    files_are_one_idea,
    public_names_are_documented,
    public_names_are_typed,
]


@pytest.mark.parametrize("rule", [*RULES, files_have_tests], ids=lambda rule: rule.__name__)
def test_package_keeps_rule(rule: Rule):
    broken = list(rule(source_files()))
    assert not broken, "\n" + "\n".join(broken)


PLANTED = [
    (imports_only_go_down, "backend/a.py", "from minicv.autograd import Tensor"),
    (imports_only_go_down, "vision/a.py", "def f():\n    import minicv.vision, minicv.models.vgg"),
    (imports_only_go_down, "functional/a.py", "from ..nn import Module"),
    (imports_only_go_down, "functional/a.py", "from minicv import Tensor"),
    (imports_only_go_down, "nn/a.py", "if TYPE_CHECKING:\n    from minicv import training"),
    (imports_only_go_down, "attic/a.py", "import numpy"),
    (wings_keep_apart, "vision/a.py", "from minicv.autograd import Tensor"),
    (wings_keep_apart, "metrics/a.py", "import minicv.functional as F"),
    (wings_keep_apart, "nn/a.py", "from minicv.vision.boxes import iou"),
    (engine_stands_without_its_tests, "nn/a.py", "from minicv import reference"),
    (engine_stands_without_its_tests, "models/a.py", "from minicv.testing import gradcheck"),
    (only_backend_knows_cupy, "functional/a.py", "def f():\n    import cupy"),
    (only_backend_knows_cupy, "backend/a.py", "import cupyx.scipy.ndimage"),
    (only_backend_knows_cupy, "backend/a.py", "cupy = importlib.import_module('cupy')"),
    (peers_stay_outside, "weights/a.py", "def f():\n    from torch.serialization import load"),
    (files_are_one_idea, "vision/a.py", "x = 1\n" * (MAX_LINES + 1)),
    (files_are_one_idea, "vision/utils.py", "x = 1\n"),
    (public_names_are_documented, "vision/a.py", "def f() -> None:\n    pass"),
    (public_names_are_documented, "vision/a.py", "class A:\n    pass"),
    (public_names_are_typed, "vision/a.py", "def f(x) -> None: 'doc'"),
    (public_names_are_typed, "vision/a.py", "def f(x: int): 'doc'"),
    (public_names_are_typed, "vision/a.py", "class A:\n    def f(self, *x) -> None: 'doc'"),
    (files_have_tests, "vision/no_such_idea.py", "x = 1\n"),
]


@pytest.mark.parametrize(("rule", "path", "text"), PLANTED)
def test_rule_sees_a_planted_fault(rule: Rule, path: str, text: str):
    assert len(list(rule([SourceFile(f"minicv/{path}", text)]))) == 1


ALLOWED = [
    ("vision/a.py", "from minicv.backend import xp_of"),
    ("functional/a.py", "from minicv.functional.relu import Relu\nfrom .relu import relu"),
    ("models/a.py", "from minicv import functional as F, vision"),
    ("testing/strategies.py", "from minicv.testing import adjoint"),
    ("exercises/a.py", "from minicv.testing import gradcheck"),
    ("backend/a.py", "def f() -> None:\n    'doc'\n    import cupy"),
    ("functional/a.py", "class Add(Function):\n    def forward(self, x: Array) -> Array: ..."),
    ("vision/a.py", "def f(x: int, *y: int) -> None: 'doc'\ndef _g(x): ..."),
]


@pytest.mark.parametrize(("path", "text"), ALLOWED)
def test_rules_let_good_code_pass(path: str, text: str):
    file = SourceFile(f"minicv/{path}", text)
    assert [place for rule in RULES for place in rule([file])] == []


def test_importing_the_engine_loads_no_extras():
    """`import minicv` stays light: what one part needs is loaded when that part is."""
    extras = ["PIL", "cupy", "hypothesis", "matplotlib", "minicv.backend.cuda", "scipy"]
    code = f"import sys, minicv; print([m for m in {extras} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    assert result.stdout.strip() == "[]"
