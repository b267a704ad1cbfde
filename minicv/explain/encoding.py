"""How arrays and pictures stand in a page: base64, so that the page is one file."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
from PIL import Image, features

QUALITY = 82  # of a drawn picture: letters stay sharp, a sheet of 1200 pixels takes about 60 kB


def packed(array: Any, dtype: str | None = None) -> dict[str, Any]:
    """An array as JSON can hold it; ``minicv.array`` in page.js gives it back.

    Args:
        array: any shape.
        dtype: "float16", "float32", "uint8", "int16" or "int32"; by default float16 for floats,
            int32 for whole numbers, uint8 for booleans. A float16 has three digits: take float32
            for boxes of large images, and for scores that are compared with a threshold.

    Returns:
        ``dtype``, ``shape``, and the numbers in C order, little-endian, as ``base64``.

    >>> packed([1, 2])
    {'dtype': 'int32', 'shape': [2], 'base64': 'AQAAAAIAAAA='}
    """
    array = np.asarray(array)
    if dtype is None:
        dtype = {"f": "float16", "b": "uint8"}.get(array.dtype.kind, "int32")
    with np.errstate(over="ignore"):  # a float16 ends at 65504: beyond it is infinite in the page
        numbers = np.ascontiguousarray(array, np.dtype(dtype).newbyteorder("<"))
    text = base64.b64encode(numbers.tobytes()).decode("ascii")
    return {"dtype": dtype, "shape": list(array.shape), "base64": text}


def picture_url(picture: Image.Image, quality: int = QUALITY) -> str:
    """A picture as a data URL: WebP, or PNG where this Pillow cannot write WebP.

    >>> picture_url(Image.new("RGB", (2, 2)))[:11]
    'data:image/'
    """
    file = io.BytesIO()
    kind = "webp" if features.check("webp") else "png"
    picture.convert("RGB").save(file, kind.upper(), quality=quality, method=2)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def json_for_script(data: Any) -> str:
    """JSON that may stand in a script element: no ``<`` ends it early.

    >>> json_for_script({"name": "</script>"})
    '{"name":"\\\\u003c/script>"}'
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.replace("<", "\\u003c")
