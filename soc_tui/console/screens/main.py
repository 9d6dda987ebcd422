"""The main screen: alerts, detail, knowledge match and clue tree."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget

from soc_tui.console.link import Link, Rows
from soc_tui.console.loading import Reply
from soc_tui.console.screens.base import ConsoleScreen
from soc_tui.console.widgets.alert_table import PAGE, AlertTable
from soc_tui.console.widgets.banner import Banner
from soc_tui.console.widgets.clue_tree import ClueTree
from soc_tui.console.widgets.detail import EVIDENCE, DetailPane
from soc_tui.console.widgets.filter_bar import FilterBar
from soc_tui.console.widgets.knowledge import KnowledgePane
from soc_tui.console.widgets.pane_tabs import PaneTabs
from soc_tui.console.widgets.row_list import RowList
from soc_tui.console.widgets.status_line import KeyBar, StatusLine
from soc_tui.console.widgets.text import content, count, joined, when

SIDE_PANES = ("detail", "knowledge", "clues")


class MainScreen(ConsoleScreen):
    """Four panes over one selected alert.

    From 100 columns on they form a grid; below, alerts stay on top and one of the other three shows under a row of
    tabs. ``z`` gives one pane the whole screen.
    """

    HELP_TITLE = "Main screen"
    AUTO_FOCUS = "#alerts"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012  (Textual's declaration)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "repair", "Repair", tooltip="Show the repair plan, and run a step of it"),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="Filter the alerts; up and down recall"),
        Binding("c", "set_state('closed')", "Close", tooltip="Close the alert, or all marked ones"),
        Binding("a", "set_state('acknowledged')", "Ack", tooltip="Acknowledge: somebody looks at it"),
        Binding("f", "set_state('false-positive')", "False pos.", tooltip="Mark as false positive"),
        Binding("t", "set_state('true-positive')", "True pos.", show=False, tooltip="Mark as true positive"),
        Binding("o", "set_state('open')", "Reopen", show=False, tooltip="Reopen: takes c, a, f and t back"),
        Binding("x", "suppress", "Suppress", tooltip="Hide the alert and its like for a time, with a reason"),
        Binding("X", "suppressions", "Suppressions", show=False, tooltip="What is suppressed; end it"),
        Binding("h", "hidden", "Hidden", show=False, tooltip="List what is suppressed too, or no more"),
        Binding("u", "undo", "Undo", tooltip="Take back the last repair, after asking"),
        Binding("e", "evidence", "Evidence", show=False, tooltip="Go to the evidence lines"),
        Binding("i", "attacker", "Attacker", tooltip="All that is known of the source address"),
        Binding("v", "app.events", "Events"),
        Binding("s", "app.status", "Status", show=False, tooltip="The seven modules and the sources"),
        Binding("z", "zoom", "Zoom", show=False, tooltip="Give the focused pane the whole screen"),
        Binding("1", "pane('alerts')", "Alerts", show=False),
        Binding("2", "pane('detail')", "Detail", show=False),
        Binding("3", "pane('knowledge')", "Knowledge", show=False),
        Binding("4", "pane('clues')", "Clues", show=False),
        Binding("escape", "back", "Clear marks, zoom, filter", show=False),
    ]

    def __init__(self, title: str) -> None:
        super().__init__(id="main", classes="-front-detail")
        self.status_line = StatusLine(title)
        self.banner = Banner()
        self.filter_bar = FilterBar("alerts")
        self.alerts = AlertTable(id="alerts")
        self.detail = DetailPane(id="detail")
        self.knowledge = KnowledgePane(id="knowledge")
        self.clues = ClueTree(id="clues")
        self.tabs = PaneTabs()
        self._shown_alert: int | None = None
        self.with_hidden = False
        """Whether alerts that a suppression hides are listed too."""
        self._last_focus: Widget = self.alerts

    def compose(self) -> ComposeResult:
        """Status, filter, panes, keys."""
        yield self.status_line
        yield self.banner
        yield self.filter_bar
        with Container(id="panes"):
            yield self.alerts
            yield self.tabs
            yield self.detail
            yield self.clues
            yield self.knowledge
        yield KeyBar()

    def on_mount(self) -> None:
        """Titles, first states, focus."""
        for pane, title in (
            (self.alerts, "1 Alerts"), (self.detail, "2 Detail"),
            (self.knowledge, "3 Knowledge"), (self.clues, "4 Clues"),
        ):  # fmt: skip
            pane.border_title = content(title)
        self.alerts.say("Connecting to the engine", "The first start may take some seconds.")
        self._clear_panes()
        self.tabs.show("detail")

    # --- loading -------------------------------------------------------------------------------
    def reload(self) -> None:
        """Ask for everything that is shown again, because something visible changed."""
        self._load_alerts(self.alerts.window_start())
        if self._shown_alert is not None:
            self._load_panes()

    def _load_alerts(self, start: int) -> None:
        text, more = self.filter_bar.text, {"suppressed": True} if self.with_hidden else {}

        def work(link: Link) -> Rows:
            return Rows(link.query("alerts", filter=text, limit=PAGE, offset=start, **more), key="alert_id")

        topic = (text, start, bool(more))
        if self.soc.loader.ask(self, "alerts", work, lambda reply: self._got_alerts(reply, *topic), topic=topic):
            self.alerts.wait("Loading alerts")

    def _got_alerts(self, reply: Reply[Rows], text: str, start: int, hidden: bool) -> None:
        if (text, hidden) != (self.filter_bar.text, self.with_hidden):
            return
        if reply.value is None:
            self.alerts.fail(reply.error)
            if self.alerts.row_count() and reply.error is not None:
                self.soc.toast(reply.error.message, "error")
            return
        self.alerts.settle()
        pulse = self.soc.connection.pulse
        estimate = pulse.alerts + (pulse.alerts_suppressed if hidden else 0) if not text else None
        self.alerts.set_window(reply.value, start, estimate)
        if not self.alerts.row_count():
            if text:
                self.alerts.say("No alert matches the filter", "Press esc to clear it or / to change it.")
            else:
                self.alerts.say("No alerts", "Nothing was found in what has been read. Press s to see what is watched, "
                                "or run: soc-tui ingest PATH")  # fmt: skip
        self._show_count()
        self._show_selected()

    @on(AlertTable.WindowNeeded)
    def _window_needed(self, event: AlertTable.WindowNeeded) -> None:
        self._load_alerts(event.start)

    @on(RowList.Moved, "#alerts")
    def _selection_moved(self) -> None:
        self._show_count()
        self._show_selected()

    def _show_count(self) -> None:
        marked = f"{len(self.alerts.marks)} marked  " if self.alerts.marks else ""
        hidden = self.soc.connection.pulse.alerts_suppressed
        said = "" if not hidden else f"  {count(hidden)} suppressed, {'shown' if self.with_hidden else 'hidden'}"
        self.alerts.border_subtitle = joined(
            (marked, "$text-accent"), (self.alerts.count_line, "$text-muted"), (said, "$text-muted")
        )

    def _show_selected(self) -> None:
        """Show the alert under the cursor at once, and ask for what belongs to it."""
        alert = self.alerts.selected()
        if alert is None:
            if self.alerts.alert_id is None and not self.alerts.row_count():
                self._shown_alert = None
                self._clear_panes()
            return
        self.detail.show_alert(alert)
        if alert["alert_id"] != self._shown_alert:
            self._shown_alert = self.alerts.alert_id
            self._load_panes()

    def _load_panes(self) -> None:
        alert_id, ask = self._shown_alert, self.soc.loader.ask
        alert = self.alerts.selected() or {}
        incident = alert.get("incident_id")

        def evidence(link: Link) -> list[dict[str, Any]]:
            return Rows(link.query("evidence", alert_id=alert_id, limit=EVIDENCE)).all()

        def knowledge(link: Link) -> list[dict[str, Any]]:
            return list(link.command("knowledge", subject=f"A{alert_id}").get("matches") or [])

        def clues(link: Link) -> list[dict[str, Any]]:
            return Rows(link.query("clues", incident_id=incident)).all() if incident is not None else []

        def mine(show: Any) -> Any:
            return lambda reply: show(reply) if alert_id == self._shown_alert else None

        ask(self, "evidence", evidence, mine(lambda r: self.detail.show_evidence(r.value, r.error)), topic=alert_id)
        if ask(self, "knowledge", knowledge, mine(lambda r: self._got_knowledge(r, alert_id)), topic=alert_id):
            self.knowledge.wait("Looking for knowledge")
        if ask(self, "clues", clues, mine(lambda r: self._got_clues(r, incident)), topic=alert_id):
            self.clues.wait("Loading the clue tree")

    def _got_knowledge(self, reply: Reply[list[dict[str, Any]]], alert_id: int | None) -> None:
        if reply.value is None:
            self.knowledge.fail(reply.error)
        else:
            self.knowledge.show_matches(f"A{alert_id}", reply.value)

    def _got_clues(self, reply: Reply[list[dict[str, Any]]], incident: Any) -> None:
        if reply.value is None:
            self.clues.show_clues(None, ())
            self.clues.fail(reply.error)
        else:
            self.clues.show_clues(incident, reply.value)

    def _clear_panes(self) -> None:
        for pane in (self.detail, self.knowledge, self.clues):
            pane.clear()

    # --- clue tree -----------------------------------------------------------------------------
    @on(RowList.Moved, "#clues")
    def _clue_moved(self) -> None:
        node = self.clues.node
        if node is None:
            self.clues.border_subtitle = None
            return
        clue = node.clue
        parts = [clue.get("why"), clue.get("tactic"), clue.get("technique"), when(clue.get("time"))]
        self.clues.border_subtitle = content("  ".join(str(part) for part in parts if part), "$text-muted", limit=200)

    @on(RowList.Chosen, "#clues")
    def _clue_chosen(self) -> None:
        node = self.clues.node
        alert_id = node.clue.get("alert_id") if node is not None else None
        if alert_id is not None:
            self.filter_bar.apply(f"id:A{int(alert_id)}")

    @on(RowList.Chosen, "#alerts")
    def _alert_chosen(self) -> None:
        self.action_pane("detail")

    # --- filter --------------------------------------------------------------------------------
    async def action_filter(self) -> None:
        """Open the filter bar."""
        self._last_focus = self.focused or self.alerts
        await self.filter_bar.edit()

    @on(FilterBar.Changed)
    def _filter_changed(self) -> None:
        self.alerts.restart()
        self._load_alerts(0)

    @on(FilterBar.Closed)
    def _filter_closed(self) -> None:
        self._last_focus.focus()

    def action_back(self) -> None:
        """One step back: marks, then zoom, then the filter."""
        if self.alerts.clear_marks():
            self._show_count()
        elif self.has_class("-zoomed"):
            self.action_zoom()
        elif not self.filter_bar.clear():
            self.alerts.focus()

    # --- panes ---------------------------------------------------------------------------------
    def action_pane(self, name: str) -> None:
        """Focus a pane, bringing it to the front where only one has room."""
        if name in SIDE_PANES:
            self._turn_to(name)
        pane = self.query_one(f"#{name}")
        if self.has_class("-zoomed"):
            self._zoom_to(pane)
        self.set_focus(pane)  # at once: `focus` waits, and a `z` typed right behind would zoom the pane before

    @on(PaneTabs.Chosen)
    def _tab_chosen(self, event: PaneTabs.Chosen) -> None:
        self.action_pane(event.name)

    def _turn_to(self, name: str) -> None:
        for other in SIDE_PANES:
            self.set_class(other == name, f"-front-{other}")
        self.tabs.show(name)

    def action_zoom(self) -> None:
        """Give the focused pane the whole screen, or take it back."""
        if self.has_class("-zoomed"):
            self.remove_class("-zoomed")
        else:
            self.add_class("-zoomed")
            self._zoom_to(self.focused or self.alerts)

    def _zoom_to(self, pane: Widget) -> None:
        for other in (self.alerts, self.detail, self.knowledge, self.clues):
            other.set_class(other is pane, "-zoom")

    def action_evidence(self) -> None:
        """Go to the evidence lines of the alert."""
        self.action_pane("detail")
        self.call_after_refresh(self.detail.show_place, "Evidence")

    # --- actions -------------------------------------------------------------------------------
    def action_repair(self) -> None:
        """The repair plan of the selected alert."""
        if self.alerts.alert_id is not None:
            self.soc.open_repair(f"A{self.alerts.alert_id}")

    def action_suppress(self) -> None:
        """Hide the selected alert and its like, after a look at what that hides."""
        if self.alerts.alert_id is not None:
            self.soc.open_suppress(self.alerts.alert_id)

    def action_suppressions(self) -> None:
        """What is suppressed."""
        self.soc.open_suppressions()

    def action_hidden(self) -> None:
        """List suppressed alerts too, or no more."""
        self.with_hidden = not self.with_hidden
        self.alerts.border_title = content("1 Alerts, also suppressed" if self.with_hidden else "1 Alerts")
        self.alerts.restart()
        self._load_alerts(0)

    def action_undo(self) -> None:
        """Take back the last repair, after asking."""
        self.soc.open_undo(None)

    def action_attacker(self) -> None:
        """All that is known of the address the alert comes from."""
        address = (self.alerts.selected() or {}).get("src_ip")
        if address:
            self.soc.open_attacker(str(address))
        else:
            self.soc.toast("This alert names no source address", "warning")

    def action_set_state(self, state: str) -> None:
        """Close, acknowledge, reopen or mark as false or true positive what is marked, else the selected alert."""
        targets = self.alerts.targets

        def work(link: Link) -> dict[str, Any]:
            return link.command("set_state", alert_ids=targets, state=state)

        def done(reply: Reply[dict[str, Any]]) -> None:
            if reply.value is None:
                self.soc.toast(reply.error.message if reply.error else "", "error")
                return
            changed = reply.value.get("changed")
            self.alerts.clear_marks()
            self.soc.toast(f"{changed} of {len(targets)} set to {state}" + ("; o reopens" if state != "open" else ""))
            self.reload()

        if targets and not self.soc.loader.ask(self, f"set_state {targets} {state}", work, done):
            self.soc.toast("Not connected: nothing was changed", "warning")
