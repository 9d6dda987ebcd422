"""Scans of a real store: findings kept exactly once, notes told, targets looked at when they are due or named."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from soc_tui.core.errors import SocTuiError, UsageError
from soc_tui.core.settings import AnalysisSettings, ScanSettings, Settings
from soc_tui.detection.rooms import look_of, owned
from soc_tui.detection.tools import Finding, Watch
from soc_tui.management.engine import Engine
from soc_tui.management.scanning import Job, Scanning

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at, self.ticks = AT, 1000.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.ticks


class Smith:
    """Finds what it is told to."""

    name, risk_type = "system-vulnerability", "intrusion"

    def check(self, target: str, watch: Watch) -> Iterator[Finding]:
        yield from ()


def finding(number: int, **more: Any) -> Finding:
    return Finding(f"check-{number}", "Weak lock", "medium", 0.9, f"{number}", b"lock: weak", **more)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., tuple[Engine, Scanning, list[str]]]]:
    engines: list[Engine] = []

    def made(look: Callable[[str, Watch], Iterator[Any]] | None = None, **scan: Any) -> Any:
        settings = Settings(tmp_path / "w", analysis=AnalysisSettings(enabled=False), scan=ScanSettings(**scan))
        engine = Engine(settings, clock=Clock())
        engines.append(engine)
        looked: list[str] = []

        def look_at(target: str, watch: Watch) -> Iterator[Any]:
            looked.append(target)
            yield from look(target, watch) if look else ()

        engine.scanning = Scanning(
            engine.store, settings, engine.clock, engine.pipeline.scoring, lambda: None, lambda *_: look_at
        )
        return engine, engine.scanning, looked

    yield made
    for engine in engines:
        engine.store.close()


def test_findings_are_events_of_one_source_and_alerts(make: Any) -> None:
    def look(target: str, watch: Watch) -> Iterator[Any]:
        watch.progress("locks", 1, 2)
        yield Smith(), finding(1, vulnerabilities=("CVE-2024-1",))
        watch.note("the cellar is locked")
        yield Smith(), finding(2, remedy="change it")

    engine, scanning, _ = make(look)
    told = list(scanning.scan("system", "/"))
    assert [next(iter(one)) for one in told] == ["progress", "finding", "note", "finding", "result"]
    assert told[-1]["result"] == {
        "kind": "system", "target": "/", "findings": 2, "by_severity": {"medium": 2}, "notes": ["the cellar is locked"],
        "seconds": 0.0,
    }  # fmt: skip
    list(scanning.scan("system", "/"))
    engine.pipeline.awaited.add("detection")
    engine.pipeline.detect()
    sources = engine.queries.sources().to_pylist()
    assert [(s["path"], s["records_read"], s["records_stored"], s["error"]) for s in sources] == [
        ("scan:system:/", 4, 4, "the cellar is locked")
    ]
    offsets = engine.store.sql("SELECT source_offset FROM events ORDER BY event_id")["source_offset"].to_pylist()
    assert offsets == [0, 1, 2, 3]
    alerts = engine.queries.alerts().to_pylist()
    assert sorted((a["detector"], a["target"], a["event_count"]) for a in alerts) == [
        ("system-vulnerability", "1", 2), ("system-vulnerability", "2", 2),
    ]  # fmt: skip
    evidence = engine.queries.evidence(alert_id=alerts[0]["alert_id"]).to_pylist()
    assert [row["line"] for row in evidence] == ["lock: weak", "lock: weak"]


def test_what_was_found_before_an_error_stays(make: Any) -> None:
    def look(target: str, watch: Watch) -> Iterator[Any]:
        yield Smith(), finding(1)
        raise SocTuiError("the host is away", remedy="wait")

    engine, scanning, _ = make(look)
    with pytest.raises(SocTuiError, match="the host is away"):
        list(scanning.scan("website", "https://www.example.org"))
    source = engine.queries.sources().to_pylist()[0]
    assert (source["records_stored"], source["error"]) == (1, "the scan ended early: the host is away (wait)")


def test_what_may_not_be_looked_at_is_no_source(make: Any) -> None:
    def look(target: str, watch: Watch) -> Iterator[Any]:
        raise UsageError("not yours")
        yield

    engine, scanning, _ = make(look)
    with pytest.raises(UsageError):
        list(scanning.scan("website", "https://www.example.org"))
    assert engine.queries.sources().num_rows == 0


def test_a_client_that_leaves_ends_the_scan_and_loses_nothing(make: Any) -> None:
    def look(target: str, watch: Watch) -> Iterator[Any]:
        for number in itertools.count(1):
            made.append(number)
            watch.progress("a file", number, 0)
            yield Smith(), finding(number)

    made: list[int] = []
    engine, scanning, _ = make(look)
    scan = scanning.scan("files", "/srv")
    heard = sum("finding" in next(scan) for _ in range(2500))
    scan.close()
    assert heard == 2499  # and how far it is, once: no time passes here
    assert engine.queries.sources().to_pylist()[0]["records_stored"] == len(made) < 4000
    assert engine.store.sql("SELECT count(DISTINCT source_offset) AS n FROM events")["n"][0].as_py() == len(made)


def test_progress_is_told_ten_times_a_second_and_the_last_always(make: Any) -> None:
    def look(target: str, watch: Watch) -> Iterator[Any]:
        for number in range(1, 101):
            watch.progress("a file", number, 100)
            engine.clock.ticks += 1 / 16
        yield Smith(), finding(1)
        watch.progress("a folder", 1, 3)
        watch.progress("a folder", 2, 3)
        raise SocTuiError("the host is away")

    engine, scanning, _ = make(look)
    told: list[tuple[str, int]] = []
    with pytest.raises(SocTuiError, match="the host is away"):
        for one in scanning.scan("files", "/srv"):
            told += [(one["progress"]["path"], one["progress"]["done"])] if "progress" in one else []
    assert told == [*(("a file", number) for number in range(1, 100, 2)), ("a folder", 1), ("a folder", 2)]


def test_one_scan_of_a_target_at_a_time(make: Any) -> None:
    _, scanning, _ = make(lambda target, watch: iter([(Smith(), finding(1))]))
    first = scanning.scan("files", "/srv")
    next(first)
    with pytest.raises(SocTuiError, match="is being looked at already"):
        next(scanning.scan("files", "/srv"))
    list(first)
    assert list(scanning.scan("files", "/srv"))[-1]["result"]["findings"] == 1


def test_no_password_is_kept(make: Any) -> None:
    engine, scanning, looked = make(lambda *_: iter([(Smith(), finding(1))]))
    running = scanning.scan("database", "postgresql://eve:s3cret@10.0.0.5:5432")
    told = [next(running)]
    with pytest.raises(SocTuiError) as refused:
        next(scanning.scan("database", "postgresql://eve:s3cret@10.0.0.5:5432"))
    assert "s3cret" not in "".join(map(str, [refused.value, *told, *running]))
    assert looked == ["postgresql://eve:s3cret@10.0.0.5:5432"]
    assert engine.queries.sources().to_pylist()[0]["path"] == "scan:database:postgresql://10.0.0.5:5432"


def test_what_is_owned_is_looked_through_on_schedule(make: Any) -> None:
    engine, scanning, looked = make(websites=("https://a.example", "https://b.example"), machine=True, every_hours=24.0)
    assert scanning.step() == 60.0
    assert looked == []
    engine.clock.ticks += 60
    assert scanning.step() == 5.0
    assert looked == ["/", "https://a.example", "https://b.example"]
    engine.clock.at += timedelta(hours=23)
    scanning.step()
    assert len(looked) == 3
    engine.clock.at += timedelta(hours=1)
    scanning.step()
    assert looked[3:] == looked[:3]


def test_a_target_that_fails_holds_up_no_other(make: Any) -> None:
    def look(target: str, watch: Watch) -> Iterator[Any]:
        if "a.example" in target:
            raise SocTuiError("away")
        yield Smith(), finding(1)

    engine, scanning, looked = make(look, websites=("https://a.example", "https://b.example"))
    engine.clock.ticks += 60
    scanning.step()
    assert looked == ["https://a.example", "https://b.example"]


ALERT = (
    "INSERT INTO alerts (alert_id, alert_key, detector, risk_type, title, severity, score, host, dst_ip, dst_port,"
    " target, finding_count, event_count, event_ids) VALUES ($id, $id, $detector, $risk, 't', 'high', 1, $host, $ip,"
    " $port, $target, 1, 1, [])"
)


@pytest.mark.parametrize(
    ("alert", "expected"),
    [
        ({"risk": "web-attack"}, [Job("website", "https://a.example")]),
        ({"risk": "web-attack", "detector": "website-vulnerability"}, []),
        ({"risk": "health", "host": "a.example"}, []),
        ({"ip": "10.0.0.5", "port": 5432}, [Job("database", "postgresql://10.0.0.5:5432")]),
        ({"ip": "10.0.0.5", "port": 22}, []),
        ({"target": "/srv/www/index.php"}, [Job("files", "/srv/www")]),
        ({"target": "/srv/www2/index.php"}, []),
        ({}, []),
    ],
)
def test_an_alert_that_names_what_is_owned_makes_it_looked_at(make: Any, alert: Any, expected: list[Job]) -> None:
    engine, scanning, _ = make(
        websites=("https://a.example",), databases=("postgresql://10.0.0.5:5432",), folders=("/srv/www",), every_hours=0.0
    )  # fmt: skip
    row = {
        "id": 1,
        "detector": "x",
        "risk": "intrusion",
        "host": None,
        "ip": None,
        "port": None,
        "target": None,
    } | alert
    with engine.store.transaction() as tx:
        tx.execute(ALERT, row)
    assert scanning.due() == expected
    assert scanning.due() == []
    with engine.store.transaction() as tx:
        tx.execute(ALERT, {**row, "id": 2})
    for job in expected:
        list(scanning.scan(*job))
    assert scanning.due() == []
    engine.clock.at += timedelta(hours=1)
    with engine.store.transaction() as tx:
        tx.execute(ALERT, {**row, "id": 3})
    assert scanning.due() == expected


def test_automatic_looks_can_be_switched_off(make: Any) -> None:
    engine, scanning, _ = make(websites=("https://a.example",), every_hours=0.0, automatic=False)
    row = {"id": 1, "detector": "x", "risk": "web-attack", "host": None, "ip": None, "port": None, "target": None}
    with engine.store.transaction() as tx:
        tx.execute(ALERT, row)
    assert scanning.due() == []


def test_kinds_are_named() -> None:
    with pytest.raises(UsageError, match="nothing scans 'moon'"):
        look_of("moon", ScanSettings(), Path("/nowhere"))
    assert owned("files", ScanSettings(folders=("/a", "/b")), ("/b", "/c")) == ("/a", "/b", "/c")
    assert owned("system", ScanSettings()) == ()
    assert owned("system", replace(ScanSettings(), machine=True)) == ("/",)


def test_evidence_of_bytes_is_kept_whole(make: Any) -> None:
    raw = bytes(range(256))
    engine, scanning, _ = make(lambda *_: iter([(Smith(), Finding("c", "t", "low", 0.5, "x", raw))]))
    list(scanning.scan("system", "/"))
    extra = json.loads(engine.store.sql("SELECT extra FROM events")["extra"][0].as_py())
    import base64

    assert base64.b64decode(extra["evidence_base64"]) == raw
