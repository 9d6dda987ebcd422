"""What runs and what listens, as ``/proc`` tells it (proc(5)); no program is asked."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import NamedTuple

from soc_tui.detection.rooted import Root
from soc_tui.detection.tools import Watch

_TABLES = (("tcp", "tcp", "0A"), ("tcp6", "tcp", "0A"), ("udp", "udp", "07"), ("udp6", "udp", "07"))
_MAX_TABLE = 64 * 1024 * 1024
_MAX_PROCESSES, _MAX_DESCRIPTORS = 100_000, 100_000
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_PRELOAD = re.compile(rb"(?:^|\0)(LD_(?:PRELOAD|AUDIT)=[^\0]{1,2000})")
_GONE = " (deleted)"


class Process(NamedTuple):
    """One running program."""

    pid: int
    exe: str
    """Where its program lies, without the mark of a deleted one; empty: a kernel thread, or not readable."""
    deleted: bool
    command: str
    """Its command line, at most 1000 characters."""
    uid: int
    here: bool
    """It sees the same files as we do (no container's)."""
    preload: str
    """``LD_PRELOAD=...`` of its environment; empty: none, or not readable."""
    sockets: frozenset[str]
    """The numbers of its sockets."""


class Listener(NamedTuple):
    """One open port."""

    protocol: str
    """tcp or udp."""
    address: str
    port: int
    exe: str
    """The program; empty: not known."""
    pid: int = 0

    @property
    def name(self) -> str:
        """``tcp 0.0.0.0:22``."""
        return f"{self.protocol} {f'[{self.address}]' if ':' in self.address else self.address}:{self.port}"


def processes(root: Root, watch: Watch) -> tuple[Process, ...]:
    """Everything that runs, in the order of process ids; a note when some of it may not be looked at."""
    found: list[Process] = []
    hidden = 0
    ours = _link(root, "proc/self/ns/mnt")
    for name in sorted((one for one in root.names("proc") if one.isdigit()), key=int)[:_MAX_PROCESSES]:
        if watch.stopping():
            break
        folder = f"proc/{name}"
        try:
            exe = root.link(f"{folder}/exe")
        except FileNotFoundError:
            continue  # a kernel thread, or it has ended
        except OSError:
            hidden += 1
            continue
        theirs = _link(root, f"{folder}/ns/mnt")
        found.append(Process(
            pid=int(name), exe=_text(exe).removesuffix(_GONE), deleted=exe.endswith(_GONE),
            command=_head(root, f"{folder}/cmdline", 4096).rstrip(b"\0").replace(b"\0", b" ").decode(
                "utf-8", "backslashreplace")[:1000],
            uid=_uid(_head(root, f"{folder}/status", 4096)), here=not ours or not theirs or ours == theirs,
            preload=_preload(_head(root, f"{folder}/environ", 128 * 1024)), sockets=frozenset(_sockets(root, folder)),
        ))  # fmt: skip
    if hidden:
        watch.note(f"{hidden} processes of others may not be looked at; run as root to see them")
    return tuple(found)


def listeners(root: Root, running: tuple[Process, ...], watch: Watch) -> tuple[Listener, ...]:
    """Every port that is open to be spoken to, sorted; UDP ports that programs are lent for a question are left out."""
    owner = {number: process for process in reversed(running) for number in process.sockets}
    low, high = _lent(root)
    found: set[Listener] = set()
    for table, protocol, state in _TABLES:
        data = root.read_noted(f"proc/net/{table}", _MAX_TABLE, watch)
        for line in (data or b"").split(b"\n")[1:]:
            parts = line.decode("ascii", "replace").split()
            if len(parts) < 10 or parts[3] != state:
                continue
            try:
                address, port = _address(parts[1])
            except ValueError:
                continue
            if protocol == "udp" and (low <= port <= high or not parts[2].endswith(":0000")):
                continue
            process = owner.get(parts[9])
            found.add(Listener(protocol, address, port, process.exe if process else "", process.pid if process else 0))
    return tuple(sorted(found))


def _address(text: str) -> tuple[str, int]:
    """``0100007F:0016`` is 127.0.0.1:22: words of four bytes in the machine's (little-endian) order."""
    packed, _, port = text.partition(":")
    raw = b"".join(bytes.fromhex(packed[at : at + 8])[::-1] for at in range(0, len(packed), 8))
    address = ipaddress.ip_address(raw)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address), int(port, 16)


def _lent(root: Root) -> tuple[int, int]:
    parts = _head(root, "proc/sys/net/ipv4/ip_local_port_range", 100).split()
    try:
        return int(parts[0]), int(parts[1])
    except (ValueError, IndexError):
        return 32768, 60999


def _sockets(root: Root, folder: str) -> Iterator[str]:
    for name in root.names(f"{folder}/fd")[:_MAX_DESCRIPTORS]:
        found = _SOCKET.fullmatch(_link(root, f"{folder}/fd/{name}"))
        if found:
            yield found[1]


def _preload(environment: bytes) -> str:
    found = _PRELOAD.search(environment)
    return found[1].decode("utf-8", "backslashreplace") if found else ""


def _uid(status: bytes) -> int:
    found = re.search(rb"^Uid:\s+(\d+)", status, re.MULTILINE)
    return int(found[1]) if found else -1


def _head(root: Root, path: str, size: int) -> bytes:
    try:
        return root.head(path, size)
    except (OSError, ValueError):
        return b""


def _link(root: Root, path: str) -> str:
    try:
        return root.link(path)
    except (OSError, ValueError):
        return ""


def _text(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
