"""Loading, empty and failed: the three states that every pane can be in besides showing something."""

from __future__ import annotations

from textual.timer import Timer
from textual.widget import Widget

from soc_tui.core.errors import SocTuiError

PATIENCE = 0.15
"""Seconds before a pane says that it is loading; a faster answer replaces the old text without a flash."""


class Waiting(Widget):
    """A pane that asks the engine; subclasses show a state with :meth:`say`."""

    _patience: Timer | None = None

    def say(self, title: str, hint: str = "", tone: str = "muted") -> None:
        """Show a state in place of the content: a title and what to do next."""
        raise NotImplementedError

    def wait(self, what: str) -> None:
        """Something was asked: say so if the answer is not there in 150 ms."""
        if self._patience is None and self.is_attached:
            self._patience = self.set_timer(PATIENCE, lambda: self._lose_patience(what))

    def _lose_patience(self, what: str) -> None:
        if self._patience is not None:  # a timer that was stopped may have fired before, and its message come after
            self.say(what)

    def settle(self) -> None:
        """The answer is there."""
        if self._patience is not None:
            self._patience.stop()
            self._patience = None

    def fail(self, error: SocTuiError | None) -> None:
        """Say what went wrong, and what the engine suggests."""
        self.settle()
        if error is not None:
            place = f"{error.location}: " if error.location else ""
            self.say(f"{place}{error.message}", error.remedy, "bad")
