"""A made machine, and advisories of a test's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from soc_tui.knowledge.advisories.store import AdvisoryStore
from tests.detection.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "root").mkdir()
    return Machine(tmp_path / "root")


def advisory(identifier: str, ecosystem: str, name: str, fixed: str, **more: Any) -> dict[str, Any]:
    """An advisory in OSV format about everything before ``fixed``."""
    affected = {
        "package": {"ecosystem": ecosystem, "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
    }
    return {"id": identifier, "modified": "2026-01-01T00:00:00Z", "affected": [affected], **more}


@pytest.fixture
def knowledge(tmp_path: Path) -> Any:
    """Puts advisories and exploited CVEs into a folder of knowledge, and returns that."""

    def put(*advisories: dict[str, Any], exploited: tuple[str, ...] = ()) -> Path:
        mirror, kev = tmp_path / "osv.jsonl", tmp_path / "kev.json"
        mirror.write_text("".join(json.dumps(one) + "\n" for one in advisories))
        listed = [{"cveID": cve, "vulnerabilityName": "Hole", "dateAdded": "2026-01-02", "dueDate": "2026-01-23",
                   "knownRansomwareCampaignUse": "Known", "cwes": ["CWE-502"]} for cve in exploited]  # fmt: skip
        kev.write_text(json.dumps({"vulnerabilities": listed}))
        done = AdvisoryStore(tmp_path / "knowledge").update([mirror], kev)
        assert done.damaged == 0
        return tmp_path / "knowledge"

    return put
