"""Questions to the engine, off the event loop.

Textual's thread workers run in asyncio's default executor, which a process waits for when it leaves: one hanging
query would hold the terminal (Textualize/textual#3966). So every question runs in a daemon thread of its own, in a
named *lane* with at most one running and one waiting question; a newer question replaces the waiting one, and an
answer that was replaced, or whose widget has gone, is dropped. Holding ``j`` down in a table therefore costs the
engine at most one query per lane at a time, and quitting never waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from soc_tui.core.errors import SocTuiError

if TYPE_CHECKING:
    from textual.message_pump import MessagePump

    from soc_tui.console.link import Link

T = TypeVar("T")


@dataclass(frozen=True)
class Reply(Generic[T]):
    """What became of a question: a value or an error."""

    value: T | None
    error: SocTuiError | None
    seconds: float
    """How long the engine took."""


@dataclass
class _Job:
    owner: MessagePump
    work: Callable[[Link], Any]
    then: Callable[[Reply[Any]], None]
    topic: object


@dataclass
class _Lane:
    running: _Job | None = None
    waiting: _Job | None = None


class Loader:
    """Carries questions to the engine and answers to widgets.

    All methods are called from the event loop's thread.
    """

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._link: Link | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = threading.Event()

    @property
    def connected(self) -> bool:
        """Whether questions can be asked."""
        return self._link is not None

    @property
    def idle(self) -> bool:
        """Whether every question has been answered."""
        return not any(lane.running for lane in self._lanes.values())

    def attach(self, link: Link) -> None:
        """Send questions to ``link`` from now on; those that hang on an older one are given up."""
        self.detach()
        self._loop = asyncio.get_running_loop()
        self._link = link

    def detach(self) -> None:
        """Forget the link and every question under way; the link is closed in a thread, for that may block."""
        self._lanes = {}
        if self._link is not None:
            in_thread(_closer(self._link), "soc-tui-close")
            self._link = None

    def close(self) -> None:
        """Deliver nothing any more."""
        self._closed.set()
        self.detach()

    def ask(
        self,
        owner: MessagePump,
        lane: str,
        work: Callable[[Link], T],
        then: Callable[[Reply[T]], None],
        *,
        topic: object = None,
    ) -> bool:
        """Run ``work`` in a thread and ``then`` with its answer in the owner's message pump.

        Args:
            owner: the widget, screen or app that wants the answer; when it has gone, the answer is dropped.
            lane: questions of one lane replace one another.
            work: blocks, touches no widget.
            then: gets the reply; errors other than :class:`SocTuiError` arrive wrapped in one.
            topic: what the question is about. An answer is dropped when a question about something else waits;
                one about the same is delivered, or a list refreshed faster than it loads would never show.

        Returns:
            False when there is no connection: nothing was asked.
        """
        if self._link is None or self._closed.is_set():
            return False
        job = _Job(owner, work, then, topic)
        place = self._lanes.setdefault(lane, _Lane())
        if place.running is None:
            self._start(place, job, self._link)
        else:
            place.waiting = job
        return True

    def _start(self, lane: _Lane, job: _Job, link: Link) -> None:
        lane.running = job
        loop = self._loop

        def run() -> None:
            reply = _answer(job.work, link)
            if self._closed.is_set() or loop is None:
                return
            with contextlib.suppress(RuntimeError):  # the loop closed between the test above and this call
                loop.call_soon_threadsafe(self._finish, lane, job, link, reply)

        in_thread(run, "soc-tui-question")

    def _finish(self, lane: _Lane, job: _Job, link: Link, reply: Reply[Any]) -> None:
        if lane not in self._lanes.values() or self._closed.is_set():
            return  # the connection it was asked on has been given up
        newer, lane.running, lane.waiting = lane.waiting, None, None
        if newer is not None:
            self._start(lane, newer, link)
        if (newer is None or newer.topic == job.topic) and job.owner.is_running:
            job.owner.call_later(job.then, reply)


def in_thread(work: Callable[[], None], name: str) -> None:
    """Run ``work`` in a daemon thread, which never keeps the process alive."""
    threading.Thread(target=work, name=name, daemon=True).start()


def as_error(error: Exception) -> SocTuiError:
    """Any exception as one that can be shown."""
    if isinstance(error, SocTuiError):
        return error
    return SocTuiError(f"{type(error).__name__}: {error}", remedy="see the engine's log; the console goes on")


def _answer(work: Callable[[Link], T], link: Link) -> Reply[T]:
    start = time.monotonic()
    try:
        return Reply(work(link), None, time.monotonic() - start)
    except Exception as error:
        return Reply(None, as_error(error), time.monotonic() - start)


def _closer(link: Link) -> Callable[[], None]:
    def close() -> None:
        with contextlib.suppress(OSError, SocTuiError):
            link.close()

    return close
