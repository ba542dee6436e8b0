"""Walks a protobuf: fields by number, named where a schema says how.

A schema is {field number: (name, kind)}; kind is one of
  int   a number, shown            bool, str    shown
  bytes the length is shown        secret       only that it is there
  dict  a nested schema            ("fixed", n) bytes that must be n long
"""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Malformed(ValueError):
    """Not a protobuf."""


def varint(data, at):
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Malformed(f"varint at {at}")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """[(number, value)]: value is an int, or bytes for length-delimited fields."""
    found, at = [], 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise Malformed("field 0")
        if wire == VARINT:
            value, at = varint(data, at)
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
            value, at = int.from_bytes(data[at:at + size], "little"), at + size
        elif wire == BYTES:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
            if len(value) != size:
                raise Malformed(f"field {number} is cut")
        else:
            raise Malformed(f"wire type {wire}")
        if at > len(data):
            raise Malformed(f"field {number} is cut")
        found.append((number, value))
    return found


def printable(data):
    """The text that these bytes are, or None."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


def _scalar(value, kind):
    if kind == "secret":
        return "<secret>"
    if isinstance(value, int):
        return str(value)
    if isinstance(kind, tuple):
        return f"<{len(value)} bytes>" if len(value) == kind[1] else f"<wrong size {len(value)}>"
    if kind == "str":
        return printable(value) if printable(value) is not None else "<not text>"
    return f"<{len(value)} bytes>"


def tree(data, schema):
    """[(name, text or list)], in the order of field numbers; repeated fields keep their order.

    Fields that the schema does not know appear as #number, so that they are compared as well.
    """
    result = []
    for number, value in sorted(fields(data), key=lambda pair: pair[0]):
        name, kind = schema.get(number, (f"#{number}", "bytes"))
        if isinstance(kind, dict):
            if isinstance(value, int):
                raise Malformed(f"{name} is not a message")
            result.append((name, tree(value, kind)))
        elif isinstance(kind, tuple) and kind[0] == "versioned":
            if isinstance(value, int) or not value:
                raise Malformed(f"{name} has no version")
            result.append((name, [("version", f"{value[0]:#x}"), *tree(value[1:], kind[1])]))
        else:
            result.append((name, _scalar(value, kind)))
    return result
