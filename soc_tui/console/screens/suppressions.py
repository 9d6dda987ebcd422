"""What is suppressed, why, until when, and the key that shows it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from soc_tui.console.link import Link, Rows
from soc_tui.console.loading import Reply
from soc_tui.console.screens.modal import Dialog
from soc_tui.console.widgets.glyphs import glyphs
from soc_tui.console.widgets.text import content, count, joined, lines, when

_MOST_ENDED = 20


def suppression_lines(row: Mapping[str, Any], *, chosen: bool) -> list[Content]:
    """One suppression: its number and what it hides, its filter, its reason."""
    active = row.get("ended") is None
    mark = f"{glyphs().cursor} " if chosen else "  "
    state = (
        (f"hides {count(row.get('hides') or 0)} until {when(row.get('expires'))}", "$text-accent")
        if active
        else (f"{row.get('state')} {when(row.get('ended'))}", "$text-muted")
    )
    return [
        joined((mark, "$text-primary"), (f"S{row.get('suppression_id')}", "bold" if active else "$text-muted"), "  ",
               state),
        joined("    ", content(row.get("filter"), "" if active else "$text-muted", limit=500)),
        joined("    ", content(row.get("reason"), "$text-muted", limit=500),
               (f"  {row.get('created_by') or ''}, {when(row.get('created'))}", "$text-muted")),
        content(""),
    ]  # fmt: skip


class SuppressionsScreen(Dialog):
    """The suppressions in force, the newest first, and the last ones that ended."""

    HELP_TITLE = "Suppressions"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "show_again", "End it: show again what it hides"),
        Binding("left_square_bracket", "other(-1)", "Previous suppression", show=False, key_display="["),
        Binding("right_square_bracket", "other(1)", "Next suppression", show=False, key_display="]"),
    ]

    def __init__(self) -> None:
        super().__init__("Suppressions")
        self._rows: list[dict[str, Any]] = []
        self._chosen = 0

    def on_mount(self) -> None:
        """Ask for them."""
        self.pane.focus()
        self._load()

    def _load(self) -> None:
        def work(link: Link) -> list[dict[str, Any]]:
            return Rows(link.query("suppressions", all=True)).all()

        if self.soc.loader.ask(self, "suppressions", work, self._got):
            self.pane.wait("Loading the suppressions")
        else:
            self.pane.say("Not connected to the engine", "Come back when it is.", "bad")

    def _got(self, reply: Reply[list[dict[str, Any]]]) -> None:
        if reply.value is None:
            self.pane.fail(reply.error)
            return
        active = [row for row in reply.value if row.get("ended") is None]
        self._rows = active + [row for row in reply.value if row.get("ended") is not None][:_MOST_ENDED]
        self._chosen = max(0, min(self._chosen, self._active - 1))
        self._draw()

    @property
    def _active(self) -> int:
        return sum(row.get("ended") is None for row in self._rows)

    def _draw(self) -> None:
        if not self._rows:
            self.pane.settle()
            self.pane.say("Nothing is suppressed", "Press x on an alert to hide it and its like for a time.")
            return
        text = []
        for number, row in enumerate(self._rows):
            text += suppression_lines(row, chosen=number == self._chosen and row.get("ended") is None)
        self.pane.show(lines(text))
        self.say_keys("u ends it  [ ] chooses  esc back" if self._active else "esc back")

    def action_other(self, by: int) -> None:
        """Choose another one in force."""
        if self._active:
            self._chosen = (self._chosen + by) % self._active
            self._draw()

    def action_show_again(self) -> None:
        """End the chosen one."""
        if not self._active:
            return
        number = int(self._rows[self._chosen]["suppression_id"])

        def work(link: Link) -> dict[str, Any]:
            return link.command("unsuppress", suppression_id=number)

        if not self.soc.loader.ask(self.app, f"unsuppress {number}", work, lambda reply: self._ended(reply, number)):
            self.soc.toast("Not connected: nothing was changed", "warning")

    def _ended(self, reply: Reply[dict[str, Any]], number: int) -> None:
        if reply.value is None:
            self.soc.toast(reply.error.message if reply.error else "", "error")
        else:
            self.soc.toast(f"S{number} ended: {reply.value.get('message')}")
            self.soc.main.reload()
        if self.is_attached and self.is_running:
            self._load()
