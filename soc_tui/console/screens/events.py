"""The events: everything that was read, newest first, with the same filter bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from soc_tui.console.connection import Pulse
from soc_tui.console.link import Link, Rows
from soc_tui.console.loading import Reply
from soc_tui.console.screens.base import ConsoleScreen
from soc_tui.console.screens.modal import Dialog
from soc_tui.console.widgets.event_table import PAGE, EventTable
from soc_tui.console.widgets.filter_bar import FilterBar
from soc_tui.console.widgets.row_list import RowList
from soc_tui.console.widgets.status_line import KeyBar
from soc_tui.console.widgets.text import content, joined, lines, when

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class EventScreen(Dialog):
    """Every field of one event.

    Args:
        event: a row of the events table.
    """

    HELP_TITLE = "Event"

    def __init__(self, event: Mapping[str, Any]) -> None:
        super().__init__("Event")
        self._event = event

    def on_mount(self) -> None:
        """Show what is known; empty fields are left out."""
        self.pane.show(
            lines([
                joined((f"{name:<16}", "$text-muted"), when(value) if name == "time" else value)
                for name, value in self._event.items() if value is not None and value != ""
            ])
        )  # fmt: skip


class EventsScreen(ConsoleScreen):
    """The events table; at its top it follows what arrives, below it stays where it is."""

    HELP_TITLE = "Events"
    CSS_PATH = "events.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("r", "restart", "Newest"),
        Binding("escape,v", "back", "Back", key_display="esc"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.filter_bar = FilterBar("events")
        self.events = EventTable(id="events")
        self._waiting = False

    def compose(self) -> ComposeResult:
        """Filter, table, keys."""
        yield self.filter_bar
        yield self.events
        yield KeyBar()

    def on_mount(self) -> None:
        """Load the newest page."""
        self.events.border_title = content("Events")
        self.soc.pulse_signal.subscribe(self, self._pulse)
        self.events.focus()
        self.events.restart()

    @on(EventTable.PageNeeded)
    def _page_needed(self, event: EventTable.PageNeeded) -> None:
        page, before_id, text = event.page, event.before_id, self.filter_bar.text

        def work(link: Link) -> Rows:
            return Rows(link.query("events", filter=text, limit=PAGE, before_id=before_id))

        def got(reply: Reply[Rows]) -> None:
            if text != self.filter_bar.text:
                return
            if reply.value is None:
                self.events.fail(reply.error)
                return
            self.events.set_page(page, before_id, reply.value)
            if not self.events.row_count():
                hint = "Press esc to clear it." if text else "Run: soc-tui ingest PATH"
                self.events.say("No event matches the filter" if text else "No events", hint)

        if self.soc.loader.ask(self, "events", work, got, topic=(text, page, before_id)):
            self.events.wait("Loading events")
        else:
            self.events.say("Not connected to the engine", "It is tried again; press r when it is back.", "bad")

    @on(RowList.Moved, "#events")
    def _moved(self) -> None:
        newer = ("  new events above, r loads them" if self._waiting else "", "$text-accent")
        self.events.border_subtitle = joined((self.events.count_line, "$text-muted"), newer)

    @on(RowList.Chosen, "#events")
    def _chosen(self) -> None:
        event = self.events.selected()
        if event is not None:
            self.app.push_screen(EventScreen(event))

    def _pulse(self, pulse: Pulse) -> None:
        newest = self.events.newest_id
        if newest is not None and pulse.events <= newest:
            return
        if self.events.cursor == 0:
            self.events.restart()
        else:
            self._waiting = True
            self._moved()

    def action_restart(self) -> None:
        """Load the newest events."""
        self._waiting = False
        self.events.restart()

    async def action_filter(self) -> None:
        """Open the filter bar."""
        await self.filter_bar.edit()

    @on(FilterBar.Changed)
    def _filter_changed(self) -> None:
        self.action_restart()

    @on(FilterBar.Closed)
    def _filter_closed(self) -> None:
        self.events.focus()

    def action_back(self) -> None:
        """The filter first, then the screen below."""
        if not self.filter_bar.clear():
            self.dismiss()
