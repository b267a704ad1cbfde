"""minicv: from pixels to Mask R-CNN in NumPy and CuPy.

>>> import minicv
>>> x = minicv.Tensor([3.0], requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad.tolist()
[6.0]
"""

from minicv import functional
from minicv.autograd import Function, Tensor, no_grad
from minicv.functional import operators as _operators  # gives Tensor its operators

__version__ = "0.1.0"
__all__ = ["Function", "Tensor", "functional", "no_grad"]
