"""Help that cannot be wrong: made from the bindings that are live on the screen below."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.content import Content
from textual.screen import Screen

from soc_tui.console.screens.modal import Dialog
from soc_tui.console.widgets.detail import heading
from soc_tui.console.widgets.text import content, joined, lines

FILTER_HELP = (
    ("severity:>=high", "at least this severity"),
    ("src:10.0.0.0/8", "address, network or pattern; also dst: ip:"),
    ("risk:web-attack state:open", "both must hold"),
    ("user:root,admin", "either"),
    ("after:-2h before:2026-11-01", "time, relative or absolute, UTC"),
    ('-host:web1 "free text"', "not this host; these words anywhere"),
)


def key_lines(screen: Screen[Any], app: App[Any]) -> list[Content]:
    """The active bindings of a screen, in groups named by whoever offers them."""
    groups: dict[str, dict[str, tuple[list[str], bool]]] = {}
    for active in screen.active_bindings.values():
        title = getattr(active.node, "HELP_TITLE", None)
        if title is None or not active.binding.description:
            continue
        keys, enabled = groups.setdefault(title, {}).setdefault(
            active.tooltip or active.binding.description, ([], active.enabled)
        )
        keys.append(app.get_key_display(active.binding))
    result: list[Content] = []
    for title, bindings in groups.items():
        result.append(heading(title))
        for description, (keys, enabled) in bindings.items():
            style = "" if enabled else "$text-muted"
            result.append(joined((f"  {' '.join(keys):<18}", "bold $text-accent"), (description, style)))
        result.append(content(""))
    return result


class HelpScreen(Dialog):
    """Keys and the filter language.

    Args:
        below: the screen whose keys are explained.
    """

    HELP_TITLE = "Help"

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__("Help")
        self._below = below

    def on_mount(self) -> None:
        """Show the keys."""
        text = key_lines(self._below, self.app)
        text.append(heading("Filters", "press / to write one"))
        text += [joined((f"  {example:<32}", "$text-accent"), (says, "$text-muted")) for example, says in FILTER_HELP]
        self.pane.show(lines(text))
