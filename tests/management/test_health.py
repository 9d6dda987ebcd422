"""A module that fails is shown, backed off and restarted; the others go on."""

import threading

import pytest

from soc_tui.core.clock import FixedClock
from soc_tui.core.errors import StoreError
from soc_tui.management import health as health_module
from soc_tui.management.health import MODULES, Health, Worker


def test_the_seven_modules_of_the_paper() -> None:
    health = Health(FixedClock())
    assert list(health.modules) == [name for name, _ in MODULES]
    assert len(MODULES) == 7


def test_activity_keeps_time_and_error() -> None:
    clock = FixedClock()
    health = Health(clock)
    with health.activity("detection"):
        assert health.modules["detection"].state == "running"
    assert (health.modules["detection"].state, health.modules["detection"].last_activity) == ("idle", clock.now())
    with pytest.raises(StoreError), health.activity("detection"):
        raise StoreError("full", remedy="free")
    module = health.modules["detection"]
    assert (module.state, module.last_error, module.failures) == ("failed", "full (free)", 1)
    assert health.error("detection").message == "full"


def test_a_failing_worker_is_restarted_with_back_off_and_the_other_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_module, "BACKOFF_FIRST", 0.001)
    health = Health(FixedClock())
    healed, other = threading.Event(), threading.Event()
    tries: list[int] = []

    def failing() -> float:
        tries.append(1)
        with health.activity("analysis"):
            if len(tries) < 4:
                raise ValueError("model missing")
        healed.set()
        return 60.0

    def working() -> float:
        other.set()
        return 60.0

    workers = [Worker(health, "analysis", failing), Worker(health, "detection", working)]
    for worker in workers:
        worker.start()
    assert healed.wait(10)
    assert other.wait(10)
    for worker in workers:
        worker.stop()
    assert not any(worker.is_alive() for worker in workers)
    module = health.modules["analysis"]
    assert (module.failures, module.last_error) == (3, "ValueError: model missing")
    assert module.state == "stopped"


def test_a_wake_ends_the_wait_and_a_stop_ends_the_loop() -> None:
    health, steps, seen = Health(FixedClock()), [], threading.Semaphore(0)

    def step() -> float:
        steps.append(1)
        seen.release()
        return 600.0

    worker = Worker(health, "detection", step)
    worker.start()
    assert seen.acquire(timeout=10)
    worker.wake()
    assert seen.acquire(timeout=10)
    worker.stop()
    assert not worker.is_alive()
    assert len(steps) == 2
