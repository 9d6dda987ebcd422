"""Suppressions on an engine: shown first, hiding old and new alerts alike, ended by time or by hand, audited."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from soc_tui.core.clock import FixedClock
from soc_tui.core.errors import FilterError, UsageError
from soc_tui.core.schema import FINDINGS
from soc_tui.core.settings import AnalysisSettings, Settings
from soc_tui.management import suppressing
from soc_tui.management.engine import Engine
from soc_tui.management.health_alerts import raise_alerts

START = datetime(2025, 12, 31, 10)
SCANNER, ATTACKER = "10.0.0.5", "203.0.113.9"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def engine(tmp_path: Path, clock: FixedClock) -> Iterator[Engine]:
    made = open_engine(tmp_path / "ws", clock)
    yield made
    made.stop()


def open_engine(workspace: Path, clock: FixedClock) -> Engine:
    return Engine(Settings(workspace=workspace, analysis=AnalysisSettings(enabled=False)), clock=clock)


def finding(key: str, source: str | None = ATTACKER, severity: str = "medium", **more: Any) -> dict[str, Any]:
    return {
        "finding_id": f"of {key}", "alert_key": key, "detector": "port-scan", "risk_type": "intrusion",
        "title": f"Port scan by {source}", "severity": severity, "score": 0.5, "time": START, "time_last": START,
        "src_ip": source, "host": "web1", "event_count": 3, "techniques": ["T1046"], "explanation": "[]",
        "event_ids": [], **more,
    }  # fmt: skip


def store(engine: Engine, *findings: dict[str, Any]) -> None:
    with engine.store.transaction() as tx:
        engine.pipeline.commit(tx, pa.Table.from_pylist(list(findings), schema=FINDINGS))


def keys(engine: Engine, text: str = "", **more: Any) -> list[str]:
    return sorted(row["alert_key"] for row in engine.queries.alerts(text, **more).to_pylist())


def incidents(engine: Engine, **more: Any) -> dict[str, tuple[str, int, int]]:
    rows = engine.queries.incidents(**more).to_pylist()
    return {row["attacker"]: (row["severity"], row["alert_count"], row["event_count"]) for row in rows}


def hide(engine: Engine, text: str, **more: Any) -> int:
    return engine.suppressing.suppress(text, "our own", apply=True, **more)["suppression_id"]


def both(engine: Engine) -> None:
    store(
        engine,
        finding("scan 1", SCANNER, "low"), finding("scan 2", SCANNER, "high", score=0.8, title="Port scan, wide"),
        finding("guess", ATTACKER, "critical", detector="ssh-brute-force"),
    )  # fmt: skip


# -- before it is applied ----------------------------------------------------------------------------------------------


def test_a_preview_counts_by_severity_and_changes_nothing(engine: Engine) -> None:
    both(engine)
    shown = engine.suppressing.suppress(f"src:{SCANNER}")
    assert (shown["hides"], shown["of"], shown["incidents"], shown["already_hidden"]) == (2, 3, 1, 0)
    assert shown["by_severity"] == {"critical": 0, "high": 1, "medium": 0, "low": 1, "info": 0}
    assert list(shown["by_severity"]) == ["critical", "high", "medium", "low", "info"]
    assert shown["by_detector"] == {"port-scan": 2}
    assert [row["severity"] for row in shown["examples"]] == ["high", "low"]
    assert shown["warnings"] == [
        "hides 1 high",
        "also hides graver ones to come; severity:<=medium would leave high and critical in sight",
    ]
    assert (shown["refusals"], shown["applied"], shown["suppression_id"]) == ([], False, None)
    assert keys(engine) == ["guess", "scan 1", "scan 2"]
    assert engine.store.sql("SELECT * FROM suppressions").num_rows == 0
    assert engine.queries.audit().num_rows == 0


def test_a_preview_shows_five_examples_and_what_is_hidden_already(engine: Engine) -> None:
    store(engine, finding("other"), *(finding(f"s {n}", SCANNER, "low") for n in range(9)))
    hide(engine, f"src:{SCANNER} id:<=4")
    shown = engine.suppressing.suppress(f"src:{SCANNER} severity:<=low")
    already = engine.store.sql("SELECT count(*) AS n FROM alerts WHERE suppressed_by = 1").column("n")[0].as_py()
    assert (shown["hides"], shown["already_hidden"]) == (9 - already, already)
    assert len(shown["examples"]) == 5
    assert shown["warnings"] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty filter"), ("   ", "empty filter"), ("severity:>=info", "fits any alert"), ("-host:web1", "fits any"),
        ("title:*", "fits any"), ("after:-2h", "fits any"), ("risk:intrusion", r"every alert \(3 of 3\)"),
        ("x" * 501, "longer than 500"),
    ],
)  # fmt: skip
def test_what_would_hide_everything_is_refused(engine: Engine, text: str, says: str) -> None:
    both(engine)
    with pytest.raises(UsageError, match=says):
        hide(engine, text)
    assert len(engine.suppressing.suppress(text)["refusals"]) == 1
    assert keys(engine) == ["guess", "scan 1", "scan 2"]


def test_everything_can_be_hidden_by_who_says_so(engine: Engine) -> None:
    both(engine)
    hide(engine, "severity:>=info", all_alerts=True)
    assert (keys(engine), incidents(engine)) == ([], {})
    with pytest.raises(UsageError, match="empty"):
        hide(engine, "", all_alerts=True)


@pytest.mark.parametrize("text", ["state:open", "src:10.0.0.5 -incident:I1", "knowledge:KB-1", "suppressed:S1"])
def test_a_filter_may_not_hang_on_what_others_set_later(engine: Engine, text: str) -> None:
    with pytest.raises(FilterError, match="cannot speak of"):
        engine.suppressing.suppress(text)


@pytest.mark.parametrize("text", ["colour:red", 'title:"open', "severity:grave", "src:10.0.0.0/99", "port:x"])
def test_a_filter_that_cannot_be_read_is_refused(engine: Engine, text: str) -> None:
    with pytest.raises(FilterError):
        engine.suppressing.suppress(text)


def test_a_reason_and_a_time_are_needed(engine: Engine) -> None:
    both(engine)
    for reason, days, says in (
        ("", 30, "needs a reason"), ("  ", 30, "needs a reason"), ("r" * 501, 30, "reason is longer"),
        ("ours", 0, "0 days"), ("ours", -1, "-1 days"), ("ours", 3651, "3651 days"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=says):
            engine.suppressing.suppress(f"src:{SCANNER}", reason, days, apply=True)
    assert keys(engine) == ["guess", "scan 1", "scan 2"]


def test_there_is_an_end_of_how_many_are_in_force(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppressing, "MOST_IN_FORCE", 2)
    hide(engine, "src:10.9.9.1")
    hide(engine, "src:10.9.9.2")
    with pytest.raises(UsageError, match="too many"):
        hide(engine, "src:10.9.9.3")


# -- what it hides -----------------------------------------------------------------------------------------------------


def test_it_works_on_stored_alerts_on_new_ones_and_is_undone(engine: Engine) -> None:
    both(engine)
    before = engine.queries.incidents().to_pylist()
    clues = engine.store.sql("SELECT * FROM clues ORDER BY ALL").to_pylist()
    number = hide(engine, f"src:{SCANNER}")
    assert keys(engine) == ["guess"]
    assert incidents(engine) == {ATTACKER: ("critical", 1, 3)}
    assert [row["address"] for row in engine.queries.attackers().to_pylist()] == [ATTACKER]
    store(engine, finding("scan 3", SCANNER, "critical"))
    assert keys(engine) == ["guess"]
    assert incidents(engine) == {ATTACKER: ("critical", 1, 3)}
    assert engine.suppressing.unsuppress(number) == {
        "suppression_id": 1, "changed": True, "shows": 3, "message": "3 alerts are shown again",
    }  # fmt: skip
    assert keys(engine) == ["guess", "scan 1", "scan 2", "scan 3"]
    assert incidents(engine) == {SCANNER: ("critical", 3, 9), ATTACKER: ("critical", 1, 3)}
    assert {row["incident_id"] for row in engine.queries.incidents().to_pylist()} == {
        row["incident_id"] for row in before
    }
    again = engine.suppressing.unsuppress(number)
    assert (again["changed"], again["shows"]) == (False, 0)
    assert clues != []


def test_hiding_and_showing_leaves_no_trace_in_incidents(engine: Engine) -> None:
    both(engine)
    tables = ("alerts", "incidents", "attackers", "clues")
    before = [engine.store.sql(f"SELECT * FROM {name} ORDER BY ALL").to_pylist() for name in tables]
    for text in (f"src:{SCANNER}", f"src:{SCANNER} severity:<=low", "detector:ssh-brute-force"):
        engine.suppressing.unsuppress(hide(engine, text))
        assert [engine.store.sql(f"SELECT * FROM {name} ORDER BY ALL").to_pylist() for name in tables] == before


def test_an_incident_speaks_for_what_is_in_sight(engine: Engine) -> None:
    both(engine)
    hide(engine, f'src:{SCANNER} title:"Port scan, wide"')
    (row,) = engine.queries.incidents(f"src:{SCANNER}").to_pylist()
    assert (row["severity"], row["score"], row["alert_count"], row["event_count"]) == ("low", 0.5, 1, 3)
    assert row["title"] == f"Port scan by {SCANNER}"
    (attacker,) = [r for r in engine.queries.attackers().to_pylist() if r["address"] == SCANNER]
    assert (attacker["severity"], attacker["alert_count"], attacker["event_count"]) == ("low", 1, 3)
    steps = engine.queries.clues(row["incident_id"]).to_pylist()
    hidden = engine.queries.alerts("suppressed:S1").to_pylist()
    assert {step["alert_id"] for step in steps} & {one["alert_id"] for one in hidden} == set()
    assert hidden[0]["incident_id"] == row["incident_id"]


def test_a_hidden_alert_still_holds_its_incident_together(engine: Engine) -> None:
    day = timedelta(hours=20)
    store(
        engine,
        *(finding(f"{n}", severity=word, time=START + n * day, time_last=START + n * day)
          for n, word in enumerate(("high", "low", "high"))), finding("other", SCANNER),
    )  # fmt: skip
    hide(engine, "severity:low")
    assert incidents(engine)[ATTACKER] == ("high", 2, 6)


def test_what_is_hidden_can_be_asked_for(engine: Engine) -> None:
    both(engine)
    first = hide(engine, f"src:{SCANNER} severity:<=low")
    hide(engine, "detector:ssh-brute-force severity:<=critical")
    assert keys(engine) == ["scan 2"]
    assert keys(engine, suppressed=True) == ["guess", "scan 1", "scan 2"]
    assert keys(engine, f"suppressed:S{first}") == ["scan 1"]
    assert keys(engine, "suppressed:>=1") == ["guess", "scan 1"]
    assert set(incidents(engine)) == {SCANNER}
    assert incidents(engine, suppressed=True)[ATTACKER] == ("critical", 1, 3)
    assert {row["address"] for row in engine.queries.attackers(suppressed=True).to_pylist()} == {SCANNER, ATTACKER}


def test_counts_leave_out_what_is_hidden(engine: Engine) -> None:
    both(engine)
    hide(engine, f"src:{SCANNER}")
    pulse = engine._pulse()
    assert (pulse["alerts"], pulse["alerts_open"], pulse["alerts_suppressed"], pulse["incidents"]) == (1, 1, 2, 1)
    assert pulse["by_severity"] == {"critical": 1}


def test_the_oldest_that_fits_is_named_and_the_next_takes_over(engine: Engine) -> None:
    both(engine)
    first, second = hide(engine, f"src:{SCANNER} severity:<=low"), hide(engine, f"src:{SCANNER}")
    hides = {row["suppression_id"]: row["hides"] for row in engine.suppressing.suppressions().to_pylist()}
    assert hides == {first: 1, second: 1}
    assert engine.suppressing.unsuppress(first)["shows"] == 0
    assert keys(engine, f"suppressed:S{second}") == ["scan 1", "scan 2"]


def test_an_alert_that_grows_out_of_its_suppression_is_shown(engine: Engine) -> None:
    store(engine, finding("a", severity="low"), finding("b", SCANNER, "high"))
    hide(engine, f"src:{ATTACKER} severity:<=low")
    assert keys(engine) == ["b"]
    store(engine, finding("a", severity="critical", finding_id="graver"))
    assert keys(engine) == ["a", "b"]
    assert incidents(engine)[ATTACKER] == ("critical", 1, 6)


@pytest.mark.campaign
def test_the_result_does_not_depend_on_the_order(tmp_path: Path, clock: FixedClock) -> None:
    rows = [finding(f"{n}", SCANNER if n % 2 else ATTACKER, ("low", "high")[n % 3 == 0]) for n in range(6)]
    texts = (f"src:{SCANNER} severity:<=low", "title:*203.0.113.9*  severity:<=low")
    results = []
    for number, order in enumerate(itertools.permutations("0ab1")):
        engine = open_engine(tmp_path / f"{number}", clock)
        try:
            for step in order:
                if step in "01":
                    store(engine, *rows[int(step) * 3 : int(step) * 3 + 3])
                else:
                    engine.suppressing.suppress(texts["ab".index(step)], "why", apply=True, all_alerts=True)
            found = engine.queries.alerts(suppressed=True).to_pylist()
            filters = {r["suppression_id"]: r["filter"] for r in engine.suppressing.suppressions().to_pylist()}
            results.append((
                sorted((row["alert_key"], filters.get(row["suppressed_by"])) for row in found),
                incidents(engine), sorted(row["address"] for row in engine.queries.attackers().to_pylist()),
            ))  # fmt: skip
        finally:
            engine.stop()
    assert results[0][1] == {SCANNER: ("high", 1, 3), ATTACKER: ("high", 1, 3)}
    assert all(result == results[0] for result in results)


def test_alerts_about_our_own_sources_are_hidden_and_still_kept(engine: Engine) -> None:
    row = finding("quiet", None, detector="source-health", risk_type="health", host=None, title="A log is silent")
    raise_alerts(engine.store, engine.library, pa.Table.from_pylist([row], schema=FINDINGS))
    store(engine, finding("other"))
    hide(engine, "detector:source-health")
    assert keys(engine) == ["other"]
    assert engine.queries.alerts("suppressed:S1").to_pylist()[0]["state"] == "open"


# -- time --------------------------------------------------------------------------------------------------------------


def test_it_ends_by_itself(engine: Engine, clock: FixedClock) -> None:
    both(engine)
    hide(engine, f"src:{SCANNER}", days=2)
    clock.advance(2 * 86_400 - 1)
    engine.suppressing.expire()
    assert keys(engine) == ["guess"]
    clock.advance(1)
    engine.suppressing.expire()
    assert keys(engine) == ["guess", "scan 1", "scan 2"]
    assert incidents(engine)[SCANNER] == ("high", 2, 6)
    (row,) = engine.suppressing.suppressions(all=True).to_pylist()
    assert (row["state"], row["ended"], row["hides"]) == ("expired", datetime(2026, 1, 3), 0)
    assert engine.suppressing.suppressions().num_rows == 0
    assert [row["verb"] for row in engine.queries.audit().to_pylist()] == ["suppress", "suppression-expired"]
    engine.suppressing.expire()
    assert engine.queries.audit().num_rows == 2


def test_one_that_ran_out_while_no_engine_ran_hides_nothing_when_one_serves_again(
    tmp_path: Path, clock: FixedClock
) -> None:
    engine = open_engine(tmp_path / "ws", clock)
    both(engine)
    hide(engine, f"src:{SCANNER}", days=1)
    engine.stop()
    clock.advance(86_400)
    engine = open_engine(tmp_path / "ws", clock)
    engine.start()
    try:
        assert keys(engine) == ["guess", "scan 1", "scan 2"]
    finally:
        engine.stop()


def test_relative_times_mean_what_they_meant(engine: Engine, clock: FixedClock) -> None:
    store(engine, finding("old", time_last=START - timedelta(days=9)), finding("new"))
    shown = engine.suppressing.suppress(f"src:{ATTACKER} after:-2d before:-1h", "ours", apply=True)
    assert shown["filter"] == f"src:{ATTACKER} after:2025-12-30T00:00:00Z before:2025-12-31T23:00:00Z"
    assert keys(engine) == ["old"]
    clock.advance(20 * 86_400)
    store(engine, finding("new", event_count=4))
    assert keys(engine) == ["old"]


# -- audit, hostile text -----------------------------------------------------------------------------------------------


def test_what_was_hidden_why_and_by_whom_is_in_the_audit_chain(engine: Engine) -> None:
    both(engine)
    engine.suppressing.unsuppress(hide(engine, f"src:{SCANNER}"))
    begun, undone = engine.queries.audit().to_pylist()
    assert (begun["verb"], begun["subject"]) == ("suppress", f"src:{SCANNER}")
    detail = json.loads(begun["detail"])
    assert (detail["reason"], detail["suppression"], detail["hides"]["high"]) == ("our own", 1, 1)
    assert (undone["verb"], undone["subject"]) == ("unsuppress", "S1")
    assert json.loads(undone["detail"]) == {"filters": [f"src:{SCANNER}"], "shows": 2}
    assert engine.desk.verify_audit()["ok"] is True


HOSTILE = [
    "'; DROP TABLE alerts; --",
    '" OR 1=1 --',
    "\x1b]0;x\x07[red]\u202e",
    "$f0 {where} {suppressed}",
    "%_!",
    "\x00",
]


@pytest.mark.parametrize("payload", HOSTILE)
def test_hostile_text_is_data_in_filters_reasons_and_alerts(engine: Engine, payload: str) -> None:
    store(engine, finding("bad", title=payload, host=payload), finding("good"))
    quoted = payload.replace("\\", "\\\\").replace('"', '\\"')
    shown = engine.suppressing.suppress(f'title:"{quoted}"', payload or "x", apply=True)
    assert shown["hides"] == 1
    assert keys(engine) == ["good"]
    store(engine, finding("bad 2", title=payload), finding("good 2"))
    assert keys(engine) == ["good", "good 2"]
    (row,) = engine.suppressing.suppressions().to_pylist()
    assert (row["reason"], row["hides"]) == (payload.strip(), 2)
    assert engine.suppressing.unsuppress(1)["shows"] == 2


@pytest.mark.parametrize("payload", [*HOSTILE, "a,b", "*", "", "x" * 4000, "\\"])
def test_a_proposal_hides_its_alert_whatever_it_holds(engine: Engine, payload: str) -> None:
    store(
        engine, finding("it", None, title=payload, host=payload, user_name=payload), finding("other", SCANNER, "high")
    )
    number = engine.queries.alerts('-src:"10.*"').to_pylist()[0]["alert_id"]
    text = engine.suppressing.propose(number)["filter"]
    assert text.isprintable()
    assert engine.suppressing.suppress(text)["examples"][0]["alert_id"] == number
    hide(engine, text)
    assert keys(engine) == ["other"]


def test_a_proposal_names_detector_kind_and_ends_and_spares_what_is_graver(engine: Engine) -> None:
    store(
        engine,
        finding("scan", SCANNER, "low"),
        finding("ids", detector="suricata-alert", title="ET SCAN Nmap, fast", dst_ip="192.0.2.1", severity="medium"),
        finding("tool", None, detector="system-vulnerability", title="CVE-1: openssl 1.0", user_name=None),
    )
    numbers = {row["alert_key"]: row["alert_id"] for row in engine.queries.alerts().to_pylist()}
    assert {key: engine.suppressing.propose(number)["filter"] for key, number in numbers.items()} == {
        "scan": 'detector:port-scan title:"Port scan" src:10.0.0.5 host:web1 severity:<=low',
        "ids": 'detector:suricata-alert title:"ET SCAN Nmap* fast" src:203.0.113.9 dst:192.0.2.1 severity:<=medium',
        "tool": 'detector:system-vulnerability title:"CVE-1: openssl 1.0" host:web1 severity:<=medium',
    }
    with pytest.raises(UsageError, match="no A99"):
        engine.suppressing.propose(99)


def test_a_stored_filter_that_this_version_cannot_read_hides_nothing(engine: Engine) -> None:
    hide(engine, "src:10.0.0.0/8")
    with engine.store.transaction() as tx:
        tx.execute("UPDATE suppressions SET filter = 'colour:red'")
    both(engine)
    assert keys(engine) == ["guess", "scan 1", "scan 2"]


def test_there_must_be_such_a_suppression(engine: Engine) -> None:
    with pytest.raises(UsageError, match="no suppression S7"):
        engine.suppressing.unsuppress(7)
