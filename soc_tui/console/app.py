"""The console: a client of the engine with four panes.

Nothing heavy is imported here: the first frame needs Textual and this room only; the link, and with it pyarrow,
arrives in a thread after that frame.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.screen import Screen
from textual.signal import Signal

from soc_tui.console.connection import Connection, EngineState, Pulse
from soc_tui.console.loading import Loader
from soc_tui.console.screens.main import MainScreen
from soc_tui.console.theme import DARK, LIGHT
from soc_tui.console.widgets.glyphs import ascii_only
from soc_tui.core.text import safe

if TYPE_CHECKING:
    from soc_tui.console.link import Link


def _commands() -> type[Provider]:
    from soc_tui.console.commands import ConsoleCommands

    return ConsoleCommands


class ConsoleApp(App[None]):
    """The terminal console.

    Args:
        connect: makes a link to the engine; called in a thread after the first frame and after every loss.
        title: what the status line calls the place, e.g. the sensor's name.
        refresh_seconds: how often the engine is asked whether anything changed.
        theme: name of a Textual theme, ``soc-dark`` or ``soc-light``.
    """

    TITLE = "soc-tui"
    CSS_PATH = "console.tcss"
    ENABLE_COMMAND_PALETTE = True
    HELP_TITLE = "Everywhere"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = App.COMMANDS | {_commands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("ctrl+p", "command_palette", "Commands", show=False, priority=True),
        Binding("p", "pause", "Pause updates", show=False),
        Binding("ctrl+r", "reconnect", "Reconnect now", show=False),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(
        self, connect: Callable[[], Link], *, title: str, refresh_seconds: float = 1.0, theme: str = "soc-dark"
    ) -> None:
        super().__init__()
        self._place = safe(title, limit=40)
        self._refresh_seconds = refresh_seconds
        self.loader = Loader()
        self.connection = Connection(self, self.loader, connect, self._engine_changed)
        self.pulse_signal: Signal[Pulse] = Signal(self, "pulse")
        """Tells screens that something visible changed; silent while paused."""
        self.paused = False
        self._missed = 0
        self._seen_revision = -1
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = theme if theme in self.available_themes else DARK.name
        if os.environ.get("SSH_CONNECTION"):
            self.animation_level = "none"  # over a slow line every frame of an animation delays the next key
        self.set_class(ascii_only(), "-ascii")

    def get_default_screen(self) -> Screen[None]:
        """The main screen is the first and lowest one."""
        return MainScreen(self._place)

    @property
    def main(self) -> MainScreen:
        """The main screen, whatever lies on top of it."""
        screen = self.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    def on_mount(self) -> None:
        """Paint first, connect afterwards."""
        self.call_after_refresh(self._first_contact)

    def _first_contact(self) -> None:
        self.connection.start()
        self.set_interval(self._refresh_seconds, self.connection.beat)

    def on_unmount(self) -> None:
        """Leave without waiting for any answer."""
        self.loader.close()

    # --- engine --------------------------------------------------------------------------------
    def _engine_changed(self, connection: Connection) -> None:
        """The engine's state or pulse changed: say so, and load again when something visible changed."""
        if not self.is_running or not self.screen_stack:
            return
        self.main.banner.show(connection)
        if connection.state is EngineState.CONNECTED:
            changed = connection.pulse.revision != self._seen_revision
            self._seen_revision = connection.pulse.revision
            if changed and self.paused:
                self._missed += 1
            elif changed:
                self.main.reload()
                self.pulse_signal.publish(connection.pulse)
        elif connection.state in {EngineState.RECONNECTING, EngineState.LOST}:
            self._seen_revision = -1  # whatever was under way is lost, so everything is asked again
            if not self.main.alerts.row_count():
                self.main.alerts.fail(connection.error)
        self._show_status()

    def _show_status(self) -> None:
        self.main.status_line.show(self.connection, paused=self.paused, missed=self._missed)

    def on_resize(self) -> None:
        """The status line uses the width there is."""
        self.call_after_refresh(self._show_status)

    def toast(self, text: str, severity: Literal["information", "warning", "error"] = "information") -> None:
        """A short message; the one way to raise a toast, for it reads no markup."""
        self.notify(safe(text, limit=300), severity=severity, markup=False)

    # --- actions -------------------------------------------------------------------------------
    def action_pause(self) -> None:
        """Stop or resume live updates."""
        self.paused = not self.paused
        if not self.paused:
            self._missed = 0
            self.main.reload()
            self.pulse_signal.publish(self.connection.pulse)
        self._show_status()

    def action_reconnect(self) -> None:
        """Do not wait for the back-off."""
        self.connection.retry_now()

    def action_help(self) -> None:
        """The keys that work here."""
        from soc_tui.console.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_status(self) -> None:
        """The seven modules and the sources."""
        from soc_tui.console.screens.status import StatusScreen

        if not isinstance(self.screen, StatusScreen):
            self.push_screen(StatusScreen())

    def action_events(self) -> None:
        """The events."""
        from soc_tui.console.screens.events import EventsScreen

        if not isinstance(self.screen, EventsScreen):
            self.push_screen(EventsScreen())

    def open_repair(self, subject: str) -> None:
        """Show the repair plan of an alert or incident such as ``A12``."""
        from soc_tui.console.screens.repair import RepairScreen

        self.push_screen(RepairScreen(subject))

    def open_undo(self, action_id: int | None) -> None:
        """Ask whether to take back an action; None is the last one."""
        from soc_tui.console.screens.undo import UndoScreen

        self.push_screen(UndoScreen(action_id))

    def open_suppress(self, alert_id: int) -> None:
        """Propose to hide an alert and its like."""
        from soc_tui.console.screens.suppress import SuppressScreen

        self.push_screen(SuppressScreen(alert_id))

    def open_suppressions(self) -> None:
        """Show what is suppressed."""
        from soc_tui.console.screens.suppressions import SuppressionsScreen

        self.push_screen(SuppressionsScreen())

    def open_attacker(self, address: str) -> None:
        """Show what is known of an address."""
        from soc_tui.console.screens.attacker import AttackerScreen

        self.push_screen(AttackerScreen(address))
