"""Sigma rules in a workspace: taken in, changed, narrowed by filters and taken away again, with effect on what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from soc_tui.acquisition.reader import Chunk
from soc_tui.core.clock import SystemClock
from soc_tui.core.errors import SourceError
from soc_tui.core.schema import NORMALISED, REJECTS
from soc_tui.core.settings import Settings
from soc_tui.core.types import SourceState
from soc_tui.detection.sigma import loading
from soc_tui.knowledge.library import Library
from soc_tui.management.health import Health
from soc_tui.management.pipeline import Pipeline
from soc_tui.management.sigma import adopt, adopt_rules
from soc_tui.store.database import Store
from soc_tui.store.filters import compile_filter
from soc_tui.store.intake import append_chunks

RULE = "11111111-0000-4000-8000-000000000001"
START = datetime(2026, 3, 1, 10)
WEB = {"class_uid": 4002, "product": "apache-nginx", "log_name": "access", "http_method": "GET", "http_status": 200}


def rule(path: str = "/evil", **more: Any) -> str:
    data = {
        "title": "Evil page", "id": RULE, "logsource": {"category": "webserver"}, "level": "high",
        "detection": {"s": {"cs-uri-stem|startswith": path}, "condition": "s"}, **more,
    }  # fmt: skip
    return yaml.safe_dump(data)


def exclusion(address: str) -> str:
    return yaml.safe_dump({
        "title": "our scanner", "id": "22222222-0000-4000-8000-000000000001", "logsource": {"category": "webserver"},
        "filter": {"rules": [RULE], "ours": {"c-ip": address}, "condition": "not ours"},
    })  # fmt: skip


class Desk:
    """A workspace whose detection is stepped by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(folder / "w")
        self.store = Store.open(folder / "w" / "w.duckdb")
        self.rules = folder / "mine"
        self.rules.mkdir()
        self.fresh()

    def fresh(self) -> None:
        """As after a restart of the engine."""
        self.pipeline = Pipeline(
            self.store, self.settings, SystemClock(), Health(SystemClock()), Library(), lambda: None
        )
        self.pipeline.awaited.add("detection")
        self.sigma = self.pipeline.sigma

    def add(self, *events: dict[str, Any]) -> None:
        rows = [
            {"source_offset": n, "source_length": 1, **event, "time": START + timedelta(seconds=event.pop("at", 0))}
            for n, event in enumerate(events)
        ]
        rows = [{name: value for name, value in row.items() if name != "at"} for row in rows]
        number = self.store.next_source_id()
        state = SourceState(str(number), source_id=number, records_read=len(rows), records_stored=len(rows))
        chunk = Chunk(state, pa.Table.from_pylist(rows, schema=NORMALISED), REJECTS.empty_table(), 0)
        append_chunks(self.store, [chunk], datetime(2026, 1, 1, tzinfo=UTC))

    def load(self, **files: str) -> dict[str, Any]:
        for name, text in files.items():
            (self.rules / f"{name}.yml").write_text(text)
        return adopt_rules(self.sigma, self.rules)

    def run(self) -> None:
        """All windows, and all pieces that wait."""
        for _ in range(100):
            if self.pipeline.detect() and not self.sigma.pending():
                return
        raise AssertionError("detection comes to no end")

    def alerts(self) -> list[tuple[str, str, int]]:
        rows = self.store.sql(
            "SELECT src_ip, state, finding_count FROM alerts WHERE alert_key LIKE $key ORDER BY src_ip",
            {"key": f"sigma|{RULE}|%"},
        )
        return [(row["src_ip"], row["state"], row["finding_count"]) for row in rows.to_pylist()]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


def traffic(desk: Desk) -> None:
    desk.add(
        {**WEB, "at": 0, "url_path": "/evil/1", "src_ip": "203.0.113.1"},
        {**WEB, "at": 90, "url_path": "/evil/2", "src_ip": "203.0.113.1"},
        {**WEB, "at": 7300, "url_path": "/evil/1", "src_ip": "203.0.113.2"},
        {**WEB, "at": 10, "url_path": "/other", "src_ip": "203.0.113.3"},
    )


def test_new_events_meet_the_rules_at_once(desk: Desk) -> None:
    assert desk.load(evil=rule())["converted"] == 1
    traffic(desk)
    desk.run()
    assert desk.alerts() == [("203.0.113.1", "open", 2), ("203.0.113.2", "open", 1)]
    incidents = desk.store.sql("SELECT attacker FROM incidents ORDER BY 1").to_pylist()
    assert incidents == [{"attacker": "203.0.113.1"}, {"attacker": "203.0.113.2"}]


def test_rules_that_come_later_meet_the_stored_events(desk: Desk) -> None:
    traffic(desk)
    desk.run()
    assert desk.alerts() == []
    done = desk.load(evil=rule())
    assert (done["converted"], desk.sigma.pending(), desk.pipeline.lag("detection")) == (1, 1, 1)
    desk.run()
    assert desk.alerts() == [("203.0.113.1", "open", 2), ("203.0.113.2", "open", 1)]


def test_an_exclusion_works_backwards_and_can_be_taken_away(desk: Desk) -> None:
    desk.load(evil=rule())
    traffic(desk)
    desk.run()
    done = desk.load(ours=exclusion("203.0.113.1"))
    assert (done["filters"], done["converted"]) == (1, 1)
    desk.run()
    assert desk.alerts() == [("203.0.113.1", "closed", 0), ("203.0.113.2", "open", 1)]
    states = "SELECT attacker, state FROM incidents ORDER BY 1"
    assert [row["state"] for row in desk.store.sql(states).to_pylist()] == ["closed", "open"]
    desk.add({**WEB, "at": 200, "url_path": "/evil/3", "src_ip": "203.0.113.1"})
    desk.run()
    assert desk.alerts()[0] == ("203.0.113.1", "closed", 0)

    (desk.rules / "ours.yml").unlink()
    assert desk.load()["filters"] == 0
    desk.run()
    assert desk.alerts() == [("203.0.113.1", "open", 3), ("203.0.113.2", "open", 1)]
    assert [row["state"] for row in desk.store.sql(states).to_pylist()] == ["open", "open"]


def test_what_people_closed_stays_closed(desk: Desk) -> None:
    desk.load(evil=rule())
    traffic(desk)
    desk.run()
    with desk.store.transaction() as tx:
        tx.execute("UPDATE alerts SET state = 'closed' WHERE src_ip = '203.0.113.1'")
    desk.sigma.rerun([])
    desk.run()
    assert desk.alerts() == [("203.0.113.1", "closed", 2), ("203.0.113.2", "open", 1)]


def test_a_rule_that_changed_takes_back_what_it_no_longer_finds(desk: Desk) -> None:
    desk.load(evil=rule())
    traffic(desk)
    desk.run()
    desk.load(evil=rule("/other"))
    desk.run()
    assert desk.alerts() == [("203.0.113.1", "closed", 0), ("203.0.113.2", "closed", 0), ("203.0.113.3", "open", 1)]


def test_a_restart_goes_on_with_what_waits_and_does_nothing_twice(desk: Desk) -> None:
    traffic(desk)
    desk.run()
    desk.load(evil=rule())
    desk.fresh()
    assert desk.sigma.pending() == 1
    desk.run()
    assert len(desk.alerts()) == 2
    desk.fresh()
    desk.run()
    assert desk.sigma.pending() == 0


def test_no_pysigma_in_an_engine_whose_rules_are_compiled(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.load(evil=rule())
    assert (desk.sigma.home / loading.COMPILED).is_file()
    monkeypatch.setitem(__import__("sys").modules, "soc_tui.detection.sigma.compiling", None)  # to import it fails
    desk.fresh()
    assert RULE in desk.sigma.rules.fingerprints()


def test_a_rule_that_the_database_refuses_leaves_the_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from soc_tui.detection.sigma import backend

    whole = backend.DuckDBBackend.convert_rule

    def convert(self: backend.DuckDBBackend, one: Any) -> list[str]:
        made = whole(self, one)
        return ["no_such_function(1)"] if one.title == "Odd" else made

    monkeypatch.setattr(backend.DuckDBBackend, "convert_rule", convert)
    done = desk.load(evil=rule(), odd=rule(title="Odd", id="33333333-0000-4000-8000-000000000001"))
    assert (done["converted"], done["damaged"]) == (1, 1)
    assert "no_such_function" in done["entries"][0]["why"]
    traffic(desk)
    desk.run()
    assert len(desk.alerts()) == 2


def test_damaged_rules_are_told_and_left_behind(desk: Desk) -> None:
    half = f"{rule(id='44444444-0000-4000-8000-000000000001')}---\ntitle: x\nlevel: no\n"
    done = desk.load(evil=rule(), bad="title: [", half=half)
    assert (done["converted"], done["damaged"], done["files"]) == (2, 2, 2)
    assert sorted(entry["file"] for entry in done["entries"]) == [
        "bad.yml:2",
        f"half.yml:{half.split(chr(10)).index('level: no') + 1}",
    ]
    assert not (desk.sigma.home / "mine" / "bad.yml").exists()


def test_what_cannot_be_adopted(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder, why in (
        (tmp_path / "none", "does not exist"),
        (tmp_path / "empty", "holds no Sigma rule"),
        (tmp_path, "holds"),
    ):
        with pytest.raises(SourceError, match=why):
            adopt(desk.sigma.home, folder)


def test_alerts_of_a_rule_can_be_filtered(desk: Desk) -> None:
    desk.load(evil=rule())
    traffic(desk)
    desk.run()
    where, values = compile_filter(f"detector:sigma rule:{RULE} src:203.0.113.2", "alerts", datetime.now(UTC))
    rows = desk.store.sql(f"SELECT src_ip FROM alerts WHERE {where}", values).to_pylist()
    assert rows == [{"src_ip": "203.0.113.2"}]
