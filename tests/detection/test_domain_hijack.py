"""Domain name hijacking: pinned records, history, resolvers, look-alikes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from soc_tui.core.settings import DetectionSettings
from soc_tui.detection.detectors import pinned

Event = dict[str, Any]
DAY = 86_400.0
PINS = {"www.example.org": "192.0.2.10, 192.0.2.11, 2001:db8::1", "example.org NS": "ns1.example.net."}


def answer(at: float, name: str, *values: str, ttl: float = 3600.0, **more: Any) -> Event:
    extra = json.dumps({"answers": list(values), "TTLs": [ttl] * len(values)}, separators=(",", ":"))
    return {
        "at": at, "class_uid": 4003, "activity": "query", "product": "zeek", "log_name": "dns", "src_ip": "10.0.0.5",
        "dst_ip": "10.0.0.1", "dst_port": 53, "query_name": name, "query_type": "A", "rcode": "NOERROR",
        "extra": extra, **more,
    }  # fmt: skip


def suricata(at: float, name: str, *values: str) -> Event:
    told = {"dns": {"answers": [{"rrname": name, "rrtype": "A", "ttl": 60, "rdata": value} for value in values]}}
    return {**answer(at, name), "product": "suricata", "extra": json.dumps(told, separators=(",", ":"))}


def explained(finding: Event) -> dict[str, str]:
    return {item["field"]: item["value"] for item in json.loads(finding["explanation"])}


def test_pins_are_addresses_by_their_look_or_of_the_type_that_is_named() -> None:
    assert pinned({"WWW.Example.org.": "192.0.2.10, 2001:DB8::1,", "example.org ns": "NS1.example.net."}) == [
        "www.example.org|A|192.0.2.10", "www.example.org|AAAA|2001:db8::1", "example.org|NS|ns1.example.net",
    ]  # fmt: skip


@pytest.mark.parametrize("make", [answer, suricata])
def test_an_answer_that_is_not_as_pinned(workspace: Any, make: Any) -> None:
    workspace.settings = DetectionSettings(pinned_records=PINS)
    window = workspace.add(
        [make(0, "WWW.example.org", "192.0.2.10"), make(9, "www.example.org", "203.0.113.66", "192.0.2.11")]
    )
    (found,) = workspace.find("domain-hijack", window)
    assert found["title"] == "A of www.example.org is not as pinned: 203.0.113.66"
    assert (found["severity"], found["risk_type"], found["event_ids"]) == ("critical", "domain-hijack", [2])
    assert (found["src_ip"], found["dst_ip"]) == (None, "10.0.0.5")
    assert explained(found)["expected"] == "192.0.2.10, 192.0.2.11"
    assert explained(found)["answered by"] == "10.0.0.1"


def test_another_name_server_is_not_as_pinned(workspace: Any) -> None:
    workspace.settings = DetectionSettings(pinned_records=PINS)
    window = workspace.add([answer(0, "example.org", "ns1.example.net", "ns.evil.test", query_type="NS")])
    (found,) = workspace.find("domain-hijack", window)
    assert (found["title"], found["techniques"]) == ("NS of example.org is not as pinned: ns.evil.test", ["T1584.002"])


def test_right_answers_and_aliases_on_the_way_are_silent(workspace: Any) -> None:
    workspace.settings = DetectionSettings(pinned_records=PINS, own_domains=("example.org",))
    window = workspace.add([
        answer(0, "www.example.org", "edge.cdn.test", "192.0.2.10"), answer(1, "www.example.org", "192.0.2.11"),
        answer(2, "www.example.org", "2001:db8::1", query_type="AAAA"), answer(3, "notexample.org", "203.0.113.1"),
        answer(4, "example.org", "ns1.example.net", query_type="NS"), answer(5, "www.other.test", "203.0.113.2"),
    ])  # fmt: skip
    assert workspace.find("domain-hijack", window) == []


def test_a_value_that_nobody_was_told_before_is_drift(workspace: Any) -> None:
    workspace.settings = DetectionSettings(own_domains=("example.org",))
    before = [answer(n * DAY / 4, "mail.example.org", "192.0.2.20") for n in range(8)]
    assert workspace.find("domain-hijack", workspace.add(before)) == []
    window = workspace.add([answer(2 * DAY, "mail.example.org", "203.0.113.66", ttl=30.0)])
    (found,) = workspace.find("domain-hijack", window)
    assert (found["title"], found["severity"]) == ("A of mail.example.org was never 203.0.113.66 before", "medium")
    assert explained(found)["expected"] == "192.0.2.20"
    assert explained(found)["ttl"] == "30 s"
    assert workspace.find("domain-hijack", workspace.add([answer(3.5 * DAY, "mail.example.org", "203.0.113.66")])) == []


@pytest.mark.parametrize(
    "before",
    [
        [answer(n * DAY / 2, "www.example.org", "192.0.2.20") for n in range(4)],  # too few to know
        [answer(n, "www.example.org", "192.0.2.20") for n in range(20)],  # known for seconds
        [answer(n * DAY / 8, "www.example.org", f"192.0.2.{n}") for n in range(12)],  # changes all the time
    ],
)
def test_history_must_be_long_and_steady(workspace: Any, before: list[Event]) -> None:
    workspace.settings = DetectionSettings(own_domains=("example.org",))
    window = workspace.add([*before, answer(2 * DAY, "www.example.org", "203.0.113.66")])
    found = workspace.find("domain-hijack", window)
    assert [f["title"] for f in found if "203.0.113.66" in f["title"]] == []


def test_answers_that_live_for_a_minute_where_they_lived_for_hours(workspace: Any) -> None:
    workspace.settings = DetectionSettings(own_domains=("example.org",))
    before = [answer(n, "www.example.org", "192.0.2.20", ttl=7200.0) for n in range(3)]
    window = workspace.add(before + [answer(DAY + n, "www.example.org", "192.0.2.20", ttl=30.0) for n in range(12)])
    (found,) = workspace.find("domain-hijack", window)
    assert (found["title"], found["severity"], found["event_count"]) == (
        "Answers for www.example.org live for a minute at most", "low", 10,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("extra", "kind"),
    [('{"answers":"text"}', "A"), ('{"answers":[1,null,{}],"TTLs":["x"]}', "A"), ('{"answers":[]}', None)],
)
def test_answers_that_make_no_sense_break_nothing(workspace: Any, extra: str, kind: str | None) -> None:
    workspace.settings = DetectionSettings(pinned_records=PINS)
    window = workspace.add([answer(0, "www.example.org", "x", extra=extra, query_type=kind)])
    workspace.find("domain-hijack", window)


def test_nothing_is_owned_and_nothing_is_said(workspace: Any) -> None:
    window = workspace.add([answer(n * DAY, "www.example.org", f"192.0.2.{n}") for n in range(9)])
    assert [workspace.find(name, window) for name in ("domain-hijack", "look-alike-domain", "unknown-resolver")] == [
        [],
        [],
        [],
    ]


# -- resolvers ---------------------------------------------------------------------------------------------------------


def asked(count: int, at: float, resolver: str, client: str = "10.0.0.5") -> list[Event]:
    return [answer(at + n, f"n{n}.test", dst_ip=resolver, src_ip=client, extra="{}") for n in range(count)]


def test_a_resolver_that_is_none_of_the_known_ones(workspace: Any) -> None:
    workspace.settings = DetectionSettings(resolvers=("10.0.0.1",))
    window = workspace.add(asked(50, 0, "10.0.0.1") + asked(10, 0, "203.0.113.53") + asked(9, 0, "203.0.113.54")
                           + asked(20, 0, "203.0.113.55", client="10.0.0.1"))  # fmt: skip
    (found,) = workspace.find("unknown-resolver", window)
    assert found["title"] == "10.0.0.5 asks the resolver 203.0.113.53, which is not known"
    assert (found["severity"], found["src_ip"], found["dst_ip"], found["event_count"]) == (
        "medium", "203.0.113.53", "10.0.0.5", 10,
    )  # fmt: skip


def test_without_known_ones_the_day_before_tells(workspace: Any) -> None:
    window = workspace.add(asked(200, 0, "8.8.8.8") + asked(20, DAY, "8.8.8.8") + asked(20, DAY, "203.0.113.53"))
    (found,) = workspace.find("unknown-resolver", window)
    assert (found["title"], found["severity"]) == ("10.0.0.5 asks the resolver 203.0.113.53, which is new here", "low")


def test_a_quiet_day_before_tells_nothing_and_a_resolver_asks_whom_it_wants(workspace: Any) -> None:
    assert (
        workspace.find("unknown-resolver", workspace.add(asked(100, 0, "8.8.8.8") + asked(20, DAY, "203.0.113.53")))
        == []
    )
    many = [one for n in range(12) for one in asked(15, 3 * DAY, f"203.0.113.{n}", client="10.0.0.2")]
    assert workspace.find("unknown-resolver", workspace.add(asked(300, 2 * DAY, "8.8.8.8") + many)) == []


# -- look-alikes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("www.exmaple.org", "differs by a letter"), ("examp1e.org", "looks the same"), ("exarnple.com", "looks the same"),
        ("login.example-secure.net", "has a word beside it"), ("www.example.org.evil.test", "holds the whole of it in front"),
        ("xn--exmple-cua.org", "looks the same"), ("exampl.org", "differs by a letter"),
    ],
)  # fmt: skip
def test_look_alikes(workspace: Any, name: str, how: str) -> None:
    workspace.settings = DetectionSettings(own_domains=("example.org",))
    (found,) = workspace.find("look-alike-domain", workspace.add([answer(0, name, "203.0.113.66")]))
    assert explained(found)["how"] == how
    assert (found["severity"], found["risk_type"], found["src_ip"], found["dst_ip"]) == (
        "medium", "domain-hijack", None, "10.0.0.5",
    )  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["www.example.org", "example.org", "example.com", "samples.org", "exam.org", "examples-of-code.net", "trample.org"],
)
def test_what_does_not_look_alike(workspace: Any, name: str) -> None:
    workspace.settings = DetectionSettings(own_domains=("example.org",))
    assert workspace.find("look-alike-domain", workspace.add([answer(0, name, "203.0.113.66")])) == []


def test_a_look_alike_in_pieces_is_one_finding(make_workspace: Any) -> None:
    names = ["a.exmaple.org", "exmaple.org", "b.exmaple.org"]
    found = []
    for parts in ([names], [names[2:], names[:1], names[1:2]]):
        workspace, kept = make_workspace(), {}
        workspace.settings = DetectionSettings(own_domains=("example.org",))
        for part in parts:
            made = [answer(names.index(name), name, "203.0.113.66") for name in part]
            kept |= {
                f["finding_id"]: f["event_count"] for f in workspace.find("look-alike-domain", workspace.add(made))
            }
        found.append(kept)
    assert found[0] == found[1]
    assert list(found[0].values()) == [3]
