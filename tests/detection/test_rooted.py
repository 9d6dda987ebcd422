"""Nothing leads out of a root, and nothing in it stops a look at it."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from soc_tui.core.errors import SourceError
from soc_tui.detection.commands import ask
from soc_tui.detection.rooted import Root, shown
from soc_tui.detection.tools import Watch
from soc_tui.detection.walking import MAX_DEPTH, walk
from tests.detection.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").write_text("secret")
    return Machine(tmp_path / "root")


def test_links_are_resolved_against_the_root(machine: Machine, tmp_path: Path) -> None:
    machine.write("usr/lib/os-release", "inside")
    machine.link("etc/os-release", "../usr/lib/os-release")
    machine.link("lib", "usr/lib")
    machine.link("absolute", "/usr/lib")
    root = Root(machine.root)
    for path in ("etc/os-release", "/lib/os-release", "absolute/os-release", "lib/../../../usr/./lib//os-release"):
        assert root.read(path, 100) == b"inside"
    for way in ("../outside", "../../../outside", str(tmp_path / "outside")):
        machine.link("out", way)
        with pytest.raises(FileNotFoundError):
            root.read("out", 100)
        (machine.root / "out").unlink()


def test_loops_fifos_and_sockets_are_errors_and_not_waited_for(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.link("loop", "loop")
    machine.link("a/b", "../c/d")
    machine.link("c/d", "../a/b")
    os.mkfifo(machine.root / "fifo")
    root = Root(machine.root)
    for path in ("loop", "a/b"):
        with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
            root.read(path, 10)
    with pytest.raises(OSError, match="is no regular file"):
        root.read("fifo", 10)
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(machine.root)  # a socket's path is short
        server.bind("s")
        with pytest.raises(OSError, match=r"."):
            root.read("s", 10)
    assert root.exists("fifo")
    assert not root.exists("loop")


def test_a_long_file_is_refused_and_its_head_is_read(machine: Machine) -> None:
    machine.write("big", b"x" * 1000)
    root = Root(machine.root)
    assert root.read("big", 1000) == b"x" * 1000
    with pytest.raises(OSError, match="is longer than 999 bytes"):
        root.read("big", 999)
    assert root.head("big", 10) == b"x" * 10
    assert root.read_noted("big", 999, machine.watch) is None
    assert root.read_noted("none", 999, machine.watch) is None
    assert machine.notes == ["/big: cannot be read: is longer than 999 bytes"]


def test_names_that_are_not_utf8_are_shown_and_patterns_find_them(machine: Machine) -> None:
    Path(os.fsdecode(os.fsencode(machine.root) + b"/etc/d\xff")).mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(machine.root) + b"/etc/d\xff/x\xfe.conf")).write_text("x")
    machine.write("etc/d/y.conf")
    machine.write("etc/d/.hidden.conf")
    root = Root(machine.root)
    assert [shown(path) for path in root.glob("etc/*/*.conf")] == ["/etc/d/y.conf", "/etc/d\\xff/x\\xfe.conf"]
    assert [shown(one.path) for one in walk(machine.root, Watch())] == [
        "/etc/d/.hidden.conf", "/etc/d/y.conf", "/etc/d\\xff/x\\xfe.conf",
    ]  # fmt: skip


def test_a_root_must_be_a_folder(machine: Machine) -> None:
    for path in (machine.root / "none", machine.write("file")):
        with pytest.raises(SourceError, match="is no folder that can be read"):
            Root(path)


def test_a_walk_enters_no_link_and_no_kernel_folder(machine: Machine) -> None:
    machine.write("proc/1/x")
    machine.write("srv/proc/x")
    machine.link("srv/up", "..")
    machine.link("srv/out", "/etc")
    os.mkfifo(machine.root / "srv/fifo")
    assert [one.path for one in walk(machine.root, machine.watch)] == ["/srv/proc/x"]
    assert machine.notes == []


def test_a_walk_goes_on_after_folders_that_are_too_deep_or_vanish(machine: Machine) -> None:
    machine.write("/".join(["a"] * (MAX_DEPTH + 3)) + "/x")
    machine.write("b/one")
    machine.write("c/two")
    found = []
    for one in walk(machine.root, machine.watch):
        found.append(one.path)
        if one.path == "/b/one":
            (machine.root / "c/two").unlink()
            (machine.root / "c").rmdir()
    assert found == ["/b/one"]
    assert machine.notes == [
        "/" + "/".join(["a"] * MAX_DEPTH) + f": folders deeper than {MAX_DEPTH} levels are not entered"
    ]


def test_a_walk_stops_when_it_shall(machine: Machine) -> None:
    for number in range(5):
        machine.write(f"{number}/x")
    seen = list(walk(machine.root, Watch(stopping=lambda: True)))
    assert seen == []


def test_a_program_that_does_not_end_is_ended_with_its_children(machine: Machine) -> None:
    script = machine.write(
        "slow", f"#!/bin/sh\ntrap 'echo done > {machine.root}/cleaned; exit 1' TERM\nsleep 300 & sleep 300\n", 0o755
    )
    assert ask([str(script)], machine.watch, 0.2) is None
    assert machine.notes == ["slow: takes longer than 0 s and was ended"]
    assert (machine.root / "cleaned").read_text() == "done\n"
    assert ask([str(script)], Watch(stopping=lambda: True), 60) is None
    assert ask([str(machine.root / "none")], machine.watch, 1) is None
    assert machine.notes[1:] == ["none: cannot be run: No such file or directory"]
    done = ask(["/bin/sh", "-c", 'echo "$HOME $SECRET"; echo no >&2; exit 3'], machine.watch, 10, cwd="/")
    assert done is not None
    assert (done.code, done.output, done.errors) == (3, b"/ \n", b"no\n")
