"""What a user waits for before the first line of work: processes that start and end."""

from __future__ import annotations

from benchmarks.case import Case, Wanted

IMPORT = "a process that imports the library"
HELP = "`minicv --help`, beside a process that imports the peer"

CASES = [
    Case("import, and nothing else", IMPORT, "start", {"what": "import"}, peers=("torch",)),
    Case("all systems and options named", HELP, "start", {"what": "help"}, peers=("torch",)),
]
GOAL = {"torch": Wanted(1.0, least=1.0)}
WANTED = {IMPORT: GOAL, HELP: GOAL}
