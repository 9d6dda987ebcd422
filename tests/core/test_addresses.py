"""What is known of an address in words."""

from soc_tui.core.addresses import address_facts


def test_every_fact() -> None:
    row = {
        "ip": "203.0.113.5", "class": "public", "own": True, "asset": "web1", "owner": "ops", "criticality": "high", "country": "DE",
        "city": "Bonn", "asn": 64500, "as_org": "Net", "name": "www.example.com",
        "indicators": [{"value": "203.0.113.0/24", "severity": "high", "source": "feed", "description": "C2"}] * 20,
    }  # fmt: skip
    facts = address_facts(row)
    assert facts[:5] == [
        ("class", "public (own)"), ("asset", "web1 (ops, high)"), ("place", "Bonn, DE"), ("network", "AS64500 Net"), ("name", "www.example.com"),
    ]  # fmt: skip
    assert facts[5:] == [("known bad", "203.0.113.0/24 (high, feed): C2")] * 10


def test_what_is_not_known_is_not_said() -> None:
    assert address_facts({"class": "private", "own": False, "indicators": None}) == [("class", "private")]
    assert address_facts({}) == []
