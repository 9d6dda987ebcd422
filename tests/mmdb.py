"""A writer of tiny MaxMind DB files (https://maxmind.github.io/MaxMind-DB/), for tests only."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MARK = b"\xab\xcd\xefMaxMind.com"


def write_mmdb(path: Path, entries: Mapping[str, Any], version: int = 6) -> Path:
    """Write networks and their records; a narrower network must come after a wider one."""
    tree: list[list[Any]] = [[None, None]]
    data = bytearray()
    for network, record in entries.items():
        parsed = ipaddress.ip_network(network)
        width = 128 if version == 6 else 32
        bits, length = int(parsed.network_address), parsed.prefixlen + (width - parsed.max_prefixlen)
        at = len(data)
        data += _encode(record)
        node = 0
        for depth in range(length):
            side = (bits >> (width - 1 - depth)) & 1
            if depth == length - 1:
                tree[node][side] = ("data", at)
            else:
                if not isinstance(tree[node][side], int):
                    tree.append([tree[node][side], tree[node][side]])
                    tree[node][side] = len(tree) - 1
                node = tree[node][side]
    count = len(tree)
    raw = bytearray()
    for pair in tree:
        for value in pair:
            number = count if value is None else value if isinstance(value, int) else count + 16 + value[1]
            raw += number.to_bytes(4, "big")
    metadata = {
        "node_count": ("u32", count), "record_size": ("u16", 32), "ip_version": ("u16", version),
        "database_type": "Test", "languages": ["en"], "binary_format_major_version": ("u16", 2),
        "binary_format_minor_version": ("u16", 0), "build_epoch": ("u64", 1), "description": {"en": "test"},
    }  # fmt: skip
    path.write_bytes(bytes(raw) + b"\0" * 16 + bytes(data) + _MARK + _encode(metadata))
    return path


def _encode(value: Any) -> bytes:
    if isinstance(value, tuple):
        kind, number = value
        size = {"u16": 2, "u32": 4, "u64": 8}[kind]
        return _control({"u16": 5, "u32": 6, "u64": 9}[kind], size) + number.to_bytes(size, "big")
    if isinstance(value, str):
        return _control(2, len(value.encode())) + value.encode()
    if isinstance(value, int):
        return _encode(("u32", value))
    if isinstance(value, dict):
        return _control(7, len(value)) + b"".join(_encode(k) + _encode(v) for k, v in value.items())
    return _control(11, len(value)) + b"".join(map(_encode, value))


def _control(kind: int, size: int) -> bytes:
    length = bytes([size - 29]) if size >= 29 else b""
    first = min(size, 29)
    return (bytes([kind << 5 | first]) if kind < 8 else bytes([first, kind - 7])) + length
