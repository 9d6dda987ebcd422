"""The connection to the engine: first contact, heart beat, and coming back after a loss."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from soc_tui.console.loading import Loader, Reply, as_error, in_thread
from soc_tui.core.errors import SocTuiError

if TYPE_CHECKING:
    from textual.app import App

    from soc_tui.console.link import Link

BACK_OFF = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between attempts to reconnect; the last one repeats."""
LOST_AFTER = len(BACK_OFF)
"""Failed attempts after which the engine counts as lost (it is still tried)."""
SILENT_SECONDS = 5.0
"""A heart beat that takes longer shows as a silent engine."""
HUNG_SECONDS = 30.0
"""A heart beat that takes longer means a dead connection: it is given up and made anew."""


class EngineState(Enum):
    """How the engine is reached; the value is the word that the status line shows."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    SILENT = "not answering"
    RECONNECTING = "reconnecting"
    LOST = "lost"


@dataclass(frozen=True)
class Pulse:
    """The engine's heart beat: what changes often, in one small answer."""

    revision: int = -1
    events: int = 0
    alerts: int = 0
    alerts_open: int = 0
    alerts_suppressed: int = 0
    by_severity: dict[str, int] = field(default_factory=dict)
    incidents: int = 0
    lag_bytes: int = 0
    demo: bool = False
    workspace: str = ""

    @classmethod
    def read(cls, answer: dict[str, Any]) -> Pulse:
        """A pulse from the engine's answer; missing fields keep their defaults."""
        known = {name: answer[name] for name in cls.__dataclass_fields__ if answer.get(name) is not None}
        return cls(**known)


class Connection:
    """Keeps one link to the engine alive.

    Args:
        app: the app whose event loop this lives in.
        loader: gets the link when there is one.
        connect: makes a link; blocks, may raise.
        changed: called in the event loop when state or pulse changed.
    """

    def __init__(
        self, app: App[None], loader: Loader, connect: Callable[[], Link], changed: Callable[[Connection], None]
    ) -> None:
        self._app = app
        self._loader = loader
        self._connect = connect
        self._changed = changed
        self._attempt = 0
        self._asked_at: float | None = None
        self._generation = 0
        self.state = EngineState.CONNECTING
        self.pulse = Pulse()
        self.error: SocTuiError | None = None
        """Why there is no connection."""
        self.retry_at: float | None = None
        """When the next attempt is made, in monotonic seconds."""

    def start(self) -> None:
        """Make the first contact, in a thread; call after the first frame."""
        self._try()

    def retry_now(self) -> None:
        """Try at once instead of waiting for the back-off."""
        if self.retry_at is not None:
            self.retry_at = None
            self._try()

    def beat(self) -> None:
        """Ask for the pulse, unless an answer is still awaited; called every refresh interval."""
        now = time.monotonic()
        if self.retry_at is not None and now >= self.retry_at:
            self.retry_at = None
            self._try()
            return
        if self._asked_at is not None:
            if now - self._asked_at > HUNG_SECONDS:
                self._lose(SocTuiError("the engine does not answer", remedy="it is asked again on a new connection"))
            elif now - self._asked_at > SILENT_SECONDS and self.state is EngineState.CONNECTED:
                self._enter(EngineState.SILENT)
            return
        if self._loader.connected:
            self._asked_at = now
            self._loader.ask(self._app, "pulse", lambda link: Pulse.read(link.command("pulse")), self._on_pulse)
        elif self.state in {EngineState.RECONNECTING, EngineState.LOST}:
            self._changed(self)  # the seconds to the next attempt count down

    def _on_pulse(self, reply: Reply[Pulse]) -> None:
        self._asked_at = None
        if reply.value is None:
            self._lose(reply.error)
            return
        news = reply.value != self.pulse or self.state is not EngineState.CONNECTED
        self.pulse = reply.value
        if news:
            self._enter(EngineState.CONNECTED)

    def _enter(self, state: EngineState) -> None:
        self.state = state
        self._changed(self)

    def _lose(self, error: SocTuiError | None) -> None:
        self.error = error
        self._asked_at = None
        self._loader.detach()
        self._plan_retry()

    def _plan_retry(self) -> None:
        delay = BACK_OFF[min(self._attempt, len(BACK_OFF) - 1)]
        self._attempt += 1
        self.retry_at = time.monotonic() + delay
        self._enter(EngineState.LOST if self._attempt > LOST_AFTER else EngineState.RECONNECTING)

    def _try(self) -> None:
        self._generation += 1
        generation, loop = self._generation, asyncio.get_running_loop()

        def run() -> None:
            link, error = None, None
            try:
                link = self._connect()
            except Exception as raised:
                error = as_error(raised)
            with contextlib.suppress(RuntimeError):  # the console left while the engine was being reached
                loop.call_soon_threadsafe(self._arrived, generation, link, error)

        in_thread(run, "soc-tui-connect")

    def _arrived(self, generation: int, link: Link | None, error: SocTuiError | None) -> None:
        if generation != self._generation or not self._app.is_running:
            if link is not None:
                in_thread(link.close, "soc-tui-close")
            return
        if link is None:
            self.error = error
            self._plan_retry()
            return
        self._attempt, self.error = 0, None
        self._loader.attach(link)
        self.beat()


def ssh_connection() -> str:
    """The analyst's own SSH session as sshd describes it, which a guard must never cut; empty without SSH."""
    return os.environ.get("SSH_CONNECTION", "")
