"""The line at the top (where am I, how much, how bad, is the engine there) and the line of keys at the bottom."""

from __future__ import annotations

import time

from textual.content import Content
from textual.widgets import Static

from soc_tui.console.connection import Connection, EngineState
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
        pulse, wide = connection.pulse, self.size.width >= 100
        parts: list[object] = [(" soc-tui ", "bold $text-primary"), (self._title, "bold")]
        if pulse.demo:
            parts += [" ", (" DEMO ", "bold reverse $text-warning")]
        if paused:
            parts += [" ", (f" PAUSED{f' +{missed}' if missed else ''} ", "bold reverse $text-accent")]
        if wide and pulse.workspace and pulse.workspace != self._title:
            parts += ["  ", content(pulse.workspace, "$text-muted", limit=40)]
        for severity in reversed(Severity):
            number = pulse.by_severity.get(severity.word, 0)
            if number and (wide or severity >= Severity.MEDIUM):
                mark = severity.ascii_glyph if ascii_only() else severity.glyph
                word = f" {severity.word}" if wide else ""
                style = SEVERITY_STYLES[severity].replace("reverse ", "")
                parts += ["  ", (f"{mark} {count(number)}{word}", style)]
        if pulse.revision >= 0:
            parts += ["  ", (f"{count(pulse.events)} events", "$text-muted")]
            lag = f"  lag {size(pulse.lag_bytes)}" if pulse.lag_bytes else "  no lag" if wide else ""
            parts.append((lag, "$text-warning" if pulse.lag_bytes else "$text-muted"))
        engine = connection.state.value if wide or connection.state is not EngineState.CONNECTED else ""
        if seconds is not None:
            engine += f", again in {seconds} s"
        mark = glyphs().done if connection.state is EngineState.CONNECTED else glyphs().waiting
        tail = content(f"{mark} {engine} ".rstrip() + " ", ENGINE_STYLES[connection.state])
        line = joined(*parts)
        gap = self.size.width - line.cell_length - tail.cell_length
        return joined(line, " " * max(2, gap), tail)


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
        parts: list[object] = []
        used, seen = 1, set()
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if not binding.show or not active.enabled or binding.action in seen:
                continue
            seen.add(binding.action)
            key = self.app.get_key_display(binding)
            cells = len(key) + len(binding.description) + 3
            if used + cells > self.size.width:
                break
            used += cells
            parts += [(f" {key}", "bold $text-accent"), (f" {binding.description} ", "$text-muted")]
        self.update(joined(*parts))
