"""The one error of this floor, and what a damaged file raises before it becomes that error."""

import lzma
import struct
import zipfile
import zlib

# A damaged file can fail in any of these ways inside the standard library and NumPy.
DAMAGE: tuple[type[Exception], ...] = (
    *(OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, MemoryError),
    *(ArithmeticError, RuntimeError, zipfile.BadZipFile, zipfile.LargeZipFile),
    *(zlib.error, lzma.LZMAError, struct.error),
)


class WeightsError(ValueError):
    """A weights file cannot be read, written or used; the message names the file and the reason."""
