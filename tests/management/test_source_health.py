"""Followed logs that fall silent, vanish, are cut, change or turn unreadable: raised once, closed, opened again."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from soc_tui.core.clock import FixedClock
from soc_tui.core.settings import AcquisitionSettings
from soc_tui.knowledge.library import Library
from soc_tui.management.follow import Follower
from soc_tui.management.health import Health
from soc_tui.management.intake import Intake
from soc_tui.management.source_health import SourceHealth
from soc_tui.store.casework import alerts_for_extraction
from soc_tui.store.database import Store

LINE = "Jan  1 00:00:01 web1 sshd[{}]: Failed password for root from 203.0.113.9 port 4 ssh2\n"
SETTINGS = AcquisitionSettings(silent_minutes=10, silent_factor=3, gone_seconds=60)


class Desk:
    """A store, its intake and the watch over its sources, moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.logs, self.clock, self.written = folder / "logs", FixedClock(), 0
        self.logs.mkdir(exist_ok=True)
        self.path = folder / "workspace" / "w.duckdb"
        self.changes = 0
        self.start()

    def start(self) -> None:
        self.store = Store.open(self.path)
        self.intake = Intake(self.store, SETTINGS, self.clock, lambda: None)
        self.follower = Follower(self.intake, SETTINGS, self.clock, Health(self.clock))
        self.follower.watched.append(self.logs)
        self.health = SourceHealth(
            self.store, SETTINGS, self.clock, self.intake, self.follower, Library(), self._changed
        )

    def restart(self) -> None:
        self.health.save()
        self.store.close()
        self.start()

    def _changed(self) -> None:
        self.changes += 1

    def write(self, name: str = "auth.log", text: str = "", lines: int = 1) -> Path:
        path = self.logs / name
        with path.open("a") as file:
            for _ in range(lines):
                self.written += 1
                file.write(text or LINE.format(self.written))
        self.read(path)
        return path

    def read(self, path: Path) -> None:
        self.follower._read([path])
        self.intake.flush()

    def wait(self, seconds: float) -> list[tuple[str, str, int]]:
        self.clock.advance(seconds)
        self.health.check()
        return self.alerts()

    def alerts(self) -> list[tuple[str, str, int]]:
        rows = self.store.sql("SELECT * FROM alerts ORDER BY alert_id").to_pylist()
        return [(row["title"].replace(str(self.logs), "LOGS"), row["state"], row["finding_count"]) for row in rows]

    def steady(self, name: str = "auth.log", gap: float = 30.0) -> Path:
        for _ in range(25):
            path = self.write(name)
            assert self.wait(gap) == [] or gap > 500
        return path


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


def test_silence_of_a_steady_log(desk: Desk) -> None:
    desk.steady()
    assert desk.wait(560) == []
    silent = "Log source silent: LOGS/auth.log"
    assert desk.wait(20) == [(silent, "open", 1)]
    assert desk.wait(5000) == [(silent, "open", 1)]
    desk.write()
    assert desk.wait(5) == [(silent, "closed", 1)]
    row: dict[str, Any] = desk.store.sql("SELECT * FROM alerts").to_pylist()[0]
    assert (row["detector"], row["risk_type"], row["severity"]) == ("source-health", "health", "medium")
    assert (row["src_ip"], row["host"], row["user_name"], row["incident_id"]) == (None, None, None, None)
    assert (row["techniques"], row["knowledge_id"]) == (["T1562.001"], "K-0021")
    assert row["target"] == str(desk.logs / "auth.log")
    assert json.loads(row["explanation"])[0]["value"].startswith(
        "nothing new for 10 min; its longest usual pause is 30 s"
    )


def test_it_is_opened_again_when_it_fails_again(desk: Desk) -> None:
    desk.steady()
    desk.wait(700)
    desk.write()
    desk.wait(5)
    assert desk.changes == 2
    assert desk.wait(3000) == [("Log source silent: LOGS/auth.log", "open", 2)]
    with desk.store.transaction() as tx:
        tx.execute("UPDATE alerts SET state = 'false-positive'")
    desk.write()
    desk.wait(5)
    assert desk.wait(20000)[0][1:] == ("false-positive", 3)


def test_the_usual_pause_of_a_slow_log_counts(desk: Desk) -> None:
    """One that writes every 15 minutes is silent after 45, not after 10."""
    desk.steady(gap=900)
    assert desk.wait(1700) == []
    assert desk.wait(200)[0][0].startswith("Log source silent")


def test_few_arrivals_prove_no_pace(desk: Desk) -> None:
    for _ in range(19):
        desk.write()
        desk.wait(5)
    assert desk.wait(10**6) == []


def test_the_pace_survives_a_restart_and_a_rotation_but_no_downtime_counts(desk: Desk) -> None:
    path = desk.steady()
    path.rename(desk.logs / "auth.log.1")
    desk.write()
    desk.wait(5)
    desk.clock.advance(10**5)
    desk.restart()
    assert desk.intake.meter.measure(desk.intake.states())[-1].last_event_time is not None
    assert desk.wait(590) == []
    assert [title for title, _, _ in desk.wait(20)] == ["Log source silent: LOGS/auth.log"]
    desk.restart()  # still silent: neither closed for want of knowledge nor raised twice
    assert desk.wait(5) == [("Log source silent: LOGS/auth.log", "open", 1)]
    desk.write()
    assert desk.wait(5)[0][1] == "closed"


def test_a_log_that_vanishes(desk: Desk) -> None:
    path = desk.write()
    desk.write("other.log")
    desk.wait(5)
    path.unlink()
    assert desk.wait(5) == []
    assert desk.wait(50) == []
    gone = "Log source gone: LOGS/auth.log"
    assert desk.wait(10) == [(gone, "open", 1)]
    desk.write()
    assert desk.wait(5) == [(gone, "closed", 1)]
    assert desk.store.sql("SELECT knowledge_id, techniques FROM alerts").to_pylist() == [
        {"knowledge_id": "K-0022", "techniques": ["T1070.002"]}
    ]


def test_a_rotation_is_no_loss(desk: Desk) -> None:
    for turn in range(4):
        path = desk.write(lines=30)
        desk.wait(5)
        for old in (2, 1):
            if (desk.logs / f"auth.log.{old}").exists():
                (desk.logs / f"auth.log.{old}").replace(desk.logs / f"auth.log.{old + 1}")
        if turn % 2:
            path.rename(desk.logs / "auth.log.1")
        else:
            (desk.logs / "auth.log.1").write_bytes(path.read_bytes())
            os.truncate(path, 0)
        desk.write()
        assert desk.wait(600) == []
    (desk.logs / "auth.log.3").unlink()
    (desk.logs / "app-2026-01-01.log").write_text(LINE)
    desk.read(desk.logs / "app-2026-01-01.log")
    (desk.logs / "app-2026-01-01.log").unlink()
    desk.wait(5)
    assert desk.wait(600) == []


def test_a_directory_that_loses_all_its_logs_is_one_alert(desk: Desk) -> None:
    for name in ("a.log", "b.log", "c.log"):
        desk.write(name)
    desk.wait(5)
    for name in ("a.log", "b.log", "c.log"):
        (desk.logs / name).rename(desk.logs.parent / name)
    desk.wait(5)
    assert desk.wait(60) == [("Log source gone: LOGS", "open", 1)]
    (desk.logs.parent / "b.log").rename(desk.logs / "b.log")
    (desk.logs.parent / "a.log").rename(desk.logs / "a.log")
    found = desk.wait(5)
    assert found[0] == ("Log source gone: LOGS", "closed", 1)


def test_a_log_that_is_cut_in_place(desk: Desk) -> None:
    path = desk.write(lines=50)
    desk.wait(5)
    os.truncate(path, 0)
    desk.write(text="Jan  1 00:00:09 web1 sshd[9]: something else entirely here\n")
    cut = "Log source truncated: LOGS/auth.log"
    assert desk.wait(5) == [(cut, "open", 1)]
    desk.write()
    assert desk.wait(5000) == [(cut, "open", 1)]
    assert desk.store.sql("SELECT knowledge_id FROM alerts").to_pylist() == [{"knowledge_id": "K-0023"}]
    with desk.store.transaction() as tx:
        tx.execute("UPDATE alerts SET state = 'closed'")
    desk.restart()
    assert desk.wait(5) == [(cut, "closed", 1)]


def test_a_log_whose_records_can_no_longer_be_read(desk: Desk) -> None:
    access = '203.0.113.5 - - [17/May/2026:10:05:03 +0000] "GET /a HTTP/1.1" 200 5 "-" "x"\n'
    desk.write("access.log", access, lines=100)
    assert desk.wait(5) == []
    desk.write("access.log", "ts=1 level=info what=ever\n", lines=60)
    assert desk.wait(5) == []
    desk.write("access.log", "ts=1 level=info what=ever\n", lines=200)
    changed = "Log source changed format: LOGS/access.log"
    assert desk.wait(5) == [(changed, "open", 1)]
    desk.write("access.log", access, lines=300)
    assert desk.wait(70) == [(changed, "closed", 1)]


def test_new_lines_that_certainly_are_of_another_format(desk: Desk) -> None:
    desk.write("app.log", LINE.format(1), lines=100)
    desk.wait(100)
    eve = '{"timestamp":"2026-05-17T10:05:03.000000+0000","flow_id":1,"event_type":"dns","src_ip":"10.0.0.1"}\n'
    desk.write("app.log", eve, lines=300)
    assert [title for title, _, _ in desk.wait(100)] == ["Log source changed format: LOGS/app.log"]


def test_a_log_that_may_no_longer_be_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root reads everything, so the refusal is made; what was never readable is no change."""
    path = desk.write()
    desk.wait(5)
    text = f"{path}: may not be read: permission denied (run as another user)"
    desk.follower.unreadable = {str(path): text, str(desk.logs / "btmp"): text}
    monkeypatch.setattr("soc_tui.management.source_health._readable", lambda _: False)
    denied = "Log source unreadable: LOGS/auth.log"
    assert desk.wait(5) == [(denied, "open", 1)]
    desk.follower.unreadable = {}
    assert desk.wait(5) == [(denied, "open", 1)]  # nobody has looked yet
    monkeypatch.undo()
    assert desk.wait(5) == [(denied, "closed", 1)]


def test_health_alerts_are_no_part_of_any_incident(desk: Desk) -> None:
    path = desk.write()
    desk.wait(5)
    path.unlink()
    desk.wait(5)
    desk.wait(100)
    keys = desk.store.sql("SELECT alert_key FROM alerts").column(0).to_pylist()
    assert len(keys) == 1
    with desk.store.transaction() as tx:
        assert alerts_for_extraction(tx, keys).num_rows == 0


def test_what_was_ingested_once_is_not_followed(desk: Desk, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere.log"
    other.write_text(LINE)
    desk.read(other)
    desk.wait(5)
    other.unlink()
    desk.wait(5)
    assert desk.wait(1000) == []
