"""Hiding an alert and its like: a proposed filter, what it would hide while it is edited, a reason, one more key."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

from soc_tui.console.link import Link
from soc_tui.console.loading import Reply
from soc_tui.console.screens.modal import Dialog
from soc_tui.console.screens.repair import PASTE_SECONDS
from soc_tui.console.widgets.alert_table import severity_of
from soc_tui.console.widgets.detail import SEVERITY_STYLES
from soc_tui.console.widgets.glyphs import ascii_only, glyphs
from soc_tui.console.widgets.text import content, count, joined, lines, when
from soc_tui.core.text import safe

MAX_LENGTH = 500
DAYS = "30"


def preview_lines(shown: Mapping[str, Any]) -> list[Content]:
    """What a suppression would hide: by severity, by detector, some of the alerts, and what speaks against it."""
    hides = int(shown.get("hides") or 0)
    found = [joined(("hides ", "$text-muted"), (count(hides), "bold"), f" of {count(shown.get('of') or 0)} alerts, ",
                    count(shown.get("incidents") or 0), " incidents whole")]  # fmt: skip
    levels: list[object] = []
    for word, number in (shown.get("by_severity") or {}).items():
        severity = severity_of(word)
        style = SEVERITY_STYLES[severity].replace("reverse ", "") if number else "$text-muted"
        mark = severity.ascii_glyph if ascii_only() else severity.glyph
        levels += [(f"{mark} {count(number)} {safe(word, limit=20)}", style), "   "]
    found.append(joined(*levels))
    detectors = ", ".join(f"{safe(name, limit=60)} {count(n)}" for name, n in (shown.get("by_detector") or {}).items())
    if detectors:
        found.append(joined(("by       ", "$text-muted"), content(detectors, limit=300)))
    if shown.get("already_hidden"):
        found.append(content(f"{count(shown['already_hidden'])} more that fit are hidden already", "$text-muted"))
    for row in shown.get("examples") or []:
        word = severity_of(row.get("severity")).word
        found.append(joined(("e.g.     ", "$text-muted"), f"A{row.get('alert_id')} {word}  ",
                            content(row.get("title"), limit=90)))  # fmt: skip
    found += [joined((f"{glyphs().dot} ", "$text-warning"), content(text)) for text in shown.get("warnings") or []]
    for text in shown.get("refusals") or []:
        found.append(joined((f"{glyphs().refused} refused  ", "bold $text-error"), content(text)))
    return found


class SuppressScreen(Dialog):
    """Hides one alert and its like for a time.

    The filter is proposed by the engine and can be edited; what it would hide is shown while it is typed. Nothing is
    applied before there is a reason and somebody chose Hide; keys that arrive as fast as a paste are no answer.

    Args:
        alert_id: the alert that the filter is proposed from.
    """

    HELP_TITLE = "Suppress"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "confirm", "Hide them")]

    def __init__(self, alert_id: int) -> None:
        super().__init__(f"Suppress A{alert_id} and its like")
        self._alert_id = alert_id
        self.filter = Input(
            placeholder="detector:port-scan src:10.0.0.5", max_length=MAX_LENGTH, compact=True, id="what"
        )
        self.reason = Input(
            placeholder="why, for whoever reads this later", max_length=MAX_LENGTH, compact=True, id="why"
        )
        self.days = Input(DAYS, type="integer", max_length=4, compact=True, id="days")
        for line in (self.filter, self.reason, self.days):
            line.select_on_focus = False
        self._shown: Mapping[str, Any] = {}
        self._asked = ""
        self._busy = self._done = False
        self._last_key, self._key_gap = 0.0, PASTE_SECONDS

    def compose(self) -> ComposeResult:
        """Three lines to write on, what would be hidden, and the buttons."""
        with Vertical(id="dialog") as frame:
            frame.border_title = content(self._dialog_title)
            frame.border_subtitle = content("enter goes on  esc back")
            for title, line in (("filter", self.filter), ("reason", self.reason), ("days", self.days)):
                with Horizontal(classes="entry"):
                    yield Static(content(title, "$text-muted"), markup=False, classes="entry-title")
                    yield line
            yield self.pane
            with Horizontal(id="dialog-buttons"):
                yield from self.buttons()

    def buttons(self) -> Iterable[Button]:
        """The harmless one first."""
        yield Button("Cancel", id="cancel")
        yield Button("Hide (y)", id="confirm", disabled=True)

    def on_mount(self) -> None:
        """Ask for a proposal."""
        self.filter.focus()
        alert_id = self._alert_id

        def work(link: Link) -> dict[str, Any]:
            return link.command("propose_suppression", alert_id=alert_id)

        if self.soc.loader.ask(self, "propose", work, self._proposed, topic=alert_id):
            self.pane.wait("Looking at the alert")
        else:
            self.pane.say("Not connected to the engine", "Come back when it is.", "bad")

    def _proposed(self, reply: Reply[dict[str, Any]]) -> None:
        if reply.value is None:
            self.pane.fail(reply.error)
        elif not self.filter.value:  # nobody began to write meanwhile
            self.filter.value = safe(reply.value.get("filter"), limit=MAX_LENGTH)
            self.filter.cursor_position = len(self.filter.value)

    def on_resize(self) -> None:
        """The text takes what lines and buttons leave."""
        self.pane.styles.max_height = max(3, self.size.height - 14)

    # --- looking -----------------------------------------------------------------------------------
    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._look()

    def _wanted(self) -> dict[str, Any]:
        days = int(self.days.value) if self.days.value.isdecimal() else 0
        return {"filter": self.filter.value, "reason": self.reason.value, "days": days}

    def _look(self) -> None:
        """Ask what the filter would hide; only a filter that changed is asked about."""
        wanted = self._wanted()
        self._allow()
        text = wanted["filter"]
        if text == self._asked or self._done:
            return

        def work(link: Link) -> dict[str, Any]:
            return link.command("suppress", filter=text)

        if self.soc.loader.ask(self, "suppress-look", work, lambda reply: self._looked(reply, text), topic=text):
            self._asked, self._shown = text, {}
            self._allow()

    def _looked(self, reply: Reply[dict[str, Any]], text: str) -> None:
        if text != self.filter.value or self._done:
            return
        self._shown = reply.value or {}
        if reply.value is None:
            self.pane.fail(reply.error)
        else:
            self.pane.show(lines(preview_lines(reply.value)))
        self._allow()

    def _allow(self) -> None:
        """Whether it may be applied now."""
        wanted = self._wanted()
        ready = bool(self._shown and not self._shown.get("refusals") and wanted["reason"].strip() and wanted["days"])
        self.query_one("#confirm", Button).disabled = not ready or self._busy or self._done

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        confirm = self.query_one("#confirm", Button)
        order = {self.filter: self.reason, self.reason: self.days}
        (order.get(event.input) or (self.query_one("#cancel") if confirm.disabled else confirm)).focus()

    # --- applying ----------------------------------------------------------------------------------
    def on_key(self, _event: events.Key) -> None:
        """Measure how fast keys follow one another, to know a paste."""
        now = time.monotonic()
        self._key_gap, self._last_key = now - self._last_key, now

    def on_mouse_down(self) -> None:
        """A click is no paste."""
        self._key_gap = PASTE_SECONDS

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.action_leave()

    @on(Button.Pressed, "#confirm")
    def action_confirm(self) -> None:
        """Hide them."""
        if self.query_one("#confirm", Button).disabled or self._key_gap < PASTE_SECONDS:
            return
        wanted = self._wanted()

        def work(link: Link) -> dict[str, Any]:
            return link.command("suppress", apply=True, **wanted)

        self._busy = self.soc.loader.ask(self.app, "suppress", work, self._applied)
        if not self._busy:
            self.soc.toast("Not connected: nothing was hidden", "warning")
        self._allow()

    def _applied(self, reply: Reply[dict[str, Any]]) -> None:
        self._busy, self._done = False, reply.value is not None
        error = reply.error
        if reply.value is None:
            said = f"{error.message} {error.remedy}" if error else ""
            result = {"state": "failed", "message": said}
            text = joined((f"{glyphs().failed} ", "bold $text-error"), content(said))
        else:
            number, hides = reply.value.get("suppression_id"), count(reply.value.get("hides") or 0)
            said = f"S{number} hides {hides} alerts until {when(reply.value.get('expires'))}; X ends it, h shows them"
            result = {"state": "applied", "message": said}
            text = joined((f"{glyphs().done} ", "bold $text-success"), content(said))
        if self.conclude(result, "applied"):
            self.pane.show(text)
            self._allow()
