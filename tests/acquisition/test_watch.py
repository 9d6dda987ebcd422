from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from soc_tui.acquisition.watch import Watcher
from soc_tui.core.settings import AcquisitionSettings

SETTINGS = replace(AcquisitionSettings(), poll_seconds=0.05)


def waited(watcher: Watcher, wanted: Path) -> bool:
    return any(wanted in watcher.changed(1.0) for _ in range(10))


@pytest.fixture(params=[False, True], ids=["inotify", "polling"])
def watching(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Watcher, Path]]:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "app.log").write_text("x\n")
    watcher = Watcher([folder], SETTINGS, polling=request.param)
    watcher.start()
    yield watcher, folder
    watcher.stop()
    watcher.stop()


def test_growth_new_file_and_new_folder_are_seen(watching: tuple[Watcher, Path]) -> None:
    watcher, folder = watching
    with (folder / "app.log").open("a") as out:
        out.write("more\n")
    assert waited(watcher, folder / "app.log")
    (folder / "new.log").write_text("x\n")
    assert waited(watcher, folder / "new.log")
    (folder / "deep").mkdir()
    assert waited(watcher, folder / "deep")


def test_rename_gives_both_names(watching: tuple[Watcher, Path]) -> None:
    watcher, folder = watching
    (folder / "app.log").rename(folder / "app.log.1")
    seen: set[Path] = set()
    for _ in range(10):
        seen |= watcher.changed(1.0)
        if {folder / "app.log", folder / "app.log.1"} <= seen:
            break
    assert {folder / "app.log", folder / "app.log.1"} <= seen


def test_quiet_times_out_empty(watching: tuple[Watcher, Path]) -> None:
    assert watching[0].changed(0.01) == set()


def test_single_file_hears_of_itself_and_its_rotations_only(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("x\n")
    watcher = Watcher([log], SETTINGS)
    watcher.start()
    try:
        (tmp_path / "other.txt").write_text("x")
        (tmp_path / "app.log.1").write_text("x")
        assert waited(watcher, tmp_path / "app.log.1")
        assert tmp_path / "other.txt" not in watcher.changed(0.05)
    finally:
        watcher.stop()


def test_folder_that_appears_later_is_found(tmp_path: Path) -> None:
    later = tmp_path / "zeek" / "current"
    watcher = Watcher([later], SETTINGS, polling=True)
    watcher.start()
    try:
        later.mkdir(parents=True)
        (later / "conn.log").write_text("x\n")
        assert waited(watcher, later / "conn.log")
    finally:
        watcher.stop()
