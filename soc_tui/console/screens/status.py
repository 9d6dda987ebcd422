"""The seven modules and what they read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from soc_tui.console.connection import Pulse
from soc_tui.console.link import Link, Rows
from soc_tui.console.loading import Reply
from soc_tui.console.screens.modal import Dialog
from soc_tui.console.widgets.detail import heading
from soc_tui.console.widgets.glyphs import glyphs
from soc_tui.console.widgets.text import content, count, cut, joined, lines, size, when

MAX_SOURCES = 200
STATE_STYLES = {
    "running": "$text-success",
    "ok": "$text-success",
    "idle": "$text-success",
    "failed": "$text-error",
    "off": "$text-muted",
}
Answer = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def module_lines(modules: Sequence[Mapping[str, Any]]) -> list[Content]:
    """One line per module, one with what it says of itself, and one more where something failed."""
    result = [content(f"  {'module':<14} {'state':<12} {'last activity':<19}  lag", "$text-muted")]
    for module in modules:
        state = str(module.get("state"))
        style = STATE_STYLES.get(state, "$text-warning")
        bad = style == "$text-error" or bool(module.get("last_error"))
        mark = glyphs().failed if bad else glyphs().done
        result.append(
            joined(
                (f"{mark} ", "$text-error" if bad else "$text-success"),
                (cut(module.get("module"), 14), "bold"), " ", (cut(state, 12), style), " ",
                (cut(when(module.get("last_activity")), 19), "$text-muted"), "  ",
                size(module.get("lag")) if isinstance(module.get("lag"), int) else module.get("lag"),
            )
        )  # fmt: skip
        if module.get("detail"):  # what is watched and unreadable, days in the archive and files missing from it
            result.append(content(f"    {module['detail']}", "$text-muted"))
        if module.get("last_error"):
            result.append(joined("    ", (module.get("last_error"), "$text-error")))
    return result


def source_lines(sources: Sequence[Mapping[str, Any]]) -> list[Content]:
    """What was read from where: read = stored + rejected, always."""
    if not sources:
        return [content("Nothing is watched. Run: soc-tui watch PATH, or soc-tui ingest PATH", "$text-muted")]
    result = []
    for source in sources[:MAX_SOURCES]:
        read, stored, rejected = (source.get(f"records_{key}") for key in ("read", "stored", "rejected"))
        result.append(joined((source.get("path"), "bold"), "  ", (source.get("format"), "$text-muted")))
        style = "$text-warning" if rejected else "$text-muted"
        result.append(
            joined(
                (f"    {count(read)} read = {count(stored)} stored + ", "$text-muted"),
                (f"{count(rejected)} rejected", style), "  ", (source.get("state"), "$text-muted"),
                (f"  last {when(source['last_event_time'])}" if source.get("last_event_time") else "", "$text-muted"),
            )
        )  # fmt: skip
        if source.get("lag_bytes"):
            result.append(content(f"    {_behind(source)}", "$text-warning"))
        if source.get("error"):
            result.append(joined("    ", (source.get("error"), "$text-error")))
    if len(sources) > MAX_SOURCES:
        result.append(content(f"and {count(len(sources) - MAX_SOURCES)} more", "$text-muted"))
    return result


def _behind(source: Mapping[str, Any]) -> str:
    """``12.0 MB behind, 340 s, caught up in 8 s`` or ``... never at this rate``."""
    parts = [f"{size(source['lag_bytes'])} behind"]
    if source.get("lag_seconds"):
        parts.append(f"{source['lag_seconds']:.0f} s")
    left = source.get("catch_up_seconds")
    if left is not None and left == math.inf:
        parts.append("never caught up at this rate")
    elif left:
        parts.append(f"caught up in {left:.0f} s")
    return ", ".join(parts)


class StatusScreen(Dialog):
    """Modules and sources, kept up to date while open."""

    HELP_TITLE = "Status"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("s", "leave", "Back", show=False)]

    def __init__(self) -> None:
        super().__init__("Status")

    def on_mount(self) -> None:
        """Ask now and whenever something changed."""
        self.soc.pulse_signal.subscribe(self, self._pulse)
        if not self._load():
            self.pane.say("Not connected to the engine", "It is tried again; this fills when it is back.", "bad")

    def _pulse(self, _pulse: Pulse) -> None:
        self._load()

    def _load(self) -> bool:
        def work(link: Link) -> Answer:
            return Rows(link.query("status")).all(), Rows(link.query("sources")).all()

        asked = self.soc.loader.ask(self, "status", work, self._got)
        if asked and not self.pane.plain:
            self.pane.wait("Asking the modules")
        return asked

    def _got(self, reply: Reply[Answer]) -> None:
        if reply.value is None:
            self.pane.fail(reply.error)
            return
        modules, sources = reply.value
        self.pane.show(
            lines([
                heading("Modules"), *module_lines(modules), content(""),
                heading("Sources", count(len(sources))), *source_lines(sources),
            ])
        )  # fmt: skip
