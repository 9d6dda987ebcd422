"""Every finding of the tool, as the alert that it becomes, finds the entry that speaks about it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from soc_tui.core.settings import ScanSettings
from soc_tui.detection.database import DatabaseTool
from soc_tui.detection.database.checks import SERVICES, service_checks
from soc_tui.detection.tools import Watch, events_of
from soc_tui.knowledge.library import Library
from soc_tui.knowledge.matching import match
from tests.detection.conftest import Workspace
from tests.detection.database.conftest import TODAY
from tests.detection.database.fakes import Mongo, fake

OPEN = {
    "postgresql-no-authentication", "postgresql-public-address", "postgresql-reachable", "postgresql-listens-beyond-loopback",
    "postgresql-listens-everywhere", "postgresql-trust-rule", "postgresql-open-rule", "postgresql-open-rule-all",
    "mysql-no-authentication", "mysql-public-address", "mysql-reachable", "mysql-listens-beyond-loopback",
    "mysql-listens-everywhere", "mysql-grant-tables-skipped",
    "redis-no-authentication", "redis-protected-mode-only", "redis-protected-mode-off", "redis-public-address",
    "redis-reachable", "redis-listens-beyond-loopback", "redis-listens-everywhere", "redis-files-writable",
    "mongodb-no-authentication", "mongodb-public-address", "mongodb-reachable", "mongodb-listens-beyond-loopback",
    "mongodb-listens-everywhere", "mongodb-listens-everywhere-all", "mongodb-authorization-off",
}  # fmt: skip
DEFAULT = {
    *(f"{service}-default-credentials" for service in SERVICES), "mysql-empty-password", "mysql-anonymous-account",
}  # fmt: skip


@pytest.mark.parametrize("service", SERVICES)
def test_each_check_has_its_entry(service: str, tmp_path: Path) -> None:
    entries = Library(tmp_path).entries
    for check in service_checks(service).checks:
        alert = {
            "detector": "database-vulnerability", "title": f"{check.title}: {service}://h:1", "risk_type": "intrusion",
            "techniques": list(check.techniques),
        }  # fmt: skip
        expected = "K-0053" if check.id in OPEN else "K-0054" if check.id in DEFAULT else "K-0055"
        assert (check.id, match(alert, entries)[0].entry.id) == (check.id, expected)


def test_findings_become_alerts_with_their_knowledge(workspace: Workspace, tmp_path: Path) -> None:
    with fake(Mongo("8.0.19", {"net": {"bindIp": "127.0.0.1"}}, {}, authorization=False)) as server:
        target = f"mongodb://127.0.0.1:{server.port}"
        tool = DatabaseTool(ScanSettings(databases=(target,)), pause=0, today=TODAY)
        found = list(tool.check(target, Watch()))
    workspace.detect(
        workspace.add_table(events_of([(tool, one) for one in found], "db1", datetime(2026, 3, 1, tzinfo=UTC), 0))
    )
    rows: list[dict[str, Any]] = workspace.rows("SELECT * FROM alerts ORDER BY title")
    entries = Library(tmp_path).entries
    assert [(r["detector"], r["severity"], r["title"], r["dst_ip"], match(r, entries)[0].entry.id) for r in rows] == [
        ("database-vulnerability", "high", f"Authorization is not enabled: {target}", "127.0.0.1", "K-0053"),
        ("database-vulnerability", "low", f"JavaScript runs on the server: {target}", "127.0.0.1", "K-0055"),
        ("database-vulnerability", "high", f"MongoDB answers everybody: {target}", "127.0.0.1", "K-0053"),
        ("database-vulnerability", "info", f"MongoDB takes connections without TLS: {target}", "127.0.0.1", "K-0055"),
    ]  # fmt: skip
