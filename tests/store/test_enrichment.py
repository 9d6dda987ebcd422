"""What enrichment keeps: numbers of addresses, DNS names, the joined view, and indicators by source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from soc_tui.acquisition.enrichment.context import ADDRESSES
from soc_tui.acquisition.enrichment.indicators import INDICATORS
from soc_tui.acquisition.enrichment.ranges import bounds, number
from soc_tui.acquisition.reader import Chunk
from soc_tui.core.errors import UsageError
from soc_tui.core.schema import NORMALISED, REJECTS
from soc_tui.core.settings import StoreSettings
from soc_tui.core.types import SourceState
from soc_tui.store import enrichment as kept
from soc_tui.store.database import Store
from soc_tui.store.intake import append_chunks


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "w.duckdb", StoreSettings(threads=1)) as opened:
        yield opened


def add(store: Store, *events: dict[str, Any]) -> None:
    rows = [
        {"source_offset": n, "source_length": 1, "time": datetime(2026, 3, 1), **event}
        for n, event in enumerate(events)
    ]
    state = SourceState("x", source_id=store.next_source_id(), records_read=len(rows), records_stored=len(rows))
    chunk = Chunk(state, pa.Table.from_pylist(rows, schema=NORMALISED), REJECTS.empty_table(), 0)
    append_chunks(store, [chunk], datetime(2026, 1, 1, tzinfo=UTC))


def load(store: Store, *values: tuple[str, str], source: str = "feed") -> dict[str, Any]:
    made = kept.Load(source, f"/{source}", "list", False, "s", "low", len(values), 0, 0, datetime(2026, 1, 1))
    table = pa.Table.from_pylist([{"kind": kind, "value": value} for kind, value in values], schema=INDICATORS)
    with store.transaction() as tx:
        return kept.save_indicators(tx, made, table)


@pytest.mark.parametrize(
    "ip",
    ["0.0.0.0", "1.2.3.4", "255.255.255.255", "::", "::1", "2001:db8::1", "2001:DB8:0:0:0:0:0:1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::",
     "::2:3:4:5:6:7:8", "fe80::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "x", "", "1.2.3", "1.2.3.4.5", "1.2.3.256", ":::", "1::2::3",
     "1:2:3:4:5:6:7:8:9", ":::::::", "12345::", "g::1", "1:2"],
)  # fmt: skip
def test_numbers_are_those_of_the_pure_module(store: Store, ip: str) -> None:
    (row,) = store.sql("SELECT ip_number($ip)::VARCHAR AS n", {"ip": ip}).to_pylist()
    expected = number(ip)
    assert row["n"] == (None if expected is None else str(expected))


@pytest.mark.parametrize(
    "network", ["10.0.0.0/8", "203.0.113.77/24", "0.0.0.0/1", "2001:db8::/32", "8000::/1", "2001:db8::ffff/127"]
)
def test_networks_are_ranges(store: Store, network: str) -> None:
    load(store, ("network", network))
    (row,) = store.sql("SELECT range_first::VARCHAR AS a, range_last::VARCHAR AS b FROM indicators").to_pylist()
    assert (int(row["a"]), int(row["b"])) == bounds(network)


def test_names_of_dns_answers(store: Store) -> None:
    def answer(name: str, second: int, extra: Any) -> dict[str, Any]:
        text = extra if isinstance(extra, str) else json.dumps(extra)
        return {"class_uid": 4003, "query_name": name, "time": datetime(2026, 3, 1, 0, 0, second), "extra": text}

    add(
        store,
        answer("Zeek.example.", 1, {"answers": ["cname.example", "203.0.113.1", "2001:db8::1"]}),
        answer("suricata.example", 2, {"dns": {"answers": [{"rrtype": "A", "rdata": "203.0.113.2"}, {"rdata": "x"}]}}),
        answer(
            "grouped.example", 3, {"dns": {"grouped": {"A": ["203.0.113.3"], "AAAA": ["2001:db8::3"], "CNAME": ["y"]}}}
        ),
        answer("one.example", 4, {"dns": {"rdata": "203.0.113.4"}}),
        answer("newer.example", 9, {"answers": ["203.0.113.1"]}),
        answer("b.example", 5, {"answers": ["203.0.113.5"]}),
        answer("a.example", 5, {"answers": ["203.0.113.5"]}),
        answer("broken.example", 6, '{"answers": ["203.0.113.6"'),
        answer("odd.example", 6, {"answers": {"a": 1}}),
        answer("odder.example", 6, {"answers": [["203.0.113.7"], None, 5, "999.1.1.1", "203.0.113.8\n"]}),
        {"class_uid": 4001, "query_name": "no-dns.example", "extra": '{"answers":["203.0.113.9"]}'},
    )
    rows = kept.dns_answers(store, 1, 99).to_pylist()
    assert {row["ip"]: row["name"] for row in rows} == {
        "203.0.113.1": "newer.example", "2001:db8::1": "zeek.example", "203.0.113.2": "suricata.example", "203.0.113.3": "grouped.example",
        "2001:db8::3": "grouped.example", "203.0.113.4": "one.example", "203.0.113.5": "b.example",
    }  # fmt: skip


def test_the_newest_name_holds_in_whatever_order(store: Store) -> None:
    described = pa.Table.from_pylist([{"ip": "203.0.113.1", "class": "documentation", "own": False}], schema=ADDRESSES)

    def named(name: str, day: int) -> pa.Table:
        return pa.table(
            {"ip": ["203.0.113.1"], "name": [name], "name_time": pa.array([datetime(2026, 3, day)], pa.timestamp("us"))}
        )

    with store.transaction() as tx:
        kept.save_addresses(tx, described, "one")
        for name, day in (("b.example", 2), ("old.example", 1), ("a.example", 2)):
            kept.save_names(tx, named(name, day))
        kept.save_addresses(tx, described, "two")  # described anew, the name stays
    (row,) = store.sql("SELECT name, name_time, context FROM addresses").to_pylist()
    assert row == {"name": "b.example", "name_time": datetime(2026, 3, 2), "context": "two"}
    assert kept.stale_addresses(store, "three", 10) == ["203.0.113.1"]
    assert kept.stale_addresses(store, "two", 10) == []


def test_the_view_keeps_every_event_once(store: Store) -> None:
    add(
        store,
        {
            "src_ip": "10.0.0.1",
            "dst_ip": "203.0.113.1",
            "dst_port": 443,
            "protocol": "tcp",
            "tls_server_name": "WWW.example.com",
        },
        {"src_ip": None, "host": "DB1", "query_name": "unknown.example"},
        {"src_ip": "10.0.0.1", "service": "ssh", "dst_port": 443, "url_host": "www.example.com:8080"},
    )
    rows = [
        {"ip": "203.0.113.1", "class": "documentation", "own": False, "country": "DE", "asn": 64500, "as_org": "Net"},
        {"ip": "10.0.0.1", "class": "private", "own": True, "asset": "pc1"},
    ]
    with store.transaction() as tx:
        kept.save_addresses(tx, pa.Table.from_pylist(rows, schema=ADDRESSES), "x")
        kept.save_domains(
            tx,
            pa.table(
                {
                    "name": ["www.example.com"],
                    "registered_domain": ["example.com"],
                    "suffix": ["com"],
                    "subdomain": ["www"],
                }
            ),
        )
        kept.save_services(tx, pa.table({"port": pa.array([443], pa.int32()), "protocol": ["tcp"], "name": ["https"]}))
        hosts = pa.array([["db1"]], pa.list_(pa.string()))
        kept.save_assets(tx, pa.table({"name": ["database"], "hostnames": hosts}))
    found = store.sql(
        "SELECT src_class, src_own, src_asset, dst_country, dst_asn, dst_as_org, registered_domain, subdomain, service_name, host_asset"
        " FROM events_enriched ORDER BY event_id"
    ).to_pylist()
    assert [list(row.values()) for row in found] == [
        ["private", True, "pc1", "DE", 64500, "Net", "example.com", "www", "https", None],
        [None, None, None, None, None, None, None, None, None, "database"],
        ["private", True, "pc1", None, None, None, "example.com", "www", "ssh", None],
    ]


def test_a_source_is_replaced_and_what_is_new_is_matched_with_stored_events(store: Store) -> None:
    add(store, *[{}] * 5)
    first = load(store, ("ip", "203.0.113.1"), ("ip", "203.0.113.1"), ("domain", "a.example"))
    assert (first["indicators"], first["severity"], first["until_event"], first["matched_to"]) == (2, "low", 5, 0)
    pending = kept.pending_match(store)
    assert pending == kept.Pending("feed", 1, 1, 1, 5)
    assert kept.pending_events(store) == 5
    with store.transaction() as tx:
        kept.set_matched(tx, pending, 5)
    assert kept.pending_match(store) is None
    load(store, ("ip", "203.0.113.1"))  # nothing new: nothing to do
    assert kept.pending_match(store) is None
    load(store, ("ip", "203.0.113.1"), ("ip", "203.0.113.2"))
    assert kept.pending_match(store) == kept.Pending("feed", 3, 3, 1, 5)
    rows = store.sql("SELECT value, added FROM indicators ORDER BY value").to_pylist()
    assert rows == [{"value": "203.0.113.1", "added": 1}, {"value": "203.0.113.2", "added": 3}]


def test_a_load_during_matching_begins_again(store: Store) -> None:
    add(store, *[{}] * 5)
    load(store, ("ip", "203.0.113.1"))
    pending = kept.pending_match(store)
    assert pending is not None
    load(store, ("ip", "203.0.113.1"), ("ip", "203.0.113.2"))
    with store.transaction() as tx:
        kept.set_matched(tx, pending, 5)  # of the load before: does not count
    assert kept.pending_match(store) == kept.Pending("feed", 2, 1, 1, 5)


def test_removing(store: Store) -> None:
    load(store, ("ip", "203.0.113.1"))
    load(store, ("ip", "203.0.113.1"), source="other")
    assert [hit["source"] for hit in kept.address_facts(store, "203.0.113.1")[0]["indicators"]] == ["feed", "other"]
    with store.transaction() as tx:
        assert kept.remove_indicators(tx, "feed") == 1
    assert [source["source"] for source in kept.indicator_sources(store)] == ["other"]
    with pytest.raises(UsageError, match="no indicator source 'feed'"), store.transaction() as tx:
        kept.remove_indicators(tx, "feed")
    assert kept.address_facts(store, "203.0.113.9") == []
    assert kept.address_facts(store, "'; DROP TABLE x--\x00") == []
