"""An engine that is asked to stop ends, whatever hangs in it, and says what did."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from soc_tui.core.clock import SystemClock
from soc_tui.core.errors import SocTuiError
from soc_tui.core.settings import Settings
from soc_tui.management import engine as engines
from soc_tui.management.client import Client
from soc_tui.management.engine import Engine
from soc_tui.management.health import Health, Worker
from soc_tui.management.stopping import Stopping
from soc_tui.store.database import Store

FOR_EVER = "SELECT sum(a.range * b.range) AS n FROM range(10000000) a, range(10000000) b"


@pytest.fixture
def hang() -> threading.Event:
    """Waited for by what hangs; set at the end, so that no thread outlives its test."""
    return threading.Event()


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(engines, "_PATIENCE_SECONDS", 0.1)
    return Engine(Settings(workspace=tmp_path / "ws"))


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_STOP_SECONDS", 0.3)
    monkeypatch.setattr(engines, "_CLOSE_SECONDS", 0.3)


def raised_by(act: Callable[[], object]) -> Callable[[], list[BaseException]]:
    """Run something in a thread; the function given back waits for it and tells what it raised."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except SocTuiError as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def wait() -> list[BaseException]:
        thread.join(60)
        assert not thread.is_alive()
        return raised

    return wait


def test_what_hangs_is_named_and_what_ends_is_not(hang: threading.Event, caplog: pytest.LogCaptureFixture) -> None:
    stopping = Stopping(0.1)
    assert stopping.end("the quick one", list)
    assert not stopping.end("the slow one", hang.wait)
    assert stopping.end("the one after it", list)  # a limit that is over leaves the others a moment
    assert stopping.unfinished == ["the slow one"]
    stopping.tell()
    assert "what did not end: the slow one" in caplog.text
    assert "soc-tui-end the slow one" in caplog.text  # and where it is
    hang.set()


def test_what_fails_has_ended(caplog: pytest.LogCaptureFixture) -> None:
    stopping = Stopping(5)
    assert stopping.end("the broken one", lambda: 1 / 0)
    assert stopping.unfinished == []
    assert "ZeroDivisionError" in caplog.text


def test_an_idle_engine_stops_whole(engine: Engine, tmp_path: Path) -> None:
    engine.start([tmp_path])
    assert engine.stop() == []
    assert not any(worker.is_alive() for worker in engine.workers.values())
    Store.open(tmp_path / "ws" / "workspace.duckdb").close()  # let go of


def test_a_step_that_hangs_is_left_behind(
    engine: Engine, hang: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)
    begun = threading.Event()

    def step() -> float:
        begun.set()
        hang.wait()
        return 1.0

    engine.workers["detection"] = Worker(engine.health, "detection", step)
    engine.start()
    assert begun.wait(60)
    assert engine.stop() == ["the step of detection"]
    assert engine.finished.is_set()
    hang.set()
    engine.workers["detection"].join(60)


def test_a_transaction_that_hangs_keeps_only_the_database(
    engine: Engine, hang: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)
    begun = threading.Event()

    def write() -> None:
        with engine.store.transaction():
            begun.set()
            hang.wait()

    holder = threading.Thread(target=write)
    holder.start()
    assert begun.wait(60)
    assert engine.stop() == ["the database"]
    hang.set()
    holder.join(60)


def test_statements_that_run_on_are_interrupted(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    begun = threading.Event()

    def step() -> float:
        begun.set()
        engine.store.sql(FOR_EVER)
        return 1.0

    engine.workers["detection"] = Worker(engine.health, "detection", step)
    engine.start()
    assert begun.wait(60)
    assert engine.stop() == []
    assert "module detection gave its step up" in caplog.text
    assert engine.health.modules["detection"].failures == 0


def test_a_hunt_under_way_is_cancelled(engine: Engine, tmp_path: Path) -> None:
    engine.start()
    client = Client(tmp_path / "ws")
    ended = raised_by(lambda: client.query("hunt", sql=FOR_EVER, hunt_id="h"))
    while not engine._hunts:
        threading.Event().wait(0.01)
    assert engine.stop() == []
    assert len(ended()) == 1
    client.close()


def test_a_call_that_waits_for_an_examination_ends(engine: Engine, tmp_path: Path, hang: threading.Event) -> None:
    """``ingest`` waits until its events are examined; here they never are."""

    def step() -> float:
        hang.wait(0.01)
        return 0.0

    engine.workers["detection"] = Worker(engine.health, "detection", step)
    engine.start()
    (tmp_path / "app.log").write_text("one\ntwo\n")
    client = Client(tmp_path / "ws")
    said = client.stream("ingest", paths=[str(tmp_path / "app.log")])
    while next(said)["progress"]["step"] != "detection":
        pass
    assert engine.stop() == []
    client.close()


def test_a_worker_asked_while_it_begins_a_round_does_not_sleep_through_it() -> None:
    worker = Worker(Health(SystemClock()), "detection", lambda: 3600.0)
    clear = worker._wake.clear

    def asked_just_then() -> None:
        worker.ask()
        clear()

    worker._wake.clear = asked_just_then  # type: ignore[method-assign]
    worker.start()
    worker.join(60)
    assert not worker.is_alive()
