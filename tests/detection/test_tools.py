"""What tools find becomes events, and the events findings."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from soc_tui.detection.tools import EVIDENCE_BYTES, Finding, Watch, events_of

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)


class Locksmith:
    """A tool of these tests."""

    name, risk_type = "system-vulnerability", "intrusion"

    def check(self, target: str, watch: Watch) -> Any:
        yield from ()


def finding(**more: Any) -> Finding:
    return Finding(**{
        "check": "sshd-permit-root-login", "title": "Root may log in", "severity": "medium", "confidence": 0.9,
        "target": "/etc/ssh/sshd_config:33", "evidence": b"PermitRootLogin yes", **more,
    })  # fmt: skip


def test_a_finding_is_an_event_with_its_evidence() -> None:
    raw = b"\xff\x00" * EVIDENCE_BYTES
    found = [finding(weaknesses=("CWE-250",)), finding(evidence=raw, kind="compliance")]
    table = events_of([(Locksmith(), one) for one in found], "web1", AT, 7)
    first, second = table.to_pylist()
    assert (first["class_uid"], first["source_offset"], first["host"]) == (2004, 7, "web1")
    assert (first["rule_id"], first["message"]) == (
        "sshd-permit-root-login",
        "Root may log in: /etc/ssh/sshd_config:33",
    )
    assert json.loads(first["extra"]) == {
        "confidence": 0.9, "target": "/etc/ssh/sshd_config:33", "kind": "detection", "cwe": ["CWE-250"],
        "evidence": "PermitRootLogin yes",
    }  # fmt: skip
    assert (second["class_uid"], second["source_offset"]) == (2003, 8)
    assert json.loads(second["extra"])["evidence_base64"].startswith("/wD/AP8A")


def test_a_scan_that_finds_the_same_again_is_one_alert(workspace: Any) -> None:
    for hours in (0, 1, 30):
        second = finding(target="/etc/ssh/sshd_config:40", exploited=True, vulnerabilities=("CVE-2024-6387",))
        found = [(Locksmith(), finding()), (Locksmith(), second)]
        table = events_of(found, "web1", AT + timedelta(hours=hours), 0)
        workspace.detect(workspace.add_table(table))
    rows = workspace.rows("SELECT * FROM alerts ORDER BY target")
    assert [(r["detector"], r["risk_type"], r["severity"], r["score"], r["target"], r["event_count"]) for r in rows] == [
        ("system-vulnerability", "intrusion", "medium", 0.9, "/etc/ssh/sshd_config:33", 3),
        ("system-vulnerability", "intrusion", "medium", 0.9, "/etc/ssh/sshd_config:40", 3),
    ]  # fmt: skip
    assert rows[0]["title"] == "Root may log in: /etc/ssh/sshd_config:33"
    told = {one["field"]: one["value"] for one in json.loads(rows[1]["explanation"])}
    assert told == {
        "check": "sshd-permit-root-login", "evidence": "PermitRootLogin yes", "exploited in the wild": "yes",
        "CVE": "CVE-2024-6387",
    }  # fmt: skip
