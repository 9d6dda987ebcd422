"""BSON, the part of it that commands and their answers use (bsonspec.org); bounded in depth, strict about lengths."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from soc_tui.detection.database.channel import ChannelError

MAX_DEPTH = 24
_SIZES = {0x07: 12, 0x09: 8, 0x11: 8, 0x13: 16, 0xFF: 0, 0x7F: 0}
"""ObjectId, date, timestamp, decimal, min and max key: kept as their bytes, nobody asks for them."""


def encode(document: Mapping[str, Any]) -> bytes:
    """A document of text, bytes, booleans, 32-bit integers and documents."""
    body = b"".join(_element(name, value) for name, value in document.items())
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def decode(data: bytes) -> dict[str, Any]:
    """The document that ``data`` starts with.

    Raises:
        ChannelError: it is none.
    """
    try:
        document, _ = _document(data, 0, len(data), 0)
    except (struct.error, IndexError):
        raise ChannelError("sent a document that ends in the middle") from None
    return document


def _element(name: str, value: Any) -> bytes:
    key = name.encode() + b"\0"
    if isinstance(value, bool):
        return b"\x08" + key + bytes([value])
    if isinstance(value, int):
        return b"\x10" + key + struct.pack("<i", value)
    if isinstance(value, bytes):
        return b"\x05" + key + struct.pack("<iB", len(value), 0) + value
    if isinstance(value, str):
        text = value.encode() + b"\0"
        return b"\x02" + key + struct.pack("<i", len(text)) + text
    if isinstance(value, Mapping):
        return b"\x03" + key + encode(value)
    raise ChannelError("gave something that cannot be answered")  # e.g. a conversationId that is no number


def _document(data: bytes, at: int, outer: int, depth: int) -> tuple[dict[str, Any], int]:
    (length,) = struct.unpack_from("<i", data, at)
    end = at + length
    if depth > MAX_DEPTH or length < 5 or end > outer:
        raise ChannelError("sent a document beyond its bounds")
    found: dict[str, Any] = {}
    at += 4
    while at < end - 1:
        kind = data[at]
        stop = data.find(b"\0", at + 1, end)
        if stop < 0:
            raise ChannelError("sent a name without an end")
        name = data[at + 1 : stop].decode("utf-8", "backslashreplace")
        found[name], at = _value(kind, data, stop + 1, end, depth)
    if at != end - 1:
        raise ChannelError("sent a value that leaves its document")
    return found, end


def _value(kind: int, data: bytes, at: int, end: int, depth: int) -> tuple[Any, int]:  # noqa: PLR0911 - one per type
    if kind in {0x03, 0x04}:
        document, at = _document(data, at, end, depth + 1)
        return (list(document.values()) if kind == 0x04 else document), at
    if kind in {0x02, 0x0D, 0x0E, 0x05}:
        (length,) = struct.unpack_from("<i", data, at)
        at += 5 if kind == 0x05 else 4
        if not 0 <= length <= end - at:
            raise ChannelError("sent a value longer than its document")
        raw = data[at : at + length]
        return (raw if kind == 0x05 else raw[:-1].decode("utf-8", "backslashreplace")), at + length
    if kind == 0x01:
        return struct.unpack_from("<d", data, at)[0], at + 8
    if kind == 0x08:
        return data[at] == 1, at + 1
    if kind == 0x10:
        return struct.unpack_from("<i", data, at)[0], at + 4
    if kind == 0x12:
        return struct.unpack_from("<q", data, at)[0], at + 8
    if kind in {0x06, 0x0A}:
        return None, at
    if kind in _SIZES:
        return data[at : at + _SIZES[kind]].hex(), at + _SIZES[kind]
    raise ChannelError(f"sent a value of type {kind:#04x}")
