"""MISP events: attributes for detection, composites, objects; answers of searches and feeds."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from soc_tui.core.errors import SourceError

Read = Callable[..., Any]
SHA1 = "a" * 40

EVENT = {
    "Event": {
        "info": "Campaign", "threat_level_id": "1",
        "Attribute": [
            {"type": "ip-dst", "value": "203.0.113.5", "to_ids": True, "comment": "c2"},
            {"type": "domain|ip", "value": "bad.example|203.0.113.6", "to_ids": "1"},
            {"type": "ip-dst|port", "value": "203.0.113.7|443", "to_ids": True},
            {"type": "ip-src", "value": "203.0.113.8", "to_ids": False},
            {"type": "url", "value": "hxxp://bad.example/a", "to_ids": True},
            {"type": "sha1", "value": "b" * 40, "to_ids": True, "deleted": True},
            {"type": "filename", "value": "evil.exe", "to_ids": True},
            {"type": "md5", "value": "nonsense", "to_ids": True},
        ],
        "Object": [{"Attribute": [{"type": "filename|sha1", "value": f"x.exe|{SHA1}", "to_ids": True}]}],
    }
}  # fmt: skip
FOUND = [
    ("ip", "203.0.113.5", "high", "Campaign: c2"), ("domain", "bad.example", "high", "Campaign"), ("ip", "203.0.113.6", "high", "Campaign"),
    ("ip", "203.0.113.7", "high", "Campaign"), ("url", "bad.example/a", "high", "Campaign"), ("hash", SHA1, "high", "Campaign"),
]  # fmt: skip


@pytest.mark.parametrize("document", [EVENT, [EVENT], {"response": [EVENT]}, {"response": EVENT}])
def test_an_event_in_every_wrapping(read: Read, document: Any) -> None:
    parsed = read(json.dumps(document))
    assert [(r["kind"], r["value"], r["severity"], r["description"]) for r in parsed.indicators.to_pylist()] == FOUND
    assert (parsed.format, parsed.records, parsed.rejected, parsed.skipped) == ("misp", 9, 1, 3)


def test_the_answer_of_an_attribute_search(read: Read, pairs: Any) -> None:
    answer = {"response": {"Attribute": [{"type": "ip-dst", "value": "203.0.113.5", "to_ids": True}]}}
    assert pairs(read(json.dumps(answer))) == [("ip", "203.0.113.5")]


def test_a_manifest_holds_none(read: Read) -> None:
    parsed = read(json.dumps({"5c6d21e5-bb60-47b7-b892-42e6950d2111": {"info": "x", "Orgc": {"name": "y"}}}))
    assert (parsed.format, parsed.records) == ("misp", 0)


@pytest.mark.parametrize(
    "attributes",
    ["x", 5, None, {}, [[]], ["x"], [{"type": 5, "value": {"a": 1}, "to_ids": True}], [{"to_ids": True}], [None]],
)
def test_sections_of_the_wrong_shape_are_survived(read: Read, attributes: Any) -> None:
    parsed = read(json.dumps({"Event": {"info": ["x"], "Attribute": attributes}}))
    assert parsed.indicators.num_rows == 0


@pytest.mark.parametrize("raw", ['{"Event": {"Attribute": [', "[" * 100_000, '{"Event"'])
def test_broken_json_is_refused(read: Read, raw: str) -> None:
    with pytest.raises(SourceError):
        read(raw, "misp")


def test_deep_nesting_is_survived(read: Read) -> None:
    assert read('{"Event": {"Attribute": ' + "[" * 100_000 + "]" * 100_000 + "}}").indicators.num_rows == 0
