"""A clue tree as lines of text, for the command line, the console and golden tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from soc_tui.core.text import safe


class TreeLine(NamedTuple):
    """One line; ``prefix + text`` is what is shown."""

    depth: int
    prefix: str
    """The branches, e.g. ``│  ├─ ``."""
    text: str
    """Made safe for a terminal."""
    node_id: int


def render(clues: Iterable[Mapping[str, Any]], *, ascii_only: bool = False, why: bool = True) -> list[TreeLine]:
    """The tree in reading order.

    Args:
        clues: rows of ``clues`` of one incident. A node whose parent is missing is shown at the top.
        ascii_only: branches for terminals without Unicode.
        why: append the reason of each edge.

    Returns:
        One line per node; circumstantial ones begin with ``?``.
    """
    nodes = sorted(clues, key=lambda node: node["node_id"])
    known = {node["node_id"] for node in nodes}
    children: dict[int | None, list[Mapping[str, Any]]] = {}
    for node in nodes:
        parent = node["parent_id"]
        # A parent always has the smaller number, so damaged rows can form no circle.
        valid = parent in known and parent < node["node_id"]
        children.setdefault(parent if valid else None, []).append(node)
    branch, last, bar, gap = ("|- ", "`- ", "|  ", "   ") if ascii_only else ("├─ ", "└─ ", "│  ", "   ")
    lines: list[TreeLine] = []
    # (node, prefix of its line, prefix of its children, depth); a stack, because depth is data
    stack = [(node, "", "", 0) for node in reversed(children.get(None, []))]
    while stack:
        node, prefix, below, depth = stack.pop()
        lines.append(TreeLine(depth, prefix, _text(node, why), node["node_id"]))
        under = children.get(node["node_id"], [])
        for place, child in reversed(list(enumerate(under, 1))):
            end = place == len(under)
            stack.append((child, below + (last if end else branch), below + (gap if end else bar), depth + 1))
    return lines


def _text(node: Mapping[str, Any], why: bool) -> str:
    time = f"{node['time']:%Y-%m-%d %H:%M:%S} " if node["time"] and node["kind"] in {"step", "login"} else ""
    label = {"machine": "to machine ", "account": "to account ", "url": "to "}.get(node["kind"], "") + node["label"]
    tactic = f" [{' '.join(part for part in (node['tactic'], node['technique']) if part)}]" if node["tactic"] else ""
    reason = f" ({node['why']})" if why and node["why"] else ""
    return ("? " if node["circumstantial"] else "") + time + safe(label) + safe(tactic + reason)
