"""Advisories about the versions that servers tell, in the ecosystem that speaks of them: Bitnami."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from soc_tui.core.settings import ScanSettings
from soc_tui.detection.database import DatabaseTool
from soc_tui.detection.tools import Finding, Watch
from soc_tui.knowledge.advisories.store import AdvisoryStore
from tests.detection.database.conftest import TODAY
from tests.detection.database.fakes import Mongo, fake

RANGES = [{"introduced": "0"}, {"fixed": "6.2.20"}, {"introduced": "7.0.0"}, {"fixed": "7.2.11"}]
TOLD = "CVE-2025-14847"
"""What the packaged table tells of the versions here."""


def osv(folder: Path, name: str, events: list[dict[str, str]], **more: Any) -> None:
    product = name.split("-")[1]
    package = {"ecosystem": "Bitnami", "name": product, "purl": f"pkg:bitnami/{product}"}
    data = {
        "schema_version": "1.6.2", "id": name, "summary": "Remote code\x1b[2J", "aliases": ["CVE-2025-49844"],
        "affected": [{"package": package, "ranges": [{"type": "SEMVER", "events": events}]}],
        "database_specific": {"severity": "Critical"}, **more,
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(data))


def look(version: str, folder: Path | None = None, knowledge: Path | None = None) -> tuple[list[Finding], list[str]]:
    """What rests on the version but the packaged table does not tell, and the notes."""
    notes: list[str] = []
    with fake(Mongo(version, {"security": {}}, {}, authorization=True)) as server:
        settings = ScanSettings(
            databases=(f"mongodb://127.0.0.1:{server.port}",), advisories=str(folder) if folder else ""
        )
        tool = DatabaseTool(settings, knowledge, pause=0, today=TODAY)
        found = list(tool.check(settings.databases[0], Watch(note=notes.append)))
    return [one for one in found if "version" in one.fields and one.check != TOLD and "end" not in one.fields], notes


@pytest.mark.parametrize(("version", "about"), [
    ("6.2.19", True), ("6.2.20", False), ("7.0.15", True), ("7.2.11", False), ("7.2", True), ("8.0.0", False), ("", False),
    ("not a version", False),
])  # fmt: skip
def test_ranges(tmp_path: Path, version: str, about: bool) -> None:
    osv(tmp_path, "BIT-mongodb-2025-49844", RANGES)
    osv(tmp_path, "BIT-redis-2025-1", [{"introduced": "0"}], aliases=["CVE-2025-1000"])
    found, notes = look(version, tmp_path)
    assert [one.check for one in found] == ["CVE-2025-49844"] * about
    assert notes == []


def test_the_last_affected_version_is_affected(tmp_path: Path) -> None:
    osv(tmp_path / "Bitnami", "BIT-mongodb-2025-1", [{"introduced": "1.0"}, {"last_affected": "2.0"}], aliases=[])
    (one,), _ = look("2.0.0", tmp_path)
    assert (one.check, one.vulnerabilities, one.severity) == ("BIT-mongodb-2025-1", (), "critical")
    assert look("2.0.1", tmp_path)[0] == []


def test_damaged_files_are_notes_links_are_not_followed_and_the_others_count(tmp_path: Path) -> None:
    folder = tmp_path / "osv"
    osv(folder, "BIT-mongodb-2025-49844", RANGES)
    osv(tmp_path, "BIT-mongodb-2025-9", RANGES, aliases=[])
    (folder / "BIT-mongodb-2025-1.json").write_text("{")
    (folder / "BIT-mongodb-2025-2.json").write_text("[" * 100_000)
    (folder / "BIT-mongodb-2025-3.json").symlink_to(tmp_path / "BIT-mongodb-2025-9.json")
    (folder / "BIT-mongodb-2025-4.json").write_text('{"affected": [{"package": 7}, 3]}')
    (folder / "BIT-mongodb-2025-5.json").write_bytes(b" " * (600 * 1024))
    found, notes = look("7.0.15", folder)
    assert [one.check for one in found] == ["CVE-2025-49844"]
    assert [Path(note.split(":")[0]).name for note in notes] == [f"BIT-mongodb-2025-{n}.json" for n in (1, 2, 4, 5)]


def test_grave_advisories_are_findings_and_the_others_are_counted(tmp_path: Path) -> None:
    everything = [{"introduced": "0"}]
    osv(tmp_path, "BIT-mongodb-2025-14847", everything, aliases=[TOLD])
    osv(tmp_path, "BIT-mongodb-2026-9", everything, aliases=["CVE-2026-9999"], database_specific={"severity": "High"})
    osv(tmp_path, "BIT-mongodb-2026-8", everything, database_specific={"severity": "Medium"})
    found, notes = look("8.0.16", tmp_path)
    assert [(one.check, one.severity, one.title, one.confidence, one.fields["source"]) for one in found] == [
        ("CVE-2026-9999", "high", "Remote code^[[2J (mongodb)", 0.4, "BIT-mongodb-2026-9")
    ]
    (note,) = notes
    assert note.endswith(" 1 lesser advisories about mongodb 8.0.16")


def test_what_was_loaded_counts_where_no_folder_is_named_and_what_is_exploited_always(tmp_path: Path) -> None:
    osv(tmp_path / "mirror", "BIT-mongodb-2026-8", RANGES, database_specific={"severity": "Medium"})
    kev = tmp_path / "kev.json"
    kev.write_text(json.dumps({"vulnerabilities": [{"cveID": "CVE-2025-49844", "dateAdded": "2026-01-02"}]}))
    AdvisoryStore(tmp_path / "knowledge").update([tmp_path / "mirror"], kev)
    for folder in (None, tmp_path / "mirror"):
        (one,), notes = look("7.0.15", folder, tmp_path / "knowledge")
        assert (one.check, one.severity, one.exploited, one.confidence) == ("CVE-2025-49844", "critical", True, 0.6)
        assert one.fields["exploited since"] == "2026-01-02"
        assert notes == []
    assert look("7.0.15", tmp_path / "empty", tmp_path / "knowledge")[0] == []
    (tmp_path / "knowledge/advisories/Bitnami.parquet").write_bytes(b"PAR1 damaged")
    found, notes = look("7.0.15", None, tmp_path / "knowledge")
    assert found == []
    assert "Bitnami.parquet: is damaged" in notes[0]
