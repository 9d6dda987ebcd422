"""Real logs end with exact accounting, and a second run reads nothing again."""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from soc_tui.cli.main import run
from soc_tui.management.launch import connect
from tests.e2e.conftest import Product, exact

REAL = [
    "hostlogs/elastic_auth.log.gz",
    "hostlogs/elastic_apache_access_combined.log.gz",
    "sensor/otrf-apt29",
    "sensor/zat",
    "sensor/suricata-eve",
]

BROKEN = {
    "sensor/otrf-apt29": [
        "NASHUA-zeek_logs.zip", "SCRANTON-zeek_logs.zip", "NEWYORK-zeek_logs.zip", "SCRANTON-zeek_logs.zip",
        "UTICA-A-zeek_logs.zip", "UTICA-C-zeek_logs.zip", "UTICA-D-zeek_logs.zip", "UTICA-ONE-DRIVE-zeek_logs.zip",
    ],
    "sensor/zat": ["http.log.corrupt.gz"],
}  # fmt: skip
"""What no log reader can read, in the order of the paths."""


def _records(path: Path) -> int:
    """Records of a text log counted without our code: lines that are neither blank nor Zeek comments."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    kept = [line for line in raw.split(b"\n") if line.strip()]
    if any(line.startswith(b"#fields") for line in kept[:10]):
        kept = [line for line in kept if not line.startswith(b"#")]
    return len(kept)


@pytest.mark.campaign
@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_exact_accounting(product: Product, shared_data: Path, name: str) -> None:
    """Read as the files have it, stored once; beside readable logs a broken file is named and skipped."""
    path = shared_data / name
    run = product.run("ingest", str(path), "--format", "json")
    result = exact(json.loads(run.stdout))
    read = {source["path"]: source for source in result["sources"]}
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    for file in files:
        if file.suffix == ".zip" or "corrupt" in file.name:
            continue
        assert read[str(file)]["records_read"] == _records(file), file
    with connect(product.workspace):  # one engine serves what follows
        places = "SELECT count(*) AS events, count(DISTINCT (source_id, source_offset)) AS places FROM events"
        assert product.rows(places) == [{"events": result["records_stored"], "places": result["records_stored"]}]
        assert product.rows("SELECT count(*) AS n FROM rejects") == [{"n": result["records_rejected"]}]
        again = exact(product.json("ingest", str(path)))
        assert (again["records_read"], again["findings"], again["alerts"], again["incidents"]) == (0, 0, 0, 0)
        skipped = sorted(result["skipped"], key=lambda error: str(error["source"]))
        assert [error["source"].rpartition("/")[2] for error in skipped] == BROKEN.get(name, [])
        for error in skipped:
            assert error["remedy"]
            assert error["source"] in run.stderr
        for error in skipped[:1]:
            product.run("ingest", error["source"], code=1)  # asked for by name it is a failure


@pytest.mark.campaign
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


def test_every_listing_prints(
    sample_workspace: Product, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("alerts", "incidents", "attackers", "events", "actions", "status"):
        for form in ("table", "json", "jsonl", "csv"):
            monkeypatch.setattr(sys, "argv", sample_workspace.command(command, "--format", form)[2:])
            with pytest.raises(SystemExit) as left:
                run()
            printed = capsys.readouterr()
            nothing = "nothing found\n" if (command, form) == ("actions", "table") else ""
            assert (left.value.code, printed.err) == (0, nothing), (command, form)
            assert bool(printed.out.strip()) or command == "actions", (command, form)
    attacker = sample_workspace.json("attackers")[0]
    assert sample_workspace.json("show", attacker["address"])["address"] == attacker["address"]


def test_status_lists_the_seven_modules(sample_workspace: Product) -> None:
    status = sample_workspace.json("status")
    assert [module["module"] for module in status["modules"]] == [
        "management", "knowledge", "acquisition", "detection", "analysis", "protection", "remote",
    ]  # fmt: skip
    for source in status["sources"]:
        assert source["records_read"] == source["records_stored"] + source["records_rejected"]
