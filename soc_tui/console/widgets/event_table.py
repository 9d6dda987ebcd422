"""Events: pages of an append-only list, found again by event_id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.binding import Binding
from textual.message import Message

from soc_tui.console.link import Rows
from soc_tui.console.widgets.alert_table import severity_of
from soc_tui.console.widgets.columns import Column, fit
from soc_tui.console.widgets.glyphs import ascii_only, glyphs
from soc_tui.console.widgets.row_list import Part, RowList
from soc_tui.console.widgets.text import count, cut, when
from soc_tui.core.errors import SocTuiError
from soc_tui.core.severity import Severity
from soc_tui.core.text import safe

PAGE = 400
KEEP = 12
"""Pages held in memory; others are asked for again by the event_id that they start below."""

COLUMNS = (
    Column("time", "time", 19, 0),
    Column("severity", "", 1, 2),
    Column("log", "log", 14, 3),
    Column("src_ip", "from", 15, 5),
    Column("goal", "to", 18, 4),
    Column("user_name", "user", 10, 1),
    Column("message", "what", 24, 0, flex=True),
)


class EventTable(RowList):
    """Events, newest first.

    Event numbers are dense and never reused, so a page that starts below a number is the same page for ever, whatever
    arrives above it. Pages scrolled away from are dropped and asked for again, so memory stays bounded.
    """

    HELP_TITLE = "Event list"
    BINDINGS = [Binding("enter", "choose", "Details", show=False)]  # noqa: RUF012  (Textual's declaration)
    HEADER = 1

    class PageNeeded(Message):
        """A page that is not loaded came into view."""

        def __init__(self, page: int, before_id: int | None) -> None:
            super().__init__()
            self.page = page
            self.before_id = before_id

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._starts: list[int | None] = [None]
        self._pages: dict[int, Rows] = {}
        self._sizes: dict[int, int] = {}
        self._complete = False
        self._asked: set[int] = set()

    @property
    def count_line(self) -> str:
        """``12 of 400+``: the cursor's row and how many rows are known."""
        total = self.row_count()
        return f"{count(self.cursor + 1)} of {count(total)}{'' if self._complete else '+'}" if total else "0"

    @property
    def newest_id(self) -> int | None:
        """The event in the first row."""
        first = self._pages.get(0)
        return first.get(0, "event_id") if first is not None and len(first) else None

    def selected(self) -> Mapping[str, Any] | None:
        """The event under the cursor, or None when it is not loaded."""
        page, index = divmod(self.cursor, PAGE)
        rows = self._pages.get(page)
        return rows.row(index) if rows is not None and index < len(rows) else None

    def restart(self) -> None:
        """Begin anew at the newest event."""
        self._starts, self._pages, self._sizes, self._complete, self.cursor = [None], {}, {}, False, 0
        self._asked = {0}
        self.scroll_to(y=0, animate=False)
        self.rows_changed()
        self.post_message(self.PageNeeded(0, None))

    def set_page(self, page: int, before_id: int | None, rows: Rows) -> None:
        """Take a page; one that was asked for before a restart is not wanted any more."""
        if page >= len(self._starts) or self._starts[page] != before_id:
            return
        self.settle()
        self._asked.discard(page)
        self._pages[page], self._sizes[page] = rows, len(rows)
        if page == len(self._starts) - 1:
            self._complete = len(rows) < PAGE
            if not self._complete:
                self._starts.append(rows.get(len(rows) - 1, "event_id"))
        for far in sorted(self._pages, key=lambda p: abs(p - page))[KEEP:]:
            del self._pages[far]
        self.rows_changed()
        self.post_message(self.Moved(self))
        self.view_changed()

    def fail(self, error: SocTuiError | None) -> None:
        """Say what went wrong; what was asked may be asked again."""
        self._asked.clear()
        super().fail(error)

    def row_count(self) -> int:
        """Rows known so far."""
        return sum(self._sizes.values())

    def view_changed(self) -> None:
        """Load the page on the screen, and the next one before its end is reached."""
        first, last = self.first_visible // PAGE, (self.first_visible + 2 * self.visible_rows) // PAGE
        for page in range(first, min(last, len(self._starts) - 1) + 1):
            if page not in self._pages and page not in self._asked:
                self._asked.add(page)
                self.post_message(self.PageNeeded(page, self._starts[page]))
                return

    def header(self, width: int) -> Sequence[Part]:
        """Column titles."""
        parts: list[Part] = [("  ", "")]
        for column, cells in fit(COLUMNS, width - 3):
            parts += [(cut(column.title, cells), ""), (" ", "")]
        return parts

    def draw(self, row: int, width: int) -> Sequence[Part]:
        """One event."""
        marks = glyphs()
        here = (marks.cursor, "accent") if row == self.cursor else (" ", "")
        page, index = divmod(row, PAGE)
        rows = self._pages.get(page)
        if rows is None or index >= len(rows):
            return [here, (f" {marks.more}", "muted")]
        parts: list[Part] = [here, (" ", "")]
        for column, cells in fit(COLUMNS, width - 3):
            parts += [_cell(rows, index, column, cells), (" ", "")]
        return parts


def _cell(rows: Rows, index: int, column: Column, cells: int) -> Part:
    if column.name == "time":
        return cut(when(rows.get(index, "time")), cells), "muted"
    if column.name == "severity":
        severity = severity_of(rows.get(index, "severity"))
        mark = severity.ascii_glyph if ascii_only() else severity.glyph
        return (" " if severity is Severity.INFO else mark), severity.word
    if column.name == "log":
        return cut(f"{safe(rows.get(index, 'product'))} {safe(rows.get(index, 'log_name'))}", cells), "muted"
    if column.name == "goal":
        port = rows.get(index, "dst_port")
        goal = rows.get(index, "dst_ip") or rows.get(index, "host")
        return cut(f"{safe(goal)}:{port}" if port is not None and goal else goal, cells), ""
    return cut(rows.get(index, column.name), cells), "strong" if column.name == "message" else ""
