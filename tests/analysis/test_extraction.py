"""Incidents, clue trees, attacker information and their text."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from soc_tui.analysis.extraction import Extraction, address_class, extract, render
from soc_tui.analysis.extraction.cases import TACTICS, Alert, Support, read_alerts, tactic_rank
from soc_tui.analysis.extraction.clue_tree import MAX_EVENTS, MAX_STEPS

START = datetime(2026, 3, 1, 10)
ATTACKER = "203.0.113.9"


def alert(number: int, at: float = 0, **more: Any) -> dict[str, Any]:
    """An alert ``at`` seconds after START that lasted a minute."""
    time = START + timedelta(seconds=at)
    return {
        "alert_id": number, "detector": "ssh-brute-force", "risk_type": "intrusion", "title": f"SSH brute force by {ATTACKER}",
        "severity": "high", "score": 0.9, "time": time, "time_last": time + timedelta(seconds=60), "actor": ATTACKER,
        "src_ip": ATTACKER, "dst_ip": None, "dst_port": 22, "host": "web1", "user_name": "root", "target": "web1",
        "finding_count": 1, "event_count": 10, "techniques": ["T1110.001"], "event_ids": [number * 10], "incident_id": None,
        "free_incident_id": 1, **more,
    }  # fmt: skip


def event(number: int, at: float = 0, **more: Any) -> dict[str, Any]:
    base = dict.fromkeys(Support.__dataclass_fields__)
    return {
        **base, "actor": ATTACKER, "login": False, "event_id": number, "time": START + timedelta(seconds=at), "host": "web1", **more,
    }  # fmt: skip


def run(alerts: list[dict[str, Any]], events: list[dict[str, Any]] | None = None) -> Extraction:
    names = list(Support.__dataclass_fields__)
    support = pa.table({n: [e[n] for e in events or []] for n in names})
    return extract(
        pa.Table.from_pylist(alerts) if alerts else pa.table({n: [] for n in Alert.__dataclass_fields__}), support
    )


def tree(result: Extraction, **options: Any) -> list[str]:
    return [line.prefix + line.text for line in render(result.clues.to_pylist(), **options)]


LOGIN = {
    "detector": "ssh-login-after-failures", "title": "SSH login after failures", "severity": "critical", "score": 0.97,
    "techniques": ["T1078", "T1110.001"], "event_count": 1,
}  # fmt: skip


def test_nothing_gives_nothing() -> None:
    result = run([])
    assert (result.incidents.num_rows, result.clues.num_rows, result.attackers.num_rows, list(result.retired)) == (
        0,
        0,
        0,
        [],
    )


def test_brute_force_then_login_is_one_incident_with_its_clue_tree() -> None:
    result = run(
        [alert(1), alert(2, 600, **LOGIN)], [event(10, user_name="root"), event(20, 600, user_name="root", login=True)]
    )
    (incident,) = result.incidents.to_pylist()
    assert incident["title"] == "SSH brute force, then login, by 203.0.113.9 against web1"
    assert (incident["severity"], incident["score"], incident["alert_count"], incident["event_count"]) == (
        "critical",
        0.97,
        2,
        11,
    )
    assert result.assignments.to_pylist() == [{"alert_id": 1, "incident_id": 1}, {"alert_id": 2, "incident_id": 1}]
    assert tree(result) == [
        "203.0.113.9 (the source of all 2 alerts)",
        "├─ from a reserved address, 2026-03-01 10:00 to 2026-03-01 10:11 (first and last evidence of the address)",
        "├─ 2026-03-01 10:00:00 SSH brute force against web1 (10 events) [credential access T1110.001]"
        " (same source: 203.0.113.9; the first thing seen)",
        "│  ├─ to machine web1 port 22 (what it was done to)",
        "│  └─ to account root (the account that these events name)",
        "└─ 2026-03-01 10:10:00 SSH login after failures on web1 (1 event) [initial access T1078]"
        " (a login by the source that had failed before; 10 min after the step before)",
        "   ├─ to machine web1 port 22 (what it was done to)",
        "   └─ to account root (the account that these events name)",
    ]
    assert [clue["event_ids"] for clue in result.clues.to_pylist()] == [
        [10, 20],
        [10, 20],
        [10],
        [10],
        [10],
        [20],
        [20],
        [20],
    ]


def test_a_login_that_no_detector_judged_is_shown_as_circumstantial() -> None:
    logins = [event(50 + i, 3600 + i, user_name="deploy", login=True) for i in range(3)]
    late = event(99, 90_000 + 60, user_name="deploy", login=True)
    result = run([alert(1)], [event(10), *logins, late])
    last = result.clues.to_pylist()[-1]
    assert (last["kind"], last["label"], last["circumstantial"]) == ("login", "3 logins as deploy on web1", True)
    assert (last["event_ids"], last["technique"]) == ([50, 51, 52], "T1078")


def test_a_pause_of_more_than_a_day_begins_a_new_incident() -> None:
    day = 86_400
    assert run([alert(1), alert(2, day + 60)]).incidents.num_rows == 1
    assert run([alert(1), alert(2, day + 61)]).incidents.num_rows == 2


def test_numbers_of_incidents_stay_and_merge_to_the_smallest() -> None:
    alerts = [alert(1, 0, incident_id=7), alert(2, 100_000, incident_id=3), alert(3, 50_000)]
    result = run([{**a, "free_incident_id": 9} for a in alerts])
    assert result.incidents.column("incident_id").to_pylist() == [3]
    assert list(result.retired) == [7]
    apart = run([{**a, "free_incident_id": 9} for a in [alerts[0], alert(4, 300_000)]])
    assert apart.incidents.column("incident_id").to_pylist() == [7, 9]


def test_an_alert_without_a_time_belongs_to_the_first_incident() -> None:
    result = run([alert(1), alert(2, 500_000), alert(3, time=None, time_last=None)])
    assert {a["alert_id"]: a["incident_id"] for a in result.assignments.to_pylist()} == {1: 1, 3: 1, 2: 2}


def test_steps_are_ordered_by_time_and_then_by_tactic() -> None:
    scan = {"detector": "port-scan", "title": "Port scan by x", "techniques": ["T1595"], "dst_ip": "192.0.2.1"}
    result = run([alert(1, 0, **LOGIN), alert(2, 0), alert(3, 0, **scan), alert(4, -5, **LOGIN)])
    steps = [(c["alert_id"], c["tactic"]) for c in result.clues.to_pylist() if c["kind"] == "step"]
    assert steps == [(4, "initial access"), (3, "reconnaissance"), (2, "credential access"), (1, "initial access")]
    assert result.incidents.column("title").to_pylist() == [
        "SSH login after failures, then port scan, then SSH brute force, by 203.0.113.9 against 2 machines"
    ]


def test_five_thousand_alerts_give_a_tree_that_can_be_read() -> None:
    alerts = [alert(i, i * 60, host=f"web{i % 90}", event_ids=[i]) for i in range(1, 5001)]
    result = run(alerts)
    nodes = result.clues.to_pylist()
    steps = [n for n in nodes if n["kind"] == "step"]
    assert [n["label"] for n in steps][:2] == [
        "SSH brute force against 90 machines (839 alerts, 8,390 events)",
        "SSH brute force against 90 machines (1,440 alerts, 14,400 events)",
    ]
    assert len(steps) == 4
    assert len(nodes) < 10 * MAX_STEPS
    assert all(0 < len(n["event_ids"]) <= MAX_EVENTS for n in nodes)


def test_months_of_alerts_are_told_by_kind() -> None:
    result = run([alert(i, i * 80_000) for i in range(MAX_STEPS + 10)])
    assert [c["label"] for c in result.clues.to_pylist() if c["kind"] == "step"] == [
        "SSH brute force against web1 (40 alerts, 400 events)"
    ]


def test_statistics_alone_are_circumstantial() -> None:
    odd = {"detector": "flow-anomaly", "title": "Anomalous flows", "severity": "medium", "techniques": []}
    nodes = run([alert(1), alert(2, 5, **odd), alert(3, 9, severity="low")]).clues.to_pylist()
    assert [n["circumstantial"] for n in nodes if n["kind"] == "step"] == [False, True, True]


def test_an_attacker_is_described_over_all_incidents() -> None:
    events = [
        event(10, user_name="root", user_agent="sqlmap/1.8"),
        event(11, user_name="root"),
        event(12, user_name="admin"),
    ]
    alerts = [alert(1), alert(2, 500_000, dst_ip="192.0.2.1", techniques=["T1046"], severity="critical")]
    (attacker,) = run(alerts, events).attackers.to_pylist()
    assert attacker == {
        "address": ATTACKER, "address_class": "reserved", "first_seen": START,
        "last_seen": START + timedelta(seconds=500_060), "event_count": 20, "alert_count": 2,
        "targets": ["192.0.2.1", "web1"], "users": ["root", "admin"], "user_agents": ["sqlmap/1.8"], "suppressed": False,
        "techniques": ["T1046", "T1110.001"], "incident_ids": [1, 2], "severity": "critical",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", "public"), ("10.0.0.1", "private"), ("172.31.0.1", "private"), ("192.168.0.1", "private"),
        ("fd00::1", "private"), ("127.0.0.1", "loopback"), ("::1", "loopback"), ("169.254.1.1", "link-local"),
        ("fe80::1", "link-local"), ("224.0.0.1", "multicast"), ("ff02::1", "multicast"), ("0.0.0.0", "unspecified"),
        ("100.64.0.1", "shared"), ("203.0.113.1", "reserved"), ("2606:4700::1", "public"), ("::ffff:10.0.0.1", "private"),
        ("web1; rm -rf /", "unknown"), ("", "unknown"),
    ],
)  # fmt: skip
def test_address_classes(address: str, expected: str) -> None:
    assert address_class(address) == expected
    assert address_class(address, own={address}) == "own"


def test_tactics_are_ranked() -> None:
    assert [tactic_rank(name) for name in TACTICS] == list(range(len(TACTICS)))
    assert tactic_rank("") == len(TACTICS)
    assert [a.tactic for a in read_alerts(pa.Table.from_pylist([alert(1, techniques=["T9999"]), alert(2)]))] == [
        "",
        "credential access",
    ]


def test_rendering_in_ascii_without_reasons() -> None:
    assert tree(run([alert(1)]), ascii_only=True, why=False) == [
        "203.0.113.9",
        "|- from a reserved address, 2026-03-01 10:00 to 2026-03-01 10:01",
        "`- 2026-03-01 10:00:00 SSH brute force against web1 (10 events) [credential access T1110.001]",
        "   `- to machine web1 port 22",
    ]


def test_hostile_names_are_shown_inert_and_cut() -> None:
    name = "\x1b[2J\u202e[/red]\n" + "A" * 1000
    lines = tree(run([alert(1, host=name)], [event(10, user_name=name, user_agent=name)]))
    assert all("\x1b" not in line and "\u202e" not in line and "\n" not in line for line in lines)
    assert any("^[[2J<U+202E>[/red]^J" in line for line in lines)
    assert max(len(line) for line in lines) < 600


def test_damaged_rows_are_shown_and_never_loop() -> None:
    row = run([alert(1)]).clues.to_pylist()[0]
    rows = [
        {**row, "node_id": 0, "parent_id": 1},
        {**row, "node_id": 1, "parent_id": 0},
        {**row, "node_id": 2, "parent_id": 9},
    ]
    assert [(line.depth, line.node_id) for line in render(rows)] == [(0, 0), (1, 1), (0, 2)]
    assert render([]) == []
