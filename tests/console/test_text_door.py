"""The source of this room is read: no data reaches a renderer that reads markup.

Textual reads markup in ``Static(str)``, ``update(str)``, ``notify(str)``, titles, labels and tooltips. A constant of
ours is fine there; anything computed has to be a ``Content`` made by ``widgets/text.py``.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOM = Path(__file__).resolve().parents[2] / "soc_tui" / "console"
DOOR = {"content", "joined", "lines", "heading"}
SINK_CALLS = {"Static", "Label", "Button", "Collapsible", "Tab", "Tabs", "TabPane", "Option", "Toast", "Markdown"}
SINK_METHODS = {"update", "notify", "add_option", "write", "set_label", "add_row", "add_leaf"}
SINK_ATTRIBUTES = {"border_title", "border_subtitle", "tooltip", "title", "sub_title", "label", "renderable"}
FORBIDDEN = {"from_markup", "Markdown", "render_str", "escape"}


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _through_door(node: ast.expr) -> bool:
    """A constant, or a call of the text door or of a function that returns a Content made by it."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Call):
        return _name(node.func) in DOOR | {"_line"} or (
            isinstance(node.func, ast.Attribute) and _through_door(node.func.value)
        )
    return False


def problems(source: str, path: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        where = f"{path}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Call):
            name = _name(node.func)
            markup_off = any(
                k.arg == "markup" and isinstance(k.value, ast.Constant) and k.value.value is False
                for k in node.keywords
            )
            if name in FORBIDDEN:
                found.append(f"{where} {name} reads or pretends to tame markup")
            if name == "Static" and not markup_off:
                found.append(f"{where} Static without markup=False")
            if name in SINK_CALLS and any(not _through_door(a) for a in node.args):
                found.append(f"{where} {name}(computed text)")
            if name in SINK_METHODS and isinstance(node.func, ast.Attribute):
                computed = any(not _through_door(a) for a in node.args)
                if computed and not (name == "notify" and markup_off) and _name(node.func.value) not in {"seen"}:
                    found.append(f"{where} .{name}(computed text)")
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            is_sink = isinstance(target, ast.Attribute) and target.attr in SINK_ATTRIBUTES
            if is_sink and not _through_door(node.value):
                found.append(f"{where} {target.attr} = computed text")
    return found


ALLOWED = {
    "widgets/text_pane.py": 1,  # TextPane.show takes a Content
}


@pytest.mark.parametrize("path", sorted(ROOM.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOM)))
def test_no_markup_sink_gets_data(path: Path) -> None:
    name = str(path.relative_to(ROOM))
    found = problems(path.read_text(encoding="utf-8"), name)
    assert len(found) <= ALLOWED.get(name, 0), found


@pytest.mark.parametrize(
    "bad",
    [
        'Static(f"{name}")', 'Static("x")', "self.notify(text)", 'self.notify(f"{x}", title="t")',
        'pane.border_title = f"A{n}"', "pane.tooltip = alert", "Content.from_markup(x)", "body.update(text)",
        'Button(f"{name}")', "escape(x)", "cancel.label = name",
    ],
)  # fmt: skip
def test_the_lint_sees_each_kind(bad: str) -> None:
    assert problems(bad, "x.py")
