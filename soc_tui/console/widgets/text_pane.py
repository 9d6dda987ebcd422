"""A scrolling pane of text."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from soc_tui.console.widgets.text import content, lines
from soc_tui.console.widgets.waiting import Waiting

STYLES = {"muted": "$text-muted", "bad": "$text-error", "good": "$text-success", "strong": "bold"}


class TextPane(VerticalScroll, Waiting, can_focus=True, inherit_bindings=False):
    """Content that is longer than its pane; scrolls by the same keys as the lists."""

    HELP_TITLE = "Text panes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "roll(1)", "Down", show=False),
        Binding("k,up", "roll(-1)", "Up", show=False),
        Binding("g,home", "roll(-1000000)", "Start", show=False),
        Binding("G,end", "roll(1000000)", "End", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._body = Static(markup=False)

    def compose(self) -> ComposeResult:
        """One widget that holds all text."""
        yield self._body

    @property
    def plain(self) -> str:
        """The text that is shown."""
        shown = self._body.content
        return shown.plain if isinstance(shown, Content) else str(shown)

    def show(self, text: Content, *, home: bool = False) -> None:
        """Show text; ``home`` scrolls back to its start (another subject)."""
        self.settle()
        self._body.update(text)
        self.call_after_refresh(self._fit)
        if home:
            self.scroll_to(y=0, animate=False)

    def say(self, title: str, hint: str = "", tone: str = "muted") -> None:
        """Show a state in place of the text."""
        style = STYLES.get(tone, "")
        self._body.update(lines([content(""), content(title, style), content(""), content(hint, "$text-muted")]))
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """Lay out once more where an update in the middle of a layout left the old height behind."""
        body, width = self._body, self._body.size.width
        if width and body.get_content_height(self.size, self.size, width) != body.size.height:
            body.refresh(layout=True)

    def action_roll(self, by: int) -> None:
        """Scroll by lines."""
        self.scroll_to(y=self.scroll_y + by, animate=False)

    def action_page(self, by: int) -> None:
        """Scroll by screens, keeping one line of context."""
        self.action_roll(by * max(1, self.size.height - 1))
