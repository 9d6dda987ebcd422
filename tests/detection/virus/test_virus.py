"""Viruses: a real clamd and clamscan with signatures of the test's own, and lists of hashes."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from soc_tui.core.settings import ScanSettings
from soc_tui.detection.files.scanning import FilesScan
from soc_tui.detection.files.walking import File
from soc_tui.detection.tools import Watch
from soc_tui.detection.virus import clamav
from soc_tui.detection.virus.clamav import Clamd
from soc_tui.detection.virus.hashes import HashLists
from soc_tui.detection.virus.tool import VirusTool

EICAR = "".join(("X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE!", "$H+H*")).encode()
OTHER = b"a file that only the signatures of this test call bad\n"


def make_signatures(folder: Path) -> Path:
    """A signature database: EICAR's bytes at the start of a file, and the hash of another file."""
    folder.mkdir(mode=0o755)
    (folder / "test.ndb").write_text(f"Test.Eicar:0:0:{EICAR.hex()}\n")
    (folder / "test.hdb").write_text(f"{hashlib.md5(OTHER).hexdigest()}:{len(OTHER)}:Test.Other\n")
    return folder


class Daemon:
    """A clamd with its own configuration, socket and signatures."""

    def __init__(self, folder: Path, stream: str = "1M") -> None:
        self.socket = str(folder / "clamd.sock")
        config = folder / "clamd.conf"
        config.write_text(
            f"LocalSocket {self.socket}\nDatabaseDirectory {make_signatures(folder / 'signatures')}\nForeground yes\n"
            f"StreamMaxLength {stream}\nPidFile {folder / 'clamd.pid'}\nLogFile {folder / 'clamd.log'}\n"
        )
        self.process = subprocess.Popen(
            ["clamd", "--config-file", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 60
        while not Path(self.socket).is_socket() or not Clamd(self.socket).version():
            assert self.process.poll() is None, (folder / "clamd.log").read_text()
            assert time.monotonic() < until, "clamd did not start"
            time.sleep(0.05)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def clamd(tmp_path: Path) -> Iterator[Daemon]:
    if shutil.which("clamd") is None:
        pytest.skip("needs clamd")
    folder = tmp_path / "clamd"
    folder.mkdir()
    daemon = Daemon(folder)
    yield daemon
    daemon.stop()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    (folder / "docs").mkdir(parents=True)
    (folder / "docs" / "readme.txt").write_bytes(b"nothing to see\n")
    (folder / "eicar.com").write_bytes(EICAR)
    (folder / "other.bin").write_bytes(OTHER)
    with zipfile.ZipFile(folder / "site.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("dir/eicar.txt", EICAR)
        archive.writestr("dir/plain.txt", b"plain")
    return folder


def scan(tree: Path, tool: VirusTool) -> tuple[list[tuple[str, str, str]], list[str]]:
    notes: list[str] = []
    found = list(tool.check(str(tree), Watch(note=notes.append)))
    return sorted((f.target.removeprefix(f"{tree}/"), f.check, f.severity) for f in found), notes


def test_clamd_finds_eicar_alone_and_in_an_archive(clamd: Daemon, tree: Path) -> None:
    found, notes = scan(tree, VirusTool(ScanSettings(clamd=clamd.socket)))
    assert found == [
        ("eicar.com", "clamav:Test.Eicar.UNOFFICIAL", "high"),
        ("other.bin", "clamav:Test.Other.UNOFFICIAL", "high"),
        ("site.zip", "clamav:Test.Eicar.UNOFFICIAL", "high"),
        ("site.zip!dir/eicar.txt", "clamav:Test.Eicar.UNOFFICIAL", "high"),
    ]
    assert notes == []


def test_a_finding_holds_the_answer_and_the_hash(clamd: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "eicar.com"
    file.write_bytes(EICAR)
    (one,) = VirusTool(ScanSettings(clamd=clamd.socket)).check(str(file), Watch())
    assert (one.evidence, one.file_path) == (b"clamd: Test.Eicar.UNOFFICIAL FOUND", str(file))
    assert one.file_hash == hashlib.sha256(EICAR).hexdigest()
    assert one.fields == {"name": "Test.Eicar.UNOFFICIAL", "by": "clamd"}
    assert (one.techniques, one.kind) == (("T1204.002",), "detection")


def test_what_is_larger_than_clamd_takes_is_named_and_the_rest_goes_on(clamd: Daemon, tmp_path: Path) -> None:
    tree = tmp_path / "files"
    tree.mkdir()
    (tree / "a-large.bin").write_bytes(os.urandom(3 * 1024 * 1024))
    (tree / "b-eicar.com").write_bytes(EICAR)
    found, notes = scan(tree, VirusTool(ScanSettings(clamd=clamd.socket)))
    assert found == [("b-eicar.com", "clamav:Test.Eicar.UNOFFICIAL", "high")]
    assert len(notes) == 1
    assert notes[0].startswith(f"{tree}/a-large.bin ")
    assert "StreamMaxLength" in notes[0] or "refused" in notes[0]


def test_clamd_that_goes_away_is_a_note_and_the_other_checks_go_on(clamd: Daemon, tree: Path, tmp_path: Path) -> None:
    hashes = tmp_path / "bad.txt"
    hashes.write_text(f"{hashlib.sha256(OTHER).hexdigest()}  Listed\n")
    tool = VirusTool(ScanSettings(clamd=clamd.socket, hashes=(str(hashes),)))
    notes: list[str] = []
    found = []
    for one in tool.check(str(tree), Watch(note=notes.append)):  # the first is eicar.com, of clamd
        found.append(one.check)
        if len(found) == 1:
            clamd.stop()
    assert found == ["clamav:Test.Eicar.UNOFFICIAL", "known-bad-hash"]
    assert [n.partition(",")[0] for n in notes] == [
        f"clamd at {clamd.socket} is away", "4 files were not looked at by clamd",
    ]  # fmt: skip


def test_clamd_that_comes_back_is_used_again(clamd: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clamav, "RETRY_SECONDS", 0.0)
    notes: list[str] = []
    one = Clamd(clamd.socket)
    clamd.stop()
    assert one.scan(EICAR, "a", notes.append) == ""
    again = tmp_path / "again"
    again.mkdir()
    second = Daemon(again)
    one.path = second.socket
    one._client = None
    assert one.scan(EICAR, "b", notes.append) == "Test.Eicar.UNOFFICIAL"
    second.stop()
    assert [note.rpartition(":")[0] or note for note in notes][1] == f"clamd at {second.socket} answers again"


def test_a_socket_that_answers_nonsense_and_hangs_up_is_a_note(tmp_path: Path) -> None:
    import threading

    path = str(tmp_path / "s")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    answers = iter([b"ClamAV 1\n", b"\xff\xfe\n", b"stream: what?\n", b"ClamAV 1\n"])

    def serve() -> None:
        for answer in answers:
            peer, _ = server.accept()
            asked = b""
            while not asked.endswith((b"nVERSION\n", b"\0\0\0\0")):
                asked += peer.recv(65_536)
            peer.sendall(answer)
            peer.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    notes: list[str] = []
    one = Clamd(path)
    assert one.version() == "ClamAV 1"
    assert one.scan(b"x", "first", notes.append) == ""
    assert one.scan(b"x", "second", notes.append) == ""
    thread.join(10)
    server.close()
    assert len(notes) == 2
    assert notes[0].startswith("first")
    assert notes[1].startswith("second")


def test_clamscan_is_used_when_there_is_no_clamd(tree: Path, tmp_path: Path) -> None:
    if shutil.which("clamscan") is None:
        pytest.skip("needs clamscan")
    signatures = make_signatures(tmp_path / "signatures")
    (tree / "link.com").symlink_to(tree / "eicar.com")
    tool = VirusTool(ScanSettings(clamd=str(tmp_path / "none")), clamscan=("clamscan", f"--database={signatures}"))
    found, notes = scan(tree, tool)
    assert found == [
        ("eicar.com", "clamav:Test.Eicar.UNOFFICIAL", "high"),
        ("other.bin", "clamav:Test.Other.UNOFFICIAL", "high"),
        ("site.zip", "clamav:Test.Eicar.UNOFFICIAL", "high"),
    ]
    assert notes == [f"clamd at {tmp_path / 'none'} does not answer; clamscan is used, which takes longer"]
    assert [f.file_hash for f in tool.check(str(tree / "other.bin"), Watch())] == [hashlib.sha256(OTHER).hexdigest()]


def test_clamscan_without_signatures_says_why(tree: Path, tmp_path: Path) -> None:
    if shutil.which("clamscan") is None:
        pytest.skip("needs clamscan")
    (tmp_path / "empty").mkdir()
    tool = VirusTool(
        ScanSettings(clamd=str(tmp_path / "none")), clamscan=("clamscan", f"--database={tmp_path / 'empty'}")
    )
    found, notes = scan(tree, tool)
    assert found == []
    assert notes[-1].startswith("clamscan ended with 2: ")


def test_neither_is_a_note(tree: Path, tmp_path: Path) -> None:
    found, notes = scan(tree, VirusTool(ScanSettings(clamd=str(tmp_path / "none")), clamscan=("no-such-clamscan",)))
    assert found == []
    assert notes == ["neither clamd nor clamscan is there: install clamav-daemon, or set scan.clamd to clamd's socket"]


def lists(tmp_path: Path, text: str) -> tuple[HashLists, list[str], str]:
    path = tmp_path / "list.txt"
    path.write_bytes(text.encode())
    notes: list[str] = []
    return HashLists([str(path)], notes.append), notes, str(path)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("{sha256}", ""), ("{sha1}", ""), ("{md5}", ""), ("{sha256}  bad/name of file.exe", "bad name of file.exe"),
        ("{md5}:52:Win.Bad-1", "Win.Bad-1"), ('"{sha1}","Emotet"', "Emotet"), ("  {SHA256};Upper\r", "Upper"),
    ],
)  # fmt: skip
def test_a_line_of_a_hash_list(tmp_path: Path, line: str, name: str) -> None:
    made = {kind: hashlib.new(kind, OTHER).hexdigest() for kind in ("md5", "sha1", "sha256")}
    text = line.format(**made, SHA256=made["sha256"].upper())
    loaded, notes, path = lists(tmp_path, f"# a comment\n\n{text}\n{'0' * 64}\n")
    hit = loaded.find(File("f", "f", OTHER))
    assert hit is not None
    assert (hit.name.replace("/", " "), hit.source) == (name, f"{path}:3")
    assert loaded.find(File("f", "f", OTHER + b"x")) is None
    assert (loaded.count, notes) == (2, [])


def test_damaged_lines_are_named_and_the_others_used(tmp_path: Path) -> None:
    bad = "\n".join(["nonsense", "abc123", "g" * 64, "1" * 63, "2" * 65, "more", "and more"])
    loaded, notes, path = lists(tmp_path, f"{bad}\n{hashlib.md5(OTHER).hexdigest()}\n; remark\n")
    assert loaded.count == 1
    assert loaded.find(File("f", "f", OTHER)) is not None
    assert [n.partition(": no")[0] for n in notes[:5]] == [f"hash lists: {path}:{line}" for line in range(1, 6)]
    assert notes[5:] == [f"hash lists: {path}: 2 more lines are no hashes"]


def test_a_list_that_is_missing_is_named() -> None:
    notes: list[str] = []
    assert HashLists(["/nonexistent/list"], notes.append).count == 0
    assert notes[0].startswith("hash lists: /nonexistent/list: cannot be looked at")


def test_hashes_that_end_in_zero_bytes_and_many_of_them_are_found(tmp_path: Path) -> None:
    contents = [str(number).encode() for number in range(30_000)]
    path = tmp_path / "many"
    path.write_text("\n".join(hashlib.sha256(one).hexdigest() for one in contents[::2]))
    loaded = HashLists([str(path)], lambda _: None)
    assert loaded.count == 15_000
    ends_in_zero = next(one for one in contents[::2] if hashlib.sha256(one).hexdigest().endswith("00"))
    assert loaded.find(File("f", "f", ends_in_zero)) is not None
    found = [one for one in contents[:4000] if loaded.find(File("f", "f", one))]
    assert found == contents[:4000:2]


def test_a_copy_of_a_virus_is_told_of_in_each_place(clamd: Daemon, tree: Path) -> None:
    (tree / "zz").mkdir()
    shutil.copy(tree / "eicar.com", tree / "zz" / "copy.com")
    scan_of = FilesScan([VirusTool(ScanSettings(clamd=clamd.socket))])
    found = sorted(f.target for _, f in scan_of.check(str(tree), Watch()) if f.fields["name"].startswith("Test.Eicar"))
    assert found == [f"{tree}/{n}" for n in ("eicar.com", "site.zip", "site.zip!dir/eicar.txt", "zz/copy.com")]
