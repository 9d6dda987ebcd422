"""Binary logs that an installed tool turns into text: NetFlow captures, login records, the systemd journal.

A tool is run as an argument list, never by a shell, with a fixed environment. It reads the very file that was opened,
by its descriptor, whatever its name. Its output is the stream and offsets count its bytes. The output of a file that
grows only grows at its end, so such a file is read on by running the tool again and passing over what was read.
"""

from __future__ import annotations

import os
import resource
import selectors
import shutil
import signal
import struct
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from soc_tui.acquisition.unpack import Buffered
from soc_tui.core.errors import SourceError

ZONE = "UTC"
"""The time zone of the stamps in every tool's output."""
LOOK_BYTES = 384 * 16
"""How much of the beginning of a file :func:`converter_of` wants to see."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ENVIRONMENT = {"PATH": _PATH, "LC_ALL": "C.UTF-8", "TZ": ZONE}
_SILENCE_SECONDS = 60.0
"""A tool that says nothing for so long hangs."""
_EXIT_SECONDS = 5.0
_BLOCK = 64 * 1024
_COMPLAINT_BYTES = 4096
_DATA_BYTES = 2 * 1024 * 1024 * 1024
"""Memory that a tool may fill: a hostile capture must not eat the machine's."""


@dataclass(frozen=True)
class Converter:
    """How one kind of binary file becomes text."""

    what: str
    tool: str
    package: str
    """What to install where the tool is missing."""
    arguments: tuple[str, ...]
    """After the tool's name; ``{file}`` stands for the file."""
    grows: bool
    """False: the file is finished when it is read, like an archive."""
    identity: tuple[int, int]
    """The bytes of the file, from and to, that tell it from others and never change once they are written."""
    talk: tuple[bytes, ...] = ()
    """How lines on stderr begin that are no complaint."""
    closing: tuple[bytes, ...] = ()
    """Lines of output behind which no record comes. They are left out: when the file has grown, records stand in their
    place."""

    def command(self, path: Path) -> str:
        """The tool's own path.

        Raises:
            SourceError: it is not installed.
        """
        found = shutil.which(self.tool, path=_PATH)
        if found is None:
            message = f"is {self.what}, and {self.tool}, which reads it, is not installed"
            raise SourceError(message, source=path, remedy=f"install {self.package}")
        return found


_CLOSING = (b"Summary", b"No matching flows")
_NFDUMP = ("-r", "{file}", "-o", "csv")
_NFCAPD = {
    # Layout 1 has a header of 140 bytes and a record of totals of 136 before the first block, layout 2 one of 40 bytes;
    # both are written anew when the file is closed (nfdump, nffile.h and nffileV2.h).
    1: Converter("a NetFlow capture", "nfdump", "nfdump", _NFDUMP, False, (276, 1300), closing=_CLOSING),
    2: Converter("a NetFlow capture", "nfdump", "nfdump", _NFDUMP, False, (40, 1064), closing=_CLOSING),
}
_LOGINS = Converter("a file of login records", "utmpdump", "util-linux", ("{file}",), True, (0, 1024),
                    talk=(b"Utmp dump of ",))  # fmt: skip
# The identity of a journal: file_id and machine_id of its header; the rest of the first KiB changes with every entry
# (https://systemd.io/JOURNAL_FILE_FORMAT).
_JOURNAL = Converter("a systemd journal", "journalctl", "systemd",
                     ("--file", "{file}", "-o", "export", "--no-pager", "--quiet"), True, (24, 56))  # fmt: skip
_UTMP = struct.Struct("=hh i 32s 4s 32s 256s hh i ii 16s 20s")
"""``struct utmp`` of glibc on Linux, 384 bytes (utmp(5)): type, padding, pid, line, id, user, host, exit status twice,
session, seconds, microseconds, address, unused."""


def converter_of(head: bytes, size: int | None) -> Converter | None:
    """What turns a file into text; None for text and for what no tool is known for.

    Args:
        head: its first :data:`LOOK_BYTES` bytes.
        size: its size; None where that cannot be known.
    """
    if head[:2] in {b"\x0c\xa5", b"\xa5\x0c"} and len(head) >= 4:
        return _NFCAPD.get(int.from_bytes(head[2:4], "little" if head[0] == 0x0C else "big"))
    if head.startswith(b"LPKSHHRH"):
        return _JOURNAL
    if (size is None or size % _UTMP.size == 0) and _are_logins(head):
        return _LOGINS
    return None


def _are_logins(head: bytes) -> bool:
    """Whole records with a known type, zeros wherever C writes zeros, and not only empty ones."""
    whole = head[: len(head) // _UTMP.size * _UTMP.size]
    seen = 0
    for kind, gap, _, line, _, user, host, _, _, _, seconds, micros, _, unused in _UTMP.iter_unpack(whole):
        ends = all(not text[text.find(b"\0") :].strip(b"\0") for text in (line, user, host) if b"\0" in text)
        if not (0 <= kind <= 9 and gap == 0 and 0 <= micros < 1_000_000 and seconds >= 0 and ends and not any(unused)):
            return False
        seen |= kind and seconds
    return bool(seen)


class ToolStream(Buffered):
    """What a tool makes of an open file. :meth:`close` ends the tool.

    Args:
        converter: the tool.
        command: its path.
        descriptor: the file.
    """

    def __init__(self, converter: Converter, command: str, descriptor: int) -> None:
        super().__init__()
        self._converter = converter
        self._complaint = b""
        self._line = b""
        self._closed = False
        argv = [command, *(part.replace("{file}", f"/dev/fd/{descriptor}") for part in converter.arguments)]
        self._ended = False
        self._selector = selectors.DefaultSelector()
        self._process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_ENVIRONMENT, cwd="/",
            pass_fds=(descriptor,), start_new_session=True,
        )  # fmt: skip
        with suppress(OSError):  # it has ended already
            resource.prlimit(self._process.pid, resource.RLIMIT_DATA, (_DATA_BYTES, _DATA_BYTES))
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self._selector.register(pipe, selectors.EVENT_READ, pipe is self._process.stdout)

    def close(self) -> None:
        """End the tool if it still runs; may be called twice."""
        self._ended = True
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._selector.close()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _more(self, wanted: int) -> bytes:  # noqa: ARG002 - as much as the pipe holds
        while not self._ended:
            out = self._records(self._output())
            if out:
                return out
        return b""

    def _output(self) -> bytes:
        """The next bytes of output; empty when the tool has ended, which then is judged."""
        deadline = time.monotonic() + _SILENCE_SECONDS
        while self._selector.get_map():
            ready = self._selector.select(max(deadline - time.monotonic(), 0))
            if not ready:
                self.damage = f"{self._converter.tool} was ended: it gave nothing for {_SILENCE_SECONDS:.0f} seconds"
                self.close()
                return b""
            for key, _ in ready:
                part = os.read(key.fd, _BLOCK)
                if not part:
                    self._selector.unregister(key.fileobj)
                elif key.data:
                    return part
                else:
                    self._complaint = (self._complaint + part)[:_COMPLAINT_BYTES]
        self._judge()
        return b""

    def _judge(self) -> None:
        """How the tool ended."""
        tool = self._converter.tool
        try:
            status = self._process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            status = None
        said = self._complaint.decode("utf-8", "backslashreplace").splitlines()
        talk = tuple(text.decode() for text in self._converter.talk)
        complaints = [line.strip() for line in said if line.strip() and not (talk and line.startswith(talk))]
        if status != 0 or complaints:
            ended = "did not end" if status is None else f"failed with status {status}" if status else "complained"
            self.damage = ": ".join([f"{tool} {ended}", *complaints[:1]])[:400]
        self.close()

    def _records(self, part: bytes) -> bytes:
        """The output up to the closing lines."""
        if not self._converter.closing:
            return part
        whole, self._line = self._line + part, b""
        if not self._ended:  # a line whose end has not come may be a closing one
            at = whole.rfind(b"\n") + 1
            whole, self._line = whole[:at], whole[at:]
        if self._closed:
            return b""
        for line in self._converter.closing:
            at = whole.find(line + b"\n") if whole.startswith(line + b"\n") else whole.find(b"\n" + line + b"\n") + 1
            if at > 0 or whole.startswith(line + b"\n"):
                whole, self._closed = whole[:at], True
        return whole
