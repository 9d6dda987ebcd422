"""The console against the far end of a wire."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

sys.path.insert(0, str(Path(__file__).parent))

from console_wire import Wire

from soc_tui.console.app import ConsoleApp
from soc_tui.console.widgets.glyphs import glyphs

Run = Callable[..., AbstractAsyncContextManager[tuple[ConsoleApp, Pilot[None]]]]
Until = Callable[[Pilot[None], Callable[[], object]], Awaitable[None]]


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal with Unicode, whatever the tests run in."""
    monkeypatch.setenv("TERM", "xterm-256color")
    glyphs.cache_clear()


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def until() -> Until:
    """Let the app work until something holds; fails after ten seconds."""

    async def wait(pilot: Pilot[None], holds: Callable[[], object]) -> None:
        for _ in range(1000):
            if holds():
                await pilot.pause(0.01)
                return
            await pilot.pause(0.01)
        raise AssertionError(f"never held: {holds}")

    return wait


@pytest.fixture
def run(until: Until) -> Run:
    """Run the console on a wire and wait for its first alerts."""

    @asynccontextmanager
    async def start(
        wire: Wire, *, size: tuple[int, int] = (120, 35), wait: bool = True, refresh: float = 0.15
    ) -> AsyncIterator[tuple[ConsoleApp, Pilot[None]]]:
        app = ConsoleApp(lambda: wire, title="sensor-1", refresh_seconds=refresh)
        async with app.run_test(size=size, notifications=True, tooltips=True) as pilot:
            if wait:
                await until(pilot, lambda: app.main.alerts.row_count() and app.main.clues.row_count())
                await until(pilot, lambda: "@10,000" in app.main.detail.plain and app.main.knowledge.plain)
            yield app, pilot

    return start


def pytest_configure() -> None:
    os.environ.pop("NO_COLOR", None)
