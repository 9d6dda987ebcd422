from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soc_tui.acquisition.reader import Chunk
from soc_tui.analysis.corpora import session as corpus
from soc_tui.analysis.corpora import session_made as made
from soc_tui.analysis.corpora import session_task as task
from soc_tui.analysis.encoding import session
from soc_tui.analysis.features import feature_sql
from soc_tui.analysis.features.sessions import gathered
from soc_tui.core.schema import REJECTS
from soc_tui.core.settings import StoreSettings
from soc_tui.core.types import SourceState
from soc_tui.store.database import Store
from soc_tui.store.intake import append_chunks


def logon(time: float, status: str = "failure", user: str = "root") -> dict[str, object]:
    return {"time": time, "kind": "logon", "status": status, "user_name": user, "repeat": None}


def web(time: float, path: str, status: int = 200, method: str = "GET") -> dict[str, object]:
    return {"time": time, "kind": "web", "url_path": path, "http_status": status, "http_method": method}


@pytest.mark.parametrize(
    ("events", "bits"),
    [
        ([logon(i) for i in range(8)] + [logon(9, "success")], corpus.TAKEOVER),
        ([logon(9, "success")] + [logon(10 + i) for i in range(8)], corpus.UNKNOWN),
        ([logon(i) for i in range(3)] + [logon(9, "success")], corpus.BENIGN),
        ([logon(i) for i in range(5)] + [logon(9, "success")], corpus.UNKNOWN),
        ([logon(i) for i in range(8)], corpus.BRUTE),
        ([logon(i) for i in range(7)], corpus.UNKNOWN),
        ([logon(i, user=f"u{i}") for i in range(8)], corpus.SPRAY),
        ([logon(i, user=f"u{i % 3}") for i in range(9)], corpus.BRUTE | corpus.SPRAY),
        ([logon(0) | {"repeat": 9}], corpus.BRUTE),
        ([web(i, f"/x{i}", 404) for i in range(8)], corpus.SCAN),
        ([web(i, f"/x{i}", 404) for i in range(8)] + [web(i, "/", 200) for i in range(9)], corpus.UNKNOWN),
        ([web(0, "/.env", 200), web(1, "/.git/config", 200), web(2, "/wp-login.php", 200)], corpus.SCAN),
        ([web(i, "/login", 401, "POST") for i in range(10)], corpus.BRUTE),
        ([web(0, "/"), web(1, "/a"), web(2, "/b"), web(3, "/favicon.ico", 404)], corpus.BENIGN),
        ([web(0, "/.env", 404)], corpus.UNKNOWN),
        ([web(0, "/"), logon(1)], corpus.UNKNOWN),
    ],
)
def test_rules_of_the_labels(events: list[dict[str, object]], bits: int) -> None:
    assert corpus.label(events) == bits


def test_a_session_ends_with_a_long_pause() -> None:
    events = [("a", logon(0)), ("b", logon(1)), ("a", logon(1800)), ("a", logon(3601)), ("b", logon(1900))]
    found = corpus.sessions(events)
    assert [[event["time"] for event in item] for item in found] == [[0, 1800], [1], [3601], [1900]]


@pytest.mark.parametrize("kind", list(made.BEHAVIOURS))
def test_every_behaviour_makes_events_in_order_of_time(kind: str) -> None:
    for behaviour, _ in made.BEHAVIOURS[kind]:
        for seed in range(4):
            run = made.Session(np.random.default_rng(seed))
            behaviour(run)
            times = [float(str(event["time"])) for event in run.events]
            assert times == sorted(times)
            assert times
            assert max(np.diff(times), default=0) < corpus.GAP_SECONDS + 1
            assert {event["kind"] for event in run.events} <= {"logon", "web"}


def test_takeovers_end_with_success_behind_failures() -> None:
    for events in made.made("takeover", 30, np.random.default_rng(1)):
        if events[0]["kind"] == "logon":
            assert corpus.label([{"repeat": None, **event} for event in events]) == corpus.TAKEOVER


def test_the_same_seed_makes_the_same_sessions() -> None:
    assert made.made("benign", 20, np.random.default_rng(5)) == made.made("benign", 20, np.random.default_rng(5))


def test_of_a_takeover_only_the_last_window_trains() -> None:
    events = [logon(i) for i in range(200)] + [logon(201, "success")]
    whole = task.sample([events], [corpus.TAKEOVER], "x", training=False)
    last = task.sample([events], [corpus.TAKEOVER], "x", training=True)
    guessing = task.sample([events[:-1]], [corpus.BRUTE], "x", training=True)
    assert (len(whole.rows), len(last.rows), len(guessing.rows)) == (4, 1, 4)
    np.testing.assert_array_equal(last.rows[0], whole.rows[-1])


def test_forgetting_takes_whole_fields_and_no_event() -> None:
    rows = np.repeat(task.sample([[logon(0), web(1, "/a.css")]], [1], "x").rows, 300, axis=0)
    out = task.forget(rows, np.random.default_rng(2))
    at = {name: place for place, name in enumerate(session.FIELDS)}
    np.testing.assert_array_equal(out[:, :, at["present"]], rows[:, :, at["present"]])
    np.testing.assert_array_equal(out[:, :, at["failure"]], rows[:, :, at["failure"]])
    blind = out[:, 0, at["user new"]] == 0
    assert 15 < blind.sum() < 60
    assert (out[blind, 0, at["user missing"]] == 1).all()
    assert (out[~blind, 0, at["user missing"]] == 0).all()


@pytest.mark.shared
@pytest.mark.parametrize("name", ["elastic_auth.log.gz", "slrbl_access.log.2022-12-22.gz"])
def test_the_query_and_the_corpus_make_the_same_sessions(shared_data: Path, tmp_path: Path, name: str) -> None:
    events = corpus.read_log(shared_data / "hostlogs" / name)
    expected = corpus.sessions(corpus.events_of(events))
    with Store.open(tmp_path / "w.duckdb", StoreSettings(threads=1)) as store:
        state = SourceState("made", source_id=1, records_read=events.num_rows, records_stored=events.num_rows)
        from datetime import UTC, datetime

        append_chunks(store, [Chunk(state, events, REJECTS.empty_table(), 0)], datetime(2026, 1, 1, tzinfo=UTC))
        window = {"first_event_id": 1, "last_event_id": events.num_rows, "part": 0, "parts": 1}
        found = gathered(store.sql(feature_sql("session_events"), window), 1)
    rows = session.ENCODING.encode(found).rows
    wanted = session.ENCODING.encode(session.table(expected)).rows

    def key(windows: Any) -> list[bytes]:
        return sorted(np.ascontiguousarray(window).tobytes() for window in windows)

    assert found.num_rows == len(expected)
    assert key(rows) == key(wanted)


@pytest.mark.shared
def test_labels_of_a_real_log(shared_data: Path) -> None:
    found = corpus.sessions(corpus.events_of(corpus.read_log(shared_data / "hostlogs/elastic_auth.log.gz")))
    bits = [corpus.label(item) for item in found]
    counts = {value: bits.count(value) for value in set(bits)}
    assert counts == {
        corpus.UNKNOWN: 92, corpus.BENIGN: 34, corpus.BRUTE: 7, corpus.BRUTE | corpus.SPRAY: 4, corpus.TAKEOVER: 2,
    }  # fmt: skip
