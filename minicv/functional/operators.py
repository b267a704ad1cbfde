"""Give Tensor its operators and methods.

Tensor stands a floor below the operations, and imports only go down; so the operations are handed
to it here, one explicit line each. ``import minicv`` runs this file.
"""

from __future__ import annotations

from minicv.autograd import Tensor
from minicv.functional.arithmetic import add, divide, multiply, negative, subtract

Tensor.__add__ = add
Tensor.__radd__ = lambda self, other: add(other, self)
Tensor.__sub__ = subtract
Tensor.__rsub__ = lambda self, other: subtract(other, self)
Tensor.__mul__ = multiply
Tensor.__rmul__ = lambda self, other: multiply(other, self)
Tensor.__truediv__ = divide
Tensor.__rtruediv__ = lambda self, other: divide(other, self)
Tensor.__neg__ = negative
