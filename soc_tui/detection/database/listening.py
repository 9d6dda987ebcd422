"""Where a port of this machine listens, from the kernel's own table: no connection is made to find out."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

_LISTEN = "0A"
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_MAX_BYTES = 4 << 20


def listening_addresses(port: int, tables: tuple[Path, ...] = _TABLES) -> list[str]:
    """The addresses on which this machine listens at a port; ``0.0.0.0`` and ``::`` are all of them.

    Args:
        port: the TCP port.
        tables: files like ``/proc/net/tcp`` (proc(5)); missing ones (other systems) count as empty.
    """
    found = set()
    for table in tables:
        try:
            with table.open("rb") as file:
                lines = file.read(_MAX_BYTES).decode("ascii", "replace").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            if len(words) > 3 and words[3] == _LISTEN and words[1].upper().endswith(f":{port:04X}"):
                found.add(_address(words[1].split(":")[0]))
    return sorted(found)


def beyond_loopback(addresses: list[str]) -> list[str]:
    """Those that others than this machine can reach."""
    return [a for a in addresses if not ipaddress.ip_address(a).is_loopback]


def _address(text: str) -> str:
    """An address as the kernel prints it: 32-bit words in the machine's byte order."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    address = ipaddress.ip_address(struct.pack(f"={len(words)}I", *words))
    return str(getattr(address, "ipv4_mapped", None) or address)
