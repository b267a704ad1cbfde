"""Pictures, XML files and lists of Pascal VOC's form, written one by one."""

from PIL import Image


def add_picture(path, size=(30, 20), orientation=None):
    """A picture of that size, width and height, stored with an EXIF orientation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    Image.new("RGB", size, (90, 120, 40)).save(path, exif=exif)


def box(name="cow", corners=(2, 3, 9, 8), extra="", **fields):
    """An object; fields are further elements with a text."""
    tags = ("xmin", "ymin", "xmax", "ymax")
    inner = "".join(f"<{tag}>{v}</{tag}>" for tag, v in zip(tags, corners, strict=True))
    more = "".join(f"<{tag}>{text}</{tag}>" for tag, text in fields.items())
    return f"<object><name>{name}</name>{more}{extra}<bndbox>{inner}</bndbox></object>"


def add_xml(file, *objects, size=None, encoding="utf-8", head="", **fields):
    """An annotation; fields such as filename are further elements with a text."""
    file.parent.mkdir(parents=True, exist_ok=True)
    more = "".join(f"<{tag}>{text}</{tag}>" for tag, text in fields.items())
    if size is not None:
        more += f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
    text = f"{head}<annotation>{more}{''.join(objects)}</annotation>"
    file.write_bytes(text.encode(encoding))


def write_list(path, text, encoding="utf-8"):
    """A list of a split."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
