"""Health of the seven modules, and workers that are restarted with back-off when they fail.

The paper's management centre is "responsible for the system management, connection and call of each module"; this is
its system management. A module that fails says so in ``status`` and is tried again; the others go on.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from soc_tui.core.clock import Clock
from soc_tui.core.errors import EngineError, SocTuiError

log = logging.getLogger(__name__)

MODULES: tuple[tuple[str, str], ...] = (
    ("management", "management centre"),
    ("knowledge", "knowledge database"),
    ("acquisition", "data acquisition"),
    ("detection", "risk detection tools"),
    ("analysis", "risk analysis and processing"),
    ("protection", "data protection"),
    ("remote", "remote connection auxiliary"),
)
"""The paper's modules: our name and its name."""

BACKOFF_FIRST, BACKOFF_MOST = 0.5, 60.0


@dataclass
class ModuleHealth:
    """What ``status`` shows of one module."""

    name: str
    title: str
    state: str = "idle"
    """off, idle, running, failed (waiting to be restarted) or stopped."""
    last_activity: datetime | None = None
    lag: str = ""
    """How far it is behind, in words: bytes not read, events not examined."""
    last_error: str = ""
    failures: int = 0
    """How often it failed and was restarted since the engine started."""
    detail: str = ""
    notes: dict[str, str] = field(default_factory=dict)
    """What the parts of a module that work beside its main loop say, by part; shown after the detail."""

    @property
    def shown(self) -> str:
        """The detail with the notes."""
        return "; ".join(text for text in (self.detail, *self.notes.values()) if text)


@dataclass
class Health:
    """The modules' health; safe from any thread."""

    clock: Clock
    modules: dict[str, ModuleHealth] = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _counted: dict[str, BaseException] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.modules = {name: ModuleHealth(name, title) for name, title in MODULES}

    def update(self, name: str, *, state: str = "", lag: str | None = None, detail: str | None = None) -> None:
        """Change what is known of a module without counting it as activity."""
        with self._lock:
            module = self.modules[name]
            module.state = state or module.state
            module.lag = module.lag if lag is None else lag
            module.detail = module.detail if detail is None else detail

    def note(self, name: str, part: str, text: str) -> None:
        """Say something of a part of a module; empty when there is nothing to say."""
        with self._lock:
            self.modules[name].notes[part] = text

    def touch(self, name: str) -> None:
        """Note that a module has just done something that takes no time worth showing."""
        with self._lock:
            self.modules[name].last_activity = self.clock.now()

    @contextmanager
    def activity(self, name: str) -> Iterator[None]:
        """Mark a module as running inside the block and keep the error that leaves it."""
        module = self.modules[name]
        with self._lock:
            module.state = "running"
        try:
            yield
        except Exception as error:
            self.failed(name, error)
            raise
        with self._lock:
            module.state, module.last_activity = "idle", self.clock.now()

    def error(self, name: str) -> SocTuiError:
        """The last error of a module, as one of ours."""
        error = self._counted.get(name)
        return error if isinstance(error, SocTuiError) else EngineError(self.modules[name].last_error)

    def failed(self, name: str, error: BaseException) -> None:
        """Keep a module's error; the same exception is counted once however far it travels."""
        with self._lock:
            module = self.modules[name]
            module.state, module.last_activity = "failed", self.clock.now()
            if self._counted.get(name) is not error:
                self._counted[name] = error
                module.last_error = _text(error)
                module.failures += 1


def _text(error: BaseException) -> str:
    return str(error) if isinstance(error, SocTuiError) else f"{type(error).__name__}: {error}"


class Worker(threading.Thread):
    """A module's own loop: steps until stopped, backs off and restarts when a step fails.

    Args:
        health: where its state is shown.
        module: its name in :data:`MODULES`.
        step: does one round of work and returns the seconds to wait before the next; 0 means at once.
        nice: how far it stands back when cores are short, as in nice(1).
    """

    def __init__(self, health: Health, module: str, step: Callable[[], float], nice: int = 0) -> None:
        super().__init__(name=f"soc-tui-{module}", daemon=True)
        self._nice = nice
        self._health, self._module, self._step = health, module, step
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self.failures = 0
        """Failures in a row."""

    def wake(self) -> None:
        """End the present wait."""
        self._wake.set()

    def ask(self) -> None:
        """Ask the loop to end after its present step."""
        self._stopping.set()
        self._wake.set()

    def stop(self, timeout: float = 10.0) -> None:
        """Ask the loop to end and wait for it."""
        self.ask()
        if self.is_alive():
            self.join(timeout)

    @property
    def stopping(self) -> bool:
        """True once :meth:`stop` was called; long steps look at it."""
        return self._stopping.is_set()

    def run(self) -> None:
        """Loop until stopped."""
        with contextlib.suppress(OSError):  # on Linux this is the priority of one thread
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._nice)
        while not self._stopping.is_set():
            self._wake.clear()
            if self._stopping.is_set():  # asked between the two lines above: that wake would be lost
                break
            try:
                wait = self._step()
                self.failures = 0
            except Exception as error:
                if self._stopping.is_set():  # its query was interrupted, very likely
                    log.info("module %s gave its step up: %s", self._module, _text(error))
                    break
                self.failures += 1
                wait = min(BACKOFF_FIRST * 2 ** (self.failures - 1), BACKOFF_MOST)
                log.exception("module %s failed, next try in %.1f s", self._module, wait)
                self._health.failed(self._module, error)
                self._stopping.wait(wait)
                continue
            if wait > 0:
                self._wake.wait(wait)
        self._health.update(self._module, state="stopped")
