"""STIX: patterns of plain values, alone and joined; what is revoked, expired or says more is skipped and counted."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.enrichment.indicators import json_parts
from soc_tui.core.errors import SourceError

Read = Callable[..., Any]
SHA256, MD5 = "a" * 64, "b" * 32


def indicator(pattern: str, **more: Any) -> dict[str, Any]:
    return {"type": "indicator", "spec_version": "2.1", "id": "indicator--1", "pattern": pattern, "pattern_type": "stix",
            "valid_from": "2020-01-01T00:00:00Z", **more}  # fmt: skip


def bundle(*objects: Any, **options: Any) -> str:
    return json.dumps({"type": "bundle", "id": "bundle--1", "objects": list(objects)}, **options)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[ipv4-addr:value = '203.0.113.5']", [("ip", "203.0.113.5")]),
        ("[ipv6-addr:value='2001:DB8::1']", [("ip", "2001:db8::1")]),
        ("[ipv4-addr:value = '203.0.113.0/24']", [("network", "203.0.113.0/24")]),
        ("[ipv4-addr:value ISSUBSET '203.0.113.0/24']", [("network", "203.0.113.0/24")]),
        ("[domain-name:value = 'Bad.Example']", [("domain", "bad.example")]),
        ("[domain-name:value = 'bücher.example']", [("domain", "xn--bcher-kva.example")]),
        ("[url:value = 'http://bad.example/a?b=c']", [("url", "bad.example/a?b=c")]),
        (r"[url:value = 'http://bad.example/o\'k']", [("url", "bad.example/o'k")]),
        (f"[file:hashes.'SHA-256' = '{SHA256}']", [("hash", SHA256)]),
        (f"[file:hashes.MD5 = '{MD5.upper()}']", [("hash", MD5)]),
        (f"[file:hashes.'SHA-256' = '{SHA256}' AND file:hashes.MD5 = '{MD5}' AND file:name = 'x.exe']", [("hash", SHA256), ("hash", MD5)]),
        ("[ipv4-addr:value = '203.0.113.5' OR ipv4-addr:value = '203.0.113.6' OR domain-name:value = 'a.example']",
         [("ip", "203.0.113.5"), ("ip", "203.0.113.6"), ("domain", "a.example")]),
        ("[domain-name:value IN ('a.example', 'b.example')]", [("domain", "a.example"), ("domain", "b.example")]),
        ("[ipv4-addr:value = '203.0.113.5'] OR [domain-name:value = 'a.example']", [("ip", "203.0.113.5"), ("domain", "a.example")]),
        ("[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.5']", [("ip", "203.0.113.5")]),
    ],
)  # fmt: skip
def test_a_pattern(read: Read, pairs: Any, pattern: str, expected: list[tuple[str, str]]) -> None:
    parsed = read(bundle({"type": "identity", "name": '] } \\" {'}, indicator(pattern)))
    assert sorted(pairs(parsed)) == sorted(expected)
    assert (parsed.format, parsed.records, parsed.rejected, parsed.skipped) == ("stix", 1, 0, 0)


@pytest.mark.parametrize(
    "made",
    [
        indicator("[ipv4-addr:value = '203.0.113.5']", revoked=True),
        indicator("[ipv4-addr:value = '203.0.113.5']", valid_until="2026-05-31T23:59:59.999Z"),
        indicator("[ipv4-addr:value = '203.0.113.5' AND network-traffic:dst_port = 443]"),
        indicator("[ipv4-addr:value = '203.0.113.5' AND domain-name:value = 'a.example']"),
        indicator("[ipv4-addr:value != '203.0.113.5']"),
        indicator("[ipv4-addr:value NOT IN ('203.0.113.5')]"),
        indicator("[domain-name:value LIKE '%.example']"),
        indicator("[domain-name:value MATCHES 'a.example']"),
        indicator("[ipv4-addr:value = '203.0.113.5'] FOLLOWEDBY [domain-name:value = 'a.example']"),
        indicator("[ipv4-addr:value = '203.0.113.5'] AND [domain-name:value = 'a.example']"),
        indicator("[ipv4-addr:value = '203.0.113.5'] REPEATS 5 TIMES"),
        indicator("[process:name = 'a.example']"),
        indicator("alert tcp any any", pattern_type="snort"),
    ],
)
def test_what_is_not_to_be_matched_by_its_values(read: Read, made: dict[str, Any]) -> None:
    parsed = read(bundle(made))
    assert (parsed.records, parsed.rejected, parsed.skipped, parsed.indicators.num_rows) == (1, 0, 1, 0)


@pytest.mark.parametrize(
    "pattern", ["", "garbage", "[ipv4-addr:value = 'no address']", "[file:hashes.MD5 = 'zz']", "[", 5, None, {"a": 1}]
)
def test_what_cannot_be_understood(read: Read, pattern: Any) -> None:
    parsed = read(bundle(indicator(pattern), indicator("[ipv4-addr:value = '203.0.113.5']")), "stix")
    assert (parsed.records, parsed.rejected, parsed.indicators.num_rows) == (2, 1, 1)


def test_the_words_of_an_indicator(read: Read) -> None:
    made = indicator(
        "[ipv4-addr:value = '203.0.113.5']",
        name="C2",
        description="seen",
        valid_until="2027-01-01T00:00:00Z",
        severity="high",
    )
    (row,) = read(bundle(made)).indicators.to_pylist()
    assert (row["severity"], row["description"], str(row["valid_until"])) == ("high", "C2: seen", "2027-01-01 00:00:00")


@pytest.mark.parametrize("size", [1, 2, 3, 17, 1000])
def test_where_blocks_end_decides_nothing(read: Read, pairs: Any, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    text = bundle(
        indicator(r"[url:value = 'http://bad.example/\'\\x']", name='"\\\\" {[é'),
        {"a": ["}", "\\", '\\"']},
        indicator("[ipv4-addr:value = '203.0.113.5']"),
        indent=1,
        ensure_ascii=False,
    )
    whole = pairs(read(text, "stix"))
    monkeypatch.setattr(json_parts, "BLOCK", size)
    assert pairs(read(text, "stix")) == whole
    assert len(whole) == 2


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    ),
    st.integers(1, 40),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_objects_are_cut_as_json_says(tmp_path_factory: pytest.TempPathFactory, value: Any, size: int) -> None:
    import io

    objects = [{"v": value}, {"w": [value, "\\"]}]
    raw = json.dumps({"type": "bundle", "objects": objects}).encode()
    before, json_parts.BLOCK = json_parts.BLOCK, size
    try:
        found = [json.loads(text) for part in json_parts.objects(io.BytesIO(raw)) for text in part.to_pylist()]
    finally:
        json_parts.BLOCK = before
    assert found == objects


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_broken_bundle_is_refused(read: Read, cut: int) -> None:
    with pytest.raises(SourceError, match="no whole JSON|neither STIX"):
        read(bundle(*[indicator("[ipv4-addr:value = '203.0.113.5']")] * 3)[:-cut])


@pytest.mark.parametrize("raw", ["", "   ", "]", '{"type":"bundle"}}', "5"])
def test_what_is_no_bundle(read: Read, raw: str) -> None:
    with pytest.raises(SourceError):
        read(raw, "stix")


def test_deep_nesting_is_survived(read: Read) -> None:
    deep = "[" * 200_000 + "]" * 200_000
    parsed = read(
        '{"type":"bundle","objects":[{"type":"indicator","x":'
        + deep
        + "}, "
        + json.dumps(indicator("[ipv4-addr:value = '203.0.113.5']"))
        + "]}"
    )
    assert parsed.indicators["value"].to_pylist() == ["203.0.113.5"]
