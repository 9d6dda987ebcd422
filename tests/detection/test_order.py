"""The same events give the same alerts and incidents, in whatever order and chunks they arrive."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from soc_tui.analysis.extraction import render

Event = dict[str, Any]
ARRIVAL = {"alert_id", "event_ids", "incident_id", "incident_ids", "finding_id"}
"""Numbers that are given in order of arrival."""

SOURCES = st.sampled_from(["203.0.113.9", "203.0.113.10", "10.0.0.9"])
HOURS = st.integers(0, 40)


@st.composite
def bursts(draw: st.DrawFn, builders: dict[str, Any]) -> list[Event]:
    """A burst of one kind by one source, near the thresholds of the detectors and near their slot borders."""
    kind = draw(st.sampled_from(["ssh", "success", "scan", "web", "suricata"]))
    start = draw(HOURS) * 3600 + draw(st.integers(0, 1200))
    source, step = draw(SOURCES), draw(st.sampled_from([0.1, 7, 55]))
    count = draw(st.integers(5, 60))
    at = [start + step * i for i in range(count)]
    if kind == "ssh":
        return [builders["ssh"](t, src_ip=source, user_name=f"u{i % 7}") for i, t in enumerate(at)]
    if kind == "success":
        return [builders["ssh"](start, "success", src_ip=source, user_name="u1")]
    if kind == "scan":
        return [builders["flow"](t, i + 1, src_ip=source) for i, t in enumerate(at)]
    if kind == "web":
        return [builders["web"](t, src_ip=source, http_status=401) for t in at]
    rule = {"class_uid": 2004, "product": "suricata", "rule_id": "1", "rule_name": "r", "severity": "high"}
    return [{"at": t, "src_ip": source, "dst_ip": "192.0.2.1", **rule} for t in at]


def outcome(workspace: Any) -> dict[str, list[Any]]:
    """Everything that was concluded, without the numbers of arrival, sorted."""
    tables = {}
    for table in ("findings", "alerts", "incidents", "attackers"):
        rows = workspace.rows(f"SELECT * FROM {table}")
        tables[table] = sorted(repr({k: v for k, v in row.items() if k not in ARRIVAL}) for row in rows)
    trees = []
    for incident in workspace.rows("SELECT incident_id, attacker, time FROM incidents"):
        nodes = workspace.rows(f"SELECT * FROM clues WHERE incident_id = {incident['incident_id']} ORDER BY node_id")
        steps = [node for node in nodes if node["kind"] in {"attacker", "origin", "step"}]
        trees.append((incident["attacker"], str(incident["time"]), [line.text for line in render(steps)]))
    return tables | {"trees": sorted(trees)}


@given(data=st.data(), seed=st.integers(0, 2**16), chunks=st.integers(2, 5))
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # shrinking would open hundreds of workspaces
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_order_and_chunks_do_not_matter(
    make_workspace: Any, events: dict[str, Any], data: st.DataObject, seed: int, chunks: int
) -> None:
    drawn = [event for burst in data.draw(st.lists(bursts(events), min_size=2, max_size=8)) for event in burst]
    # Of more than 20 events of the same microsecond, those that arrived first are the evidence: no two share one here.
    made = [{**event, "at": event["at"] + number * 1e-6} for number, event in enumerate(drawn)]
    whole = make_workspace()
    whole.detect(whole.add(made))

    shuffled = list(made)
    random.Random(seed).shuffle(shuffled)
    cuts = sorted(random.Random(seed).choices(range(len(made) + 1), k=chunks - 1))
    parts = make_workspace()
    for begin, end in zip([0, *cuts], [*cuts, len(made)], strict=True):
        if begin < end:
            parts.detect(parts.add(shuffled[begin:end]))

    assert outcome(parts) == outcome(whole)


def test_examining_a_window_twice_changes_nothing(workspace: Any, events: dict[str, Any]) -> None:
    window = workspace.add([events["ssh"](i) for i in range(40)] + [events["flow"](i, i + 1) for i in range(60)])
    workspace.detect(window)
    before = [workspace.rows(f"SELECT * FROM {t} ORDER BY ALL") for t in ("alerts", "incidents", "clues", "attackers")]
    workspace.detect(window)
    after = [workspace.rows(f"SELECT * FROM {t} ORDER BY ALL") for t in ("alerts", "incidents", "clues", "attackers")]
    assert after == before


def test_a_late_line_joins_two_incidents_under_the_older_number(workspace: Any, events: dict[str, Any]) -> None:
    day = 86_400

    def guesses(start: int) -> list[Event]:
        return [events["ssh"](start + i) for i in range(20)]

    workspace.detect(workspace.add(guesses(0)))
    workspace.detect(workspace.add(guesses(day + 40_000)))
    assert [row["incident_id"] for row in workspace.rows("SELECT incident_id FROM incidents ORDER BY 1")] == [1, 2]
    workspace.detect(workspace.add(guesses(70_000)))
    (incident,) = workspace.rows("SELECT * FROM incidents")
    assert (incident["incident_id"], incident["alert_count"], incident["event_count"]) == (1, 2, 60)
    assert {row["incident_id"] for row in workspace.rows("SELECT incident_id FROM alerts")} == {1}
    assert {row["incident_id"] for row in workspace.rows("SELECT incident_id FROM clues")} == {1}
    assert workspace.rows("SELECT incident_ids FROM attackers") == [{"incident_ids": [1]}]
