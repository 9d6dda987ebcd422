"""A list of rows that draws only what is on the screen (Textual's line API).

Textual's DataTable measures every cell of every row: 100,000 rows take half a minute. Here a row is drawn when its
line is on the screen, from whatever the subclass holds, so a million rows cost as much as thirty.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style as VisualStyle

from soc_tui.console.widgets.waiting import Waiting
from soc_tui.core.text import safe

Part = tuple[str, str]
"""Text that passed the text door, and its tone: one of :data:`TONES` or the empty string."""

TONES = {
    "muted": "$text-muted",
    "strong": "$foreground",
    "header": "$text-muted",
    "info": "$text-muted",
    "low": "$text-accent",
    "medium": "$text-warning",
    "high": "$text-error",
    "critical": "bold reverse $text-error",
    "good": "$text-success",
    "bad": "$text-error",
    "accent": "$text-primary",
    "cursor": "bold $foreground on $primary-muted",
    "cursor-blurred": "$foreground on $surface",
}
"""The styles of parts and rows, in theme variables. (Component classes would do the same, but Textual restyles each
of them for every widget: 26 of the 50 things styled before the first frame.)"""


class RowList(ScrollView, Waiting, can_focus=True, inherit_bindings=False):
    """Rows with a cursor.

    Subclasses give :meth:`row_count`, :meth:`draw` and, if they have one, :meth:`header`; they call
    :meth:`rows_changed` after their data changed.
    """

    HELP_TITLE = "Lists"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False),
        Binding("k,up", "move(-1)", "Up", show=False),
        Binding("g,home", "top", "First row", show=False),
        Binding("G,end", "bottom", "Last row", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
    ]
    HEADER = 0
    """Lines of the fixed header."""

    class Moved(Message):
        """The cursor is on another row, or on another thing in the same row."""

        def __init__(self, rows: RowList) -> None:
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> RowList:
            """The list, so that handlers can select by it."""
            return self.rows

    class Chosen(Message):
        """Enter was pressed on the row under the cursor."""

        def __init__(self, rows: RowList) -> None:
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> RowList:
            """The list, so that handlers can select by it."""
            return self.rows

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.cursor = 0
        self._lines: LRUCache[tuple[int, int], Strip] = LRUCache(512)
        self._tones: dict[str, Style] = {}
        self._notice: list[Part] = []

    # --- what a subclass gives -----------------------------------------------------------------
    def row_count(self) -> int:
        """How many rows there are, loaded or not."""
        raise NotImplementedError

    def draw(self, row: int, width: int) -> Sequence[Part]:
        """The parts of one row, at most ``width`` cells together; every text made by the text door."""
        raise NotImplementedError

    def header(self, width: int) -> Sequence[Part]:
        """The parts of the header line, when :attr:`HEADER` is 1."""
        raise NotImplementedError

    def view_changed(self) -> None:
        """Called when other rows came into view; a subclass loads them."""

    # --- what a subclass calls -----------------------------------------------------------------
    def say(self, title: str, hint: str = "", tone: str = "muted") -> None:
        """Show a state in place of rows: what is the matter and what to do next (only while there are no rows)."""
        self._notice = [("", ""), (safe(title), tone), ("", ""), (safe(hint), "muted")]
        self.refresh()

    def rows_changed(self) -> None:
        """Draw again after the data changed; keeps the scroll position where it is still valid."""
        self._lines.clear()
        self.virtual_size = Size(0, self.row_count() + self.HEADER)
        self.refresh()

    @property
    def line_width(self) -> int:
        """Cells of a line, without the scroll bar."""
        return self.scrollable_content_region.width

    @property
    def visible_rows(self) -> int:
        """Rows that fit on the screen."""
        return max(1, self.size.height - self.HEADER)

    @property
    def first_visible(self) -> int:
        """The uppermost row on the screen."""
        return int(self.scroll_offset.y)

    def move_to(self, row: int, *, announce: bool = True) -> None:
        """Put the cursor on a row and bring it into view."""
        row = max(0, min(row, self.row_count() - 1))
        if row != self.cursor:
            old, self.cursor = self.cursor, row
            for changed in (old, row):
                self._lines.discard((changed, self.line_width))
                self.refresh_line(changed + self.HEADER)
            if announce:
                self.post_message(self.Moved(self))
        self.show_cursor()

    def show_cursor(self) -> None:
        """Scroll just far enough that the cursor's row is on the screen."""
        top, visible = self.first_visible, self.visible_rows
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + visible:
            self.scroll_to(y=self.cursor - visible + 1, animate=False)

    # --- keys and mouse ------------------------------------------------------------------------
    def action_move(self, by: int) -> None:
        """One row up or down."""
        self.move_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        """One screen up or down, keeping one row of context."""
        self.move_to(self.cursor + by * max(1, self.visible_rows - 1))

    def action_top(self) -> None:
        """To the first row."""
        self.move_to(0)

    def action_bottom(self) -> None:
        """To the last row."""
        self.move_to(self.row_count() - 1)

    def on_click(self, event: events.Click) -> None:
        """The row under the mouse gets the cursor; a second click chooses it."""
        row = event.y + self.first_visible - self.HEADER
        if 0 <= row < self.row_count() and event.y >= self.HEADER:
            again = row == self.cursor and event.chain > 1
            self.move_to(row)
            if again:
                self.post_message(self.Chosen(self))

    def action_choose(self) -> None:
        """Enter on the cursor's row."""
        if self.row_count():
            self.post_message(self.Chosen(self))

    # --- drawing -------------------------------------------------------------------------------
    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Load what came into view."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.view_changed()

    def on_resize(self) -> None:
        """Another width draws other columns."""
        self._lines.clear()
        self.show_cursor()
        self.view_changed()

    def notify_style_update(self) -> None:
        """A theme, focus or colour changed."""
        super().notify_style_update()
        self._tones.clear()
        self._lines.clear()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width = self.line_width
        if self.HEADER and y == 0:
            return self._strip(self.header(width), self.rich_style + self._tone("header"), width)
        row = y - self.HEADER + self.first_visible
        if row >= self.row_count():
            return self._notice_line(row, width)
        place = (row, width)
        strip = self._lines.get(place)
        if strip is None:
            base = self.rich_style
            if row == self.cursor:
                base = self._tone("cursor" if self.has_focus else "cursor-blurred")
            strip = self._strip(self.draw(row, width), base, width)
            self._lines[place] = strip
        return strip

    def _notice_line(self, line: int, width: int) -> Strip:
        """A line of the notice, wrapped and set in by two cells; blank below the last row of a filled list."""
        room = max(8, width - 4)
        wrapped = [(part, tone) for text, tone in self._notice for part in (wrap(text, room) or [""])]
        if self.row_count() or line >= len(wrapped):
            return Strip.blank(width, self.rich_style)
        text, tone = wrapped[line]
        return self._strip([("  ", ""), (text, tone)], self.rich_style, width)

    def _strip(self, parts: Sequence[Part], base: Style, width: int) -> Strip:
        segments = [Segment(text, base + self._tone(tone) if tone else base) for text, tone in parts if text]
        used = sum(cell_len(segment.text) for segment in segments)
        return Strip(segments, used).adjust_cell_length(width, base)

    def _tone(self, name: str) -> Style:
        style = self._tones.get(name)
        if style is None:
            own = VisualStyle.parse(TONES[name], self.app.theme_variables)
            behind = VisualStyle(background=self.background_colors[1])  # what a translucent colour is mixed with
            style = (behind + own).rich_style
            if own.background is None:  # the row's background stays, which the cursor sets
                style = Style(color=style.color, bold=style.bold, reverse=style.reverse)
            self._tones[name] = style
        return style

    def refresh_line(self, y: int) -> None:
        """Redraw one line, counted with the header."""
        self.refresh(Region(0, y - self.first_visible, self.size.width, 1))

    def on_focus(self) -> None:
        """The cursor shows stronger with the focus."""
        self._lines.discard((self.cursor, self.line_width))

    def on_blur(self) -> None:
        """The cursor shows weaker without the focus."""
        self._lines.discard((self.cursor, self.line_width))
