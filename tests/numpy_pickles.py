"""Writes pickles of arrays as Python 2 wrote them, and such as NumPy would never write."""

import pickle
import struct

from torch_files import Call, Global, _Pickler


class Text(bytes):
    """Pickles as a string of Python 2, which is bytes."""


class _OldPickler(_Pickler):
    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Text):
            short = len(obj) < 256
            head = pickle.SHORT_BINSTRING + bytes([len(obj)]) if short else b""
            self.write((head or pickle.BINSTRING + struct.pack("<i", len(obj))) + bytes(obj))
            return
        super().save(obj, save_persistent_id)


def old_array(array, order="<", core="core", content=None, shape=None, state=None):
    """An array as NumPy under Python 2 describes it."""
    code = Text(array.dtype.str[1:].encode())
    dtype_state = (3, Text(order.encode()), None, None, None, -1, -1, 0)
    dtype = Call("numpy", "dtype", code, 0, 1, state=dtype_state)
    raw = Text(array.astype(array.dtype.newbyteorder(order)).tobytes())
    built = (1, array.shape if shape is None else shape, dtype, False, raw)
    if content is not None:
        built = (*built[:-1], content)
    return Call(
        *(f"numpy.{core}.multiarray", "_reconstruct", Global("numpy", "ndarray"), (0,)),
        Text(b"b"),
        state=built if state is None else state,
    )


def dumped(obj):
    """A pickle of protocol 2."""
    import io

    stream = io.BytesIO()
    _OldPickler(stream, 2).dump(obj)
    return stream.getvalue()
