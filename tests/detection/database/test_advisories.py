"""Advisories of a folder in OSV format, as the ecosystem Bitnami writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from soc_tui.core.settings import ScanSettings
from soc_tui.detection.database import DatabaseTool
from soc_tui.detection.database.advisories import advisories
from soc_tui.detection.tools import Watch
from tests.detection.database.conftest import TODAY
from tests.detection.database.fakes import Mongo, fake

RANGES = [{"introduced": "0"}, {"fixed": "6.2.20"}, {"introduced": "7.0.0"}, {"fixed": "7.2.11"}]


def osv(folder: Path, name: str, events: list[dict[str, str]], **more: Any) -> None:
    product = name.split("-")[1]
    package = {"ecosystem": "Bitnami", "name": product, "purl": f"pkg:bitnami/{product}"}
    data = {
        "schema_version": "1.6.2", "id": name, "summary": "Remote code\x1b[2J", "aliases": ["CVE-2025-49844"],
        "affected": [{"package": package, "ranges": [{"type": "SEMVER", "events": events}]}],
        "database_specific": {"severity": "Critical"}, **more,
    }  # fmt: skip
    (folder / f"{name}.json").write_text(json.dumps(data))


@pytest.mark.parametrize(("version", "about"), [
    ("6.2.19", True), ("6.2.20", False), ("7.0.15", True), ("7.2.11", False), ("7.2", True), ("8.0.0", False), ("", False),
])  # fmt: skip
def test_ranges(tmp_path: Path, version: str, about: bool) -> None:
    osv(tmp_path, "BIT-redis-2025-49844", RANGES)
    assert bool(list(advisories(tmp_path, "redis", version, Watch()))) is about
    assert list(advisories(tmp_path, "postgresql", version, Watch())) == []


def test_the_last_affected_version_is_affected(tmp_path: Path) -> None:
    (tmp_path / "Bitnami").mkdir()
    osv(tmp_path / "Bitnami", "BIT-redis-2025-1", [{"introduced": "1.0"}, {"last_affected": "2.0"}], aliases=[])
    (one,) = advisories(tmp_path, "redis", "2.0.0", Watch())
    assert (one.id, one.cves, one.severity) == ("BIT-redis-2025-1", (), "critical")
    assert list(advisories(tmp_path, "redis", "2.0.1", Watch())) == []


def test_damaged_files_are_notes_and_the_others_count(tmp_path: Path) -> None:
    osv(tmp_path, "BIT-redis-2025-49844", RANGES)
    (tmp_path / "BIT-redis-2025-1.json").write_text("{")
    (tmp_path / "BIT-redis-2025-2.json").write_text("[" * 100_000)
    (tmp_path / "BIT-redis-2025-3.json").symlink_to("/etc/passwd")
    (tmp_path / "BIT-redis-2025-4.json").write_text('{"affected": [{"package": 7}, 3]}')
    (tmp_path / "BIT-redis-2025-5.json").write_bytes(b" " * (600 * 1024))
    notes: list[str] = []
    found = list(advisories(tmp_path, "redis", "7.0.15", Watch(note=notes.append)))
    assert [one.id for one in found] == ["CVE-2025-49844"]
    assert [Path(note.split(": ")[0]).name for note in notes] == [f"BIT-redis-2025-{n}.json" for n in (1, 2, 3, 5)]


def test_grave_advisories_are_findings_and_the_others_are_counted(tmp_path: Path) -> None:
    osv(tmp_path, "BIT-mongodb-2025-14847", [{"introduced": "0"}], aliases=["CVE-2025-14847"])  # the table tells it
    osv(
        tmp_path,
        "BIT-mongodb-2026-9",
        [{"introduced": "0"}],
        aliases=["CVE-2026-9999"],
        database_specific={"severity": "High"},
    )
    osv(tmp_path, "BIT-mongodb-2026-8", [{"introduced": "0"}], database_specific={"severity": "Medium"})
    notes: list[str] = []
    with fake(Mongo("8.0.16", {"security": {}}, {}, authorization=True)) as server:
        target = f"mongodb://127.0.0.1:{server.port}"
        tool = DatabaseTool(ScanSettings(databases=(target,)), tmp_path, pause=0, today=TODAY)
        found = [one for one in tool.check(target, Watch(note=notes.append)) if "version" in one.fields]
    assert [(one.check, one.severity, one.title) for one in found] == [
        ("CVE-2025-14847", "critical",
         "Anybody reads pieces of the server's memory through compressed messages (MongoBleed) (mongodb)"),
        ("CVE-2026-9999", "high", "Remote code^[[2J (mongodb)"),
    ]  # fmt: skip
    assert notes == [f"{target} 1 lesser advisories about mongodb 8.0.16"]
