"""Risk processing: expert knowledge and one alert become a repair plan (the paper's "match -> repair plan").

Who fills the blanks is an attacker: every value of an alert may have been chosen by the one it accuses. A step that a
machine would run gets an address or becomes a step for a person, and a command that a person may paste gets only values
that mean nothing to a shell.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from soc_tui.core.types import PlanStep, RepairPlan
from soc_tui.knowledge.entry import PLACEHOLDERS, Entry, PlanTemplate

_INERT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
"""Account and host names that no shell, regular expression or option parser gives a meaning to."""

_INTERNAL = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
                    "fc00::/7", "fe80::/10", "::1/128")
)  # fmt: skip
"""RFC 1918, 6598, 3927, 4193, 4291: what cannot be the outer side of a connection."""


def repair_plan(subject: Mapping[str, Any], entry: Entry) -> RepairPlan:
    """The plan of ``entry`` with the blanks filled in from ``subject``.

    Args:
        subject: an alert (``alert_id``) or an incident (``incident_id``, ``attacker``): its ``src_ip``, ``dst_ip``,
            ``dst_port``, ``host``, ``user_name`` and ``target`` as far as they are known. Identifiers may be numbers
            or already carry their letter (``A12``); ``subject_id``, where there is one, wins over both.
        entry: the knowledge that matches it.

    Returns:
        Steps in the entry's order. An ``automatic`` or ``one-key`` step whose target is missing or not an address
        becomes a ``manual`` one that says so.
    """
    values = dict(subject)
    values.setdefault("src_ip", subject.get("attacker"))
    steps = tuple(_step(template, values) for template in entry.plan)
    return RepairPlan(_subject_id(subject), entry.id, entry.title, steps)


def _subject_id(subject: Mapping[str, Any]) -> str:
    if subject.get("subject_id"):
        return str(subject["subject_id"])
    for key, letter in (("alert_id", "A"), ("incident_id", "I")):
        value = subject.get(key)
        if value is not None and value != "":
            text = str(value)
            return text if text.startswith(letter) else f"{letter}{text}"
    return ""


def _step(template: PlanTemplate, values: Mapping[str, Any]) -> PlanStep:
    text = fill(template.text, values)
    if template.mode == "manual":
        return PlanStep("manual", text)
    target = _target(template, values)
    if target:
        return PlanStep(template.mode, text, template.action, target, dict(template.params))
    missing = "an outside address" if template.target == "external_ip" else template.target
    return PlanStep("manual", f"{text} (not done by {template.action}: the alert names no usable {missing})")


def _target(template: PlanTemplate, values: Mapping[str, Any]) -> str:
    """The step's target, or empty when the alert has none that the action can take."""
    if template.target == "external_ip":
        pair = [address for address in (_address(values.get("src_ip")), _address(values.get("dst_ip"))) if address]
        outside = [address for address in pair if not _is_internal(address)]
        return outside[0] if outside else ""
    if template.target.endswith("_ip") or template.action == "block-ip":
        return _address(values.get(template.target))
    return str(values.get(template.target) or "")


def _address(value: object) -> str:
    """The canonical spelling of a single address; empty for anything else."""
    try:
        found = ipaddress.ip_address(str(value))
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id is not None:
            return ""
        return str(found.ipv4_mapped or found)
    return str(found)


def _is_internal(address: str) -> bool:
    found = ipaddress.ip_address(address)
    return any(found in network for network in _INTERNAL if network.version == found.version)


def fill(text: str, values: Mapping[str, Any]) -> str:
    """Knowledge text with its placeholders filled in from an alert, for reading and for pasting.

    A value that is missing, or that a shell could take for more than a word, leaves ``<src_ip>`` to be filled by hand.
    """

    def one(found: re.Match[str]) -> str:
        name = found.group(1)
        value = values.get(name)
        if name.endswith("_ip"):
            inert = _address(value)
        else:
            inert = str(value) if value is not None and _INERT.fullmatch(str(value)) else ""
        return inert or f"<{name}>"

    return re.sub(rf"\{{({'|'.join(PLACEHOLDERS)})\}}", one, text)
