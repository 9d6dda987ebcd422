"""Following with a real store: nothing is lost when names are lost, nothing is read twice while copies are made."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from soc_tui.core.clock import Clock, SystemClock
from soc_tui.core.settings import AcquisitionSettings
from soc_tui.management.follow import Follower
from soc_tui.management.health import Health
from soc_tui.management.intake import Intake
from soc_tui.store.database import Store

SETTINGS = AcquisitionSettings(flush_seconds=0.0, rescan_seconds=0.0, join_seconds=2.0)
"""Every step scans everything, so that no test waits for the kernel's word."""


class Hand(SystemClock):
    """A monotonic clock that the test turns."""

    at = 100.0

    def monotonic(self) -> float:
        return self.at


class Follow:
    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, Hand()
        self.store = Store.open(folder / "workspace" / "w.duckdb")
        self.intake = Intake(self.store, SETTINGS, self.clock, lambda: None)
        self.logs = folder / "logs"
        self.logs.mkdir(exist_ok=True)
        clock: Clock = self.clock
        self.follower = Follower(self.intake, SETTINGS, clock, Health(clock))
        self.follower.watch([self.logs])

    def step(self, seconds: float = 0.0) -> None:
        self.clock.at += seconds
        self.follower.step()

    def messages(self) -> list[str]:
        return self.store.sql("SELECT message FROM events ORDER BY message").column(0).to_pylist()


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Follow]:
    made = Follow(tmp_path)
    yield made
    made.follower.stop()
    made.intake.stop()
    made.store.close()


def lines(*numbers: int) -> str:
    return "".join(f"line {number:04d} of a log\n" for number in numbers)


def said(*numbers: int) -> list[str]:
    return lines(*numbers).splitlines()


def append(path: Path, text: str) -> None:
    with path.open("a") as out:
        out.write(text)


def test_lines_written_before_a_deletion_are_read(follow: Follow) -> None:
    log = follow.logs / "app.log"
    append(log, lines(1))
    follow.step()
    append(log, lines(2, 3))
    log.unlink()
    append(log, lines(4))
    follow.step()
    assert follow.messages() == said(1, 2, 3, 4)


def test_a_daemon_that_goes_on_writing_to_a_deleted_file_is_followed_until_it_is_quiet(follow: Follow) -> None:
    log = follow.logs / "app.log"
    with log.open("a", buffering=1) as writer:
        writer.write(lines(1))
        follow.step()
        log.unlink()
        writer.write(lines(2))
        follow.step()
        writer.write(lines(3))
        follow.step(5)
        writer.write("half")
        writer.flush()
        follow.step(5)
        assert follow.messages() == said(1, 2, 3)
        follow.step(11)
    assert follow.messages() == ["half", *said(1, 2, 3)]
    assert [state.state for state in follow.intake.states()] == ["done"]


def test_a_log_moved_out_of_sight_is_read_to_its_end(follow: Follow, tmp_path: Path) -> None:
    log = follow.logs / "app.log"
    append(log, lines(1))
    follow.step()
    append(log, lines(2))
    log.rename(tmp_path / "elsewhere")
    follow.step()
    assert follow.messages() == said(1, 2)


def test_a_truncated_file_is_not_taken_for_its_former_self(follow: Follow) -> None:
    log = follow.logs / "app.log"
    append(log, lines(1, 2))
    follow.step()
    size = log.stat().st_size
    with log.open("r+") as out:
        out.truncate(0)
        out.write(lines(3, 4))
    assert log.stat().st_size == size
    follow.step()
    assert follow.messages() == said(1, 2, 3, 4)


def test_a_copy_that_is_being_made_is_not_a_second_source(follow: Follow) -> None:
    log, copy = follow.logs / "app.log", follow.logs / "app.log.1"
    append(log, lines(*range(400)))
    follow.step()
    append(log, lines(400))
    whole = log.read_bytes()
    for part in (whole[:100], whole[100:5000], whole[5000:]):
        with copy.open("ab") as out:
            out.write(part)
        follow.step(0.5)
    os.truncate(log, 0)
    append(log, lines(500))
    follow.step()
    follow.step(3)
    assert follow.messages() == said(*range(401), 500)


def test_a_part_of_a_copy_that_nobody_finishes_is_read_in_the_end(follow: Follow) -> None:
    append(follow.logs / "app.log", lines(1, 2, 3))
    follow.step()
    (follow.logs / "app.log.1").write_text(lines(1))
    follow.step()
    assert follow.messages() == said(1, 2, 3)
    follow.step(3)
    assert follow.messages() == sorted(said(1, 1, 2, 3))


def test_an_archive_that_is_being_compressed_waits_until_it_is_whole(follow: Follow) -> None:
    log, old = follow.logs / "app.log", follow.logs / "app.log.1"
    append(log, lines(*range(3000)))
    follow.step()
    log.rename(old)
    append(log, lines(3000))
    packed = gzip.compress(old.read_bytes())
    archive = follow.logs / "app.log.1.gz"
    archive.write_bytes(b"")
    follow.step()
    for end in (20, len(packed) // 2, len(packed)):
        archive.write_bytes(packed[:end])
        follow.step(0.5)
    old.unlink()
    follow.step(0.5)
    follow.step(3)
    assert follow.messages() == said(*range(3001))
    states = {state.path: state.state for state in follow.intake.states()}
    assert states == {str(archive): "done", str(log): "active"}


def test_a_link_that_is_turned_leaves_the_old_file_read(follow: Follow, tmp_path: Path) -> None:
    away = tmp_path / "away"
    away.mkdir()
    append(away / "monday.log", lines(1))
    current = tmp_path / "current.log"
    current.symlink_to(away / "monday.log")
    follow.follower.watch([current])
    follow.step()
    append(away / "monday.log", lines(2))
    append(away / "tuesday.log", lines(3))
    fresh = tmp_path / "fresh"
    fresh.symlink_to(away / "tuesday.log")
    fresh.rename(current)
    follow.intake.stop()  # as after a crash: no descriptor is left, only what the store knows
    follow.step()
    assert follow.messages() == said(1, 2, 3)


def test_a_reused_inode_is_another_file(follow: Follow) -> None:
    log = follow.logs / "app.log"
    append(log, lines(1))
    follow.step()
    state = follow.intake.states()[0]
    assert state.inode == log.stat().st_ino
    log.write_text(lines(2, 3))  # the same inode, other bytes
    follow.step()
    assert follow.messages() == said(1, 2, 3)


def test_an_empty_file_is_no_source_yet(follow: Follow) -> None:
    (follow.logs / "app.log").touch()
    follow.step()
    assert follow.intake.states() == []
    append(follow.logs / "app.log", lines(1))
    follow.step()
    assert [state.records_stored for state in follow.intake.states()] == [1]


def test_a_time_of_change_in_the_past_changes_nothing(follow: Follow) -> None:
    log = follow.logs / "app.log"
    append(log, lines(1))
    follow.step()
    append(log, lines(2))
    os.utime(log, (1e9, 1e9))
    follow.step()
    os.utime(log, (4e9, 4e9))
    follow.step()
    assert follow.messages() == said(1, 2)
