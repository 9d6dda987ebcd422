"""What an analyst must know before reading on: the engine is gone, and what the screen shows is old."""

from __future__ import annotations

from textual.widgets import Static

from soc_tui.console.connection import Connection, EngineState
from soc_tui.console.widgets.text import joined


class Banner(Static):
    """One line under the status line, shown only while there is something to say."""

    def __init__(self) -> None:
        super().__init__(markup=False, id="banner")
        self.display = False

    @property
    def plain(self) -> str:
        """The text that is shown, empty while hidden."""
        return str(self.content) if self.display else ""

    def show(self, connection: Connection) -> None:
        """Follow the state of the engine."""
        gone = connection.state in {EngineState.RECONNECTING, EngineState.LOST}
        silent = connection.state is EngineState.SILENT
        if gone:
            error = connection.error
            why = f": {error.message}" if error is not None else ""
            hint = f"  {error.remedy}." if error is not None and error.remedy else ""
            self.update(
                joined(
                    (f" The engine is not reachable{why}.", "bold"), hint, "  What you see may be old; trying again."
                )
            )
        elif silent:
            self.update(joined((" The engine does not answer yet.", "bold"), "  It may be busy; nothing is lost."))
        self.display = gone or silent
        self.set_class(connection.state is EngineState.LOST, "-lost")
