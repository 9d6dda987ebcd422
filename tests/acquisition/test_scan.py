from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from soc_tui.acquisition.scan import find_sources
from soc_tui.core.settings import AcquisitionSettings

SETTINGS = AcquisitionSettings()


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def test_recursive_sorted_hidden_left_out(tmp_path: Path) -> None:
    make(tmp_path, "b.log", "a/z.log", "a/b/c.log", ".hidden.log", ".git/x", "a/.x.swp")
    found, errors = find_sources([tmp_path], SETTINGS)
    assert [p.relative_to(tmp_path).as_posix() for p in found] == ["a/b/c.log", "a/z.log", "b.log"]
    assert errors == []


def test_named_hidden_file_and_same_inode_once(tmp_path: Path) -> None:
    make(tmp_path, ".hidden.log", "a.log")
    os.link(tmp_path / "a.log", tmp_path / "b.log")
    found, _ = find_sources([tmp_path / ".hidden.log", tmp_path, tmp_path / "a.log"], SETTINGS)
    assert [p.name for p in found] == [".hidden.log", "a.log"]


def test_loops_and_links_out_are_survived(tmp_path: Path) -> None:
    inside = tmp_path / "logs"
    make(tmp_path, "logs/a/x.log", "secret.txt")
    (inside / "a" / "up").symlink_to(inside)
    (inside / "self").symlink_to("self")
    (inside / "out.log").symlink_to(tmp_path / "secret.txt")
    (inside / "current").symlink_to(inside / "a" / "x.log")
    os.mkfifo(inside / "pipe")
    found, errors = find_sources([inside], SETTINGS)
    assert [p.name for p in found] == ["x.log"]
    assert len(errors) <= 1
    named, _ = find_sources([inside / "out.log"], SETTINGS)
    assert [p.name for p in named] == ["out.log"]


def test_missing_and_too_deep_are_reported(tmp_path: Path) -> None:
    make(tmp_path, "a/b/c/x.log", "y.log")
    found, errors = find_sources([tmp_path, tmp_path / "none"], replace(SETTINGS, max_depth=2))
    assert [p.name for p in found] == ["y.log"]
    assert ["deep" in e.message or "does not exist" in e.message for e in errors] == [True, True]
    assert all(e.remedy for e in errors)


def test_unreadable_folder_is_reported(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    make(tmp_path, "shut/x.log", "y.log")
    (tmp_path / "shut").chmod(0)
    found, errors = find_sources([tmp_path], SETTINGS)
    (tmp_path / "shut").chmod(0o700)
    assert [p.name for p in found] == ["y.log"]
    assert "permission denied" in errors[0].message
