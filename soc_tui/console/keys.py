"""Every key of the console as a document, made from the bindings themselves (docs/keys.md is this text)."""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding, BindingType
from textual.keys import format_key

from soc_tui.console.app import ConsoleApp
from soc_tui.console.screens.attacker import AttackerScreen
from soc_tui.console.screens.events import EventsScreen
from soc_tui.console.screens.help import FILTER_HELP
from soc_tui.console.screens.main import MainScreen
from soc_tui.console.screens.modal import Dialog
from soc_tui.console.screens.repair import RepairScreen
from soc_tui.console.screens.status import StatusScreen
from soc_tui.console.screens.suppress import SuppressScreen
from soc_tui.console.screens.suppressions import SuppressionsScreen
from soc_tui.console.screens.undo import UndoScreen
from soc_tui.console.widgets.alert_table import AlertTable
from soc_tui.console.widgets.clue_tree import ClueTree
from soc_tui.console.widgets.event_table import EventTable
from soc_tui.console.widgets.filter_bar import FilterInput
from soc_tui.console.widgets.knowledge import KnowledgePane
from soc_tui.console.widgets.row_list import RowList
from soc_tui.console.widgets.text_pane import TextPane

OFFERING = (
    ConsoleApp, MainScreen, RowList, TextPane, AlertTable, KnowledgePane, ClueTree, FilterInput, RepairScreen,
    UndoScreen, SuppressScreen, SuppressionsScreen, Dialog, AttackerScreen, StatusScreen, EventsScreen, EventTable,
)  # fmt: skip
"""Everything that offers keys, in the order of the document."""


def keys_markdown() -> str:
    """The document."""
    parts = [
        "# Keys\n\nGenerated from the code by `python -m soc_tui.console.keys`; `?` shows the same for where you are.\n"
    ]
    for offering in OFFERING:
        rows = list(_rows(offering.__dict__.get("BINDINGS", ())))
        if rows:
            parts.append(f"## {offering.HELP_TITLE}\n\n| key | what it does |\n|---|---|\n" + "\n".join(rows) + "\n")
    rows = [f"| `{example}` | {says} |" for example, says in FILTER_HELP]
    parts.append("## Filters\n\n| example | meaning |\n|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _rows(bindings: Iterable[BindingType]) -> Iterable[str]:
    for binding in bindings:
        if isinstance(binding, Binding):
            keys = [binding.key_display] if binding.key_display else []
            keys += [format_key(key) for key in binding.key.split(",")][len(keys) :]
            yield f"| {' '.join(f'`{key}`' for key in keys if key)} | {binding.tooltip or binding.description} |"


if __name__ == "__main__":
    print(keys_markdown(), end="")
