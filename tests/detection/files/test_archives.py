"""Archives: what lies inside, how deep, how much, and that nothing hostile ends the scan."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.detection.files import archives
from soc_tui.detection.files.archives import unpacked
from soc_tui.detection.files.walking import File, Limits


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(members: dict[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def inside(content: bytes, name: str = "site.zip", limits: Limits | None = None) -> tuple[dict[str, bytes], list[str]]:
    notes: list[str] = []
    file = File(f"/srv/{name}", name, content)
    return {one.shown: one.content for one in unpacked(file, limits or Limits(), notes.append)}, notes


PAIR = {"dir/shell.php": b"<?php 1;", "b.txt": b"b"}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip(method: int) -> None:
    assert inside(zipped(PAIR, method)) == (
        {"/srv/site.zip!dir/shell.php": b"<?php 1;", "/srv/site.zip!b.txt": b"b"},
        [],
    )


@pytest.mark.parametrize(
    ("mode", "name"), [("w", "a.tar"), ("w:gz", "a.tar.gz"), ("w:bz2", "a.tbz2"), ("w:xz", "a.txz")]
)
def test_tar_compressed_or_not_is_one_archive(mode: str, name: str) -> None:
    found = inside(tarred(PAIR, mode), name, Limits(archive_depth=1))
    assert found == ({f"/srv/{name}!dir/shell.php": b"<?php 1;", f"/srv/{name}!b.txt": b"b"}, [])


@pytest.mark.parametrize(
    ("pack", "suffix"),
    [(gzip.compress, "gz"), (bz2.compress, "bz2"), (lzma.compress, "xz"), (zstandard.ZstdCompressor().compress, "zst")],
)
def test_a_compressed_file(pack: object, suffix: str) -> None:
    content = pack(b"<?php 1;")  # type: ignore[operator]
    assert inside(content, f"shell.php.{suffix}") == ({f"/srv/shell.php.{suffix}!shell.php": b"<?php 1;"}, [])
    assert inside(content, "picture") == ({"/srv/picture!picture": b"<?php 1;"}, [])  # by content, not by name


def test_what_is_no_archive_is_left_alone() -> None:
    for content in (b"", b"PK", b"PK\x03", b"plain text", b"\x1f\x8b", b"x" * 300):
        assert inside(content)[0] == {}


def test_an_archive_behind_a_picture_is_found() -> None:
    assert inside(b"GIF89a" + b"x" * 5000 + zipped(PAIR), "cat.gif")[0]["/srv/cat.gif!b.txt"] == b"b"


def test_archives_in_archives_to_a_depth() -> None:
    content = b"core"
    for level in range(6):
        content = zipped({f"{level}.zip" if level else "core.txt": content})
    found, notes = inside(content, "bomb.zip", Limits(archive_depth=3))
    assert list(found) == [
        "/srv/bomb.zip!5.zip", "/srv/bomb.zip!5.zip!4.zip", "/srv/bomb.zip!5.zip!4.zip!3.zip",
    ]  # fmt: skip
    assert notes == ["/srv/bomb.zip!5.zip!4.zip!3.zip is an archive deeper than 3 and was not opened"]


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress, lambda zeros: zipped({"z": zeros, "y": b"y"})]
)
def test_a_bomb_is_stopped_by_its_ratio(pack: object) -> None:
    content = pack(bytes(64 * 1024 * 1024))  # type: ignore[operator]
    notes: list[str] = []
    file = File("/srv/b", "b", content)
    given_out = sum(len(one.content) for one in unpacked(file, Limits(file_bytes=1 << 30), notes.append))
    assert given_out <= max(archives.FREE_BYTES, archives.RATIO * len(content)) + (1 << 20)
    assert notes == [
        "/srv/b holds more than 200 times its own size, as archive bombs do; the rest of it was not looked at"
    ]


def test_the_sum_of_all_that_comes_out_is_bounded() -> None:
    import random

    noise = random.Random(1).randbytes(300_000)
    content = zipped({str(n): noise[n:] for n in range(10)})
    found, notes = inside(content, limits=Limits(archive_bytes=1_000_000))
    assert len(found) == 3
    assert notes == ["/srv/site.zip holds more than is unpacked of one archive; the rest of it was not looked at"]
    nested = zipped({"in.zip": zipped({str(n): noise[n:] for n in range(3)}, zipfile.ZIP_STORED), "z": noise})
    assert len(inside(nested, limits=Limits(archive_bytes=1_000_000))[0]) == 1  # counted with what holds it


def test_the_number_of_members_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MEMBERS", 10)
    found, notes = inside(zipped({str(n): b"x" for n in range(50)}))
    assert len(found) == 10
    assert notes == ["/srv/site.zip holds more than 10 files; the rest of it was not looked at"]


def test_overlapping_members_of_a_bomb_are_bounded() -> None:
    """One compressed kernel that every entry of the directory points to (Fifield's zip bomb)."""
    kernel = zlib.compress(bytes(10_000_000), 9)[2:-4]
    crc = zlib.crc32(bytes(10_000_000))
    local = (
        b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, crc, len(kernel), 10_000_000, 1, 0) + b"a" + kernel
    )
    entry = (
        b"PK\x01\x02"
        + struct.pack("<HHHHHHIIIHHHHHII", 20, 20, 0, 8, 0, 0, crc, len(kernel), 10_000_000, 1, 0, 0, 0, 0, 0, 0)
        + b"a"
    )
    directory = entry * 2000
    content = (
        local + directory + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 2000, 2000, len(directory), len(local), 0)
    )
    notes: list[str] = []
    total = sum(len(one.content) for one in unpacked(File("/b", "b", content), Limits(), notes.append))
    assert total <= 256 * 1024 * 1024
    assert any("more than" in note for note in notes)


def test_encrypted_members_are_counted() -> None:
    content = bytearray(zipped(PAIR))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(magic)
        content[place + at] |= 1
    found, notes = inside(bytes(content))
    assert list(found) == ["/srv/site.zip!b.txt"]
    assert notes == ["/srv/site.zip holds 1 encrypted files, which were not looked into"]


def test_a_damaged_stream_gives_what_it_has() -> None:
    import random

    noise = random.Random(2).randbytes(200_000)
    found, notes = inside(gzip.compress(noise)[:-50_000], "a.gz")
    (content,) = found.values()
    assert noise.startswith(content)
    assert len(content) > 100_000
    assert notes == ["/srv/a.gz: the gzip stream is cut off before its end"]


def test_a_tar_that_would_never_end_ends() -> None:
    """CVE-2025-8194: a negative size sends the reader back to where it was."""
    header = bytearray(tarred({"a": b"x"})[:512])
    header[124:136] = b"\xff" * 12  # base 256, negative
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    found, notes = inside(bytes(header) + bytes(1024), "a.tar")
    assert found == {}
    assert len(notes) <= 1


def test_only_regular_members_of_a_tar_are_read() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind, link in (
            ("l", tarfile.SYMTYPE, "/etc/passwd"), ("h", tarfile.LNKTYPE, "../x"), ("f", tarfile.FIFOTYPE, ""),
            ("c", tarfile.CHRTYPE, ""),
        ):  # fmt: skip
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            archive.addfile(info)
    assert inside(out.getvalue(), "a.tar") == ({}, [])


def test_formats_that_we_cannot_open_are_named() -> None:
    assert inside(b"7z\xbc\xaf\x27\x1c" + b"x" * 50, "a.7z") == (
        {}, ["/srv/a.7z is a 7z archive, which only the virus scanner looks into"]
    )  # fmt: skip


def test_large_members_are_named_and_the_next_ones_read() -> None:
    import random

    found, notes = inside(
        zipped({"big": random.Random(3).randbytes(5000), "small": b"s"}), limits=Limits(file_bytes=1000)
    )
    assert found == {"/srv/site.zip!small": b"s"}
    assert notes == ["/srv/site.zip!'big' is larger than 1,000 bytes and was not looked into"]


def test_member_names_are_only_text() -> None:
    found, _ = inside(
        zipped({"../../etc/passwd": b"x", "\ud800".encode("utf-8", "replace").decode(): b"y", "a\x1b[2J": b"z"})
    )
    assert "/srv/site.zip!../../etc/passwd" in found
    for shown in found:
        shown.encode()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["zip", "tar", "gz", "bz2", "xz", "zst"]), st.data())
def test_no_damage_ends_the_scan(kind: str, data: st.DataObject) -> None:
    whole = {
        "zip": zipped(PAIR), "tar": tarred(PAIR), "gz": tarred(PAIR, "w:gz"), "bz2": bz2.compress(b"x" * 500),
        "xz": lzma.compress(b"x" * 500), "zst": zstandard.ZstdCompressor().compress(b"x" * 500),
    }[kind]  # fmt: skip
    content = bytearray(whole)
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=8)
    ):
        content[place] = value
    cut = data.draw(st.integers(0, len(content)))
    found, _ = inside(bytes(content[: cut or len(content)]), "a")
    assert sum(map(len, found.values())) <= archives.FREE_BYTES
