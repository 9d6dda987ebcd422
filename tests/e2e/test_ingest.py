"""Real logs end with exact accounting, and a second run reads nothing again."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Product, exact

REAL = [
    "hostlogs/elastic_auth.log.gz",
    "hostlogs/elastic_apache_access_combined.log.gz",
    "sensor/otrf-apt29",
    "sensor/zat",
    "sensor/suricata-eve",
]


def _records(path: Path) -> int:
    """Records of a text log counted without our code: lines that are neither blank nor Zeek comments."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    kept = [line for line in raw.split(b"\n") if line.strip()]
    if any(line.startswith(b"#fields") for line in kept[:10]):
        kept = [line for line in kept if not line.startswith(b"#")]
    return len(kept)


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_exact_accounting(product: Product, shared_data: Path, name: str) -> None:
    path = shared_data / name
    result = exact(product.json("ingest", str(path)))
    read = {source["path"]: source for source in result["sources"]}
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    for file in files:
        if file.suffix == ".zip" or "corrupt" in file.name:
            continue
        assert read[str(file)]["records_read"] == _records(file), file
    count = product.rows("SELECT count(*) AS events, count(DISTINCT (source_id, source_offset)) AS places FROM events")
    assert count == [{"events": result["records_stored"], "places": result["records_stored"]}]
    assert product.rows("SELECT count(*) AS n FROM rejects") == [{"n": result["records_rejected"]}]
    again = exact(product.json("ingest", str(path)))
    assert (again["records_read"], again["findings"], again["alerts"], again["incidents"]) == (0, 0, 0, 0)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("folder", "part"), [("sensor/zat", "http.log.corrupt.gz"), ("sensor/otrf-apt29", "-zeek_logs.zip")]
)
def test_what_cannot_be_read_is_named(product: Product, shared_data: Path, folder: str, part: str) -> None:
    """Beside readable logs a broken file is named and skipped; asked for by name it is a failure."""
    run = product.run("ingest", str(shared_data / folder), "--format", "json")
    skipped = json.loads(run.stdout)["skipped"]
    assert skipped
    assert all(part in error["source"] and error["remedy"] for error in skipped)
    assert part in run.stderr
    product.run("ingest", skipped[0]["source"], code=1)


def test_evidence_is_the_very_bytes_of_the_log(sample_workspace: Product) -> None:
    alerts: list[dict[str, Any]] = sample_workspace.json("alerts", "severity:>=medium")
    assert alerts
    checked = 0
    for alert in alerts[:40]:
        for place in alert["evidence"]:
            path = Path(place["source"])
            raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            record = raw[place["offset"] : place["offset"] + place["length"]]
            assert record
            assert b"\n" not in record
            before = raw[place["offset"] - 1 : place["offset"]]
            assert before in {b"", b"\n"}
            checked += 1
    assert checked > 50


def test_alerts_have_every_promised_key(sample_workspace: Product) -> None:
    keys = [
        "alert_id",
        "time",
        "risk_type",
        "severity",
        "score",
        "title",
        "detector",
        "src_ip",
        "dst_ip",
        "host",
        "techniques",
        "incident_id",
        "state",
        "knowledge",
        "evidence",
        "explanation",
    ]
    alerts = sample_workspace.json("alerts")
    assert alerts
    for alert in alerts:
        assert set(keys) <= set(alert)
        assert alert["incident_id"]
        assert alert["knowledge"]
        assert all({"source", "offset", "length"} <= set(place) for place in alert["evidence"])
        assert all({"field", "value", "weight"} == set(part) for part in alert["explanation"])


@pytest.mark.parametrize("subject", ["A1", "1", "I1", "E1"])
def test_show(sample_workspace: Product, subject: str) -> None:
    assert sample_workspace.run("show", subject).stdout
    assert json.loads(sample_workspace.run("show", subject, "--format", "json").stdout)


def test_every_listing_prints(sample_workspace: Product) -> None:
    for command in ("alerts", "incidents", "attackers", "events", "actions", "status"):
        for form in ("table", "json", "jsonl", "csv"):
            sample_workspace.run(command, "--format", form)
    attacker = sample_workspace.json("attackers")[0]
    assert sample_workspace.json("show", attacker["address"])["address"] == attacker["address"]


def test_status_lists_the_seven_modules(sample_workspace: Product) -> None:
    status = sample_workspace.json("status")
    assert [module["module"] for module in status["modules"]] == [
        "management", "knowledge", "acquisition", "detection", "analysis", "protection", "remote",
    ]  # fmt: skip
    for source in status["sources"]:
        assert source["records_read"] == source["records_stored"] + source["records_rejected"]
