"""The tabs that a narrow screen has in place of three panes side by side."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.widgets import Static

from soc_tui.console.widgets.glyphs import glyphs
from soc_tui.console.widgets.text import joined

TABS = (("detail", " 2 Detail "), ("knowledge", " 3 Knowledge "), ("clues", " 4 Clues "))


class PaneTabs(Static):
    """One line; the pane in front is marked by glyph and reversed."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__(markup=False, id="tabs")

    def show(self, front: str) -> None:
        """Mark the pane in front."""
        parts: list[object] = []
        for name, label in TABS:
            here = name == front
            parts.append(
                (f"{glyphs().cursor if here else ' '}{label}", "bold $text-primary" if here else "$text-muted")
            )
        self.update(joined(*parts))

    def on_click(self, event: events.Click) -> None:
        """The tab under the mouse."""
        edge = 0
        for name, label in TABS:
            edge += len(label) + 1
            if event.x < edge:
                self.post_message(self.Chosen(name))
                return
