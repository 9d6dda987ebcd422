"""How a screen finds its app."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.screen import Screen

if TYPE_CHECKING:  # the app imports the screens
    from soc_tui.console.app import ConsoleApp


class ConsoleScreen(Screen[None]):
    """A screen of the console."""

    @property
    def soc(self) -> ConsoleApp:
        """The app, with the type that it has."""
        return cast("ConsoleApp", self.app)
