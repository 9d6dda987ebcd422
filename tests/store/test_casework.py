"""Findings become alerts; alerts keep their number, state and place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from soc_tui.analysis.extraction import extract
from soc_tui.core.schema import FINDINGS
from soc_tui.core.settings import StoreSettings
from soc_tui.store.casework import (
    alerts_for_extraction,
    merge_findings,
    save_extraction,
    save_knowledge,
    save_verdicts,
    supporting_events,
)
from soc_tui.store.database import Store

START = datetime(2026, 3, 1, 10)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "w.duckdb") as opened:
        yield opened


def finding(number: int = 0, **more: Any) -> dict[str, Any]:
    at = START + timedelta(minutes=number)
    return {
        "finding_id": f"f{number}", "alert_key": "k", "detector": "ssh-brute-force", "risk_type": "intrusion",
        "title": "t", "severity": "medium", "score": 0.5, "time": at, "time_last": at + timedelta(seconds=30),
        "src_ip": "203.0.113.9", "host": "web1", "event_count": 2, "techniques": ["T1110.001"], "explanation": "[]",
        "event_ids": [number * 2 + 1, number * 2 + 2], **more,
    }  # fmt: skip


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=FINDINGS)


def merge(store: Store, *rows: dict[str, Any]) -> list[str]:
    with store.transaction() as tx:
        touched = merge_findings(tx, table(*rows))
        alerts = alerts_for_extraction(tx, touched)
        save_extraction(tx, extract(alerts, supporting_events(tx, alerts)))
    return touched


def alerts(store: Store) -> list[dict[str, Any]]:
    return store.sql("SELECT * FROM alerts ORDER BY alert_id").to_pylist()


def test_no_findings_touch_nothing(store: Store) -> None:
    assert merge(store) == []
    assert alerts(store) == []


def test_a_thousand_equal_findings_are_one_alert_with_a_count(store: Store) -> None:
    assert merge(store, *(finding(i) for i in range(1000))) == ["k"]
    (alert,) = alerts(store)
    assert (alert["alert_id"], alert["finding_count"], alert["event_count"]) == (1, 1000, 2000)
    assert alert["event_ids"] == list(range(1, 21))
    assert (alert["time"], alert["time_last"]) == (START, START + timedelta(minutes=999, seconds=30))
    assert (alert["state"], alert["incident_id"]) == ("open", 1)


def test_many_findings_are_merged_in_slices_with_the_same_result(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [finding(n % 9, alert_key=f"k{n % 4}", event_count=n + 1, score=n / 40) for n in range(23)]
    merge(store, *rows)
    whole = [{k: v for k, v in row.items() if k != "alert_id"} for row in alerts(store)]
    monkeypatch.setattr("soc_tui.store.casework.AT_ONCE", 2)
    with Store.open(tmp_path / "sliced.duckdb") as sliced:
        assert merge(sliced, *rows) == ["k0", "k1", "k2", "k3"]
        found = sorted(alerts(sliced), key=lambda row: row["alert_key"])
        assert sliced.sql("SELECT count(*) AS n, max(event_count) AS most FROM findings").to_pylist() == [
            {"n": 9, "most": 23}
        ]
    assert [{k: v for k, v in row.items() if k != "alert_id"} for row in found] == sorted(
        whole, key=lambda row: row["alert_key"]
    )


@pytest.mark.campaign
def test_a_flood_of_findings_stays_within_the_limit_of_memory(tmp_path: Path) -> None:
    rows = [finding(n, alert_key=f"key {n}", explanation="x" * 600) for n in range(40_000)]
    with Store.open(tmp_path / "w.duckdb", StoreSettings(memory_limit_mb=128)) as small:
        for _ in range(2):
            with small.transaction() as tx:
                assert len(merge_findings(tx, table(*rows))) == 40_000
        assert small.sql("SELECT count(*) AS n FROM alerts").to_pylist() == [{"n": 40_000}]


def test_an_alert_shows_its_gravest_finding_and_all_techniques(store: Store) -> None:
    merge(
        store,
        finding(0, severity="low", score=0.9, explanation='["low"]', techniques=["T3", "T1"]),
        finding(1, severity="high", score=0.8, explanation='["high"]', title="grave", techniques=["T2"]),
        finding(2, severity="high", score=0.7, explanation='["less"]', techniques=[]),
    )
    (alert,) = alerts(store)
    assert (alert["title"], alert["severity"], alert["explanation"]) == ("grave", "high", '["high"]')
    assert (alert["score"], alert["techniques"]) == (0.9, ["T1", "T2", "T3"])


def test_a_finding_seen_again_replaces_its_row(store: Store) -> None:
    merge(store, finding(0, event_count=5))
    merge(store, finding(0, event_count=9))
    merge(store, finding(0, event_count=9))
    (alert,) = alerts(store)
    assert (alert["finding_count"], alert["event_count"]) == (1, 9)


def test_two_states_of_a_finding_in_one_table_keep_the_larger(store: Store) -> None:
    merge(store, finding(0, event_count=9), finding(0, event_count=5))
    assert alerts(store)[0]["event_count"] == 9


def test_what_people_set_on_an_alert_and_an_incident_stays(store: Store) -> None:
    merge(store, finding(0))
    with store.transaction() as tx:
        tx.execute("UPDATE alerts SET state = 'closed'")
        tx.execute("UPDATE incidents SET state = 'acknowledged'")
        save_knowledge(tx, {1: "KB-1"})
    merge(store, finding(1, severity="critical"))
    (alert,) = alerts(store)
    assert (alert["alert_id"], alert["state"], alert["knowledge_id"], alert["severity"]) == (
        1,
        "closed",
        "KB-1",
        "critical",
    )
    (incident,) = store.sql("SELECT * FROM incidents").to_pylist()
    assert (incident["state"], incident["knowledge_id"], incident["severity"]) == ("acknowledged", "KB-1", "critical")


def test_a_verdict_stays_with_the_alert_and_is_new_once(store: Store) -> None:
    merge(store, finding(0), finding(1, alert_key="other"))
    told = pa.table({"alert_key": ["k", "gone"], "verdict": ["attempt", "attempt"], "verdict_reason": ["r", "r"]})
    with store.transaction() as tx:
        assert save_verdicts(tx, told)
        assert not save_verdicts(tx, told)
        assert not save_verdicts(tx, told.slice(0, 0))
    merge(store, finding(2, severity="critical"))
    assert [(one["verdict"], one["verdict_reason"]) for one in alerts(store)] == [("attempt", "r"), (None, None)]
    assert alerts(store)[0]["severity"] == "critical"


def test_alert_numbers_are_dense_and_in_order_of_time(store: Store) -> None:
    merge(store, finding(5, alert_key="late"), finding(1, alert_key="early"))
    merge(store, finding(9, alert_key="next"))
    assert [(a["alert_id"], a["alert_key"]) for a in alerts(store)] == [(1, "early"), (2, "late"), (3, "next")]


def test_actors_are_kept_apart(store: Store) -> None:
    merge(store, finding(0), finding(1, alert_key="other", src_ip="203.0.113.10"), finding(2, alert_key="third"))
    assert [a["incident_id"] for a in alerts(store)] == [1, 2, 1]
    with store.transaction() as tx:
        assert alerts_for_extraction(tx, ["third"]).column("alert_id").to_pylist() == [1, 3]


def test_alerts_without_an_address_belong_to_the_account_or_machine(store: Store) -> None:
    merge(
        store,
        finding(0, alert_key="a", src_ip=None, user_name="eve"),
        finding(1, alert_key="b", src_ip=None),
        finding(2, alert_key="c", src_ip=None, host=None, time=None, time_last=None),
    )
    found = store.sql("SELECT attacker FROM incidents ORDER BY attacker").column("attacker").to_pylist()
    assert found == ["account eve", "machine web1", "unknown"]
    assert store.sql("SELECT * FROM attackers").num_rows == 0


def test_knowledge_of_an_incident_is_that_of_its_gravest_matched_alert(store: Store) -> None:
    merge(
        store,
        finding(0, severity="low"),
        finding(1, alert_key="b", severity="high"),
        finding(2, alert_key="c", severity="critical"),
    )
    with store.transaction() as tx:
        save_knowledge(tx, {1: "KB-low", 2: "KB-high", 3: ""})
        save_knowledge(tx, {})
    assert store.sql("SELECT knowledge_id FROM incidents").column(0).to_pylist() == ["KB-high"]
    assert [a["knowledge_id"] for a in alerts(store)] == ["KB-low", "KB-high", None]


def test_hostile_keys_are_data(store: Store) -> None:
    key = "k'); DROP TABLE alerts; --\x1b]0;x\x07\u202e"
    assert merge(store, finding(0, alert_key=key, title="[/red]'\"")) == [key]
    assert alerts(store)[0]["alert_key"] == key


def test_a_failed_merge_leaves_nothing(store: Store) -> None:
    with pytest.raises(pa.ArrowInvalid), store.transaction() as tx:
        merge_findings(tx, table(finding(0)))
        merge_findings(tx, pa.table({**{n: [None] for n in FINDINGS.names}, "score": ["no number"]}))
    assert alerts(store) == []
