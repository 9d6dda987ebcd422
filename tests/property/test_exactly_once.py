"""Exactly once: whatever a writer does to its logs and whenever the reader dies, each line is stored once.

The ledger is kept by the writer alone. A restarted reader knows only what was committed; ``benchmarks/crash.py`` does
the same to a whole engine with SIGKILL.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.core.clock import SystemClock
from soc_tui.core.settings import AcquisitionSettings
from soc_tui.management.follow import Follower
from soc_tui.management.health import Health
from soc_tui.management.intake import Intake
from soc_tui.store.database import Store

SETTINGS = AcquisitionSettings(flush_seconds=0.0, rescan_seconds=0.0, templates=False)
NAMES = ("a.log", "b.log")
FAIR = 30
"""Looks that a reader which works may need to catch up."""


class Hand(SystemClock):
    """A monotonic clock that the test turns."""

    at = 100.0

    def monotonic(self) -> float:
        return self.at


class World:
    """A folder of logs, what was written to them, and a reader that can die."""

    def __init__(self, folder: Path) -> None:
        self.logs, self.folder, self.clock = folder / "logs", folder, Hand()
        self.logs.mkdir()
        self.store = Store.open(folder / "workspace" / "w.duckdb")
        self.ledger: list[str] = []
        self.halves: dict[str, bytes] = {}
        self._start()

    def _start(self) -> None:
        self.intake = Intake(self.store, SETTINGS, self.clock, lambda: None)
        self.follower = Follower(self.intake, SETTINGS, self.clock, Health(self.clock))
        self.follower.watch([self.logs])

    def _stop(self) -> None:
        self.follower.stop()
        self.intake.stop()

    def close(self) -> None:
        self._stop()
        self.store.close()

    def stored(self) -> Counter[str]:
        return Counter(self.store.sql("SELECT message FROM events").column(0).to_pylist())

    # -- the reader --

    def look(self, name: str, count: int) -> None:
        self.clock.at += count / 4
        self.follower.step()

    def kill(self, name: str, count: int) -> None:
        """Die after some chunks were read and before they were committed; what lives on is the committed state."""
        path = self.logs / name
        if path.exists():
            small = Intake(self.store, replace(SETTINGS, chunk_bytes=40), self.clock, lambda: None)
            reading = small.read(path, final=False)
            for _ in range(count):
                next(reading, None)
            reading.close()
            small.stop()
        self._stop()
        self._start()

    # -- the writer --

    def _line(self) -> bytes:
        self.ledger.append(f"line {len(self.ledger)} " + "x" * (len(self.ledger) % 7))
        return self.ledger[-1].encode() + b"\n"

    def append(self, name: str, count: int) -> None:
        with (self.logs / name).open("ab") as out:
            out.write(self.halves.pop(name, b"") + b"".join(self._line() for _ in range(count)))

    def half(self, name: str, count: int) -> None:
        self.append(name, 0)
        line = self._line()
        with (self.logs / name).open("ab") as out:
            out.write(line[:count])
        self.halves[name] = line[count:]

    def _shifted(self, name: str) -> Path | None:
        path = self.logs / name
        if not path.exists():
            return None
        self.append(name, 0)  # a line that is cut in two by a rotation is two lines to everyone
        for number in range(30, 0, -1):
            if (old := self.logs / f"{name}.{number}").exists():
                old.rename(self.logs / f"{name}.{number + 1}")
        return path

    def rotate(self, name: str, count: int) -> None:
        if path := self._shifted(name):
            path.rename(self.logs / f"{name}.1")
            self.append(name, count)

    def copytruncate(self, name: str, count: int) -> None:
        if path := self._shifted(name):
            shutil.copyfile(path, self.logs / f"{name}.1")
            os.truncate(path, 0)
            self.append(name, count)

    def truncate(self, name: str, count: int) -> None:
        """Bytes are destroyed, which is only fair when they have been read."""
        if (self.logs / name).exists():
            self.append(name, 0)
            self.settle()
            os.truncate(self.logs / name, 0)
            self.append(name, count)

    def settle(self) -> None:
        for name in NAMES:
            if name in self.halves:
                self.append(name, 0)
        for _ in range(FAIR):
            self.clock.at += 1.0
            self.follower.step()
            if self.stored().total() >= len(self.ledger):
                break


OPERATIONS = st.tuples(
    st.sampled_from(["append", "append", "half", "rotate", "copytruncate", "truncate", "look", "look", "kill"]),
    st.sampled_from(NAMES),
    st.integers(1, 5),
)


@settings(max_examples=12, deadline=None)
@given(operations=st.lists(OPERATIONS, min_size=4, max_size=12))
def test_every_line_is_stored_once(operations: list[tuple[str, str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        try:
            for what, name, count in operations:
                getattr(world, what)(name, count)
            world.settle()
            for _ in range(3):  # a line that is read twice would come with the next looks
                world.look(NAMES[0], 12)
            assert world.stored() == Counter(world.ledger)
        finally:
            world.close()
