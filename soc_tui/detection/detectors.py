"""The detectors: each is one SQL file in ``rules/`` that reads ``events`` and yields findings.

Every rule gets the window of new events (``$first_event_id`` to ``$last_event_id``, inclusive). A rule that counts
finds the keys and time slots that the new events touch, reads *all* events of those, and yields the finding complete;
its ``finding_id`` depends on key and slot alone, so the row replaces the earlier one. Counts that decide are of
failures only and so can only grow. Hence the same events give the same findings in whatever order and chunks they
arrive, late lines included.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from soc_tui.core.settings import DetectionSettings
from soc_tui.detection import signs

_RULES = Path(__file__).parent / "rules"

PRIVATE_ADDRESS = (
    r"^(?:10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\."
    r"|(?i:f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):|::1$)"
)
"""Addresses that the internet does not route (RFC 1918, 6598, 3927, 4193, 4291): the inside of a network."""


def _none(_: DetectionSettings) -> dict[str, Any]:
    return {}


def _private(_: DetectionSettings) -> dict[str, Any]:
    return {"private": PRIVATE_ADDRESS}


def _every_indicator(_: DetectionSettings) -> dict[str, Any]:
    return {"source": "", "added": 0}


def _ssh(settings: DetectionSettings) -> dict[str, Any]:
    return {"failures": max(settings.brute_force_failures, 1), "minutes": max(settings.brute_force_minutes, 1)}


def _web_login(settings: DetectionSettings) -> dict[str, Any]:
    return {
        "failures": max(settings.web_login_failures, 1),
        "minutes": max(settings.brute_force_minutes, 1),
        "login_pattern": login_pattern(settings.web_login_paths),
    }


def _scan(settings: DetectionSettings) -> dict[str, Any]:
    return {
        "ports": max(settings.scan_ports, 2),
        "minutes": max(settings.scan_minutes, 1),
        "private": PRIVATE_ADDRESS,
    }


def _beacon(settings: DetectionSettings) -> dict[str, Any]:
    return {
        "connections": max(settings.beacon_connections, 5),
        "minutes": max(settings.beacon_minutes, 1),
        "hosts": settings.beacon_hosts,
        "score": settings.beacon_score,
        "private": PRIVATE_ADDRESS,
    }


def _long(settings: DetectionSettings) -> dict[str, Any]:
    return {"hours": max(settings.long_connection_hours, 0.1), "private": PRIVATE_ADDRESS}


def _tunnel(settings: DetectionSettings) -> dict[str, Any]:
    return {
        "names": max(settings.dns_tunnel_names, 2),
        "length": max(settings.dns_tunnel_length, 1),
        "lookups": domain_pattern(settings.dns_lookups),
    }


def _hijack(settings: DetectionSettings) -> dict[str, Any]:
    pins = pinned(settings.pinned_records)
    names = {pin.partition("|")[0] for pin in pins}
    return {"pins": pins, "owned": domain_pattern((*settings.own_domains, *sorted(names)))}


def _resolvers(settings: DetectionSettings) -> dict[str, Any]:
    return {"resolvers": list(settings.resolvers), "private": PRIVATE_ADDRESS}


def _look_alike(settings: DetectionSettings) -> dict[str, Any]:
    return {"domains": list(settings.own_domains)}


def _mass_read(settings: DetectionSettings) -> dict[str, Any]:
    return {"tables": max(settings.database_tables, 2), "rows": max(settings.database_rows, 1)}


def look_back(settings: DetectionSettings) -> timedelta:
    """How far around the times of its window a rule may look: archived days beyond that are not even opened.

    The longest is that of ``ssh_login_after_failures.sql``, 25 hours and ``brute_force_minutes`` more.
    """
    return timedelta(hours=26, minutes=3 * max(settings.brute_force_minutes, settings.scan_minutes, 1))


def login_pattern(words: tuple[str, ...]) -> str:
    """The RE2 pattern of a path that holds one of the words whole: ``/auth/x`` matches and ``/authors`` does not."""
    listed = "|".join(re.escape(word.strip("/").lower()) for word in words if word.strip("/"))
    return f"(?:^|[^a-z0-9])(?:{listed})(?:[^a-z0-9]|$)" if listed else "^$"


def domain_pattern(domains: Iterable[str]) -> str:
    """The RE2 pattern of the names at or below any of the domains; of no name when there are none."""
    listed = "|".join(re.escape(name.strip(". ").lower()) for name in domains if name.strip(". "))
    return rf"(?:^|\.)(?:{listed})$" if listed else "^$"


def pinned(records: Mapping[str, str]) -> list[str]:
    """The pinned records as ``name|TYPE|value``: a key without a type is of addresses, A or AAAA by their look."""
    pins = []
    for key, values in records.items():
        name, _, kind = key.strip().lower().partition(" ")
        for value in (part.strip().lower().rstrip(".") for part in values.split(",")):
            if value:
                pins.append(f"{name.rstrip('.')}|{kind.strip().upper() or ('AAAA' if ':' in value else 'A')}|{value}")
    return pins


@dataclass(frozen=True)
class Detector:
    """One detection rule."""

    name: str
    """The stable name in findings, alerts and filters, e.g. ``ssh-brute-force``."""
    title: str
    """A short phrase for headings, e.g. ``SSH brute force``."""
    risk_type: str
    """The usual one of ``core.types.RISK_TYPES``; a rule that passes others' verdicts on may choose per finding."""
    techniques: tuple[str, ...]
    """ATT&CK techniques that its findings may carry by themselves."""
    sql_file: str
    params_from_settings: Callable[[DetectionSettings], dict[str, Any]]
    needs: str = "true"
    """A condition over :mod:`soc_tui.detection.kinds`: where no new event meets it, the rule finds nothing and is not
    run. It is about what a new event must be to touch a slot, never about what else lies in the slot."""
    earlier: bool = False
    """True: events before the new ones may meet ``needs`` too, because time that passes makes the rule look at them."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """Instead of ``needs``, the conditions of what the rule is put together of, by name. A part that neither a new
    event nor another of the same hours meets may be left out (:meth:`sql_of`)."""

    @property
    def sql(self) -> str:
        """The rule's query; its rows have the columns of ``core.schema.FINDINGS``."""
        return rule_sql(self.sql_file)

    def sql_of(self, live: Collection[str]) -> str:
        """The rule's query without the ``parts`` that no event at hand meets; ``live`` are the others."""
        return signs.rule(frozenset(live)) if self.parts else self.sql

    def parameters(self, settings: DetectionSettings) -> dict[str, Any]:
        """The rule's own parameters, beside those of the window."""
        return self.params_from_settings(settings)


@cache
def rule_sql(file: str) -> str:
    """The text of a file in ``rules/``; that of the signs with their table in it."""
    if file == "log_sign.sql":
        return signs.rule()
    return (_RULES / file).read_text(encoding="utf-8")


_SSH = (
    "class_uid = 3002 AND service = 'ssh' AND activity = 'logon'"
    " OR class_uid = 4007 AND product = 'zeek' AND log_name = 'ssh'"
)
_LOGIN = (
    "class_uid = 3002 AND src_ip IS NOT NULL AND coalesce(service, '') NOT IN ('ssh', 'http')"
    " AND activity IN ('logon', 'connect')"
    " OR class_uid = 6000 AND product = 'mysql' AND log_name = 'general' AND session_uid IS NOT NULL"
)
_FLOW = "class_uid = 4001 AND log_name IN ('conn', 'flow') AND src_ip IS NOT NULL"

_SIGN_TECHNIQUES = tuple(sorted({name for sign in signs.signs() for name in sign.techniques}))

DETECTORS: tuple[Detector, ...] = (
    Detector("suricata-alert", "Suricata alert", "intrusion", (), "suricata_alert.sql", _private,
        "class_uid = 2004 AND product = 'suricata' AND rule_id IS NOT NULL"),
    Detector("zeek-notice", "Zeek notice", "intrusion", (), "zeek_notice.sql", _private,
        "class_uid = 2004 AND product = 'zeek' AND rule_id IS NOT NULL"),
    Detector(
        "ssh-brute-force", "SSH brute force", "intrusion", ("T1110.001", "T1110.003"), "ssh_brute_force.sql", _ssh,
        f"status = 'failure' AND src_ip IS NOT NULL AND ({_SSH})"
    ),
    Detector(
        "ssh-login-after-failures", "SSH login after failures", "intrusion", ("T1078", "T1110.001"),
        "ssh_login_after_failures.sql", _ssh,
        f"status IN ('success', 'failure') AND src_ip IS NOT NULL AND ({_SSH})",
    ),
    Detector(
        "web-login-brute-force", "Web login brute force", "intrusion", ("T1110.001",), "web_login_brute_force.sql",
        _web_login,
        "class_uid = 4002 AND src_ip IS NOT NULL AND (http_status = 401 OR http_method = 'POST')",
    ),
    Detector("port-scan", "Port scan", "intrusion", ("T1046", "T1595", "T1595.001"), "port_scan.sql", _scan,
        f"product IN ('zeek', 'suricata') AND {_FLOW}"),
    Detector("beacon", "Beacon", "trojan", ("T1071", "T1571"), "beacon.sql", _beacon,
        _FLOW, earlier=True),
    Detector(
        "long-connection", "Long connection", "trojan", ("T1071", "T1133", "T1572"), "long_connection.sql", _long,
        "class_uid = 4001 AND log_name IN ('conn', 'open_conn', 'flow') AND src_ip IS NOT NULL AND duration >= 360"
    ),
    Detector("dns-tunnel", "DNS tunnel", "trojan", ("T1048.003", "T1071.004"), "dns_tunnel.sql", _tunnel,
        "query_name IS NOT NULL"),
    Detector(
        "domain-hijack", "Domain name hijacking", "domain-hijack", ("T1557", "T1584.002"), "domain_hijack.sql", _hijack,
        "class_uid = 4003 AND query_name IS NOT NULL"
    ),
    Detector(
        "unknown-resolver", "Unknown resolver", "domain-hijack", ("T1557", "T1584.002"), "unknown_resolver.sql",
        _resolvers,
        "class_uid = 4003 AND src_ip IS NOT NULL",
    ),
    Detector(
        "look-alike-domain", "Look-alike domain", "domain-hijack", ("T1566", "T1583.001"), "look_alike_domain.sql",
        _look_alike,
        "query_name IS NOT NULL",
    ),
    Detector(
        "login-brute-force", "Guessed passwords", "intrusion", ("T1078", "T1110.001", "T1110.003"),
        "login_brute_force.sql", _ssh,
        _LOGIN,
    ),
    Detector(
        "database-mass-read", "Mass read from a database", "intrusion", ("T1005", "T1213.006"),
        "database_mass_read.sql", _mass_read,
        "class_uid = 6000 AND product IN ('mysql', 'postgresql') AND activity IN ('query', 'execute', 'audit')",
    ),
    Detector("log-sign", "Sign in a log", "intrusion", _SIGN_TECHNIQUES, "log_sign.sql", _none,
        parts=signs.parts()),
    Detector("tool-finding", "Finding of a detection tool", "intrusion", (), "tool_finding.sql", _none,
        "class_uid IN (2002, 2003, 2004) AND product = 'soc-tui' AND activity = 'scan'"),
)  # fmt: skip
"""The rules that need nothing but events."""

WEB_ATTACK = Detector(
    "web-attack", "Web attack", "web-attack", ("T1059", "T1083", "T1105", "T1189", "T1190"), "web_attack.sql", _none
)
"""Requests whose values the ``query`` network scored at or above ``$threshold`` (rows of ``scores``)."""

FLOW_ANOMALY = Detector("flow-anomaly", "Anomalous flow", "intrusion", (), "flow_anomaly.sql", _none)
"""Flows that the ``flow`` network scored at or above ``$threshold`` (in ``scores``, the value is the event_id)."""

DOMAIN_ANOMALY = Detector(
    "domain-anomaly", "Anomalous domain names", "trojan", ("T1071.004", "T1048.003", "T1568.002"),
    "domain_anomaly.sql", _none,
)  # fmt: skip
"""Names asked for that the ``domain`` network scored at or above ``$threshold`` (rows of ``scores``)."""

SESSION_ANOMALY = Detector(
    "session-anomaly", "Anomalous session", "intrusion", ("T1078", "T1110.001", "T1110.003", "T1595"),
    "session_anomaly.sql", _none,
)  # fmt: skip
"""Sessions that the ``session`` network scored at or above ``$threshold`` (rows of ``scores``)."""

MALICIOUS_CODE = Detector(
    "malicious-code", "Malicious code", "malicious-code", ("T1505.003", "T1059.007"), "malicious_code.sql", _none
)
"""Files of website trees whose source the ``code`` network scored at or above ``$threshold``.

In ``scores`` the value is the content's sha256.
"""

PAGE_TAMPERING = Detector(
    "page-tampering", "Page tampering", "page-tampering", ("T1491.002", "T1565.001", "T1189"),
    "page_tampering.sql", _none,
)  # fmt: skip
"""Changed pages that the ``page`` network scored at or above ``$threshold``.

In ``scores`` the value is the sha256 of the version before, ``>``, and that of the version after.
"""

KNOWN_BAD = Detector(
    "known-bad-indicator", "Known-bad indicator", "trojan", ("T1071", "T1071.004", "T1105", "T1204.002"),
    "known_bad_indicator.sql", _every_indicator,
)  # fmt: skip
"""Events that name a value of the table ``indicators``: all of them, or those of one source from one load on."""

NETWORKS: Mapping[str, Detector] = {
    "query": WEB_ATTACK, "flow": FLOW_ANOMALY, "domain": DOMAIN_ANOMALY, "session": SESSION_ANOMALY,
    "code": MALICIOUS_CODE, "page": PAGE_TAMPERING,
}  # fmt: skip
"""The rule over the scores of each risk network."""

TOOLS: tuple[Detector, ...] = tuple(
    Detector(name, title, risk_type, (), "tool_finding.sql", _none)
    for name, title, risk_type in (
        ("system-vulnerability", "System vulnerability", "intrusion"),
        ("website-vulnerability", "Website vulnerability", "web-attack"),
        ("database-vulnerability", "Database vulnerability", "intrusion"),
        ("virus", "Virus", "virus"),
        ("trojan", "Trojan horse", "trojan"),
        ("persistence", "Persistence", "trojan"),
        ("malicious-file", "Malicious file", "malicious-code"),
    )
)
"""The detection tools (:mod:`soc_tui.detection.tools`) by the name that findings bear: one rule reads all."""

ALL_DETECTORS: Mapping[str, Detector] = {
    d.name: d for d in (*DETECTORS, *NETWORKS.values(), KNOWN_BAD, *TOOLS) if d.name != "tool-finding"
}
"""Every detector whose name an alert can bear."""
