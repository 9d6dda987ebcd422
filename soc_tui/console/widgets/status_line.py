"""The line at the top (where am I, how much, how bad, is the engine there) and the line of keys at the bottom."""

from __future__ import annotations

import time

from textual.content import Content
from textual.widgets import Static

from soc_tui.console.connection import Connection, EngineState, Pulse
from soc_tui.console.widgets.detail import SEVERITY_STYLES
from soc_tui.console.widgets.glyphs import ascii_only, glyphs
from soc_tui.console.widgets.text import content, count, joined, size
from soc_tui.core.severity import Severity

ENGINE_STYLES = {
    EngineState.CONNECTING: "$text-muted",
    EngineState.CONNECTED: "$text-success",
    EngineState.SILENT: "$text-warning",
    EngineState.RECONNECTING: "$text-warning",
    EngineState.LOST: "bold $text-error",
}


class StatusLine(Static):
    """One line: name, workspace, alerts by severity, events, lag, engine."""

    def __init__(self, title: str) -> None:
        super().__init__(markup=False, id="status-line")
        self._title = title
        self._shown: tuple[object, ...] = ()

    @property
    def plain(self) -> str:
        """The text that is shown."""
        return str(self.content)

    def show(self, connection: Connection, *, paused: bool, missed: int) -> None:
        """Show a state of the engine; draws only when something differs."""
        pulse = connection.pulse
        seconds = max(0, round(connection.retry_at - time.monotonic())) if connection.retry_at is not None else None
        state = (pulse, connection.state, seconds, paused, missed, self.size.width)
        if state != self._shown:
            self._shown = state
            self.update(self._line(connection, seconds, paused, missed))

    def _line(self, connection: Connection, seconds: int | None, paused: bool, missed: int) -> Content:
        """The richest wording that leaves room for the engine's state at the right."""
        state = connection.state
        engine = state.value + (f", again in {seconds} s" if seconds is not None else "")
        mark = glyphs().done if state is EngineState.CONNECTED else glyphs().waiting
        tail = content(f"{mark} {engine} ", ENGINE_STYLES[state])
        room = self.size.width - tail.cell_length
        line = content("")
        for wording in range(4):
            line = self._counts(connection.pulse, wording, paused, missed)
            if line.cell_length + 2 <= room:
                break
        return joined(line.truncate(max(0, room - 1)), " " * max(1, room - line.cell_length), tail)

    def _counts(self, pulse: Pulse, wording: int, paused: bool, missed: int) -> Content:
        parts: list[object] = [" ", ("soc-tui", "bold $text-primary")]
        if self._title != "soc-tui":
            parts += [" ", (self._title, "bold")]
        if pulse.demo:
            parts += ["  ", (" DEMO ", "bold reverse $text-warning")]
        if paused:
            parts += ["  ", (f" PAUSED{f' +{missed}' if missed else ''} ", "bold reverse $text-accent")]
        if wording < 1 and pulse.workspace and pulse.workspace != self._title:
            parts += ["  ", content(pulse.workspace, "$text-muted", limit=40)]
        for severity in reversed(Severity):
            number = pulse.by_severity.get(severity.word, 0)
            if number and (wording < 3 or severity >= Severity.MEDIUM):
                mark = severity.ascii_glyph if ascii_only() else severity.glyph
                word = f" {severity.word}" if wording < 2 else ""
                style = SEVERITY_STYLES[severity].replace("reverse ", "")
                parts += ["  ", (f"{mark} {count(number)}{word}", style)]
        if pulse.revision >= 0:
            parts += ["  ", (f"{count(pulse.events)} events", "$text-muted")]
            lag = f"lag {size(pulse.lag_bytes)}" if pulse.lag_bytes else "no lag" if wording < 1 else ""
            parts += ["  ", (lag, "$text-warning" if pulse.lag_bytes else "$text-muted")]
        return joined(*parts)


class KeyBar(Static):
    """The most useful keys of this moment, from the bindings that are active now."""

    def __init__(self) -> None:
        super().__init__(markup=False, id="key-bar")

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _screen: self.draw())

    def on_resize(self) -> None:
        """Another width shows more keys or fewer."""
        self.draw()

    def draw(self) -> None:
        """Show as many keys as fit."""
        if not self.screen.is_active:
            return
        keys: dict[str, tuple[str, str]] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.show and active.enabled and binding.action not in keys:
                keys[binding.action] = (self.app.get_key_display(binding), binding.description)
        always = [keys.pop(action) for action in ("help", "quit") if action in keys]
        room = self.size.width - sum(_cells(key) for key in always)
        shown: list[tuple[str, str]] = []
        for key in keys.values():
            room -= _cells(key)
            if room < 0:
                break
            shown.append(key)
        parts: list[object] = []
        for name, description in shown + always:
            parts += [" ", (name, "bold $text-accent"), " ", (description, "$text-muted"), " "]
        self.update(joined(*parts))


def _cells(key: tuple[str, str]) -> int:
    return len(key[0]) + len(key[1]) + 3
