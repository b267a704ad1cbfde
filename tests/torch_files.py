"""Writes files as PyTorch does, without PyTorch; also such as PyTorch would never write."""

import collections
import io
import pickle
import struct
import zipfile

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
KINDS = {
    "f4": "FloatStorage",
    "f8": "DoubleStorage",
    "f2": "HalfStorage",
    "i8": "LongStorage",
    "i4": "IntStorage",
    "i2": "ShortStorage",
    "i1": "CharStorage",
    "u1": "ByteStorage",
    "b1": "BoolStorage",
    "c8": "ComplexFloatStorage",
    "c16": "ComplexDoubleStorage",
}


class Global:
    """Pickles as the bare name module.name, without needing that module."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Storage:
    def __init__(self, key, array, kind=None):
        self.key, self.array, self.kind = key, array, kind


class Tensor:
    """`more` is what PyTorch says of a tensor that is conjugated or negated when it is read."""

    def __init__(self, storage, offset, size, stride, *more):
        self.arguments, self.more = (storage, offset, size, stride), more


class Call:
    """Pickles as the call of a function, and as what is written into its result."""

    def __init__(self, module, name, *arguments, state=None):
        self.function, self.arguments, self.state = Global(module, name), arguments, state


class _Pickler(pickle._Pickler):
    """Writes tensors as PyTorch does, without PyTorch."""

    def persistent_id(self, obj):
        if isinstance(obj, Storage):
            kind = obj.kind or KINDS[obj.array.dtype.str[1:]]
            return ("storage", Global("torch", kind), obj.key, "cpu", obj.array.size, None)
        return None

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Global):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
            return
        if isinstance(obj, Tensor):
            rest = (False, collections.OrderedDict(), *obj.more)
            obj = Call("torch._utils", "_rebuild_tensor_v2", *obj.arguments, *rest)
        if isinstance(obj, Call):
            self.save(obj.function)
            self.save(obj.arguments)
            self.write(pickle.REDUCE)
            if obj.state is not None:
                self.save(obj.state)
                self.write(pickle.BUILD)
            return
        super().save(obj, save_persistent_id)


def pickled(obj):
    buffer = io.BytesIO()
    _Pickler(buffer, 2).dump(obj)
    return buffer.getvalue()


def tensor(key, array):
    strides = tuple(s // array.itemsize for s in array.strides)
    return Tensor(Storage(key, array.ravel(order="K")), 0, array.shape, strides)


def write_legacy(path, state, storages):
    parts = [pickle.dumps(MAGIC_NUMBER, 2), pickle.dumps(1001, 2), pickle.dumps({}, 2)]
    parts += [pickled(state), pickle.dumps(sorted(storages), 2)]
    for key in sorted(storages):
        array = storages[key]
        parts += [struct.pack("<q", array.size), array.tobytes()]
    path.write_bytes(b"".join(parts))


def write_zip(path, state, storages, byteorder=None, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("net/data.pkl", state if isinstance(state, bytes) else pickled(state))
        if byteorder:
            archive.writestr("net/byteorder", byteorder)
        for key, array in storages.items():
            archive.writestr(f"net/data/{key}", array.tobytes())
