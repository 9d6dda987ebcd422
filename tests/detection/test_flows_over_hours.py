"""Beacons, long connections and DNS tunnels: exactly what they must find, in whatever order, and what they must not."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from soc_tui.acquisition.reader import open_source, read_chunks
from soc_tui.core.clock import SystemClock
from soc_tui.core.settings import AcquisitionSettings, DetectionSettings
from soc_tui.detection.detectors import domain_pattern

Event = dict[str, Any]
Builder = Callable[..., Event]
HOUR = 3600.0


@pytest.fixture
def flow(events: dict[str, Builder]) -> Builder:
    return events["flow"]


def explained(finding: Event) -> dict[str, str]:
    return {item["field"]: item["value"] for item in json.loads(finding["explanation"])}


def calls(flow: Builder, times: list[float], **more: Any) -> list[Event]:
    """Calls of one machine inside to one server outside, answered."""
    given = {"src_ip": "10.0.0.5", "dst_ip": "203.0.113.66", "conn_state": "SF", "status": "success", "bytes_out": 420}
    return [flow(at, 443, **{**given, **more}) for at in times]


def beat(count: int, every: float, jitter: float = 0.0, seed: int = 1) -> list[float]:
    dice = random.Random(seed)
    return [n * every + dice.uniform(-jitter, jitter) * every for n in range(count)]


END = 13 * HOUR
"""A later moment: ten minutes count when a later event exists."""


def later(flow: Builder) -> list[Event]:
    return [flow(END, 22, src_ip="10.9.9.9", dst_ip="10.9.9.8")]


# -- beacons -----------------------------------------------------------------------------------------------------------


def test_an_even_beat_is_a_beacon_and_its_master_the_attacker(workspace: Any, flow: Builder) -> None:
    window = workspace.add(calls(flow, beat(120, 300)) + later(flow))
    (found,) = workspace.find("beacon", window)
    assert found["title"] == "Beacon from 10.0.0.5 to 203.0.113.66:443"
    assert (found["src_ip"], found["dst_ip"], found["dst_port"]) == ("203.0.113.66", "10.0.0.5", 443)
    assert (found["severity"], found["score"], found["event_count"]) == ("high", 1.0, 120)
    assert (found["risk_type"], found["techniques"]) == ("trojan", ["T1071", "T1571"])
    assert found["alert_key"] == "beacon|10.0.0.5|203.0.113.66|443|tcp|2026-03-01"
    assert explained(found) == {
        "calls": "120 in 9.9 h (threshold 20)", "interval": "300.0 s, usual deviation 0.0 s",
        "size sent": "420 bytes, usual deviation 0", "inside machines that call it": "1", "service": "tcp",
    }  # fmt: skip
    assert found["event_ids"] == list(range(1, 21))


@pytest.mark.parametrize(("jitter", "severity"), [(0.1, "high"), (0.3, "high"), (0.5, "medium")])
def test_jitter_does_not_hide_a_beacon(workspace: Any, flow: Builder, jitter: float, severity: str) -> None:
    (found,) = workspace.find("beacon", workspace.add(calls(flow, beat(120, 300, jitter)) + later(flow)))
    assert found["severity"] == severity


def test_tries_that_nobody_answers_are_a_beacon_too(workspace: Any, flow: Builder) -> None:
    tries = calls(flow, beat(60, 60), conn_state="S0", status="failure", bytes_out=0)
    (found,) = workspace.find("beacon", workspace.add(tries + later(flow)))
    assert explained(found)["service"] == "tcp, never answered"
    assert (found["severity"], explained(found)["size sent"]) == ("medium", "none")


def _visits(count: int) -> list[float]:
    dice, at, times = random.Random(3), 0.0, []
    for _ in range(count):
        at += dice.expovariate(1 / 200)
        times.append(at)
    return times


@pytest.mark.parametrize(
    "made",
    [
        lambda flow: calls(flow, beat(19, 300)),  # too few
        lambda flow: calls(flow, beat(100, 10)),  # over in a quarter of an hour
        lambda flow: calls(flow, _visits(150)),  # at random, as people are
        lambda flow: calls(flow, beat(120, 300), dst_ip="10.0.0.6"),  # inside
        lambda flow: calls(flow, beat(120, 300), src_ip="198.51.100.1"),  # from outside
        lambda flow: calls(flow, beat(120, 300), dst_ip="239.255.255.250"),  # multicast
        lambda flow: [{**call, "dst_port": 123, "protocol": "udp"} for call in calls(flow, beat(120, 300))],  # NTP
        lambda flow: calls(flow, [hour * 2 * HOUR + n * 5.0 for hour in range(6) for n in range(30)]),  # six short visits
    ],
)  # fmt: skip
def test_what_is_no_beacon(workspace: Any, flow: Builder, made: Callable[[Builder], list[Event]]) -> None:
    assert workspace.find("beacon", workspace.add(made(flow) + later(flow))) == []


def test_connections_of_the_same_two_seconds_are_one_call(workspace: Any, flow: Builder) -> None:
    window = workspace.add(calls(flow, [at + n * 0.4 for at in beat(30, 300) for n in range(4)]) + later(flow))
    (found,) = workspace.find("beacon", window)
    assert found["event_count"] == 30


def test_what_many_machines_call_is_rated_low(workspace: Any, flow: Builder) -> None:
    window = workspace.add(
        [one for n in range(6) for one in calls(flow, beat(60, 300), src_ip=f"10.0.0.{n + 1}")] + later(flow)
    )
    found = workspace.find("beacon", window)
    assert [(one["severity"], one["score"]) for one in found] == [("low", 0.5)] * 6


def test_ten_minutes_count_once_they_are_over(workspace: Any, flow: Builder) -> None:
    window = workspace.add(calls(flow, beat(24, 300)))  # the last at 11:55
    (found,) = workspace.find("beacon", window)
    assert found["event_count"] == 22  # not those at 11:50 and 11:55
    assert workspace.find("beacon", workspace.add([flow(7190, 22)])) == []  # nothing is over yet
    (found,) = workspace.find("beacon", workspace.add([flow(7201, 22)]))
    assert found["event_count"] == 24


@pytest.mark.parametrize("seed", range(3))
def test_beacons_do_not_depend_on_order_and_chunks(make_workspace: Any, flow: Builder, seed: int) -> None:
    made = [one for n in range(7) for one in calls(flow, beat(40, 600, 0.2, n), src_ip=f"10.0.0.{n + 1}")]
    made += calls(flow, beat(50, 400, 0.3), dst_ip="203.0.113.9") + calls(flow, _visits(100), dst_ip="203.0.113.10")
    made += later(flow)
    dice = random.Random(seed)
    dice.shuffle(made)
    found = []
    for cuts in ([], sorted(dice.sample(range(1, len(made)), 6))):
        workspace, kept = make_workspace(), {}
        for begin, end in zip([0, *cuts], [*cuts, len(made)], strict=True):
            for one in workspace.find("beacon", workspace.add(made[begin:end])):
                kept[one["finding_id"]] = {k: v for k, v in one.items() if k != "event_ids"}
        found.append(kept)
    assert len(found[0]) == 8
    assert found[1] == found[0]


def test_njrat_beats_as_zeek_saw_it(workspace: Any, shared_data: Path) -> None:
    found = of(workspace, "beacon", shared_data / "sensor/stratosphere-testing/001-zeek-scenario-malicious/conn.log")
    assert [(f["src_ip"], f["dst_ip"], f["dst_port"]) for f in found] == [("41.108.179.197", "192.168.1.115", 1177)]


@pytest.mark.parametrize(
    "log", ["sensor/stratosphere-testing/008-zeek-mixed/data/conn.log.labeled", "sensor/rita/proxy_rolling/conn*",
            "sensor/zat/conn.log", "sensor/otrf-apt29/day2/individual_zeek_logs/*_conn.log"],
)  # fmt: skip
def test_real_traffic_without_a_known_beacon_is_silent(workspace: Any, shared_data: Path, log: str) -> None:
    assert of(workspace, "beacon", *shared_data.glob(log)) == []


def of(workspace: Any, detector: str, *files: Path) -> list[Event]:
    settings, tables = AcquisitionSettings(), []
    assert files
    for file in sorted(files):
        state = open_source(file, [], settings)
        tables += [chunk.events for chunk in read_chunks(state, settings, final=True, clock=SystemClock())]
    found: list[Event] = workspace.find(detector, workspace.add_table(pa.concat_tables(tables)))
    return found


# -- long connections --------------------------------------------------------------------------------------------------


def test_a_long_connection_to_the_outside(workspace: Any, flow: Builder) -> None:
    given = {"duration": 9 * HOUR, "session_uid": "C1", "bytes_out": 9000, "bytes_in": 10}
    window = workspace.add(calls(flow, [0], **given))
    (found,) = workspace.find("long-connection", window)
    assert found["title"] == "Connection of 9 h from 10.0.0.5 to 203.0.113.66:443"
    assert (found["src_ip"], found["dst_ip"], found["severity"]) == ("203.0.113.66", "10.0.0.5", "medium")
    assert found["time_last"] - found["time"] == timedelta(hours=9)
    assert (found["techniques"], found["score"]) == (["T1071", "T1572"], pytest.approx(0.525))
    assert explained(found)["duration"] == "9.0 h (threshold 8.0)"


def test_an_open_connection_is_told_of_again_and_stays_one_finding(workspace: Any, flow: Builder) -> None:
    kept: dict[str, Event] = {}
    for hours in (7, 8, 9, 10):
        told = calls(flow, [0], duration=hours * HOUR, session_uid="C1", log_name="open_conn")
        kept |= {f["finding_id"]: f for f in workspace.find("long-connection", workspace.add(told))}
    (found,) = kept.values()
    assert (explained(found)["duration"], found["event_count"]) == ("10.0 h (threshold 8.0)", 3)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"duration": 7.9 * HOUR}, []),
        ({"duration": 9 * HOUR, "dst_ip": "10.0.0.9"}, []),
        ({"duration": 9 * HOUR, "service": "ssh"}, []),
        ({"duration": 25 * HOUR, "service": "ssh"}, ["low"]),
        ({"duration": 9 * HOUR, "dst_ip": "239.1.1.1"}, []),
        ({"duration": 9 * HOUR, "src_ip": "198.51.100.4", "dst_ip": "10.0.0.9"}, ["medium"]),
    ],
)
def test_which_connections_are_long(workspace: Any, flow: Builder, more: Event, expected: list[str]) -> None:
    window = workspace.add(calls(flow, [0], session_uid="C1", **more))
    assert [f["severity"] for f in workspace.find("long-connection", window)] == expected


def test_the_ssh_session_of_three_days(workspace: Any, shared_data: Path) -> None:
    found = of(workspace, "long-connection", *(shared_data / "sensor/rita/missing_host").glob("*/open_conn.*"))
    assert [(f["title"], f["severity"], f["event_count"]) for f in found] == [
        ("Connection of 75 h from 73.54.23.243 to 64.225.56.201:22", "low", 68)
    ]


# -- DNS tunnels -------------------------------------------------------------------------------------------------------


def dns(at: float, name: str, **more: Any) -> Event:
    return {
        "at": at, "class_uid": 4003, "activity": "query", "product": "zeek", "log_name": "dns", "src_ip": "10.0.0.5",
        "dst_ip": "10.0.0.1", "dst_port": 53, "query_name": name, "query_type": "TXT", "rcode": "NOERROR", **more,
    }  # fmt: skip


def tunnel(count: int, **more: Any) -> list[Event]:
    return [dns(n, f"{n:04x}{'ab' * 20}.t.evil-tunnel.net", **more) for n in range(count)]


def test_many_long_names_below_one_domain_are_a_tunnel(workspace: Any) -> None:
    (found,) = workspace.find("dns-tunnel", workspace.add(tunnel(100)))
    assert found["title"] == "DNS tunnel below evil-tunnel.net asked by 10.0.0.5"
    assert (found["severity"], found["event_count"], found["src_ip"]) == ("high", 100, "10.0.0.5")
    assert explained(found)["different names"] == "100 of 100 asked in an hour (threshold 60)"
    assert explained(found)["carried at most"] == "4600 characters"
    assert found["alert_key"] == "domain-anomaly|10.0.0.5|evil-tunnel.net|2026-03-01"


@pytest.mark.parametrize(
    "made",
    [
        tunnel(59),
        tunnel(30) + [{**one, "at": one["at"] + HOUR} for one in tunnel(60)[30:]],  # half in the next hour
        [dns(n, f"img{n:04}.cdn.example.net", query_type="A") for n in range(500)],  # short names
        [dns(n, f"{n % 70:04x}{'ab' * 20}.t.evil-tunnel.net") for n in range(700)],  # asked again and again
        [dns(n, f"{n:04x}{'ab' * 20}.g.sophosxl.net") for n in range(100)],  # a security product
        [dns(n, f"{n}.{n}.0.0.1.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa") for n in range(100)],
    ],
)
def test_what_is_no_tunnel(workspace: Any, made: list[Event]) -> None:
    assert workspace.find("dns-tunnel", workspace.add(made)) == []


def test_a_tunnel_in_pieces_and_upside_down_is_the_same(make_workspace: Any) -> None:
    made, found = tunnel(90), []
    for parts in ([made], [made[60:], made[:30], made[30:60]]):
        workspace, kept = make_workspace(), {}
        for part in parts:
            for one in workspace.find("dns-tunnel", workspace.add(part)):
                kept[one["finding_id"]] = {k: v for k, v in one.items() if k != "event_ids"}
        found.append(kept)
    assert found[0] == found[1] != {}


def test_names_of_a_real_exfiltration_tool(workspace: Any, shared_data: Path) -> None:
    rows = pq.read_table(shared_data / "dns/dns_exfil_dnsexfiltrator.parquet").to_pylist()
    sent = [row["domain"] for row in rows if row["label"] == 1][:400]
    found = workspace.find("dns-tunnel", workspace.add([dns(n, name) for n, name in enumerate(sent)]))
    assert sorted(f["target"] for f in found) == ["captechutest.org", "harvard.edu"]
    ordinary = [row["domain"] for row in rows if row["label"] == 0]
    assert (
        workspace.find("dns-tunnel", workspace.add([dns(48 * HOUR + n / 10, name) for n, name in enumerate(ordinary)]))
        == []
    )


def test_dns_of_a_red_team_exercise_has_no_tunnel(workspace: Any, shared_data: Path) -> None:
    assert of(workspace, "dns-tunnel", shared_data / "sensor/zed-sample-data/zeek-default/dns.log.gz") == []


def test_the_pattern_of_domains() -> None:
    assert domain_pattern(("Example.org.", "b.test")) == r"(?:^|\.)(?:example\.org|b\.test)$"
    assert domain_pattern(()) == "^$"


def test_thresholds_come_from_the_settings(workspace: Any, flow: Builder) -> None:
    workspace.settings = DetectionSettings(beacon_connections=10, dns_tunnel_names=10, long_connection_hours=0.5)
    window = workspace.add(calls(flow, beat(12, 300), duration=2000.0) + tunnel(12) + later(flow))
    assert [len(workspace.find(name, window)) for name in ("beacon", "dns-tunnel", "long-connection")] == [1, 1, 12]
