"""Each fixture is recognised as itself and by no other, and becomes exactly the events that were checked by eye."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.formats import FORMATS, recognise
from soc_tui.acquisition.formats.middleware import FORMATS as OURS
from soc_tui.core.errors import SourceError
from tests.acquisition.conftest import SETTINGS, read_all

DATA = Path(__file__).parent / "data"
NAMES = [one.name for one in OURS]
WRITTEN = datetime(2026, 11, 1, 12, tzinfo=UTC).timestamp()


def fixture(tmp_path: Path, name: str) -> Path:
    path = tmp_path / "some"
    shutil.copyfile(DATA / f"{name}.log", path)
    os.utime(path, (WRITTEN, WRITTEN))
    return path


def plain(row: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in row.items() if value is not None}
    if "extra" in kept:
        kept["extra"] = json.loads(kept["extra"])
    if "time" in kept:
        kept["time"] = kept["time"].isoformat()
    return kept


@pytest.mark.parametrize("name", NAMES)
def test_the_events_of_a_fixture(tmp_path: Path, name: str) -> None:
    result = read_all(fixture(tmp_path, name), as_format=name)
    got = [plain(event) for event in result.events]
    got += [{"reject": r["reason"], "source_offset": r["source_offset"]} for r in result.rejects]
    assert got == [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_a_fixture_is_recognised_as_itself_from_every_place_in_it(name: str) -> None:
    """Also a log that was rotated in the middle of a record."""
    lines = (DATA / f"{name}.log").read_bytes().splitlines(keepends=True)
    assert [recognise(b"".join(lines[at:])).name for at in range(min(4, len(lines) - 2))] == [name] * min(
        4, len(lines) - 2
    )


@pytest.mark.campaign
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("chunk_bytes", [60, 333])
def test_chunk_borders_change_nothing(tmp_path: Path, name: str, chunk_bytes: int) -> None:
    path = fixture(tmp_path, name)
    whole = read_all(path, as_format=name)
    small = read_all(path, settings=replace(SETTINGS, chunk_bytes=chunk_bytes), as_format=name)
    assert (small.events, small.rejects) == (whole.events, whole.rejects)


PIECES = [line for name in NAMES for line in (DATA / f"{name}.log").read_bytes().splitlines(keepends=True)]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.lists(
        st.one_of(st.sampled_from(PIECES), st.binary(max_size=30), st.text(max_size=30).map(str.encode)), max_size=12
    )
)
def test_any_text_is_read_without_loss(tmp_path: Path, name: str, data: list[bytes]) -> None:
    text = b"".join(data)
    assume(not text.startswith((b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd")))
    path = tmp_path / "x.log"
    path.write_bytes(text)
    os.utime(path, (WRITTEN, WRITTEN))
    try:
        whole = read_all(path, as_format=name)
    except SourceError:
        return  # binary by its first bytes
    assert whole.state.records_read == len(whole.events) + len(whole.rejects)
    assert {r["reason"] for r in whole.rejects} <= {"no such date", "not 23 to 26 columns"}
    assert all(e["class_uid"] and e["activity"] and e["product"] and e["log_name"] and e["time"] for e in whole.events)
    assert all(e["status"] in {"success", "failure", "unknown"} for e in whole.events)
    assert all(e["severity"] in {"info", "low", "medium", "high", "critical"} for e in whole.events)
    small = read_all(path, settings=replace(SETTINGS, chunk_bytes=100), as_format=name)
    assert (small.events, small.rejects) == (whole.events, whole.rejects)


HOSTILE = [
    "\x00",
    "A" * 65536,
    "\u202e[/red]\x1b]0;x\x07",
    "'; DROP TABLE events; --",
    '"',
    "\\",
    "$zone {answered}",
    "\ufffd\ud7ff",
]


@pytest.mark.campaign
@pytest.mark.parametrize("name", NAMES)
def test_hostile_text_after_a_head_stays_text(tmp_path: Path, name: str) -> None:
    first = next(
        line
        for line in (DATA / f"{name}.log").read_bytes().splitlines()
        if FORMATS[name].confidence([line.decode()]) > 0
    )
    path = tmp_path / "x.log"
    for text in HOSTILE:
        path.write_bytes(first + text.encode() + b"\xff\n" + first + b"\n")
        result = read_all(path, as_format=name)
        assert result.state.records_read >= 1
        if text != '"':
            assert result.rejects == []


@pytest.mark.parametrize("name", NAMES)
def test_a_rest_whose_head_is_gone_is_an_event_of_the_files_time(tmp_path: Path, name: str) -> None:
    if name == "postgresql-csv":
        pytest.skip("a CSV record is whole or broken")
    path = tmp_path / "x.log"
    path.write_text("\tat the end of something\n")
    os.utime(path, (WRITTEN, WRITTEN))
    result = read_all(path, as_format=name)
    assert result.rejects == []
    assert result.events[0]["time"] == datetime(2026, 11, 1, 12)
    assert json.loads(result.events[0]["extra"])["time_source"] == "file"


def test_neighbours_keep_their_files() -> None:
    """Heads of other formats that look like ours."""
    for text, name in {
        "Mar 27 13:06:56 h postgres[1]: [1-1] ERROR:  x\n" * 5: "syslog",
        "2024-03-05T10:11:12.123456+01:00 h app[1]: INFO x\n" * 5: "syslog",
        '192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 5\n' * 5: "access",
        '{"time":"2024-03-05T10:11:12Z","level":"ERROR"}\n' * 5: "json",
        "2016-09-28 04:30:30, Info                  CBS    Loaded\n" * 5: "text",
    }.items():  # fmt: skip
        assert recognise(text.encode()).name == name


def test_real_logs_exactly(shared_data: Path) -> None:
    apache = read_all(shared_data / "hostlogs/loghub_Apache_2k.log.gz")
    assert (apache.state.format, apache.state.records_stored, apache.state.records_rejected) == (
        "apache-error",
        2000,
        0,
    )
    assert (
        sum(e["activity"] == "deny" and e["http_status"] == 403 and e["src_ip"] is not None for e in apache.events)
        == 32
    )
    openstack = read_all(shared_data / "hostlogs/loghub_OpenStack_2k.log.gz")
    assert (openstack.state.format, openstack.state.records_stored, openstack.state.records_rejected) == (
        "python",
        2000,
        0,
    )
    assert (
        sum(
            e["class_uid"] == 4002 and e["src_ip"].startswith("10.11.")
            for e in openstack.events
            if e["class_uid"] == 4002
        )
        == 1017
    )
