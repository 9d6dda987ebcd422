"""ClamAV: clamd through its socket, or ``clamscan`` when there is none.

clamd gets the bytes (``INSTREAM``), so it needs no right to read the files and sees what everybody else here sees. It
may be away, refuse a size, or hang: each is a note, and the other tools go on.
"""

from __future__ import annotations

import io
import os
import re
import selectors
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from soc_tui.detection.files.walking import Note

SOCKETS = (
    "/run/clamav/clamd.ctl", "/var/run/clamav/clamd.ctl", "/run/clamd.scan/clamd.sock", "/run/clamav/clamd.sock",
    "/var/run/clamd.socket", "/tmp/clamd.socket",  # noqa: S108 - where FreeBSD and old configurations have it
)  # fmt: skip
"""Where distributions put clamd's socket."""
CLAMSCAN = ("clamscan",)
TIMEOUT = 60
"""Seconds that clamd may take for one file."""
RETRY_SECONDS = 5.0
"""How long clamd is left alone after it could not be reached."""
CLAMSCAN_SECONDS = 6 * 3600
"""The longest that ``clamscan`` may run."""
_FOUND = re.compile(rb"(?P<path>.*): (?P<name>[^\n:]{1,300}) FOUND\Z", re.S)
_OUTPUT_BYTES = 64 * 1024 * 1024


class Clamd:
    """clamd behind its socket.

    Args:
        path: the socket; empty: the first of :data:`SOCKETS` that exists.
    """

    def __init__(self, path: str = "") -> None:
        self.path = path or next((one for one in SOCKETS if Path(one).is_socket()), "")
        self.missed = 0
        """Files that it did not look at because it was away."""
        self._client: Any = None
        self._retry = 0.0
        self._away = False

    def version(self) -> str:
        """What it calls itself; empty when it does not answer."""
        try:
            return str(self._connected().version()).strip()
        except (self._errors(), OSError):
            return ""

    def scan(self, content: bytes, shown: str, note: Note) -> str:
        """The name of the virus in a content; empty for none, with a note when clamd could not tell."""
        if time.monotonic() < self._retry:
            self.missed += 1
            return ""
        from clamav_client.clamd import BufferTooLongError

        try:
            answer = self._connected().instream(io.BytesIO(content))
        except BufferTooLongError:
            note(f"{shown} is larger than clamd accepts (StreamMaxLength) and was not looked at by it")
            return ""
        except (self._errors(), OSError) as error:
            if self.version():  # it is there: it cut this one off
                note(f"{shown} was refused by clamd: {error or 'it is larger than StreamMaxLength'}")
            else:
                self._lost(error, note)
            return ""
        except ValueError as error:  # an answer that is no text
            note(f"{shown}: clamd's answer cannot be understood: {error}")
            return ""
        if self._away:
            note(f"clamd at {self.path} answers again")
            self._away = False
        for state, name in answer.values():
            if state == "FOUND":
                return str(name)[:300]
            if state == "ERROR":
                note(f"{shown}: clamd could not look at it: {name}")
        return ""

    def _lost(self, error: BaseException, note: Note) -> None:
        if not self._away:
            note(f"clamd at {self.path} is away, so files are not looked at by it for now: {error}")
        self._away = True
        self.missed += 1
        self._retry = time.monotonic() + RETRY_SECONDS

    def _connected(self) -> Any:
        from clamav_client.clamd import ClamdUnixSocket

        if self._client is None:
            self._client = ClamdUnixSocket(self.path, timeout=TIMEOUT)
        return self._client

    @staticmethod
    def _errors() -> type[Exception]:
        from clamav_client.clamd import ClamdError

        return ClamdError


def clamscan(
    target: str, limits: tuple[int, int, int], note: Note, stopping: Callable[[], bool], argv: Sequence[str] = CLAMSCAN
) -> Iterator[tuple[str, str]]:
    """Run ``clamscan`` once over a target.

    Args:
        target: a file or folder.
        limits: bytes of a file, bytes unpacked of an archive, and depth of archives.
        note: takes what went wrong.
        stopping: asked while it runs.
        argv: the program, with options that come first.

    Yields:
        (path, name of the virus).
    """
    file_bytes, archive_bytes, depth = limits
    command = [
        *argv, "--recursive", "--no-summary", "--infected", "--stdout", "--follow-dir-symlinks=0",
        "--follow-file-symlinks=0", f"--max-filesize={file_bytes}", f"--max-scansize={archive_bytes}",
        f"--max-recursion={max(depth, 1)}", "--", str(Path(target).absolute()),
    ]  # fmt: skip
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        note(f"{command[0]} cannot be started: {error.strerror}")
        return
    said = bytearray()
    for line in _lines(process, said, stopping, note):
        match = _FOUND.match(line)
        if match:
            yield os.fsdecode(match["path"]), match["name"].decode("utf-8", "backslashreplace")
    if process.returncode not in {0, 1} and not stopping():
        told = said.decode("utf-8", "backslashreplace").strip().splitlines()
        note(f"{command[0]} ended with {process.returncode}: {told[-1] if told else 'no reason given'}")


def _lines(
    process: subprocess.Popen[bytes], said: bytearray, stopping: Callable[[], bool], note: Note
) -> Iterator[bytes]:
    """The lines of a program's output as they come; its last errors are left in ``said``."""
    assert process.stdout is not None
    assert process.stderr is not None
    rest, read, until = b"", 0, time.monotonic() + CLAMSCAN_SECONDS
    with process, selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        ready.register(process.stderr, selectors.EVENT_READ)
        while ready.get_map():
            if stopping() or time.monotonic() > until or read > _OUTPUT_BYTES:
                process.kill()
                if not stopping():
                    note("clamscan took too long or said too much, and was stopped")
                break
            for key, _ in ready.select(0.2):
                block = os.read(key.fd, 65_536)
                if not block:
                    ready.unregister(key.fileobj)
                elif key.fileobj is process.stderr:
                    said[:] = (said + block)[-4096:]
                else:
                    read += len(block)
                    *whole, rest = (rest + block).split(b"\n")
                    rest = rest[-8192:]
                    yield from whole
