"""Findings of rules and correlations: what they say, and that order, chunks and repetition do not matter."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soc_tui.detection.sigma.compiled import Ruleset
from soc_tui.management.sigma import Matcher
from soc_tui.store.casework import merge_findings
from tests.detection.sigma.conftest import rule_text

START = datetime(2026, 3, 1, 10, 0, 0)
SSHD = {
    "class_uid": 3002,
    "product": "sshd",
    "log_name": "auth",
    "host": "web1",
    "activity": "logon",
    "status": "failure",
}


def sshd(at: float, message: str, **more: Any) -> dict[str, Any]:
    return {**SSHD, "at": at, "message": message, "src_ip": "203.0.113.9", **more}


def sshd_rule(word: str, number: int, **more: Any) -> str:
    return rule_text({"k": [word], "condition": "k"}, number, logsource={"product": "linux", "service": "sshd"}, **more)


def correlation(kind: str, rules: list[int], number: int = 90, **more: Any) -> str:
    data = {
        "title": f"correlation {number}", "id": f"00000000-0000-4000-8000-{number:012d}", "level": "high",
        "tags": ["attack.t1110"],
        "correlation": {
            "type": kind, "rules": [f"00000000-0000-4000-8000-{rule:012d}" for rule in rules], "timespan": "5m",
            "group-by": ["Computer"], **{name.replace("named", "rules"): value for name, value in more.items()},
        },
    }  # fmt: skip
    return yaml.safe_dump(data, sort_keys=False)


def test_what_a_finding_says(workspace: Any, compiled: Callable[..., Ruleset]) -> None:
    rules = compiled(rule_text(
        {"s": {"cs-uri-stem|contains": "passwd", "cs-method": "GET"}, "f": {"cs-user-agent": "bot"}, "condition": "s and not f"},
        5, level="critical", title="Traversal\x1b[31m", tags=["attack.t1083", "attack.discovery", "attack.t1505.999"],
        falsepositives=["Backups"],
    ))  # fmt: skip
    web = {"class_uid": 4002, "product": "apache-nginx", "log_name": "access", "http_method": "GET", "url_host": "shop"}
    first, last = workspace.add([
        {**web, "at": 61, "url_path": "/b/passwd", "src_ip": "203.0.113.9"},
        {**web, "at": 60, "url_path": "/a/passwd", "src_ip": "203.0.113.9"},
        {**web, "at": 120, "url_path": "/a/passwd", "src_ip": "203.0.113.9"},
        {**web, "at": 61, "url_path": "/a/passwd", "src_ip": "203.0.113.8"},
        {**web, "at": 62, "url_path": "/a/passwd", "src_ip": "203.0.113.9", "user_agent": "bot"},
    ])  # fmt: skip
    found = (
        Matcher(workspace.store, rules).window(first, last).sort_by([("src_ip", "ascending"), ("time", "ascending")])
    )
    rows = found.to_pylist()
    assert [(row["src_ip"], row["time"] - START, row["event_count"], row["event_ids"]) for row in rows] == [
        ("203.0.113.8", timedelta(seconds=61), 1, [first + 3]),
        ("203.0.113.9", timedelta(seconds=60), 2, [first + 1, first]),
        ("203.0.113.9", timedelta(seconds=120), 1, [first + 2]),
    ]
    row = rows[1]
    assert (row["detector"], row["severity"], row["score"], row["risk_type"]) == (
        "sigma",
        "critical",
        0.97,
        "web-attack",
    )
    assert (row["title"], row["techniques"], row["target"]) == (
        "Traversal^[[31m",
        ["T1083", "T1505.999"],
        "shop/a/passwd",
    )
    assert row["alert_key"] == "sigma|00000000-0000-4000-8000-000000000005|203.0.113.9|2026-03-01"
    assert json.loads(row["explanation"]) == [
        {"field": "cs-uri-stem", "value": "/a/passwd", "weight": 0.97}, {"field": "cs-method", "value": "GET", "weight": 0.97},
        {"field": "rule", "value": "00000000-0000-4000-8000-000000000005", "weight": 0.0},
        {"field": "known false positives", "value": "Backups", "weight": 0.0},
    ]  # fmt: skip
    assert {key["alert_key"] for key in rows if key["src_ip"] == "203.0.113.9"} == {row["alert_key"]}


def test_a_client_inside_is_no_attacker_for_what_it_fetched_outside(
    workspace: Any, compiled: Callable[..., Ruleset]
) -> None:
    rules = compiled(
        rule_text({"s": {"c-useragent|contains": "evil"}, "condition": "s"}, logsource={"category": "proxy"})
    )
    web = {"at": 0, "class_uid": 4002, "product": "zeek", "log_name": "http", "user_agent": "evil/1"}
    window = workspace.add([
        {**web, "src_ip": "10.0.0.5", "dst_ip": "198.51.100.9"}, {**web, "src_ip": "198.51.100.9", "dst_ip": "10.0.0.5"},
    ])  # fmt: skip
    rows = Matcher(workspace.store, rules).window(*window).to_pylist()
    assert sorted((row["src_ip"] or "", row["dst_ip"]) for row in rows) == [
        ("", "10.0.0.5"),
        ("198.51.100.9", "10.0.0.5"),
    ]


def test_events_without_a_time_are_one_finding(workspace: Any, compiled: Callable[..., Ruleset]) -> None:
    matcher = Matcher(workspace.store, compiled(sshd_rule("boom", 1)))
    workspace.add([sshd(0, "boom") | {"at": None}])
    first, last = workspace.add([sshd(0, "boom") | {"at": None}])
    (row,) = matcher.window(first, last).to_pylist()
    assert (row["event_count"], row["time"]) == (2, None)


@pytest.mark.parametrize(
    ("kind", "more", "events", "expected"),
    [
        ("event_count", {"condition": {"gte": 3}}, [(0, "a"), (100, "a"), (299, "a")], [3]),
        ("event_count", {"condition": {"gte": 3}}, [(0, "a"), (100, "a"), (301, "a")], []),
        ("event_count", {"condition": {"gt": 3}}, [(0, "a"), (1, "a"), (2, "a")], []),
        ("event_count", {"condition": {"gte": 3}}, [(290, "a"), (299, "a"), (301, "a")], [2, 1]),
        ("value_count", {"condition": {"gte": 2, "field": "src_ip"}}, [(0, "a"), (1, "a"), (2, "a")], []),
        ("value_count", {"condition": {"gte": 2, "field": "src_ip"}}, [(0, "a"), (1, "a", "203.0.113.10")], [2]),
        ("temporal", {}, [(0, "b"), (1, "a")], [2]),
        ("temporal", {}, [(0, "b"), (1, "b")], []),
        ("temporal", {}, [(0, "b"), (301, "a")], []),
        ("temporal_ordered", {}, [(0, "a"), (1, "b")], [2]),
        ("temporal_ordered", {}, [(0, "b"), (1, "a")], []),
        ("temporal_ordered", {}, [(0, "b"), (1, "a"), (2, "b")], [3]),
    ],
)
def test_correlations(
    workspace: Any,
    compiled: Callable[..., Ruleset],
    kind: str,
    more: dict[str, Any],
    events: list[Any],
    expected: list[int],
) -> None:
    bases = [1, 2] if kind.startswith("temporal") else [1]
    rules = compiled(sshd_rule("a-mark", 1), sshd_rule("b-mark", 2), correlation(kind, bases, **more))
    assert [entry.why for entry in rules.entries] == ["", "", ""]
    window = workspace.add([sshd(e[0], f"{e[1]}-mark", **({"src_ip": e[2]} if e[2:] else {})) for e in events])
    found = Matcher(workspace.store, rules).window(*window).sort_by([("time", "ascending")])
    rows = [row for row in found.to_pylist() if row["title"] == "correlation 90"]
    assert [row["event_count"] for row in rows] == expected
    for row in rows:
        assert (row["host"], row["techniques"], row["severity"]) == ("web1", ["T1110"], "high")
        assert json.loads(row["explanation"])[1] == {"field": "Computer", "value": "web1", "weight": 0.0}
    alone = [row for row in found.to_pylist() if row["title"] == "rule 1"]
    assert alone == []  # a rule that a correlation uses says nothing by itself


def test_a_rule_of_a_correlation_that_asks_for_it_says_something_too(
    workspace: Any, compiled: Callable[..., Ruleset]
) -> None:
    rules = compiled(sshd_rule("a-mark", 1), correlation("event_count", [1], condition={"gte": 2}, generate=True))
    window = workspace.add([sshd(0, "a-mark"), sshd(1, "a-mark")])
    titles = sorted(row["title"] for row in Matcher(workspace.store, rules).window(*window).to_pylist())
    assert titles == ["correlation 90", "rule 1"]


@pytest.mark.parametrize(
    ("more", "state", "why"),
    [
        ({"type": "value_sum", "condition": {"gte": 2, "field": "src_ip"}}, "damaged", "value_sum are not supported"),
        ({"condition": {"lt": 2}}, "damaged", "can turn false again"),
        ({"condition": {"gte": 2}, "timespan": "30d"}, "not applicable", "more than 7 days"),
        ({"condition": {"gte": 2}, "group-by": ["nothing"]}, "not applicable", "no field nothing"),
        ({"condition": {"gte": 2}, "timespan": "soon"}, "damaged", "Timespan 'soon' is invalid"),
        ({"condition": {"gte": 2}, "named": ["unheard"]}, "damaged", "names the rule unheard"),
    ],
)
def test_correlations_that_cannot_be(
    compiled: Callable[..., Ruleset], more: dict[str, Any], state: str, why: str
) -> None:
    kind = more.get("type", "event_count")
    rules = compiled(sshd_rule("a-mark", 1), correlation(kind, [1], **more))
    entry = rules.entries[1]
    assert (entry.state, rules.correlations) == (state, ())
    assert why in entry.why


WORDS = st.sampled_from(["a-mark", "b-mark", "nothing"])
MADE = st.lists(st.tuples(st.integers(0, 1500), WORDS, st.sampled_from(["web1", "web2"]), st.integers(9, 11)), min_size=4,
                max_size=60)  # fmt: skip


@pytest.mark.campaign
@given(made=MADE, seed=st.integers(0, 2**16), chunks=st.integers(2, 5))
@settings(
    max_examples=12, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
def test_order_and_chunks_do_not_matter(
    make_workspace: Any, compiled: Callable[..., Ruleset], made: list[Any], seed: int, chunks: int
) -> None:
    rules = compiled(
        sshd_rule("mark", 3), sshd_rule("a-mark", 1), sshd_rule("b-mark", 2),
        correlation("event_count", [1], 91, condition={"gte": 4}),
        correlation("value_count", [1, 2], 92, condition={"gte": 3, "field": "src_ip"}),
        correlation("temporal", [1, 2], 93), correlation("temporal_ordered", [1, 2], 94),
    )  # fmt: skip
    events = [
        sshd(at + number * 1e-6, word, host=host, src_ip=f"203.0.113.{source}")
        for number, (at, word, host, source) in enumerate(made)
    ]  # fmt: skip
    shuffled = list(events)
    random.Random(seed).shuffle(shuffled)
    cuts = sorted(random.Random(seed).choices(range(len(events) + 1), k=chunks - 1))
    spans = [(a, b) for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True) if a < b]
    told = []
    for parts in ([events], [shuffled[a:b] for a, b in spans]):
        workspace = make_workspace()
        matcher = Matcher(workspace.store, rules)
        for part in parts:
            findings = matcher.window(*workspace.add(part))
            with workspace.store.transaction() as tx:
                merge_findings(tx, findings)
        rows = workspace.rows("SELECT * EXCLUDE (event_ids) FROM findings ORDER BY finding_id")
        pieces = matcher.piece(START, START + timedelta(hours=1)).sort_by([("finding_id", "ascending")])
        assert pieces.drop_columns(["event_ids"]).to_pylist() == rows  # what is worked out for an hour is the same
        told.append(rows)
    assert told[0] == told[1]
