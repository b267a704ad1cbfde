"""The other process of a check: it loads the learner's file and calls the functions in it.

It runs as a script and imports nothing of minicv, so it starts fast and its names cannot get in the
learner's way. Requests come and answers go in frames: a header of JSON and the bytes of arrays.
Nothing is ever unpickled. What the learner prints goes to another pipe.
"""

from __future__ import annotations

import contextlib
import faulthandler
import inspect
import json
import math
import os
import struct
import sys
import time
import traceback
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

Header = dict[str, Any]
LENGTHS = struct.Struct(">IQ")  # bytes of the header, and of all arrays together
LONGEST_HEADER = 1 << 20
MOST_BYTES = 1 << 28  # of arrays in one frame
MOST_MEMORY = 4 << 30  # bytes that the learner's code may take
KINDS = "fiub"  # of dtypes: floating, whole numbers, booleans


class FrameError(ValueError):
    """What came through the pipe is no frame."""


def write_frame(stream: BinaryIO, header: Header, arrays: Sequence[np.ndarray]) -> None:
    """Send a header and arrays."""
    described = [{"dtype": a.dtype.str, "shape": a.shape} for a in arrays]
    text = json.dumps({**header, "arrays": described}).encode()
    body = b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)
    stream.write(LENGTHS.pack(len(text), len(body)) + text + body)
    stream.flush()


def read_frame(stream: BinaryIO) -> tuple[Header, list[np.ndarray]] | None:
    """The next header and its arrays; None where the stream has ended.

    Raises:
        FrameError: it is no frame, or one that is too long.

    >>> import io
    >>> stream = io.BytesIO()
    >>> write_frame(stream, {"number": 1}, [np.arange(3)])
    >>> read_frame(io.BytesIO(stream.getvalue()))
    ({'number': 1}, [array([0, 1, 2])])
    """
    lengths = stream.read(LENGTHS.size)
    if not lengths:
        return None
    if len(lengths) < LENGTHS.size:
        raise FrameError("the frame is cut")
    of_header, of_body = LENGTHS.unpack(lengths)
    if of_header > LONGEST_HEADER or of_body > MOST_BYTES:
        raise FrameError("the frame is too long")
    text, body = stream.read(of_header), stream.read(of_body)
    if len(text) < of_header or len(body) < of_body:
        raise FrameError("the frame is cut")
    try:
        header = json.loads(text)
        arrays, start = [], 0
        for described in header.pop("arrays"):
            dtype, shape = np.dtype(described["dtype"]), tuple(map(int, described["shape"]))
            if dtype.kind not in KINDS or (shape and min(shape) < 0):
                raise FrameError(f"the frame holds an array of {dtype} and {shape}")
            end = start + dtype.itemsize * math.prod(shape)
            arrays.append(np.frombuffer(body[start:end], dtype).reshape(shape).copy())
            start = end
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise FrameError(f"the frame cannot be read: {error}") from None
    return header, arrays


def packed(value: Any, arrays: list[np.ndarray]) -> Any:
    """An argument in words of JSON; arrays are put aside, and their number stands for them.

    >>> arrays = []
    >>> packed({"x": np.zeros(2), "size": (3, 4)}, arrays), len(arrays)
    ({'x': {'array': 0}, 'size': {'tuple': [3, 4]}}, 1)
    """
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, tuple):
        return {"tuple": [packed(v, arrays) for v in value]}
    if isinstance(value, list):
        return [packed(v, arrays) for v in value]
    if isinstance(value, dict):
        return {name: packed(v, arrays) for name, v in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def unpacked(value: Any, arrays: Sequence[np.ndarray]) -> Any:
    """The argument that `packed` made words of."""
    if isinstance(value, list):
        return [unpacked(v, arrays) for v in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"array"}:
        return arrays[value["array"]]
    if set(value) == {"tuple"}:
        return tuple(unpacked(v, arrays) for v in value["tuple"])
    return {name: unpacked(v, arrays) for name, v in value.items()}


class Answering:
    """The learner's file, and answers to the requests to call its functions.

    A header of an answer has a "kind": "result", or what went wrong.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.module: types.ModuleType | None = None

    def answer(self, header: Header, arrays: list[np.ndarray]) -> tuple[Header, list[np.ndarray]]:
        """Load the file ("load"), or call one of its functions."""
        if header["do"] == "load":
            return self.load(), []
        function = getattr(self.module, header["function"], None)
        if not callable(function):
            return {"kind": "missing"}, []

        def arguments() -> dict[str, Any]:
            fresh: dict[str, Any] = unpacked(header["arguments"], [a.copy() for a in arrays])
            return fresh

        try:
            inspect.signature(function).bind(**arguments())
        except TypeError:
            return {"kind": "signature", "takes": str(inspect.signature(function))}, []
        except ValueError:
            pass  # a function of C without a signature
        if header["do"] == "time":
            return self._timed(function, arguments, header["enough"])
        return self._called(function, arguments, header["results"])

    def load(self) -> Header:
        """Run the file as a module, as ``import`` does."""
        name = self.file.stem
        self.module = types.ModuleType(name)
        self.module.__file__ = str(self.file)
        sys.modules[name] = self.module
        try:
            code = compile(self.file.read_bytes(), str(self.file), "exec", dont_inherit=True)
            exec(code, self.module.__dict__)
        except SyntaxError as error:
            if error.filename not in (None, str(self.file)):  # of a file that it imports
                return self._raised(error)
            text = (error.text or "").strip()
            return {"kind": "syntax", "said": error.msg, "line": error.lineno, "text": text}
        except BaseException as error:
            return self._raised(error)
        return {"kind": "loaded"}

    def _called(
        self, function: Callable[..., Any], fresh: Callable[[], dict[str, Any]], results: int
    ) -> tuple[Header, list[np.ndarray]]:
        arguments, untouched = fresh(), fresh()
        try:
            returned = function(**arguments)
        except BaseException as error:
            return self._raised(error), []
        for name, value in untouched.items():
            if isinstance(value, np.ndarray) and _differ(value, arguments[name]):
                return {"kind": "changed", "argument": name, **self._place(function, fresh())}, []
        return _sent(returned, results)

    def _timed(
        self, function: Callable[..., Any], fresh: Callable[[], dict[str, Any]], enough: float
    ) -> tuple[Header, list[np.ndarray]]:
        """The least seconds of several calls, which together take about ``enough`` seconds."""
        arguments, begun = fresh(), time.perf_counter()
        least = math.inf
        try:
            while True:
                start = time.perf_counter()
                function(**arguments)
                end = time.perf_counter()
                least = min(least, end - start)
                if end - begun > enough:
                    return {"kind": "timed", "seconds": least}, []
        except BaseException as error:
            return self._raised(error), []

    def _raised(self, error: BaseException) -> Header:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if frame.filename == str(self.file)]
        place = {"line": own[-1].lineno, "text": own[-1].line} if own else {}
        try:
            said = str(error)
        except BaseException:
            said = ""
        return {"kind": "raised", "type": type(error).__name__, "said": said[:500], **place}

    def _place(self, function: Callable[..., Any], arguments: dict[str, Any]) -> Header:
        """The line that writes into an argument: where it may not be written, that line fails."""
        for value in arguments.values():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
        try:
            function(**arguments)
        except BaseException as error:
            found = self._raised(error)
            return {key: found[key] for key in ("line", "text") if key in found}
        return {}


def _differ(before: np.ndarray, after: np.ndarray) -> bool:
    return before.shape != after.shape or before.tobytes() != after.tobytes()


def _sent(returned: Any, results: int) -> tuple[Header, list[np.ndarray]]:
    """What the function returned, if it is as many arrays as it must be."""
    several = returned if results > 1 else (returned,)
    if results > 1 and (not isinstance(returned, (tuple, list)) or len(returned) != results):
        return {"kind": "strange", "returned": _described(returned), "results": results}, []
    arrays = []
    for number, value in enumerate(several):
        if type(value) is not np.ndarray and not isinstance(value, (np.generic, int, float)):
            return {"kind": "strange", "returned": _described(value), "number": number}, []
        array = np.asarray(value)
        if array.dtype.kind not in KINDS:
            return {"kind": "strange", "returned": _described(array), "number": number}, []
        arrays.append(array)
    if sum(array.nbytes for array in arrays) > MOST_BYTES:
        shapes = ", ".join(str(array.shape) for array in arrays)
        return {"kind": "strange", "returned": f"too much: an array of shape {shapes}"}, []
    return {"kind": "result"}, arrays


def _described(value: Any) -> str:
    """What it is that was returned, in a few words."""
    kind = type(value)
    if value is None:
        return "None; is a `return` missing?"
    if isinstance(value, types.GeneratorType):
        return "a generator, which `yield` makes; collect the values in an array and return that"
    if isinstance(value, np.ma.MaskedArray):
        return "a masked array; return a plain one, as its .filled(0)"
    if kind is np.ndarray and value.dtype.kind == "O":
        return "an array of objects (dtype object), as np.array makes of what are no numbers"
    if kind is np.ndarray and value.dtype.kind == "c":
        return "complex numbers"
    if kind is np.ndarray:
        return f"an array of {value.dtype}"
    if isinstance(value, np.ndarray):
        return f"a {kind.__name__}; return a plain array, as np.asarray makes it"
    if isinstance(value, list):
        return f"a list of {len(value)}; np.array(...) makes an array of it"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    if hasattr(value, "requires_grad"):
        return f"a {kind.__name__}; return a plain array, as its .data"
    return f"a {kind.__name__}"


def main(path: str, trace: str) -> None:
    """Answer the requests on standard input until it ends."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # what asks for input gets none
    os.dup2(2, 1)  # print goes where errors go
    sys.stdin = open(0, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    sys.stdout.reconfigure(line_buffering=True, errors="replace")  # type: ignore[union-attr]
    with contextlib.suppress(ImportError, ValueError, OSError):
        _limit_memory()
    # Where the time is up or the process dies, the lines that ran then are noted.
    places = open(trace, "w", encoding="utf-8")  # noqa: SIM115
    faulthandler.enable(places)
    own, leave = os.getpid(), os._exit

    def noted_exit(status: int) -> None:
        if os.getpid() == own:
            faulthandler.dump_traceback(places, all_threads=False)
        leave(status)

    os._exit = noted_exit  # type: ignore[assignment]
    # Not the folder of this script, whose files are the solutions.
    sys.path[0] = str(Path(path).parent)
    sys.argv = [path]
    learner = Answering(Path(path))
    write_frame(answers, {"number": 0}, [])  # ready
    while (request := read_frame(requests)) is not None:
        faulthandler.dump_traceback_later(request[0]["seconds"], exit=True, file=places)
        header, arrays = learner.answer(*request)
        if os.getpid() != own:  # a process that the learner's code has split off came back
            leave(0)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        faulthandler.cancel_dump_traceback_later()
        write_frame(answers, {**header, "number": request[0]["number"]}, arrays)
    leave(0)


def _limit_memory() -> None:
    import resource

    taken = 0
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        taken = pages * resource.getpagesize()
    most = taken + MOST_MEMORY
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


if __name__ == "__main__":
    main(*sys.argv[1:])
