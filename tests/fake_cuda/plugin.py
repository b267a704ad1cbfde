"""``pytest -p fake_cuda.plugin``: tests marked gpu run, on real CuPy over the fake CUDA."""

import fake_cuda

fake_cuda.install()
