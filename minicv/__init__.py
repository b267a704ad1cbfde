"""minicv: from pixels to Mask R-CNN in NumPy and CuPy.

>>> import minicv
>>> x = minicv.Tensor([3.0], requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad.tolist()
[6.0]
"""

from minicv import functional
from minicv.autograd import Function, Tensor, no_grad
from minicv.backend.requirements import check_numpy as _check_numpy
from minicv.functional import operators as _operators  # gives Tensor its operators

_check_numpy()
__version__ = "0.1.0"
__all__ = ["Function", "Tensor", "functional", "no_grad"]
