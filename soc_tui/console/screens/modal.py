"""What every dialog shares: a framed scrolling text, an optional row of buttons, and a way out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from soc_tui.console.screens.base import ConsoleScreen
from soc_tui.console.widgets.text import content
from soc_tui.console.widgets.text_pane import TextPane


class Dialog(ModalScreen[None], ConsoleScreen):
    """A framed text over the screen below.

    Args:
        title: ours; may hold an identifier, which passes the text door.
    """

    HELP_TITLE = "Dialogs"
    CSS_PATH = "modal.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Back", key_display="esc"),
        Binding("j,down", "roll(1)", "Down", show=False),
        Binding("k,up", "roll(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
    ]

    def __init__(self, title: str) -> None:
        super().__init__()
        self.pane = TextPane(id="dialog-text")
        self._dialog_title = title

    def compose(self) -> ComposeResult:
        """The frame, the text and the buttons."""
        with Vertical(id="dialog") as frame:
            frame.border_title = content(self._dialog_title)
            frame.border_subtitle = content("esc back")
            yield self.pane
            buttons = list(self.buttons())
            if buttons:
                with Horizontal(id="dialog-buttons"):
                    yield from buttons

    def buttons(self) -> Iterable[Button]:
        """The buttons, the harmless one first."""
        return ()

    def on_mount(self) -> None:
        """The text scrolls at once where there is no button to choose."""
        if not self.query(Button):
            self.pane.focus()

    def on_resize(self) -> None:
        """The text takes what the buttons leave, so that they are on the screen however long it is."""
        buttons = 4 if self.query(Button) else 0
        self.pane.styles.max_height = max(3, self.size.height - 6 - buttons)

    def say_keys(self, text: str) -> None:
        """The keys that matter now, in the frame, where no text scrolls them away."""
        self.query_one("#dialog").border_subtitle = content(text)

    def conclude(self, result: Mapping[str, Any], good: str) -> bool:
        """Leave the result of a command where the analyst is: here (True), or as a toast when this was left meanwhile.

        Args:
            result: ``state`` and ``message`` of the reply.
            good: the state that means success.
        """
        here = self.is_attached and self.is_running
        if here:
            cancel = self.query_one("#cancel", Button)
            cancel.label = content("Close")
            cancel.focus()
        else:
            said = f"{result.get('state')}: {result.get('message')}"
            self.soc.toast(said, "information" if result.get("state") == good else "error")
        self.soc.main.reload()
        return here

    def action_roll(self, by: int) -> None:
        """Scroll the text while a button has the focus."""
        self.pane.action_roll(by)

    def action_page(self, by: int) -> None:
        """Scroll the text by screens."""
        self.pane.action_page(by)

    def action_leave(self) -> None:
        """Back to the screen below."""
        self.dismiss()
