"""``python -m fake_cuda -m MODULE ...`` or ``python -m fake_cuda SCRIPT ...``, on the fake CUDA."""

import runpy
import sys

import fake_cuda

fake_cuda.install()
if sys.argv[1:2] == ["-m"]:
    sys.argv = sys.argv[2:]
    sys.path.insert(0, "")
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
else:
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
