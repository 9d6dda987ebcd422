"""The detectors over real logs: what is there is found, and ordinary traffic is left alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from soc_tui.acquisition.reader import open_source, read_chunks
from soc_tui.core.clock import SystemClock
from soc_tui.core.settings import AcquisitionSettings

pytestmark = pytest.mark.shared


def read(files: Iterable[Path]) -> pa.Table:
    settings, tables = AcquisitionSettings(), []
    for file in files:
        state = open_source(file, [], settings)
        tables += [chunk.events for chunk in read_chunks(state, settings, final=True, clock=SystemClock())]
    return pa.concat_tables(tables)


def alerts(workspace: Any, *files: Path) -> list[dict[str, Any]]:
    workspace.detect(workspace.add_table(read(files)))
    return workspace.rows("SELECT * FROM alerts ORDER BY detector, event_count DESC, src_ip, user_name")


def test_auth_log_of_a_cloud_machine(workspace: Any, shared_data: Path) -> None:
    found = alerts(workspace, shared_data / "hostlogs/elastic_auth.log.gz")
    forced = [(a["src_ip"], a["event_count"], a["severity"]) for a in found if a["detector"] == "ssh-brute-force"]
    assert forced[:6] == [
        ("24.151.103.17", 147, "high"), ("34.204.227.175", 43, "high"), ("49.4.143.105", 40, "high"),
        ("201.178.81.113", 32, "high"), ("122.163.61.218", 30, "high"), ("181.26.186.35", 27, "high"),
    ]  # fmt: skip
    assert len(forced) == 10
    logins = {
        (a["src_ip"], a["user_name"]): a["severity"] for a in found if a["detector"] == "ssh-login-after-failures"
    }
    assert [key for key, severity in logins.items() if severity == "critical"] == [("24.151.103.17", "elastic_user_0")]
    assert {ip for ip, _ in logins} == {"24.151.103.17", "85.245.107.41"}
    signs = Counter(a["severity"] for a in found if a["detector"] == "log-sign")
    assert len(found) == len(forced) + len(logins) + signs.total()
    assert signs == {"info": 200, "low": 10}  # the low ones: new accounts
    titles = [row["title"] for row in workspace.rows("SELECT title FROM incidents WHERE attacker = '24.151.103.17'")]
    assert titles == ["SSH brute force, then login, by 24.151.103.17 against ip-10-77-20-248"]
    (attacker,) = workspace.rows("SELECT * FROM attackers WHERE address = '24.151.103.17'")
    assert (attacker["address_class"], attacker["severity"], attacker["targets"]) == (
        "public", "critical", ["ip-10-77-20-248"],
    )  # fmt: skip


def test_openssh_log_of_a_lab(workspace: Any, shared_data: Path) -> None:
    found = alerts(workspace, shared_data / "hostlogs/loghub_OpenSSH_2k.log.gz")
    assert [(a["src_ip"], a["event_count"]) for a in found if a["detector"] == "ssh-brute-force"] == [
        ("183.62.140.253", 286), ("187.141.143.180", 80), ("103.99.0.122", 46), ("112.95.230.3", 26),
        ("5.188.10.180", 20), ("185.190.58.151", 18),
    ]  # fmt: skip


def test_an_nmap_scan_as_zeek_saw_it(workspace: Any, shared_data: Path) -> None:
    folder = shared_data / "sensor/stratosphere-testing/002-zeek-scenario-port-scanning"
    found = alerts(workspace, folder / "conn.log")
    assert [(a["title"], a["src_ip"], a["target"]) for a in found] == [
        ("Port scan by 172.16.1.11", "172.16.1.11", "10.0.2.23"),
        ("Network scan by 172.16.1.11", "172.16.1.11", "tcp/443"),
    ]


def test_a_peer_to_peer_botnet_is_seen_as_the_scan_it_is(workspace: Any, shared_data: Path) -> None:
    found = alerts(workspace, shared_data / "sensor/zat/conn.log")  # ZeroAccess, udp/16464
    assert [(a["src_ip"], a["target"], a["event_count"]) for a in found] == [("192.168.33.10", "udp/16464", 140)]


def test_ordinary_web_traffic_raises_no_login_alarm(workspace: Any, shared_data: Path) -> None:
    assert alerts(workspace, shared_data / "hostlogs/elastic_apache_access_combined.log.gz") == []


def test_of_ordinary_traffic_only_the_internets_scanner_is_a_scan(workspace: Any, shared_data: Path) -> None:
    files = sorted((shared_data / "sensor/rita/missing_host/2024-04-20").glob("conn.*.log.gz"))[:6]
    assert files
    found = alerts(workspace, *files)
    assert [(a["src_ip"], a["target"], a["severity"]) for a in found] == [("80.66.66.145", "64.225.56.201", "medium")]


def test_suricata_alerts_of_real_captures(workspace: Any, shared_data: Path) -> None:
    found = alerts(workspace, shared_data / "sensor/suricata-eve/otrf.eve.json.gz")
    events = workspace.rows("SELECT count(*) AS n FROM events WHERE product = 'suricata' AND log_name = 'alert'")
    passed = [a for a in found if a["detector"] == "suricata-alert"]
    assert sum(a["event_count"] for a in passed) == events[0]["n"] > 0
    assert all(a["title"] and a["src_ip"] for a in passed)
