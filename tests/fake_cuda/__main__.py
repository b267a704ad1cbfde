"""`python` on the fake CUDA: ``python -m fake_cuda -m MODULE``, ``-c CODE`` or ``SCRIPT``."""

import runpy
import sys

import fake_cuda

fake_cuda.install()
if sys.argv[1:2] == ["-m"]:
    sys.argv = sys.argv[2:]
    sys.path.insert(0, "")
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
elif sys.argv[1:2] == ["-c"]:
    code = sys.argv[2]
    sys.argv = ["-c", *sys.argv[3:]]
    sys.path.insert(0, "")
    exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
else:
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
