"""The rules over scores of names and sessions see what the queries that choose what is scored see."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from soc_tui.analysis.features import feature_sql
from soc_tui.analysis.features.sessions import gathered
from soc_tui.core.schema import FINDINGS
from soc_tui.detection.detectors import rule_sql

THRESHOLD = {"threshold": 0.5}


def dns(at: float, name: str, rcode: str = "NXDOMAIN", **more: Any) -> dict[str, Any]:
    return {"at": at, "class_uid": 4003, "product": "zeek", "log_name": "dns", "query_name": name, "rcode": rcode,
            "src_ip": "10.0.0.5", "dst_ip": "10.0.0.1", "dst_port": 53, **more}  # fmt: skip


def keep_scores(workspace: Any, model: str, rows: list[tuple[str, float, str]]) -> None:
    with workspace.store.transaction() as tx:
        for value, score, label in rows:
            tx.execute(
                "INSERT INTO scores VALUES ($model, $value, $score, $label, $explanation)",
                {"model": model, "value": value, "score": score, "label": label,
                 "explanation": '[{"field": "characters 0-3", "value": "abc", "weight": 1.5}]'},
            )  # fmt: skip


def found(workspace: Any, name: str, window: tuple[int, int]) -> list[dict[str, Any]]:
    params = {"first_event_id": window[0], "last_event_id": window[1], **THRESHOLD}
    rows = workspace.store.sql(rule_sql(f"{name}.sql"), params).select(FINDINGS.names).cast(FINDINGS)
    return sorted(rows.to_pylist(), key=lambda row: (row["time"], row["target"]))


@pytest.fixture
def generated(workspace: Any) -> Any:
    names = [f"qwxz{i}kjf.biz" for i in range(12)]
    keep_scores(workspace, "domain", [(name, 0.9, "letters") for name in names]
                + [(f"{i:04x}aaaa.t.bad.co.uk", 0.99, "tunnel") for i in range(5)] + [("good.com", 0.1, "benign")])  # fmt: skip
    return workspace


def test_generated_names_of_an_hour_are_one_finding(generated: Any) -> None:
    window = generated.add([dns(i, f"QWXZ{i}kjf.biz.") for i in range(12)] + [dns(20, "good.com", "NOERROR")])
    (finding,) = found(generated, "domain_anomaly", window)
    assert (finding["severity"], finding["event_count"], finding["risk_type"]) == ("high", 12, "trojan")
    assert (finding["src_ip"], finding["techniques"]) == ("10.0.0.5", ["T1568.002"])
    assert finding["title"] == "Generated domain names (letters) asked by 10.0.0.5"
    reasons = json.loads(finding["explanation"])
    assert reasons[1]["value"].startswith("12, 12 of them unknown (NXDOMAIN): qwxz0kjf.biz, ")
    assert reasons[2] == {"field": "characters 0-3", "value": "abc", "weight": 1.5}


@pytest.mark.parametrize(
    ("names", "rcode", "severity"), [(1, "NXDOMAIN", "low"), (4, "NOERROR", "medium"), (12, "NOERROR", "medium")]
)
def test_severity_grows_with_different_names(generated: Any, names: int, rcode: str, severity: str) -> None:
    window = generated.add([dns(i, f"qwxz{i % names}kjf.biz", rcode) for i in range(36)])
    (finding,) = found(generated, "domain_anomaly", window)
    assert (finding["severity"], finding["event_count"]) == (severity, 36)


def test_a_tunnel_is_found_by_its_domain(generated: Any) -> None:
    window = generated.add([dns(i, f"{i:04x}aaaa.t.bad.co.uk", "NOERROR") for i in range(5)])
    (finding,) = found(generated, "domain_anomaly", window)
    assert (finding["target"], finding["severity"]) == ("bad.co.uk", "medium")
    assert finding["title"] == "Names that carry data below bad.co.uk asked by 10.0.0.5"
    assert finding["techniques"] == ["T1071.004", "T1048.003"]


def test_the_order_of_names_changes_nothing(generated: Any, make_workspace: Any) -> None:
    events = [dns(i * 400, f"qwxz{i % 12}kjf.biz", src_ip=f"10.0.0.{i % 2}") for i in range(40)]
    whole = found(generated, "domain_anomaly", generated.add(events))
    other = make_workspace()
    keep_scores(other, "domain", [(f"qwxz{i}kjf.biz", 0.9, "letters") for i in range(12)])
    kept: dict[str, dict[str, Any]] = {}
    for event in reversed(events):
        kept.update({row["finding_id"]: row for row in found(other, "domain_anomaly", other.add([event]))})
    parts = sorted(kept.values(), key=lambda row: (row["time"], row["target"]))
    differs = {"event_ids"}
    assert len(whole) > 2
    assert [{k: v for k, v in row.items() if k not in differs} for row in parts] == [
        {k: v for k, v in row.items() if k not in differs} for row in whole
    ]


def sessions_of(workspace: Any, window: tuple[int, int]) -> pa.Table:
    params = {"first_event_id": window[0], "last_event_id": window[1], "part": 0, "parts": 1}
    return gathered(workspace.store.sql(feature_sql("session_events"), params), window[0])


def test_every_session_that_is_scored_is_joined_back(workspace: Any, events: dict[str, Any]) -> None:
    ssh, web = events["ssh"], events["web"]
    guessing = [ssh(i * 2) for i in range(30)] + [ssh(70, "success")]
    later = [ssh(6000, "success", user_name="anna"), web(6010, src_ip="192.0.2.7")]
    window = workspace.add(guessing + later)
    sessions = sessions_of(workspace, window).sort_by("key").to_pylist()
    assert [(row["src_ip"], row["events_total"]) for row in sessions] == [
        ("192.0.2.7", 1), ("203.0.113.9", 31), ("203.0.113.9", 1),
    ]  # fmt: skip
    keep_scores(workspace, "session", [(sessions[1]["key"], 0.97, "takeover"), (sessions[2]["key"], 0.2, "benign")])
    (finding,) = found(workspace, "session_anomaly", window)
    assert (finding["severity"], finding["event_count"], finding["host"]) == ("high", 31, "web1")
    assert finding["title"] == "Log-in after guessing by 203.0.113.9"
    assert finding["techniques"] == ["T1078", "T1110.001"]
    assert finding["event_ids"][0] == 31  # the success comes first
    assert json.loads(finding["explanation"])[0]["value"] == "31 events in 70 s"


def test_a_session_keeps_its_name_while_it_goes_on(workspace: Any, events: dict[str, Any]) -> None:
    first = workspace.add([events["ssh"](i * 60) for i in range(5)])
    second = workspace.add([events["ssh"](300 + i * 60) for i in range(5)])
    (early,), (late,) = (sessions_of(workspace, window).to_pylist() for window in (first, second))
    assert early["key"] == late["key"] == "203.0.113.9 2026-03-01 10:00:00"
    assert (len(early["events"]), len(late["events"]), late["event_id"]) == (5, 10, 10)


def test_of_a_flood_the_first_and_the_last_events_are_taken(workspace: Any, events: dict[str, Any]) -> None:
    window = workspace.add([events["ssh"](i, user_name=f"u{i}") for i in range(1500)])
    (row,) = sessions_of(workspace, (window[1], window[1])).to_pylist()
    users = [event["user_name"] for event in row["events"]]
    assert users == [f"u{i}" for i in [*range(512), *range(988, 1500)]]
    assert row["events_total"] == 1500
