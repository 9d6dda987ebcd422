"""One alert in full: what, who, why the detectors think so, and the evidence lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from soc_tui.console.widgets.alert_table import severity_of
from soc_tui.console.widgets.glyphs import ascii_only, glyphs
from soc_tui.console.widgets.text import content, count, cut, hanging, joined, lines, when
from soc_tui.console.widgets.text_pane import TextPane
from soc_tui.core.errors import SocTuiError
from soc_tui.core.severity import Severity
from soc_tui.core.text import safe

SEVERITY_STYLES = {
    Severity.INFO: "$text-muted",
    Severity.LOW: "$text-accent",
    Severity.MEDIUM: "$text-warning",
    Severity.HIGH: "$text-error",
    Severity.CRITICAL: "bold reverse $text-error",
}
BAR = 12
"""Cells of the longest explanation bar."""
NARROW = 60
"""Cells below which an explanation is not set in columns."""
EVIDENCE = 20
"""Evidence lines that are asked for."""
MAX_FIELDS = 12


def badge(word: object) -> Content:
    """A severity as glyph, word and colour."""
    severity = severity_of(word)
    label = severity.label(ascii_only=ascii_only()).rstrip()
    return content(f" {label} " if severity is Severity.CRITICAL else label, SEVERITY_STYLES[severity])


def heading(text: str, extra: str = "") -> Content:
    """A section title of ours with a muted addition."""
    return joined((text, "bold $text-primary"), "  ", (extra, "$text-muted"))


def explanation_lines(explanation: object, width: int) -> list[Content]:
    """Signed field weights as bars: glyph, sign and number say what the colour says.

    A wide pane gets columns; in a narrow one the bar comes first and field and value wrap beside it, uncut.

    Args:
        explanation: a JSON list of ``{field, value, weight}`` as the engine keeps it.
        width: cells of a line.
    """
    fields = _fields(explanation)
    if not fields:
        return [content("The detector gave no field weights.", "$text-muted")]
    marks = glyphs()
    top = max(abs(weight) for _, _, weight in fields) or 1.0
    bar_cells = max(4, min(BAR, width // 6))
    name_cells = min(22, max(cell_len(name) for name, _, _ in fields))
    value_cells = max(4, min(max(cell_len(value) for _, value, _ in fields), width - name_cells - bar_cells - 11))
    result = []
    for name, value, weight in fields:
        up = weight >= 0
        length = max(1, round(abs(weight) / top * bar_cells)) if weight else 0
        bar = ((marks.bar_up if up else marks.bar_down) * length).ljust(bar_cells)
        style = "$text-error" if up else "$text-success"
        number = f"{'+' if up else marks.minus}{abs(weight):.2f}"
        if width < NARROW:
            lead = joined((number, style), " ", (bar, style), " ")
            result.append(hanging(lead, joined((name, "$text-muted"), "  ", (value, "bold")), width))
            continue
        result.append(
            joined(cut(name, name_cells), "  ", (cut(value, value_cells), "bold"), "  ", (bar, style), " ", number)
        )
    return result


def _fields(explanation: object) -> list[tuple[str, str, float]]:
    try:
        items = json.loads(explanation) if isinstance(explanation, str) else explanation
    except ValueError:
        return []
    if not isinstance(items, Sequence) or isinstance(items, str):
        return []
    result = []
    for item in items[:MAX_FIELDS]:
        if not isinstance(item, Mapping):
            continue
        weight = item.get("weight")
        number = float(weight) if isinstance(weight, int | float) and abs(weight) < 1e9 else 0.0
        result.append((safe(item.get("field"), limit=60), safe(item.get("value"), limit=200), number))
    return result


def evidence_lines(evidence: Sequence[Mapping[str, Any]] | None, error: SocTuiError | None) -> list[Content]:
    """The raw records with the place they come from."""
    if error is not None:
        return [content(error.message, "$text-error"), content(error.remedy, "$text-muted")]
    if evidence is None:
        return [content("loading the records" + glyphs().more, "$text-muted")]
    if not evidence:
        return [content("No record is linked to this alert.", "$text-muted")]
    result = []
    for item in evidence:
        place = f"{safe(item.get('source'))} @{count(item.get('offset'))} +{count(item.get('length'))}"
        result.append(content(place, "$text-muted"))
        raw = item.get("line")
        result.append(content(raw if raw is not None else item.get("message")))
    return result


def fact_lines(alert: Mapping[str, Any]) -> list[Content]:
    """Who did what to whom, when and how often, in as few lines as hold it; only what is known."""
    arrow, port = f" {glyphs().arrow} ", alert.get("dst_port")
    dst = f"{safe(alert.get('dst_ip'))}{f':{port}' if port is not None else ''}" if alert.get("dst_ip") else ""
    goal = "  ".join(part for part in (safe(alert.get("host")), dst) if part)
    user, target = safe(alert.get("user_name")), safe(alert.get("target"))
    first, last = when(alert.get("time")), when(alert.get("time_last"))
    same_day = first[:10] == last[:10]
    findings = alert.get("finding_count")
    incident, hidden = alert.get("incident_id"), alert.get("suppressed_by")
    facts = (
        ("from", arrow.join(part for part in (safe(alert.get("src_ip")), goal) if part)),
        ("source", _known(alert, "src")),
        ("target", _known(alert, "dst")),
        ("user", f"{user} on {target}" if user and target else user),
        ("against", "" if user else target),
        ("when", first if first == last or not last else f"{first}{arrow}{last[11:] if same_day else last}"),
        ("events", f"{count(alert.get('event_count'))} in {_several(findings, 'finding')}" if findings else ""),
        ("score", f"{float(alert.get('score') or 0):.3f} by {safe(alert.get('detector'))}"),
        ("verdict", ": ".join(safe(alert[key]) for key in ("verdict", "verdict_reason") if alert.get(key))),
        ("part of", f"incident I{incident}" if incident is not None else ""),
        ("hidden", f"by suppression S{hidden}" if hidden is not None else ""),
        ("attack", ", ".join(safe(technique) for technique in alert.get("techniques") or [])),
    )
    return [joined((name.ljust(9), "$text-muted"), value) for name, value in facts if value]


def _known(alert: Mapping[str, Any], end: str) -> str:
    """What enrichment knows of one end: asset, DNS name, network, country; empty when it is only a class."""
    asn = alert.get(f"{end}_asn")
    network = " ".join(part for part in (f"AS{asn}" if asn else "", safe(alert.get(f"{end}_as_org"))) if part)
    parts = [safe(alert.get(f"{end}_{key}"), limit=60) for key in ("asset", "name")]
    parts += [network, safe(alert.get(f"{end}_country"))]
    return ", ".join(part for part in parts if part)


def _several(number: object, word: str) -> str:
    return f"{count(number)} {word}{'' if number == 1 else 's'}"


class DetailPane(TextPane):
    """The alert under the cursor."""

    HELP_TITLE = "Detail"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._alert: Mapping[str, Any] | None = None
        self._evidence: Sequence[Mapping[str, Any]] | None = None
        self._error: SocTuiError | None = None

    def show_alert(self, alert: Mapping[str, Any]) -> None:
        """Show an alert; evidence already loaded for the same one stays."""
        other = self._alert is None or self._alert.get("alert_id") != alert.get("alert_id")
        self._alert = alert
        if other:
            self._evidence, self._error = None, None
        self._redraw(home=other)

    def show_evidence(self, evidence: Sequence[Mapping[str, Any]] | None, error: SocTuiError | None = None) -> None:
        """Add the evidence of the alert that is shown, or why it could not be read."""
        self._evidence, self._error = evidence, error
        self._redraw()

    def clear(self) -> None:
        """No alert is selected."""
        self._alert, self._evidence, self._error = None, None, None
        self.settle()
        self.say("No alert selected", "Choose one in the list with j and k.")

    def show_place(self, section: str) -> None:
        """Scroll to a section's heading (``Why`` or ``Evidence``)."""
        width = max(10, self.scrollable_content_region.width)
        row = 0
        for text in self._sections():
            if text.plain.startswith(section):
                break
            row += len(text.wrap(width)) if text.plain else 1
        self.scroll_to(y=row, animate=False)

    def on_resize(self) -> None:
        """Bars and values use the width there is."""
        if self._alert is not None:
            self._redraw()

    def _redraw(self, *, home: bool = False) -> None:
        if self._alert is not None:
            self.show(lines(self._sections()), home=home)

    def _sections(self) -> list[Content]:
        alert = self._alert or {}
        width = max(30, self.scrollable_content_region.width)
        state = alert.get("state") or "open"
        number = f"A{alert.get('alert_id')}"
        found = len(self._evidence) if self._evidence is not None else 0
        shown = f"{count(found)} of {_several(alert.get('event_count'), 'event')}" if found else ""
        return [
            joined(badge(alert.get("severity")), "  ", (number, "bold"), "  ", (alert.get("risk_type"), ""), "  ",
                   (state, "$text-muted")),
            content(alert.get("title"), "bold"),
            content(""),
            *fact_lines(alert),
            content(""),
            heading("Why", "what pushed the score up (+) and down"),
            *explanation_lines(alert.get("explanation"), width),
            content(""),
            heading("Evidence", shown),
            *evidence_lines(self._evidence, self._error),
        ]  # fmt: skip
