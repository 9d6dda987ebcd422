"""All that is known of one address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.content import Content

from soc_tui.console.link import Link, Rows
from soc_tui.console.loading import Reply
from soc_tui.console.screens.modal import Dialog
from soc_tui.console.widgets.detail import badge, heading
from soc_tui.console.widgets.glyphs import glyphs
from soc_tui.console.widgets.text import content, count, joined, lines, when
from soc_tui.core.addresses import address_facts
from soc_tui.core.text import safe

LISTS = (
    ("targets", "Targets"),
    ("users", "Accounts tried"),
    ("user_agents", "User agents"),
    ("techniques", "Techniques"),
)
MAX_ITEMS = 20


def attacker_lines(attacker: Mapping[str, Any]) -> list[Content]:
    """One row of the attackers table, with what enrichment knows under ``known``."""
    result = [
        joined(badge(attacker.get("severity")), "  ", (attacker.get("address"), "bold"), "  ",
               (attacker.get("address_class"), "$text-muted")),
        content(""),
        joined(("first seen ", "$text-muted"), when(attacker.get("first_seen"))),
        joined(("last seen  ", "$text-muted"), when(attacker.get("last_seen"))),
        joined(("events     ", "$text-muted"), count(attacker.get("event_count"))),
        joined(("alerts     ", "$text-muted"), count(attacker.get("alert_count"))),
        joined(("incidents  ", "$text-muted"), ", ".join(f"I{i}" for i in attacker.get("incident_ids") or [])),
    ]  # fmt: skip
    if facts := address_facts(attacker.get("known") or {}):
        result += [content(""), heading("Address"), *known_lines(facts)]
    for key, title in LISTS:
        items = list(attacker.get(key) or [])
        if not items:
            continue
        result += [content(""), heading(title, count(len(items)))]
        result += [joined((f"{glyphs().bullet} ", "$text-muted"), item) for item in items[:MAX_ITEMS]]
        if len(items) > MAX_ITEMS:
            result.append(content(f"and {count(len(items) - MAX_ITEMS)} more", "$text-muted"))
    return result


def _rows(link: Link, address: str, known: bool) -> list[dict[str, Any]]:
    rows = Rows(link.query("attacker", address=address)).all()
    return rows or ([{"address": address}] if known else [])


def known_lines(facts: list[tuple[str, str]]) -> list[Content]:
    """Class, asset, place, network, name and indicators of an address."""
    return [joined((name.ljust(11), "$text-muted"), safe(text, limit=200)) for name, text in facts]


class AttackerScreen(Dialog):
    """Attacker information.

    Args:
        address: the source address, as the alert names it.
    """

    HELP_TITLE = "Attacker"

    def __init__(self, address: str) -> None:
        super().__init__("Attacker")
        self._address = address

    def on_mount(self) -> None:
        """Ask."""
        address = self._address

        def work(link: Link) -> list[dict[str, Any]]:
            known = Rows(link.query("address", address=address)).all()
            return [{**row, "known": known[0] if known else {}} for row in _rows(link, address, bool(known))]

        if self.soc.loader.ask(self, "attacker", work, self._got, topic=address):
            self.pane.wait("Looking up the address")
        else:
            self.pane.say("Not connected to the engine", "It is tried again; come back in a moment.", "bad")

    def _got(self, reply: Reply[list[dict[str, Any]]]) -> None:
        if reply.value is None:
            self.pane.fail(reply.error)
        elif not reply.value:
            self.pane.settle()
            self.pane.say("Nothing is known of this address yet", "It appears once its alerts form an incident.")
        else:
            self.pane.show(lines(attacker_lines(reply.value[0])))
