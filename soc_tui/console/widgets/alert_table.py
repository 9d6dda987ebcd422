"""The alerts: a window of rows over the engine's list, with a cursor that stays on its alert."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.binding import Binding
from textual.message import Message

from soc_tui.console.link import Rows
from soc_tui.console.widgets.columns import Column, fit
from soc_tui.console.widgets.glyphs import ascii_only, glyphs
from soc_tui.console.widgets.row_list import Part, RowList
from soc_tui.console.widgets.text import count, cut, when
from soc_tui.core.errors import UsageError
from soc_tui.core.severity import Severity

PAGE = 400
"""Rows per question: a tall terminal shows 100, so scrolling rarely waits and an answer stays near 100 kB."""
AHEAD = 150
"""Rows kept above what is on the screen."""

COLUMNS = (
    Column("severity", "level", 6, 0),
    Column("alert_id", "alert", 6, 0),
    Column("title", "what", 24, 0, flex=True),
    Column("src_ip", "from", 15, 7),
    Column("goal", "to", 12, 5),
    Column("risk_type", "risk", 14, 2),
    Column("event_count", "events", 7, 4, right=True),
    Column("score", "score", 5, 1, right=True),
    Column("time_last", "last seen", 16, 3),
)


_TEXTS: dict[str, Callable[[Rows, int], object]] = {
    "alert_id": lambda rows, i: f"A{rows.get(i, 'alert_id')}",
    "goal": lambda rows, i: rows.get(i, "host") or rows.get(i, "dst_ip") or rows.get(i, "target"),
    "score": lambda rows, i: f"{float(rows.get(i, 'score', 0.0)):.2f}",
    "event_count": lambda rows, i: count(rows.get(i, "event_count", 0)),
    "time_last": lambda rows, i: when(rows.get(i, "time_last") or rows.get(i, "time"), seconds=False),
}
"""How a column is read where it is not shown as it is stored."""


def severity_of(word: object) -> Severity:
    """A severity read from data; what is no severity counts as info."""
    try:
        return Severity.parse(str(word))
    except UsageError:
        return Severity.INFO


class AlertTable(RowList):
    """Alerts, most urgent first.

    The table holds one window of rows around what is on the screen. Its cursor is bound to an ``alert_id``: when live
    updates put alerts above it, the row number changes and the selection does not.
    """

    HELP_TITLE = "Alerts"
    BINDINGS = [  # noqa: RUF012  (Textual's declaration)
        Binding("enter", "choose", "Details", show=False),
        Binding("space", "mark", "Mark", show=False),
    ]
    HEADER = 1

    class WindowNeeded(Message):
        """Rows that are not loaded came into view."""

        def __init__(self, start: int) -> None:
            super().__init__()
            self.start = start

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: Rows | None = None
        self._start = 0
        self._total = 0
        self._exact = True
        self._key: int | None = None
        self._places: list[int] | None = None
        self._wanted: int | None = None
        self.marks: set[int] = set()
        """Marked alerts; an action on alerts takes these before the one under the cursor."""

    # --- data ----------------------------------------------------------------------------------
    @property
    def alert_id(self) -> int | None:
        """The alert under the cursor."""
        return self._key

    @property
    def count_line(self) -> str:
        """``12 of 214``: the cursor's row and how many rows there are (``214+`` when more may follow)."""
        if not self._total:
            return "0"
        return f"{count(self.cursor + 1)} of {count(self._total)}{'' if self._exact else '+'}"

    @property
    def targets(self) -> list[int]:
        """What an action works on: the marked alerts, else the one under the cursor."""
        return sorted(self.marks) if self.marks else [self._key] if self._key is not None else []

    def selected(self) -> dict[str, object] | None:
        """Everything known of the alert under the cursor, or None when it is not loaded."""
        place = self._rows.find(self._key) if self._rows is not None else None
        return None if self._rows is None or place is None else self._rows.row(place)

    def window_start(self) -> int:
        """Where the window should start for what is on the screen now."""
        return self._wanted if self._wanted is not None else max(0, self.first_visible - AHEAD)

    def set_window(self, rows: Rows, start: int, estimate: int | None) -> None:
        """Take a window of rows.

        Args:
            rows: rows keyed by ``alert_id``.
            start: the number of its first row in the whole list.
            estimate: how many rows the whole list has, where nothing better is known.
        """
        before, old_row, old_total = self._key, self.cursor, self._total
        self._rows, self._start, self._wanted = rows, start, None
        self._measure(rows, start, estimate)
        place = rows.find(before) if before is not None else None
        if before is not None and place is None and self._seek(old_total):
            self.rows_changed()
            return  # the alert is looked for elsewhere before the selection gives it up
        self._places = None
        row = min(old_row, max(0, self._total - 1)) if place is None else start + place
        inside = start <= row < start + len(rows)
        if before is None or place is None:
            self._key = rows.get(row - start, "alert_id") if inside else None
        if row != old_row and self.first_visible > 0:
            self._keep_reading(row - old_row)
        self.cursor = row
        self.rows_changed()
        self.show_cursor()
        self.view_changed()
        if self._key != before:
            self.post_message(self.Moved(self))

    def restart(self) -> None:
        """Forget position, selection and marks: another list comes (the filter changed)."""
        self._key, self.cursor, self._places, self._wanted = None, 0, None, 0
        self.marks.clear()
        self.scroll_to(y=0, animate=False)

    def _keep_reading(self, by: int) -> None:
        """Shift the view with the rows, so that what is read does not move on the screen."""
        self.rows_changed()
        self.scroll_to(y=max(0, self.first_visible + by), animate=False)

    def _measure(self, rows: Rows, start: int, estimate: int | None) -> None:
        end = start + len(rows)
        if rows.total is not None:
            self._total, self._exact = rows.total, True
        elif len(rows) < PAGE and (len(rows) or not start):
            self._total, self._exact = end, True
        else:
            self._total, self._exact = max(end, estimate or 0), estimate is not None

    def _seek(self, old_total: int) -> bool:
        """Ask for the window where the missing alert may be: moved by the new rows, or risen to the top."""
        if self._places is None:
            moved = max(0, self.cursor + self._total - old_total - AHEAD)
            self._places = [start for start in dict.fromkeys((moved, 0)) if start != self._start]
        if not self._places:
            return False
        self._wanted = self._places.pop(0)
        self.post_message(self.WindowNeeded(self._wanted))
        return True

    # --- RowList -------------------------------------------------------------------------------
    def row_count(self) -> int:
        """Rows of the whole list, loaded or not."""
        return self._total

    def view_changed(self) -> None:
        """Load rows that came into view and are missing."""
        if self._rows is None:
            return
        top, bottom = self.first_visible, min(self._total, self.first_visible + self.visible_rows)
        if top < self._start or bottom > self._start + len(self._rows):
            self.post_message(self.WindowNeeded(self.window_start()))

    def move_to(self, row: int, *, announce: bool = True) -> None:
        """Put the cursor on a row; its alert becomes the selection."""
        row = max(0, min(row, self._total - 1))
        if self._rows is not None and self._start <= row < self._start + len(self._rows):
            self._key = self._rows.get(row - self._start, "alert_id")
        else:
            self._key = None  # not loaded yet: the window that comes next settles it
        super().move_to(row, announce=announce)

    def header(self, width: int) -> Sequence[Part]:
        """Column titles."""
        parts: list[Part] = [("   ", "")]
        for column, cells in fit(COLUMNS, width - 4):
            parts.append((column.title.rjust(cells) if column.right else cut(column.title, cells), ""))
            parts.append((" ", ""))
        return parts

    def draw(self, row: int, width: int) -> Sequence[Part]:
        """One alert."""
        marks = glyphs()
        here = (marks.cursor, "accent") if row == self.cursor else (" ", "")
        rows, index = self._rows, row - self._start
        if rows is None or not 0 <= index < len(rows):
            return [here, (f" {marks.more}", "muted")]
        state = rows.get(index, "state")
        done = state in {"closed", "false-positive"} or rows.get(index, "suppressed_by") is not None
        parts: list[Part] = [here, self._state_mark(rows, index), (" ", "")]
        for column, cells in fit(COLUMNS, width - 4):
            text, tone = self._cell(rows, index, column, cells)
            parts += [(text, "muted" if done else tone), (" ", "")]
        return parts

    def _state_mark(self, rows: Rows, index: int) -> Part:
        marks, state = glyphs(), str(rows.get(index, "state", "open"))
        if rows.get(index, "alert_id") in self.marks:
            return marks.marked, "accent"
        if rows.get(index, "suppressed_by") is not None:
            return marks.suppressed, "muted"
        known = {
            "acknowledged": (marks.acknowledged, "good"),
            "closed": (marks.closed, "muted"),
            "false-positive": (marks.false_positive, "muted"),
            "true-positive": (marks.true_positive, "good"),
        }
        return known.get(state, (" ", ""))

    @staticmethod
    def _cell(rows: Rows, index: int, column: Column, cells: int) -> Part:
        if column.name == "severity":
            severity = severity_of(rows.get(index, "severity"))
            return cut(severity.label(ascii_only=ascii_only()), cells), severity.word
        tone = {"title": "strong", "time_last": "muted", "alert_id": "muted"}.get(column.name, "")
        read = _TEXTS.get(column.name)
        text = rows.get(index, column.name) if read is None else read(rows, index)
        return (cut(text, cells).rstrip().rjust(cells) if column.right else cut(text, cells)), tone

    # --- keys ----------------------------------------------------------------------------------
    def action_mark(self) -> None:
        """Mark or unmark the alert under the cursor, and go on to the next."""
        if self._key is None:
            return
        self.marks ^= {self._key}
        self.rows_changed()
        self.move_to(self.cursor + 1)

    def clear_marks(self) -> bool:
        """Unmark everything; False when nothing was marked."""
        if not self.marks:
            return False
        self.marks.clear()
        self.rows_changed()
        return True
