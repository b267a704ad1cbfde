"""Tools that test gradients: of this engine, and of the layers that you write.

`strategies` (hypothesis) is imported by name, ``from minicv.testing import strategies``, because
hypothesis belongs to the extra ``test``.
"""

from minicv.testing.adjoint import adjoint_check
from minicv.testing.gradcheck import NonDifferentiableError, gradcheck
from minicv.testing.passes import GradientError

__all__ = ["GradientError", "NonDifferentiableError", "adjoint_check", "gradcheck"]
