"""The walk: confined, bounded, and never stuck."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from soc_tui.core.errors import SourceError
from soc_tui.detection.files import walking
from soc_tui.detection.files.walking import File, Limits, walk
from soc_tui.detection.tools import Watch


def walked(target: Path | str, limits: Limits | None = None) -> tuple[dict[str, bytes], list[str]]:
    notes: list[str] = []
    found = {file.below: file.content for file in walk(str(target), limits or Limits(), Watch(note=notes.append))}
    return found, notes


def test_files_come_in_order_with_path_content_and_mode(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.PHP").write_bytes(b"x")
    (tmp_path / "a.tar.gz").write_bytes(b"a")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "b" / "x.PHP").chmod(0o4755)
    first, second = walk(str(tmp_path), Limits(), Watch())
    assert (first.path, first.below, first.content, first.suffix) == (f"{tmp_path}/a.tar.gz", "a.tar.gz", b"a", ".gz")
    assert (second.shown, second.below, second.suffix, second.mode) == (
        f"{tmp_path}/b/x.PHP",
        "b/x.PHP",
        ".php",
        0o4755,
    )
    assert second.sha256 == hashlib.sha256(b"x").hexdigest()


def test_one_file_is_a_target_too(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"1")
    (tmp_path / "two").write_bytes(b"2")
    assert walked(tmp_path / "one") == ({"one": b"1"}, [])
    (tmp_path / "named").symlink_to(tmp_path / "one")  # whoever names a link means what it leads to
    assert walked(tmp_path / "named") == ({"one": b"1"}, [])


def test_a_link_in_the_tree_is_never_followed(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (tree / "a").write_bytes(b"a")
    (tree / "link").symlink_to(tmp_path / "secret")
    (tree / "up").symlink_to(tmp_path)
    (tree / "loop").symlink_to(".")
    (tree / "loop2").symlink_to("loop2")
    assert walked(tree) == ({"a": b"a"}, [])
    (tmp_path / "door").symlink_to(tree)  # but the target's own path may be one
    assert walked(tmp_path / "door") == ({"a": b"a"}, [])


def test_special_files_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        if os.geteuid() == 0:
            os.mknod(tmp_path / "zero", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
        (tmp_path / "plain").write_bytes(b"p")
        assert walked(tmp_path) == ({"plain": b"p"}, [])


@pytest.mark.parametrize("kind", ["missing", "fifo", "nul"])
def test_a_target_that_is_none_is_an_error(tmp_path: Path, kind: str) -> None:
    target = str(tmp_path / "x")
    if kind == "fifo":
        os.mkfifo(target)
    if kind == "nul":
        target = "a\0b"
    with pytest.raises(SourceError):
        walked(target)


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "d\udcff").mkdir()
    with (tmp_path / "d\udcff" / "\udce9\n.php").open("wb") as file:
        file.write(b"x")
    (one,) = walk(str(tmp_path), Limits(), Watch())
    assert (one.below, one.suffix) == ("d\\xff/\\xe9\n.php", ".php")
    one.path.encode()


def test_large_and_sparse_files_are_named_not_read(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "small").write_bytes(b"s" * 1000)
    found, notes = walked(tmp_path, Limits(file_bytes=1000))
    assert found == {"small": b"s" * 1000}
    assert notes == [f"{tmp_path}/sparse is larger than 1,000 bytes and was not looked into"]


def test_a_file_that_grows_while_it_is_read_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "grows").write_bytes(b"x" * 100)
    real = os.read

    def read(descriptor: int, size: int) -> bytes:
        with (tmp_path / "grows").open("ab") as file:
            file.write(b"y" * 10_000)
        return real(descriptor, size)

    monkeypatch.setattr(walking.os, "read", read)
    found, notes = walked(tmp_path, Limits(file_bytes=5000))
    assert found == {}
    assert notes == [f"{tmp_path}/grows is larger than 5,000 bytes and was not looked into"]


def test_what_goes_away_or_becomes_a_link_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abcd":
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "e").mkdir()
    real = walking.open_below

    def meddle(name: bytes, folder: int, more: int = 0) -> int:
        if name == b"a":
            (tmp_path / "a").unlink()
        if name == b"b":
            (tmp_path / "b").unlink()
            (tmp_path / "b").symlink_to("/etc/passwd")
        if name == b"c":
            (tmp_path / "c").unlink()
            os.mkfifo(tmp_path / "c")
        if name == b"e":
            (tmp_path / "e").rmdir()
            (tmp_path / "e").symlink_to("/etc")
        return real(name, folder, more)

    monkeypatch.setattr(walking, "open_below", meddle)
    found, notes = walked(tmp_path)
    assert found == {"d": b"d"}
    gone = "went away, or was replaced, before it could be read"
    assert notes == [f"{tmp_path}/{name} {gone}" for name in "abe"]


def test_a_file_that_vanishes_between_listing_and_looking_is_a_note(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"x")
    notes: list[str] = []
    files = walk(str(tmp_path), Limits(), Watch(note=notes.append))
    assert next(files).below == "a"
    (tmp_path / "b").unlink()
    assert list(files) == []
    assert notes == [f"{tmp_path}/b went away, or was replaced, before it could be read"]


def test_folders_are_entered_to_a_depth(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 10)
    deep.mkdir(parents=True)
    (deep / "f").write_bytes(b"f")
    assert walked(tmp_path)[0] == {"d/" * 10 + "f": b"f"}
    found, notes = walked(tmp_path, Limits(depth=5))
    assert found == {}
    assert notes == [f"{tmp_path}/d/d/d/d/d lies deeper than 5 folders and was not entered"]


def test_the_kernels_file_systems_are_not_entered() -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("needs /proc")
    notes: list[str] = []
    for file in walk("/", Limits(depth=1), Watch(note=notes.append)):
        assert not file.path.startswith("//")
    assert all("lies deeper than 1 folders" in note or "cannot" in note or "larger" in note for note in notes)
    notes.clear()
    assert not [
        f
        for f in walk("/", Limits(depth=2, file_bytes=1), Watch(note=notes.append))
        if f.path.startswith(("/proc/", "/sys/"))
    ]
    assert "/proc is the kernel's and was not entered" in notes


def test_it_stops_when_told_and_leaves_no_descriptor_open(tmp_path: Path) -> None:
    for name in ("a/b/c/1", "a/b/c/2", "a/b/3"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    before = len(list(Path("/proc/self/fd").iterdir()))
    stop = threading.Event()
    seen = []
    for file in walk(str(tmp_path), Limits(), Watch(stopping=stop.is_set)):
        seen.append(file.below)
        stop.set()
    assert seen == ["a/b/3"]
    files = walk(str(tmp_path), Limits(), Watch())
    next(files)
    files.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_unreadable_folders_are_notes(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (tmp_path / "closed").mkdir(mode=0)
    assert walked(tmp_path)[1] == [f"{tmp_path}/closed cannot be read: Permission denied"]


def test_the_suffix_is_that_of_the_innermost_name() -> None:
    assert [File("p", below, b"").suffix for below in ("a.zip!b/c.PHP", "a.d/b", "a", ".htaccess", "x.jpg.php")] == [
        ".php", "", "", ".htaccess", ".php",
    ]  # fmt: skip
