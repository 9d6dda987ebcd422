"""The order of reasons: exact detector, technique, keyword, risk type."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from soc_tui.knowledge.library import Library
from soc_tui.knowledge.matching import match

LIBRARY = Library()


def best(**alert: Any) -> str:
    return LIBRARY.match(alert)[0].entry.slug


@pytest.mark.parametrize(
    ("detector", "title", "slug"),
    [
        ("web-attack", "Web attack (sqli) by 203.0.113.7", "sql-injection"),
        ("web-attack", "Web attack (xss) by 203.0.113.7", "cross-site-scripting"),
        ("web-attack", "Web attack (path traversal) by 203.0.113.7", "path-traversal"),
        ("web-attack", "Web attack (lfi)", "path-traversal"),
        ("web-attack", "Web attack (file inclusion)", "path-traversal"),
        ("web-attack", "Web attack (template injection)", "command-injection"),
        ("web-attack", "Web attack (JNDI lookup)", "command-injection"),
        ("web-attack", "Web attack (command injection)", "command-injection"),
        ("web-attack", "Log4Shell attempt", "command-injection"),
        ("web-attack", "Web attack by 203.0.113.7", "web-attack"),
        ("web-attack", "Odd text about sqlite", "web-attack"),
        ("suricata-alert", "ET TROJAN Sofacy DNS Lookup", "malware-download"),
        ("suricata-alert", "ET SCAN Potential SSH Scan OUTBOUND", "ssh-brute-force"),
        ("suricata-alert", "ET SCAN Nmap Scripting Engine User-Agent Detected", "port-scan"),
        ("suricata-alert", "ET POLICY PsExec service created", "lateral-movement"),
        ("suricata-alert", "ET HUNTING Suspicious NULL DNS Request", "dns-tunnel-dga"),
        ("suricata-alert", "ET JA3 Hash - Possible Cobalt Strike", "command-and-control"),
        ("suricata-alert", "ET INFO TLS Handshake Failure", "suricata-alert"),
        ("zeek-notice", "Zeek notice SSH::Password_Guessing", "ssh-brute-force"),
        ("zeek-notice", "Zeek notice Scan::Address_Scan", "port-scan"),
        ("zeek-notice", "Zeek notice TeamCymruMalwareHashRegistry::Match", "malware-download"),
        ("zeek-notice", "Zeek notice CaptureLoss::Too_Much_Loss", "zeek-notice"),
        ("system-vulnerability", "Vulnerable package: CVE-2024-0001 in sudo 1.9", "vulnerable-package"),
        ("system-vulnerability", "Exploited in the wild: CVE-2024-0001 in linux 6.1", "exploited-package"),
        ("system-vulnerability", "Root may log in over SSH with a password", "weak-configuration"),
        ("system-vulnerability", "Lynis warns: no rules active", "weak-configuration"),
        ("system-vulnerability", "A setuid program opens a shell", "setuid-drift"),
        ("persistence", "New setuid program", "setuid-drift"),
        ("persistence", "New scheduled command", "persistence"),
        ("persistence", "Something that starts by itself opens a shell to another machine", "persistence"),
    ],
)
def test_titles_find_their_entry(detector: str, title: str, slug: str) -> None:
    assert best(detector=detector, title=title) == slug


def test_a_label_in_the_explanation_counts() -> None:
    explanation = json.dumps([{"field": "label", "value": "sqli", "weight": 1.0}])
    assert best(detector="web-attack", title="Web attack", explanation=explanation) == "sql-injection"
    other = json.dumps([{"field": "url_query", "value": "xss", "weight": 1.0}])
    assert best(detector="web-attack", title="Web attack", explanation=other) == "web-attack"
    assert best(detector="web-attack", title="Web attack", explanation="{not json") == "web-attack"
    assert best(detector="web-attack", label=["xss"]) == "cross-site-scripting"


def test_reasons_are_told_in_order() -> None:
    found = LIBRARY.match(
        {"detector": "web-attack", "title": "sqli", "techniques": ["T1190"], "risk_type": "web-attack"}
    )
    assert found[0].score == 1211
    assert found[0].why == ("detector web-attack", "technique T1190", "keyword sqli", "risk type web-attack")


def test_a_parent_technique_counts_less_than_the_exact_one() -> None:
    guessing = {"ssh-brute-force", "web-login-brute-force", "login-brute-force"}
    exact = LIBRARY.match({"techniques": ["T1110.003"]})
    assert {m.entry.slug for m in exact if m.score == 200} == guessing
    related = LIBRARY.match({"techniques": ["T1110.002"]})
    assert {m.entry.slug for m in related} == guessing
    assert {(m.score, m.why) for m in related} == {(100, ("related technique T1110.002",))}


def test_the_risk_type_alone_is_weak() -> None:
    found = LIBRARY.match({"detector": "unheard-of", "risk_type": "domain-hijack"})
    assert [(m.entry.slug, m.weak) for m in found] == [
        ("domain-hijack", True), ("look-alike-domain", True), ("unknown-resolver", True),
    ]  # fmt: skip
    assert LIBRARY.match({"detector": "unheard-of", "title": None, "techniques": None}) == []


def test_the_order_of_entries_does_not_matter() -> None:
    alert = {"detector": "suricata-alert", "title": "ET MALWARE CnC beacon sqli", "techniques": ["T1071.001"]}
    expected = [m.entry.id for m in LIBRARY.match(alert)]
    for seed in range(10):
        shuffled = list(LIBRARY.entries)
        random.Random(seed).shuffle(shuffled)
        assert [m.entry.id for m in match(alert, shuffled)] == expected


def test_every_signature_of_a_real_sensor_finds_knowledge(shared_data: Path) -> None:
    """The 422 alerts of real captures: all match, and attack classes are not left to the general entry."""
    names: set[str] = set()
    for path in sorted((shared_data / "sensor" / "suricata-eve").glob("*.eve.json.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            names |= {json.loads(line)["alert"]["signature"] for line in file if '"event_type":"alert"' in line}
    assert len(names) > 60
    found = {name: best(detector="suricata-alert", title=name) for name in names}
    general = {name for name, slug in found.items() if slug == "suricata-alert"}
    assert not [name for name in general if name.startswith(("ET MALWARE", "ET TROJAN", "ET SCAN"))]
