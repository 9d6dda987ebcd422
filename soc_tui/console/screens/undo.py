"""Taking an action back: asked once, answered in the same place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Button

from soc_tui.console.link import Link
from soc_tui.console.loading import Reply
from soc_tui.console.screens.modal import Dialog
from soc_tui.console.screens.repair import result_lines
from soc_tui.console.widgets.text import content, lines


class UndoScreen(Dialog):
    """Asks whether to take back an action, and shows what came of it.

    Args:
        action_id: the action, or None for the last one.
    """

    HELP_TITLE = "Undo"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "confirm", "Take it back"),
        Binding("n", "leave", "Cancel", show=False),
    ]

    def __init__(self, action_id: int | None) -> None:
        super().__init__("Undo")
        self._action_id = action_id
        self._asked = False

    def buttons(self) -> Iterable[Button]:
        """Cancel first: it has the focus."""
        yield Button("Cancel", id="cancel")
        yield Button("Take back (y)", id="confirm")

    def on_mount(self) -> None:
        """Say what would happen."""
        self.query_one("#cancel").focus()
        what = "the last action" if self._action_id is None else f"action {self._action_id}"
        self.pane.show(
            lines([
                content(f"Take back {what}?", "bold"), content(""),
                content("The system is put back as it was before, and the audit keeps both.", "$text-muted"),
            ])
        )  # fmt: skip

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.action_leave()

    @on(Button.Pressed, "#confirm")
    def action_confirm(self) -> None:
        """Take it back, once."""
        if self._asked:
            return
        action_id = self._action_id

        def work(link: Link) -> dict[str, Any]:
            return link.command("undo", action_id=action_id)

        self._asked = self.soc.loader.ask(self.app, "undo", work, self._done)
        if not self._asked:
            self.soc.toast("Not connected: nothing was taken back", "warning")
            return
        self.query_one("#confirm", Button).disabled = True
        self.pane.wait("Taking it back")

    def _done(self, reply: Reply[dict[str, Any]]) -> None:
        error = reply.error
        result = reply.value or {"state": "failed", "message": f"{error.message} {error.remedy}" if error else ""}
        if self.conclude(result, "undone"):
            self.pane.show(lines(result_lines(result)))
