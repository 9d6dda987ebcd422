"""The consumer: new addresses and names described once, early and late indicators found, files reloaded when they change."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from soc_tui.acquisition.reader import Chunk
from soc_tui.core.clock import SystemClock
from soc_tui.core.errors import SourceError, UsageError
from soc_tui.core.schema import NORMALISED, REJECTS
from soc_tui.core.settings import EnrichmentSettings, Settings
from soc_tui.core.types import SourceState
from soc_tui.knowledge.library import Library
from soc_tui.management import enrichment as module
from soc_tui.management.enrichment import Enrichment
from soc_tui.management.health import Health
from soc_tui.management.pipeline import Pipeline
from soc_tui.store.database import Store
from soc_tui.store.intake import append_chunks
from tests.mmdb import write_mmdb


class Desk:
    """A workspace with an enrichment that is stepped by hand."""

    def __init__(self, folder: Path, **enrichment: Any) -> None:
        self.folder = folder
        self.store = Store.open(folder / "w" / "w.duckdb")
        self.settings = dataclasses.replace(
            Settings(folder / "w"), enrichment=EnrichmentSettings(reload_seconds=0.0, **enrichment)
        )
        self.health = Health(SystemClock())
        self.fresh()

    def fresh(self) -> None:
        pipeline = Pipeline(self.store, self.settings, SystemClock(), self.health, Library(), lambda: None)
        self.enrichment = Enrichment(
            self.store, self.settings, SystemClock(), self.health, pipeline.commit, lambda: None
        )

    def add(self, *events: dict[str, Any]) -> None:
        start = datetime(2026, 3, 1, 10)
        rows = [
            {"source_offset": n, "source_length": 1, "time": start + timedelta(seconds=event.pop("at", 0)), **event}
            for n, event in enumerate(events)
        ]
        state = SourceState(
            "x", source_id=self.store.next_source_id(), records_read=len(rows), records_stored=len(rows)
        )
        chunk = Chunk(state, pa.Table.from_pylist(rows, schema=NORMALISED), REJECTS.empty_table(), 0)
        append_chunks(self.store, [chunk], datetime(2026, 1, 1, tzinfo=UTC))

    def run(self) -> None:
        self.enrichment._last_window = -1e9
        while self.enrichment.step() == 0.0:
            pass

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return self.store.sql(sql).to_pylist()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Any]:
    made: list[Desk] = []

    def make(**enrichment: Any) -> Desk:
        made.append(Desk(tmp_path, **enrichment))
        return made[-1]

    yield make
    for one in made:
        one.store.close()


def conn(dst: str, **more: Any) -> dict[str, Any]:
    return {"class_uid": 4001, "src_ip": "10.0.0.5", "dst_ip": dst, "dst_port": 443, **more}


def test_each_distinct_value_once_with_its_dns_name(desk: Any) -> None:
    d = desk(own_networks=("203.0.113.0/24",))
    d.add(conn("203.0.113.5", tls_server_name="www.example.com"), conn("203.0.113.5"))
    d.run()
    answer = {"class_uid": 4003, "src_ip": "10.0.0.5", "query_name": "host.example.com"}
    d.add({**answer, "extra": json.dumps({"answers": ["203.0.113.5", "203.0.113.9"]})})  # one seen before, one later
    d.run()
    rows = d.rows("SELECT ip, class, own, name FROM addresses ORDER BY ip")
    assert [tuple(row.values()) for row in rows] == [
        ("10.0.0.5", "private", False, None),
        ("203.0.113.5", "documentation", True, "host.example.com"),
        ("203.0.113.9", "documentation", True, "host.example.com"),
    ]
    assert d.rows("SELECT name, registered_domain FROM domains ORDER BY 1") == [
        {"name": "host.example.com", "registered_domain": "example.com"}, {"name": "www.example.com", "registered_domain": "example.com"},
    ]  # fmt: skip
    assert d.enrichment.lag() == 0
    assert d.rows("SELECT count(*) AS n FROM services")[0]["n"] > 180


def test_indicators_before_and_after_the_events_give_the_same_alert(desk: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("203.0.113.5\n")
    d = desk()
    d.add(conn("203.0.113.5"), conn("203.0.113.6"))
    d.run()
    assert d.rows("SELECT * FROM alerts") == []
    row = d.enrichment.load(tmp_path / "bad.txt", severity="high")
    assert (row["source"], row["indicators"], row["severity"], d.enrichment.lag()) == ("bad.txt", 1, "high", 2)
    d.run()
    d.add(conn("203.0.113.5", at=60))
    d.run()
    (alert,) = d.rows("SELECT detector, src_ip, dst_ip, event_count, severity, knowledge_id FROM alerts")
    assert list(alert.values()) == ["known-bad-indicator", "203.0.113.5", "10.0.0.5", 2, "high", "K-0026"]
    assert d.enrichment.lag() == 0


@pytest.mark.campaign
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_windows_decide_nothing(desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(module, "WINDOW_EVENTS", size)
    (tmp_path / "bad.txt").write_text("203.0.113.5\nbad.example\n")
    d = desk()
    d.add(
        *[conn("203.0.113.5", at=n * 700) for n in range(8)],
        *[conn("203.0.113.7", tls_server_name="x.bad.example")] * 2,
    )
    d.enrichment._ready()
    d.enrichment.load(tmp_path / "bad.txt")
    d.run()
    found = d.rows("SELECT target, event_count FROM findings ORDER BY target, event_count DESC")
    assert [tuple(row.values()) for row in found] == [("203.0.113.5", 6), ("203.0.113.5", 2), ("x.bad.example", 2)]


def test_a_crash_between_the_two_commits_loses_nothing(desk: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("203.0.113.5\n")
    d = desk()
    d.enrichment.load(tmp_path / "bad.txt")
    d.add(conn("203.0.113.5"))
    keep, d.enrichment._commit = d.enrichment._commit, lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        d.run()
    assert (d.health.modules["acquisition"].state, d.enrichment.lag()) == ("failed", 1)
    d.fresh()
    assert keep
    d.run()
    assert d.rows("SELECT event_count FROM alerts") == [{"event_count": 1}]


def test_configured_files_are_loaded_reloaded_and_removed(desk: Any, tmp_path: Path) -> None:
    folder = tmp_path / "feeds"
    folder.mkdir()
    (folder / "a.txt").write_text("203.0.113.5\n")
    (folder / "b.json").write_text("{broken")
    d = desk(indicators=(str(folder),))
    d.run()
    assert [(s["source"], s["indicators"]) for s in d.enrichment.sources()] == [("a.txt", 1)]
    assert "b.json" in d.health.modules["acquisition"].shown
    (folder / "a.txt").write_text("203.0.113.5\n203.0.113.6\n")
    (folder / "b.json").unlink()
    d.run()
    assert [(s["source"], s["indicators"], s["load"]) for s in d.enrichment.sources()] == [("a.txt", 2, 2)]
    d.run()
    assert d.enrichment.sources()[0]["load"] == 2  # unchanged files are not read again
    (folder / "a.txt").unlink()
    d.enrichment.load(_write(tmp_path / "own.txt", "203.0.113.9\n"))
    d.run()
    assert [s["source"] for s in d.enrichment.sources()] == ["own.txt"]


def test_a_changed_inventory_and_database_describe_again(
    desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALE_ADDRESSES", 1)
    assets, geo = tmp_path / "assets.toml", tmp_path / "geo.mmdb"
    assets.write_text('[[asset]]\nname = "web1"\naddresses = ["203.0.113.5"]\n')
    write_mmdb(geo, {"203.0.113.0/24": {"country": {"iso_code": "DE"}}})
    d = desk(assets=str(assets), geoip=(str(geo),))
    d.add(conn("203.0.113.5"))
    d.run()
    query = "SELECT asset, country FROM addresses WHERE ip = '203.0.113.5'"
    assert d.rows(query) == [{"asset": "web1", "country": "DE"}]
    assets.write_text('[[asset]]\nname = "database1"\naddresses = ["203.0.113.5"]\n')
    new = write_mmdb(tmp_path / "new", {"203.0.113.0/24": {"country": {"iso_code": "FR"}}})
    new.replace(geo)
    d.run()
    assert d.rows(query) == [{"asset": "database1", "country": "FR"}]
    assert d.rows("SELECT name FROM assets") == [{"name": "database1"}]
    assets.write_text("[[asset]]\nnaem = 1\n")
    d.run()
    assert f"{assets}:2" in d.health.modules["acquisition"].shown
    assert d.rows(query) == [{"asset": None, "country": "FR"}]


def test_what_cannot_be_loaded_changes_nothing(desk: Any, tmp_path: Path) -> None:
    d = desk()
    good = _write(tmp_path / "a.txt", "203.0.113.5\n")
    d.enrichment.load(good)
    _write(good, "no\nindicator\nhere\n")
    with pytest.raises(SourceError, match="holds no indicator"):
        d.enrichment.load(good)
    with pytest.raises(SourceError):
        d.enrichment.load(tmp_path / "none")
    assert [(s["source"], s["indicators"]) for s in d.enrichment.sources()] == [("a.txt", 1)]
    with pytest.raises(UsageError):
        d.enrichment.remove("none")
    assert d.enrichment.remove(str(good)) == 1


def test_two_files_of_one_name_are_two_sources(desk: Any, tmp_path: Path) -> None:
    d = desk()
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        d.enrichment.load(_write(tmp_path / folder / "bad.txt", "203.0.113.5\n"))
    assert [s["source"] for s in d.enrichment.sources()] == [str(tmp_path / "y" / "bad.txt"), "bad.txt"]


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
