"""Plain lists in every form that people keep them in, and bytes that nobody should."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.enrichment.indicators import KINDS, find_files, reading
from soc_tui.core.errors import SourceError

Read = Callable[..., Any]
MD5, SHA1, SHA256 = "d41d8cd98f00b204e9800998ecf8427e", "a" * 40, "B" * 64


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("203.0.113.5", ("ip", "203.0.113.5")), ("  203.0.113.5\t", ("ip", "203.0.113.5")), ("203.0.113.5\r", ("ip", "203.0.113.5")),
        ("203.0.113.5,443", ("ip", "203.0.113.5")), ("203.0.113.5:443", ("ip", "203.0.113.5")), ("203.0.113.5 # C2", ("ip", "203.0.113.5")),
        ("203.0.113.5/32", ("ip", "203.0.113.5")), ("2001:DB8::1", ("ip", "2001:db8::1")), ("[2001:db8::1]:443", ("ip", "2001:db8::1")),
        ("::ffff:203.0.113.5", ("ip", "203.0.113.5")), ("203.0.113.0/24 ; SBL1", ("network", "203.0.113.0/24")),
        ("2001:db8::/32", ("network", "2001:db8::/32")), ("Bad.Example", ("domain", "bad.example")), ("bad.example.", ("domain", "bad.example")),
        ("*.bad.example", ("domain", "bad.example")), (".bad.example", ("domain", "bad.example")), ("||bad.example^", ("domain", "bad.example")),
        ("bad.example:8443", ("domain", "bad.example")), ("bücher.example", ("domain", "xn--bcher-kva.example")),
        ("0.0.0.0 bad.example", ("domain", "bad.example")), ("127.0.0.1\tbad.example # x", ("domain", "bad.example")), (":: bad.example", ("domain", "bad.example")),
        ("1[.]2[.]3[.]4", ("ip", "1.2.3.4")), ("1(.)2{.}3\\.4", ("ip", "1.2.3.4")), ("bad[dot]example", ("domain", "bad.example")),
        ("bad [.] example", ("domain", "bad.example")), ("bad(dot)example", ("domain", "bad.example")),
        ("hxxp://bad.example/a", ("url", "bad.example/a")), ("hXXps[://]bad[.]example/a", ("url", "bad.example/a")), ("h**p://bad.example", ("url", "bad.example/")),
        ("https://User:pw@Bad.Example:443/A?b=C#frag", ("url", "bad.example/A?b=C")), ("http://bad.example:8080?x", ("url", "bad.example:8080/?x")),
        ("http://bad.example/a,b", ("url", "bad.example/a,b")), ("bad.example/gate.php", ("url", "bad.example/gate.php")), ("http://1.2.3.4/x", ("url", "1.2.3.4/x")),
        (MD5.upper(), ("hash", MD5)), (SHA1, ("hash", SHA1)), (SHA256, ("hash", SHA256.lower())), ('"203.0.113.5"', ("ip", "203.0.113.5")),
    ],
)  # fmt: skip
def test_a_line(read: Read, pairs: Any, line: str, expected: tuple[str, str]) -> None:
    parsed = read(f"# a list\n{line}\n", "list")
    assert pairs(parsed) == [expected]
    assert (parsed.records, parsed.rejected, parsed.skipped) == (1, 0, 0)


@pytest.mark.parametrize(
    "line",
    ["word", "1.2.3", "1.2.3.300", "1.2.3.4/33", "0.0.0.0/0", "::/0", "a" * 31, "zz" * 16, "://x", "http://", "-bad.example", "a..b.example",
     "\x1b[31mred", "x" * 5000, "\u202eexample", "<script>", "';DROP TABLE indicators--", "bad\x00.example", "{", "=cmd()"],
)  # fmt: skip
def test_a_line_that_is_none(read: Read, line: str) -> None:
    parsed = read(line, "list")
    assert (parsed.records, parsed.rejected, parsed.indicators.num_rows) == (1, 1, 0)


def test_comments_and_empty_lines_are_no_records(read: Read) -> None:
    parsed = read("\ufeff# x\n\n; y\n// z\n! adblock\n   \n127.0.0.1 localhost\n")
    assert (parsed.format, parsed.records, parsed.indicators.num_rows) == ("list", 0, 0)


def test_hosts_lines_may_name_several(read: Read, pairs: Any) -> None:
    assert pairs(read("0.0.0.0 a.example  b.example\n")) == [("domain", "a.example"), ("domain", "b.example")]


def test_lines_without_an_end_and_of_many_megabytes(read: Read, pairs: Any) -> None:
    parsed = read(b"a" * 10_000_000 + b"\n203.0.113.5\n" + b"b" * 40_000_000 + b"\n203.0.113.6", "list")
    assert pairs(parsed) == [("ip", "203.0.113.5"), ("ip", "203.0.113.6")]
    assert (parsed.records, parsed.rejected) == (4, 2)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_where_blocks_end_decides_nothing(read: Read, pairs: Any, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    text = "203.0.113.5\nbad.example\nhttp://bücher.example/ä\n2001:db8::1\n"
    whole = pairs(read(text))
    monkeypatch.setattr(reading, "BLOCK", max(size, len(max(text.encode().split(b"\n"), key=len)) + 1))
    assert pairs(read(text)) == whole


def test_gzip_and_damaged_gzip(read: Read, pairs: Any) -> None:
    packed = gzip.compress(b"203.0.113.5\n" * 1000)
    assert read(packed).indicators.num_rows == 1000
    with pytest.raises(SourceError, match="cannot be read"):
        read(packed[:-10])


def test_folders(tmp_path: Path) -> None:
    for name in ("a.txt", "b/c.json", "b/d.png", ".hidden.txt", "e"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = find_files([tmp_path, tmp_path / "b" / "d.png"])
    assert [f.relative_to(tmp_path).as_posix() for f in found] == ["a.txt", "b/c.json", "e", "b/d.png"]


def test_what_is_no_file(tmp_path: Path) -> None:
    from datetime import datetime

    for path in (tmp_path / "none", Path("/dev/zero")):
        with pytest.raises(SourceError):
            reading.read_indicators(path, now=datetime(2026, 1, 1))


@pytest.mark.campaign
@given(st.text(max_size=200))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_accounted_for(read: Read, text: str) -> None:
    parsed = read(text.encode("utf-8", "surrogatepass"), "list")
    assert parsed.records == parsed.rejected + parsed.indicators.num_rows
    assert set(parsed.indicators["kind"].to_pylist()) <= set(KINDS)
