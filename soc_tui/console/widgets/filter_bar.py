"""The filter bar: one small language, checked while it is typed, with a history."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from soc_tui.console.widgets.text import content, joined
from soc_tui.core.errors import FilterError

HISTORY = 50
MAX_LENGTH = 500


class FilterInput(Input):
    """A line with history; never reads markup."""

    HELP_TITLE = "Filter bar"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "recall(-1)", "Earlier filter", show=False),
        Binding("down", "recall(1)", "Later filter", show=False),
        Binding("escape", "give_up", "Leave"),
    ]

    class Left(Message):
        """Escape was pressed."""

    def __init__(self) -> None:
        super().__init__(
            placeholder="severity:>=high src:10.0.0.0/8 -host:web1 \"free text\"",
            max_length=MAX_LENGTH, compact=True, select_on_focus=False,
        )  # fmt: skip
        self.history: list[str] = []
        self._place = 0

    def remember(self, text: str) -> None:
        """Add a filter that was used; the newest is last and none is kept twice."""
        if text:
            older = [old for old in self.history if old != text]
            self.history = [*older[1 - HISTORY :], text]
        self._place = len(self.history)

    def action_recall(self, by: int) -> None:
        """Earlier or later in the history; beyond the newest is an empty line."""
        self._place = max(0, min(self._place + by, len(self.history)))
        self.value = self.history[self._place] if self._place < len(self.history) else ""
        self.cursor_position = len(self.value)

    def action_give_up(self) -> None:
        """Leave without a change."""
        self.post_message(self.Left())


class FilterBar(Vertical):
    """The active filter, and the line that edits it.

    Args:
        table: the table whose fields the filter may name: ``alerts`` or ``events``.
    """

    class Changed(Message):
        """A filter that can be understood was entered."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Closed(Message):
        """The bar gives the focus back."""

    def __init__(self, table: str) -> None:
        super().__init__(id="filter-bar")
        self._table = table
        self._input = FilterInput()
        self._error = Static(markup=False, id="filter-error")
        self._active = Static(markup=False, id="filter-active")
        self.text = ""
        """The active filter."""

    def compose(self) -> ComposeResult:
        """The error and the active filter; the edited line comes with its first use, for the first frame's sake."""
        yield self._error
        yield self._active

    @property
    def editing(self) -> bool:
        """Whether the line is open."""
        return self.has_class("-editing")

    @property
    def error_text(self) -> str:
        """The parse error that is shown, as text."""
        return str(self._error.content) if self._error.display else ""

    async def edit(self) -> None:
        """Open the line with the active filter in it."""
        if not self._input.is_attached:
            await self.mount(self._input, before=0)
        self.add_class("-editing")
        self._input.value = self.text
        self._input.cursor_position = len(self.text)
        self._input.focus()
        self._check(self.text)

    def apply(self, text: str) -> bool:
        """Make a filter the active one; False when it cannot be understood."""
        if not self._check(text):
            return False
        self._input.remember(text)
        self._close()
        if text != self.text:
            self.text = text
            self.post_message(self.Changed(text))
        self._show_active()
        return True

    def clear(self) -> bool:
        """Take the active filter away; False when there was none."""
        return bool(self.text) and self.apply("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._check(event.value)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.apply(event.value.strip())

    @on(FilterInput.Left)
    def _left(self) -> None:
        self._close()

    def _close(self) -> None:
        self.remove_class("-editing")
        self._error.display = False
        self.post_message(self.Closed())

    def _check(self, text: str) -> bool:
        """Show what is wrong with ``text`` before anything is run."""
        from soc_tui.store.filters import parse

        try:
            parse(text, self._table)
        except FilterError as error:
            before = content(text[: error.position], "$text-muted", limit=60)
            wrong = content(text[error.position :] or " ", "underline $text-error", limit=60)
            says = (f"   {error.message}", "$text-error")
            self._error.update(
                joined(before, wrong, says, (f"  {error.remedy}" if error.remedy else "", "$text-muted"))
            )
            self._error.display = True
            return False
        self._error.display = False
        return True

    def _show_active(self) -> None:
        self.set_class(bool(self.text), "-active")
        self._active.update(
            joined((" filter ", "$text-muted"), (self.text, "$text-accent"), ("   esc clears", "$text-muted"))
        )
