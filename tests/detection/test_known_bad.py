"""Known-bad indicators: who did it, to whom, by which value, in whatever order things come."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

from soc_tui.acquisition.enrichment.context import domains, load_context
from soc_tui.acquisition.enrichment.indicators import INDICATORS
from soc_tui.core.settings import EnrichmentSettings
from soc_tui.store import enrichment as kept

MD5, SHA256 = "b" * 32, "a" * 64
OWN = EnrichmentSettings(own_networks=("198.51.100.0/24",))


def load(workspace: Any, *values: tuple[str, str], source: str = "feed", **more: Any) -> None:
    rows = [{"kind": kind, "value": value, **more} for kind, value in values]
    made = kept.Load(source, f"/{source}", "list", False, "", "medium", len(rows), 0, 0, datetime(2026, 1, 1))
    with workspace.store.transaction() as tx:
        kept.save_indicators(tx, made, pa.Table.from_pylist(rows, schema=INDICATORS))


def enrich(workspace: Any, window: tuple[int, int]) -> None:
    described = load_context(OWN).addresses(kept.new_addresses(workspace.store, *window))
    with workspace.store.transaction() as tx:
        kept.save_addresses(tx, described, "x")
        kept.save_domains(tx, domains(kept.new_names(workspace.store, *window)))


def find(workspace: Any, *events: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    window = workspace.add(events)
    enrich(workspace, window)
    return list(workspace.find("known-bad-indicator", window, **params))


def conn(at: float, src: str, dst: str, **more: Any) -> dict[str, Any]:
    return {"at": at, "class_uid": 4001, "product": "zeek", "src_ip": src, "dst_ip": dst, "dst_port": 443, **more}


def dns(at: float, name: str, **more: Any) -> dict[str, Any]:
    return {
        "at": at,
        "class_uid": 4003,
        "src_ip": "10.0.0.5",
        "dst_ip": "10.0.0.1",
        "dst_port": 53,
        "query_name": name,
        **more,
    }


def test_going_out_the_machine_inside_is_the_victim(workspace: Any) -> None:
    load(workspace, ("ip", "203.0.113.5"), description="C2", severity="high")
    (found,) = find(
        workspace,
        conn(0, "10.0.0.5", "203.0.113.5"),
        conn(60, "10.0.0.5", "203.0.113.5"),
        conn(60, "10.0.0.5", "203.0.113.6"),
    )
    assert (found["src_ip"], found["dst_ip"], found["dst_port"], found["host"]) == (
        "203.0.113.5",
        "10.0.0.5",
        443,
        None,
    )
    assert (found["risk_type"], found["severity"], found["score"], found["techniques"]) == (
        "trojan",
        "high",
        0.85,
        ["T1071"],
    )
    assert (found["event_count"], found["event_ids"], found["target"]) == (2, [1, 2], "203.0.113.5")
    assert found["title"] == "Contact with known-bad address 203.0.113.5 by 10.0.0.5"
    assert {e["field"]: e["value"] for e in json.loads(found["explanation"])} == {
        "dst_ip": "203.0.113.5", "indicator (ip)": "203.0.113.5", "listed by": "feed", "why": "C2",
    }  # fmt: skip


def test_coming_in_the_address_is_the_attacker(workspace: Any) -> None:
    load(workspace, ("network", "203.0.113.0/24"))
    (found,) = find(workspace, conn(0, "203.0.113.77", "198.51.100.9", dst_port=22))
    assert (found["src_ip"], found["dst_ip"], found["dst_port"], found["risk_type"], found["techniques"]) == (
        "203.0.113.77", "198.51.100.9", 22, "intrusion", [],
    )  # fmt: skip
    assert (found["severity"], found["target"]) == ("medium", "203.0.113.0/24")


def test_a_name_in_dns_accuses_no_address(workspace: Any) -> None:
    load(workspace, ("domain", "bad.example"))
    (found,) = find(
        workspace, dns(0, "WWW.bad.example.", host="sensor"), dns(1, "notbad.example"), dns(2, "bad.example.org")
    )
    assert (found["src_ip"], found["dst_ip"], found["dst_port"], found["host"]) == (None, "10.0.0.5", None, None)
    assert (found["target"], found["techniques"], found["event_count"]) == ("www.bad.example", ["T1071.004"], 1)


def test_a_name_spoken_to_accuses_the_server_outside(workspace: Any) -> None:
    load(workspace, ("domain", "bad.example"))
    (found,) = find(workspace, conn(0, "10.0.0.5", "203.0.113.9", tls_server_name="cdn.bad.example"))
    assert (found["src_ip"], found["dst_ip"]) == ("203.0.113.9", "10.0.0.5")


@pytest.mark.parametrize("server", [{"dst_ip": "10.0.0.80"}, {"dst_ip": None, "host": "web1"}])
def test_what_an_outsider_writes_is_no_contact(workspace: Any, server: dict[str, Any]) -> None:
    load(workspace, ("domain", "bad.example"), ("url", "bad.example/x"))
    assert (
        find(
            workspace,
            {
                "at": 0,
                "class_uid": 4002,
                "src_ip": "203.0.113.7",
                "url_host": "bad.example",
                "url_path": "/x",
                **server,
            },
        )
        == []
    )


def test_a_suffix_never_matches_what_lies_below_it(workspace: Any) -> None:
    load(workspace, ("domain", "github.io"), ("domain", "com"), ("domain", "co.uk"))
    assert find(workspace, dns(0, "a.github.io"), dns(0, "x.com"), dns(0, "y.co.uk")) == []
    assert len(find(workspace, dns(0, "github.io"))) == 1


def test_urls_with_and_without_their_query(workspace: Any) -> None:
    load(workspace, ("url", "bad.example/gate.php"), ("url", "bad.example:8080/a?b=c"))
    web = {"class_uid": 4002, "src_ip": "10.0.0.5", "dst_ip": "203.0.113.9", "at": 0}
    found = find(
        workspace,
        {**web, "url_host": "Bad.Example:80", "url_path": "/gate.php", "url_query": "id=1"},
        {**web, "url_host": "bad.example:8080", "url_path": "/a", "url_query": "b=c"},
        {**web, "url_host": "bad.example:8080", "url_path": "/a", "url_query": "b=d"},
    )
    assert [(f["risk_type"], f["src_ip"], f["dst_ip"], f["event_count"]) for f in found] == [
        ("malicious-code", "203.0.113.9", "10.0.0.5", 1)
    ] * 2


def test_a_file_by_any_of_its_hashes(workspace: Any) -> None:
    load(workspace, ("hash", MD5), ("hash", SHA256))
    event = {"at": 0, "class_uid": 4010, "src_ip": "10.0.0.5", "dst_ip": "203.0.113.9", "file_path": "x.exe"}
    found = find(
        workspace,
        {**event, "file_hash": SHA256, "extra": json.dumps({"md5": MD5.upper()})},
        {**event, "file_hash": "c" * 64, "extra": "{broken"},
    )
    assert (
        sorted((f["risk_type"], f["src_ip"], f["dst_ip"], f["target"]) for f in found)
        == [("virus", "203.0.113.9", "10.0.0.5", "x.exe")] * 2
    )


def test_own_and_inside_addresses_are_not_met_by_bogon_lists(workspace: Any) -> None:
    load(workspace, ("network", "10.0.0.0/8"), ("network", "127.0.0.0/8"), ("ip", "127.0.0.1"), ("ip", "198.51.100.9"))
    assert find(workspace, conn(0, "10.0.0.5", "127.0.0.1"), conn(0, "10.0.0.5", "198.51.100.9")) == []
    load(workspace, ("ip", "10.6.6.6"), source="own")
    assert len(find(workspace, conn(0, "10.0.0.5", "10.6.6.6"))) == 1  # named one by one it is meant


def test_ipv6_is_met_however_it_is_written(workspace: Any) -> None:
    load(workspace, ("ip", "2001:db8::1"), ("network", "2001:db8:bad::/48"))
    found = find(
        workspace,
        conn(0, "10.0.0.5", "2001:DB8:0:0:0:0:0:1"),
        conn(0, "10.0.0.6", "2001:db8:bad:1::9"),
        conn(0, "10.0.0.7", "2001:db8::2"),
    )
    assert sorted(f["dst_ip"] for f in found) == ["10.0.0.5", "10.0.0.6"]


def test_the_narrowest_indicator_speaks_and_the_gravest_severity_of_its_lists_holds(workspace: Any) -> None:
    load(workspace, ("network", "203.0.113.0/24"), ("ip", "203.0.113.5"))
    load(workspace, ("ip", "203.0.113.5"), source="second", severity="critical")
    (found,) = find(workspace, conn(0, "10.0.0.5", "203.0.113.5"))
    assert (found["target"], found["severity"]) == ("203.0.113.5", "critical")
    assert "feed, second" in found["explanation"]


def test_events_after_the_end_of_validity_are_not_matched(workspace: Any) -> None:
    load(workspace, ("ip", "203.0.113.5"), valid_until=datetime(2026, 3, 1, 10, 30))
    found = find(workspace, conn(0, "10.0.0.5", "203.0.113.5"), conn(3000, "10.0.0.6", "203.0.113.5"))
    assert [f["dst_ip"] for f in found] == ["10.0.0.5"]


def test_hostile_values_are_only_text(workspace: Any) -> None:
    load(workspace, ("domain", "bad.example"))
    name = ".".join(["x"] * 30_000) + ".bad.example"
    events = [
        dns(0, name),
        dns(0, "\x00"),
        dns(0, "'; DROP TABLE events--"),
        conn(0, "::::", "999.1.1.1"),
        dns(0, "a." * 100 + "bad.example"),
    ]
    assert [f["target"][-11:] for f in find(workspace, *events)] == ["bad.example"]


def test_only_what_a_load_brought_when_asked(workspace: Any) -> None:
    load(workspace, ("ip", "203.0.113.5"))
    load(workspace, ("ip", "203.0.113.6"), ("ip", "203.0.113.5"), source="later")
    window = workspace.add([conn(0, "10.0.0.5", "203.0.113.5"), conn(0, "10.0.0.5", "203.0.113.7")])
    enrich(workspace, window)
    assert len(workspace.find("known-bad-indicator", window)) == 1
    assert len(workspace.find("known-bad-indicator", window, source="later", added=2)) == 1
    assert workspace.find("known-bad-indicator", window, source="later", added=3) == []
    assert workspace.find("known-bad-indicator", window, source="none", added=0) == []


@pytest.mark.campaign
def test_chunks_and_order_decide_nothing(make_workspace: Any) -> None:
    events = [conn(i * 400, f"10.0.0.{i % 3}", f"203.0.113.{5 + i % 4}") for i in range(30)] + [
        dns(i * 500, "w.bad.example") for i in range(9)
    ]
    values = [("ip", "203.0.113.5"), ("network", "203.0.113.4/30"), ("domain", "bad.example")]
    results = []
    for pieces in ([events], [events[20:], events[:20]], [[event] for event in reversed(events)]):
        workspace = make_workspace()
        load(workspace, *values)
        found: dict[str, Any] = {}
        for piece in pieces:
            found |= {
                f["finding_id"]: {k: v for k, v in f.items() if k != "event_ids"} for f in find(workspace, *piece)
            }
        results.append(found)
    assert results[0] == results[1] == results[2]
    assert sum(f["event_count"] for f in results[0].values()) == 32  # 203.0.113.8 is on no list
