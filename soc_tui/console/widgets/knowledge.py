"""What the knowledge database says about the selected alert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from soc_tui.console.widgets.detail import heading
from soc_tui.console.widgets.glyphs import glyphs
from soc_tui.console.widgets.text import content, joined, lines
from soc_tui.console.widgets.text_pane import TextPane

SECTIONS = (
    ("recognise", "How to recognise it"),
    ("verify", "Verify"),
    ("false_positives", "What else it can be"),
    ("contain", "Contain"),
    ("eradicate", "Eradicate"),
    ("recover", "Recover"),
    ("notify", "Notify"),
    ("references", "References"),
)


def entry_lines(match: Mapping[str, Any]) -> list[Content]:
    """One knowledge entry and why it matches."""
    entry = match.get("entry")
    body: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {}
    score = match.get("score")
    fit = f"match {score:.0%}" if isinstance(score, int | float) else ""
    result = [
        joined((match.get("title"), "bold"), "  ", (match.get("id"), "$text-muted"), "  ", (fit, "$text-success")),
        content(match.get("why"), "$text-muted"),
        content(""),
        content(body.get("summary"), multiline=True),
    ]
    for key, title in SECTIONS:
        items = body.get(key)
        if not isinstance(items, Sequence) or isinstance(items, str) or not items:
            continue
        result += [content(""), heading(title)]
        result += [joined((f"{glyphs().bullet} ", "$text-muted"), item) for item in items]
    origin = [body[key] for key in ("source", "licence") if body.get(key)]
    if origin:
        separator = f" {glyphs().dot} "
        parts: list[object] = [part for value in origin for part in (separator, (value, "$text-muted"))]
        result += [content(""), joined(*parts[1:])]
    return result


class KnowledgePane(TextPane):
    """The best matching entry; ``[`` and ``]`` turn to the others."""

    HELP_TITLE = "Knowledge"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "turn(-1)", "Previous match", show=False, key_display="["),
        Binding("right_square_bracket", "turn(1)", "Next match", show=False, key_display="]"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._matches: Sequence[Mapping[str, Any]] = ()
        self._place = 0
        self._subject = ""

    def show_matches(self, subject: str, matches: Sequence[Mapping[str, Any]]) -> None:
        """Show what matches a subject such as ``A12``, best first."""
        other = subject != self._subject
        self._matches, self._subject = matches, subject
        if other or self._place >= len(matches):
            self._place = 0
        self._redraw(home=other)

    def clear(self) -> None:
        """No alert is selected."""
        self._matches, self._subject = (), ""
        self.settle()
        self.say("Knowledge appears here", "It is matched to the selected alert.")

    def action_turn(self, by: int) -> None:
        """Another of the matching entries."""
        if self._matches:
            self._place = (self._place + by) % len(self._matches)
            self._redraw(home=True)

    def _redraw(self, *, home: bool = False) -> None:
        if not self._matches:
            self.settle()
            self.say(
                "No entry matches this alert",
                "Verify by the evidence. An entry of your own can be added to the knowledge folder.",
            )
            return
        text = entry_lines(self._matches[self._place])
        if len(self._matches) > 1:
            text += [content(""), heading("Also matching", "[ and ] turn")]
            for place, match in enumerate(self._matches):
                here = glyphs().cursor if place == self._place else " "
                text.append(joined((f"{here} ", "$text-accent"), match.get("title")))
        self.show(lines(text), home=home)
