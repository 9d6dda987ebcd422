"""The clue tree of an incident: what led to what, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType

from soc_tui.console.widgets.glyphs import glyphs
from soc_tui.console.widgets.row_list import Part, RowList
from soc_tui.console.widgets.text import cut, when
from soc_tui.core.text import safe

MAX_NODES = 5_000
"""Nodes laid out; a tree beyond that is a flood, which the list above shows better."""
TIME_CELLS = 19


@dataclass(frozen=True)
class Node:
    """One line of the tree."""

    node_id: int
    guide: str
    """The lines that lead to it."""
    clue: Mapping[str, Any]
    children: int


def lay_out(clues: Sequence[Mapping[str, Any]], folded: frozenset[int] | set[int] = frozenset()) -> list[Node]:
    """Clues in depth-first order with their guides.

    Nodes whose parent is missing count as roots, and a node is drawn once, so that a damaged tree (a loop, an orphan)
    still shows everything it has.
    """
    marks = glyphs()
    known = {int(c["node_id"]): c for c in clues[:MAX_NODES]}
    children: dict[int | None, list[int]] = {}
    for node_id, clue in known.items():
        parent = clue.get("parent_id")
        parent = int(parent) if parent is not None and int(parent) in known and int(parent) != node_id else None
        children.setdefault(parent, []).append(node_id)
    result: list[Node] = []
    seen: set[int] = set()

    def walk(roots: Sequence[int]) -> None:
        stack = [(node_id, "", "") for node_id in reversed(roots)]
        while stack:
            node_id, guide, below = stack.pop()
            if node_id in seen:
                continue
            seen.add(node_id)
            kids = children.get(node_id, [])
            result.append(Node(node_id, guide, known[node_id], len(kids)))
            if node_id in folded:
                seen.update(_descendants(node_id, children))
                continue
            for place in range(len(kids) - 1, -1, -1):
                last = place == len(kids) - 1
                stack.append(
                    (kids[place], below + (marks.last if last else marks.branch),
                     below + (marks.space if last else marks.trunk))
                )  # fmt: skip

    walk(children.get(None, []))
    walk([node_id for node_id in known if node_id not in seen])
    return result


def _descendants(node_id: int, children: Mapping[int | None, list[int]]) -> set[int]:
    found: set[int] = set()
    todo = list(children.get(node_id, []))
    while todo:
        child = todo.pop()
        if child not in found:
            found.add(child)
            todo += children.get(child, [])
    return found


class ClueTree(RowList):
    """The incident of the selected alert as a tree; the line at the foot says why a node is there."""

    HELP_TITLE = "Clue tree"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Go to alert", show=False),
        Binding("space", "fold", "Fold", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._clues: Sequence[Mapping[str, Any]] = ()
        self._drawn: list[Node] = []
        self._folded: set[int] = set()
        self._incident: int | None = None

    @property
    def node(self) -> Node | None:
        """The node under the cursor."""
        return self._drawn[self.cursor] if self.cursor < len(self._drawn) else None

    @property
    def plain(self) -> str:
        """The tree as text."""
        return "\n".join("".join(text for text, _ in self.draw(row, 120)) for row in range(len(self._drawn)))

    def show_clues(self, incident_id: int | None, clues: Sequence[Mapping[str, Any]]) -> None:
        """Show an incident's tree; the cursor stays on its node when the same incident grows."""
        self.settle()
        before = self.node.node_id if self.node is not None and incident_id == self._incident else None
        if incident_id != self._incident:
            self._folded.clear()
        self._incident, self._clues = incident_id, clues
        self._arrange(before)
        if not clues:
            self.say("No clue tree yet", "Alerts that belong together become an incident as they arrive.")

    def clear(self) -> None:
        """No incident is selected."""
        self.settle()
        self._incident, self._clues, self._drawn, self.cursor = None, (), [], 0
        self.rows_changed()
        self.say("The clue tree appears here", "It is that of the selected alert's incident.")

    def action_fold(self) -> None:
        """Hide or show what is below the node under the cursor."""
        node = self.node
        if node is not None and node.children:
            self._folded ^= {node.node_id}
            self._arrange(node.node_id)

    def _arrange(self, keep: int | None) -> None:
        self._drawn = lay_out(self._clues, self._folded)
        places = {node.node_id: row for row, node in enumerate(self._drawn)}
        self.cursor = places.get(keep, 0) if keep is not None else 0
        self.rows_changed()
        self.show_cursor()
        self.post_message(self.Moved(self))

    def row_count(self) -> int:
        """Nodes that are not folded away."""
        return len(self._drawn)

    def draw(self, row: int, width: int) -> Sequence[Part]:
        """One node: guide, label, technique, time."""
        node, marks = self._drawn[row], glyphs()
        clue = node.clue
        here = (marks.cursor, "accent") if row == self.cursor else (" ", "")
        time = when(clue.get("time")) if width >= 60 else ""
        fold = f"{marks.folded} " if node.node_id in self._folded else ""
        guess = f"{marks.circumstantial} " if clue.get("circumstantial") else ""
        technique = safe(clue.get("technique"), limit=12)
        tail = technique if technique and width >= 40 else ""
        guide = node.guide[: max(0, width // 2)]
        room = max(4, width - 1 - cell_len(guide + fold + guess + tail) - 2 - (TIME_CELLS + 1 if time else 0))
        label = safe(clue.get("label"), limit=room * 2)
        label = cut(label, min(room, cell_len(label)))
        used = 3 + cell_len(guide + fold + guess + label + tail)
        gap = " " * max(1, width - used - TIME_CELLS) if time else ""
        tone = {"incident": "strong", "alert": "accent", "attacker": "high"}.get(str(clue.get("kind")), "")
        return [
            here, (guide, "muted"), (fold, "accent"), (guess, "medium"), (label, tone), ("  ", ""),
            (tail, "muted"), (gap, ""), (time, "muted"),
        ]  # fmt: skip
