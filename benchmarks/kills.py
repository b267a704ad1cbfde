"""Does a training that is stopped go on to the same bits, and is its best the best?

    python -m benchmarks kills [--random 60] [--seed 0]

Placed stops: a kill, a Ctrl-C and a full disk before each call to the file system (of the writes in
a row before the first, the middle and the last one) of a small training, kills of a small DCGAN,
and of R-CNN's and SPP-net's stage of SVMs. Random kills: SIGKILL at a random moment of
``minicv train`` in a process of its own. Each is resumed, and compared with a training that was
never stopped: every array, the descriptions with all generators, the history, and the names of the
files. A full run is kept in benchmarks/results/kills.json.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import functools
import io
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.record import write_record

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests"))  # where the stops and the trainings stand

from hardening.stopping import (  # noqa: E402
    FULL,
    INTERRUPT,
    KILL,
    TAKES_ROOM,
    count_calls,
    places,
    stopped,
)
from hardening.trainings import (  # noqa: E402
    best_is_the_best,
    detector,
    gan,
    left,
    toy,
    unfinished,
    whole,
)
from label_map_folders import camvid_folder  # noqa: E402

Start = Callable[[Path, bool], object]  # into the folder; whether to resume


class Tally:
    """What came of the stops of one kind.

    Attributes:
        counts: stops, and of those the ones after which all was as it should be.
        faults: in words.
    """

    def __init__(self) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.faults: list[str] = []

    def note(self, out: Path, wanted: dict[str, Any], best_by: str, stop: str) -> None:
        """Compare what a resumed training left."""
        found = left(out)
        self.counts["stops"] += 1
        self.counts["resumed to identical bits"] += found == wanted
        self.counts["best.npz is the best of the history"] += best_is_the_best(out, best_by)
        self.counts["nothing unfinished left"] += not unfinished(out)
        if found != wanted:
            differing = [name for name in wanted if found[name] != wanted[name]]
            self.faults.append(f"{stop}: {', '.join(differing)} differ")


def main(arguments: Sequence[str]) -> int:
    """Stop, resume, compare; 1 if anything is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks kills", description=__doc__)
    parser.add_argument("--random", type=int, default=60, metavar="N", help="kills; default 60")
    parser.add_argument("--seed", type=int, default=0, help="of the moments; default 0")
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    tallies: dict[str, Tally] = {}

    def told(kind: str, tally: Tally) -> None:
        tallies[kind] = tally
        counts = ", ".join(f"{count} {what}" for what, count in tally.counts.items())
        print("\n  ".join([f"{kind}: {counts}", *tally.faults]), flush=True)

    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        random_kills = at_random(place / "random", options.random, options.seed)
        told("SIGKILL at random", random_kills)
        for how in (KILL, INTERRUPT, FULL):
            told(f"{how}, small training", placed(place / how, how, toy, "mIoU"))
        of_gan = placed(place / "gan", KILL, gan, "Fréchet distance of thumbnails")
        told(f"{KILL}, small DCGAN", of_gan)
        for system in ("rcnn", "spp_net"):
            start = functools.partial(detector, system)
            of_svms = placed(place / system, KILL, start, "AP50", after_training=True)
            told(f"{KILL}, SVMs of {system}", of_svms)
    record = {
        "seed": options.seed,
        "seconds": round(time.perf_counter() - started),
        "kinds": {kind: dict(tally.counts) for kind, tally in tallies.items()},
        "faults": [f"{kind}: {fault}" for kind, tally in tallies.items() for fault in tally.faults],
    }
    print(write_record("kills", record))
    same = all(len(set(tally.counts.values())) == 1 for tally in tallies.values())
    return 0 if same else 1


def placed(
    place: Path, how: str, start: Start, best_by: str, *, after_training: bool = False
) -> Tally:
    """A stop before each call, or each one after the last epoch."""
    tally = Tally()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        calls = count_calls(place / "whole", lambda: start(place / "whole", False))
        wanted = left(place / "whole")
        numbers = places(calls)
        if how == FULL:
            numbers = [number for number in numbers if calls[number][0] in TAKES_ROOM]
        if after_training:
            last = max(n for n, call in enumerate(calls) if call == ("replace", "history.png"))
            numbers = [number for number in numbers if number > last]
        for number in numbers:
            out = place / str(number)
            stopped(out, number, how, lambda: start(out, False))  # noqa: B023
            if out.exists():
                whole(out)
            start(out, True)
            tally.note(out, wanted, best_by, f"{number} {calls[number]}")
    return tally


def at_random(place: Path, count: int, seed: int) -> Tally:
    """SIGKILL at moments between the start of a process and the end of its training."""
    tally, chance = Tally(), random.Random(seed)
    data = camvid_folder(place / "data")
    command = [sys.executable, "-m", "minicv", "train", "encoder_decoder", "--data", data]
    command += ["--batch-size", "2", "--epochs", "8"]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}

    def begin(out: Path, *more: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*command, "--out", str(out), *more], env=environment, stdout=subprocess.DEVNULL
        )

    def wait_for_lock(process: subprocess.Popen[bytes], out: Path) -> None:
        while process.poll() is None and not (out / ".minicv.lock").exists():
            time.sleep(0.001)

    process = begin(place / "whole")
    wait_for_lock(process, place / "whole")
    begun = time.perf_counter()
    if process.wait() != 0:
        raise RuntimeError("the training that is not stopped does not end well")
    lasts = time.perf_counter() - begun
    wanted = left(place / "whole")
    for number in range(count):
        out = place / str(number)
        process = begin(out)
        wait_for_lock(process, out)
        moment = chance.uniform(0, lasts)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if out.exists():
            whole(out)
        if begin(out, "--resume").wait() != 0:
            tally.counts["stops"] += 1
            tally.faults.append(f"{number}, after {moment:.3f} s: resuming fails")
            continue
        tally.note(out, wanted, "mIoU", f"{number}, after {moment:.3f} s")
    return tally
