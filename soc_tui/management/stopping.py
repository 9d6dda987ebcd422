"""Ending within a limit: whatever hangs, an engine that was asked to stop is gone in time and says what hung.

A step that is cut off loses nothing: events commit together with the offset they were read up to, and findings with
their checkpoint, so that the next engine does again what this one did not finish.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable

log = logging.getLogger(__name__)


class Stopping:
    """One stop under way.

    Args:
        seconds: until when everything should have ended; :meth:`extend` grants more.
    """

    def __init__(self, seconds: float) -> None:
        self._began = time.monotonic()
        self._deadline = self._began + seconds
        self.unfinished: list[str] = []
        """What has not ended in time, in words."""

    def left(self) -> float:
        """Seconds until the limit; never below a moment, in which what has nothing to wait for still ends."""
        return max(self._deadline - time.monotonic(), 0.1)

    def extend(self, seconds: float) -> None:
        """Set the limit so many seconds from now."""
        self._deadline = time.monotonic() + seconds

    def end(self, what: str, act: Callable[[], object]) -> bool:
        """Run something that may wait for ever in a thread of its own; true when it returned in time."""
        thread = threading.Thread(target=_guarded, args=(what, act), name=f"soc-tui-end {what}", daemon=True)
        thread.start()
        return self.join(what, thread)

    def join(self, what: str, thread: threading.Thread) -> bool:
        """Wait for a thread; true when it ended in time. One that never began has ended."""
        if thread.ident is not None:
            thread.join(self.left())
        if thread.is_alive():
            self.unfinished.append(what)
            log.error("%s has not ended %.1f s after the stop", what, time.monotonic() - self._began)
            return False
        return True

    def tell(self) -> None:
        """Write to the log where the threads that have not ended are."""
        if self.unfinished:
            log.error("what did not end: %s\n%s", "; ".join(self.unfinished), "\n".join(stacks()))


def stacks() -> Iterable[str]:
    """Where every other thread is at this moment."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        if ident != threading.get_ident():
            yield f"thread {names.get(ident, ident)}:\n{''.join(traceback.format_stack(frame))}"


def _guarded(what: str, act: Callable[[], object]) -> None:
    try:
        act()
    except Exception:
        log.exception("%s failed while stopping", what)
