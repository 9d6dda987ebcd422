"""The console in a real pseudo-terminal: what reaches the terminal, byte for byte."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
import unicodedata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "tests" / "console" / "hostile_app.py"
CSI = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")
POINTER = re.compile(rb"\x1b\]22;[a-z-]*(?:\x1b\\|\x07)")
"""Textual sets the mouse pointer's shape (OSC 22) when it starts and ends; nothing else may send an OSC."""
SECONDS = 60.0


class Terminal:
    """A pseudo-terminal that keeps every byte the program wrote."""

    def __init__(self, *arguments: str, rows: int = 45, columns: int = 160) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {
            k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "SSH_CONNECTION", "COLUMNS", "LINES"}
        }
        environment |= {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, str(APP), *arguments],
            stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.seen = b""

    def read_until(self, holds, what: object = "", seconds: float = SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, (what, CSI.sub(b"", self.seen[-8000:])[-2000:])
            while select.select([self.master], [], [], 0.05)[0]:  # all there is, for looking at it costs more
                try:
                    self.seen += os.read(self.master, 65536)
                except OSError:
                    return  # the program closed its end

    def press(self, keys: bytes, then: bytes) -> None:
        """Send keys and wait until a text is drawn that was not there before."""
        start = len(self.seen)
        os.write(self.master, keys)
        self.read_until(lambda: then in CSI.sub(b"", self.seen[start:]), (keys, then))

    def leave(self) -> int:
        os.write(self.master, b"q")
        self.read_until(lambda: self.process.poll() is not None)
        return self.process.wait(timeout=10)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)


@pytest.fixture
def terminal(request: pytest.FixtureRequest):
    made = Terminal(*getattr(request, "param", ()))
    yield made
    made.close()


def test_no_byte_of_the_data_acts_on_the_terminal(terminal: Terminal) -> None:
    terminal.read_until(lambda: b"connected" in terminal.seen and b"Evidence" in terminal.seen)
    terminal.press(b"j", b"A2")
    for key in (b"r", b"i", b"s", b"?"):
        terminal.press(key, b"esc back")
        terminal.press(b"q", b"False pos.")
    terminal.press(b"v", b"Newest")
    terminal.press(b"v", b"False pos.")
    assert terminal.leave() == 0
    seen = POINTER.sub(b"", terminal.seen)
    assert seen.count(b"PWN") > 50  # the payloads were really drawn
    assert not re.findall(rb"\x1b\][^\x07]{0,80}", seen)  # no OSC at all: no title, link, clipboard
    assert not re.findall(rb"\x1b[\^_X][^\x1b]{0,40}", seen)  # no APC, PM, SOS
    rest = CSI.sub(b"", seen)
    assert not re.findall(rb"\x1b.{0,40}", rest, re.DOTALL)
    assert not re.findall(rb"[\x00-\x06\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]", rest)
    text = rest.decode("utf-8")  # C1 bytes that are no UTF-8 would fail here
    active = {hex(ord(c)) for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}}
    assert active <= {"0xa", "0xd"}


@pytest.mark.parametrize("terminal", [("hang",)], indirect=True)
def test_quit_leaves_while_every_query_hangs(terminal: Terminal) -> None:
    """A hanging thread would keep the process for ever; the limit is generous because the machine may be busy."""
    terminal.read_until(lambda: b"Connecting" in terminal.seen)
    assert terminal.leave() == 0


def test_markup_in_a_paste_runs_nothing(terminal: Terminal) -> None:
    terminal.read_until(lambda: b"connected" in terminal.seen and b"Evidence" in terminal.seen)
    terminal.press(b"/", b"Leave")
    terminal.press(b"\x1b[200~[@click=app.quit]x[/]\x1b]0;PWN\x07\x1b[201~", b"[@click=app.quit]")
    assert terminal.process.poll() is None
    terminal.press(b"\x1b", b"Repair")
    assert terminal.leave() == 0
    assert not re.findall(rb"\x1b\][^\x07]{0,80}", POINTER.sub(b"", terminal.seen))
