"""Floods fold: the same thing a thousand times over is one alert, one incident, and lists stay short and exact."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from soc_tui.acquisition.reader import Chunk
from soc_tui.core.schema import REJECTS
from soc_tui.core.settings import AnalysisSettings, Settings
from soc_tui.core.types import SourceState
from soc_tui.detection.detectors import TOOLS
from soc_tui.detection.tools import Finding, Tool, events_of
from soc_tui.management.engine import Engine
from soc_tui.store.intake import append_chunks

MANY = 50_000
START = datetime(2026, 3, 1, 10)

pytestmark = pytest.mark.campaign


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(Settings(workspace=tmp_path / "ws", analysis=AnalysisSettings(enabled=False)))
    yield made
    made.stop()


def work(engine: Engine) -> None:
    engine.pipeline.awaited.add("detection")
    while engine.lag("detection"):
        engine.pipeline.detect()


def ingest(engine: Engine, path: Path, lines: Iterator[str]) -> int:
    path.write_text("".join(line + "\n" for line in lines))
    (result,) = [said["result"] for said in engine._ingest([str(path)]) if "result" in said]
    assert (result["errors"], result["records_rejected"]) == ([], 0)
    work(engine)
    return int(result["records_stored"])


def counts(engine: Engine) -> dict[str, int]:
    return {
        name: engine.store.sql(f"SELECT count(*) AS n FROM {name}").column("n")[0].as_py()
        for name in ("alerts", "incidents")
    }


def suricata(number: int, victim: str = "10.0.0.5") -> str:
    at = START + timedelta(milliseconds=number)
    return json.dumps({
        "timestamp": f"{at.isoformat(timespec='microseconds')}+0000", "event_type": "alert", "src_ip": "203.0.113.9",
        "src_port": 40_000, "dest_ip": victim, "dest_port": 80, "proto": "TCP",
        "alert": {"signature_id": 2_009_582, "signature": "ET SCAN NMAP -sS", "category": "Attempted Information Leak",
                  "severity": 2, "gid": 1, "rev": 3},
    })  # fmt: skip


def test_one_suricata_alert_fifty_thousand_times(engine: Engine, tmp_path: Path) -> None:
    assert ingest(engine, tmp_path / "eve.json", map(suricata, range(MANY))) == MANY
    assert counts(engine) == {"alerts": 1, "incidents": 1}
    (alert,) = engine.queries.alerts().to_pylist()
    assert (alert["event_count"], alert["title"], len(alert["event_ids"])) == (MANY, "ET SCAN NMAP -sS", 20)
    assert engine.queries.incidents().to_pylist()[0]["event_count"] == MANY


def test_one_noisy_scanner_of_many_machines_is_one_incident(engine: Engine, tmp_path: Path) -> None:
    machines = (f"10.{n % 20}.{n // 20 % 250}.7" for n in range(MANY))
    ingest(engine, tmp_path / "eve.json", (suricata(n, victim) for n, victim in enumerate(machines)))
    assert counts(engine) == {"alerts": 5000, "incidents": 1}
    (incident,) = engine.queries.incidents().to_pylist()
    assert (incident["alert_count"], incident["event_count"]) == (5000, MANY)
    assert engine.queries.clues(incident["incident_id"]).num_rows < 60
    assert engine.suppressing.suppress("src:203.0.113.9", "ours", apply=True, all_alerts=True)["hides"] == 5000
    assert (engine.queries.alerts().num_rows, engine.queries.incidents().num_rows) == (0, 0)


def test_guessing_without_end_is_one_incident(engine: Engine, tmp_path: Path) -> None:
    line = "Mar  1 {:02d}:{:02d}:{:02d} web1 sshd[9]: Failed password for root from 203.0.113.9 port 4022 ssh2"
    many = (line.format(n // 10 // 3600 + 10, n // 10 // 60 % 60, n // 10 % 60) for n in range(MANY))
    ingest(engine, tmp_path / "auth.log", many)
    assert counts(engine) == {"alerts": 1, "incidents": 1}
    assert engine.queries.alerts().to_pylist()[0]["event_count"] == MANY


class _Tool:
    name, risk_type = TOOLS[0].name, TOOLS[0].risk_type

    def check(self, *_: Any) -> Iterator[Finding]:
        yield from ()


def test_what_a_tool_finds_with_every_look_is_one_alert(engine: Engine) -> None:
    tool: Tool = _Tool()
    found = [Finding("CVE-2026-1", "openssl is old", "high", 0.9, "openssl 1.0", host="web1")] * 10_000
    for day in range(5):
        table = events_of([(tool, one) for one in found], "web1", START + timedelta(days=day), day * 10_000)
        state = SourceState(
            f"tool {day}", source_id=engine.store.next_source_id(), records_read=10_000, records_stored=10_000
        )
        append_chunks(engine.store, [Chunk(state, table, REJECTS.empty_table(), 0)], START)
    work(engine)
    assert counts(engine) == {"alerts": 1, "incidents": 1}
    (alert,) = engine.queries.alerts().to_pylist()
    assert (alert["event_count"], alert["finding_count"]) == (MANY, 5)


def score(engine: Engine, label: Callable[[int], str]) -> None:
    """Put verdicts of the flow network there, and have its rule read them."""
    ids = engine.store.sql("SELECT event_id FROM events ORDER BY 1").column("event_id").to_pylist()
    with engine.store.transaction() as tx:
        for number, event_id in enumerate(ids):
            tx.execute(
                "INSERT INTO scores VALUES ('flow', $id, 0.99, $label, '[]')",
                {"id": str(event_id), "label": label(number)},
            )
    from soc_tui.detection.detectors import FLOW_ANOMALY

    found = engine.pipeline._run(FLOW_ANOMALY, ids[0], ids[-1], threshold=0.5)
    with engine.store.transaction() as tx:
        engine.pipeline.commit(tx, found)


def conn(number: int, source: str, peer: str, port: int) -> str:
    return json.dumps({
        "_path": "conn", "ts": START.timestamp() + number, "uid": f"C{number}", "id.orig_h": source, "id.orig_p": 1157,
        "id.resp_h": peer, "id.resp_p": port, "proto": "udp", "conn_state": "S0",
    })  # fmt: skip


@pytest.mark.parametrize("ports", [1, 300])
def test_the_peers_of_a_botnet_are_one_alert_of_the_infected_machine(
    engine: Engine, tmp_path: Path, ports: int
) -> None:
    lines = [
        conn(n, "10.0.0.7" if n < 300 else "10.0.0.8", f"203.0.{n % 250}.9", 16_464 + n % ports) for n in range(310)
    ]
    ingest(engine, tmp_path / "conn.log", iter(lines))
    score(engine, lambda _: "c2")
    rows = engine.queries.alerts("detector:flow-anomaly").to_pylist()
    assert sorted((row["src_ip"], row["title"], row["event_count"]) for row in rows) == [
        ("10.0.0.7", "Anomalous flows (c2) by 10.0.0.7", 300), ("10.0.0.8", "Anomalous flows (c2) by 10.0.0.8", 10),
    ]  # fmt: skip


def test_floods_stay_apart_by_victim_and_kinds_apart(engine: Engine, tmp_path: Path) -> None:
    lines = [conn(n, "198.51.100.7", f"10.0.0.{n % 2}", 1000 + n) for n in range(40)]
    ingest(engine, tmp_path / "conn.log", iter(lines))
    score(engine, lambda n: "flood" if n < 30 else "c2")
    rows = engine.queries.alerts("detector:flow-anomaly").to_pylist()
    assert sorted((row["title"], row["event_count"]) for row in rows) == [
        ("Anomalous flows (c2) by 198.51.100.7", 10), ("Anomalous flows (flood) by 198.51.100.7 to 10.0.0.0", 15),
        ("Anomalous flows (flood) by 198.51.100.7 to 10.0.0.1", 15),
    ]  # fmt: skip


def test_a_real_infection_is_a_handful_of_alerts(tmp_path: Path, shared_data: Path) -> None:
    engine = Engine(Settings(workspace=tmp_path / "ws"))
    try:
        log = tmp_path / "conn.log"
        log.write_bytes((shared_data / "sensor" / "zat" / "conn.log").read_bytes())
        for _ in engine._ingest([str(log)]):
            pass
        work(engine)
        while engine.lag("analysis"):
            engine.pipeline.analyse()
        rows = engine.queries.alerts("detector:flow-anomaly src:192.168.33.10").to_pylist()
        assert [row["title"] for row in rows if "(c2)" in row["title"]] == ["Anomalous flows (c2) by 192.168.33.10"]
        assert max(row["finding_count"] for row in rows) >= 200
        assert counts(engine)["alerts"] <= 5
    finally:
        engine.stop()
