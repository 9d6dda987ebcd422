"""What a Sigma condition means over our events: each modifier, case, missing fields, and values that would rather be SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soc_tui.detection.sigma.predicates import literal, quoted_regex
from soc_tui.management.sigma import Matcher
from tests.detection.sigma.conftest import NUMBERS, rule_text

WEB = {"class_uid": 4002, "product": "apache-nginx", "log_name": "access", "src_ip": "203.0.113.9"}
PATHS = ["/a.php", "/A.PHP", "/dir/a.php5", "/b.html", None]


def web(path: str | None, **more: Any) -> dict[str, Any]:
    return {**WEB, "at": 0, "url_path": path, **more}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"cs-uri-stem": "/a.php"}, [0, 1]),
        ({"cs-uri-stem|cased": "/a.php"}, [0]),
        ({"cs-uri-stem|endswith": ".php"}, [0, 1]),
        ({"cs-uri-stem|startswith": "/DIR"}, [2]),
        ({"cs-uri-stem|contains": "A.P"}, [0, 1, 2]),
        ({"cs-uri-stem|contains|cased": "A.P"}, [1]),
        ({"cs-uri-stem|contains|all": ["dir", "php"]}, [2]),
        ({"cs-uri-stem": ["/a.php", "/b.html", "/c"]}, [0, 1, 3]),
        ({"cs-uri-stem": "/*/a.php?"}, [2]),
        ({"cs-uri-stem": "/?.php"}, [0, 1]),
        ({"cs-uri-stem": "*"}, [0, 1, 2, 3]),
        ({"cs-uri-stem": None}, [4]),
        ({"cs-uri-stem": ""}, [4]),
        ({"cs-uri-stem|exists": True}, [0, 1, 2, 3]),
        ({"cs-uri-stem|exists": False}, [4]),
        ({"cs-uri-stem|re": r"^/a\.php$"}, [0]),
        ({"cs-uri-stem|re|i": r"^/a\.php$"}, [0, 1]),
        ({"cs-uri-stem|re": r"php\d?$|html"}, [0, 2, 3]),
        ({"cs-uri-stem|contains": [".php", ".asp", ".jsp", ".cgi"]}, [0, 1, 2]),
        ({"cs-uri-stem|endswith": [".php5", ".html", ".x", "B.y"]}, [2, 3]),
        ({"cs-uri-stem|startswith": ["/b", "/x", "/y", "/dir/"]}, [2, 3]),
        ({"cs-uri-stem|fieldref": "c-uri-stem"}, [0, 1, 2, 3]),
    ],
    ids=str,
)
def test_texts(matching_events: Callable[..., list[int]], item: dict[str, Any], expected: list[int]) -> None:
    assert matching_events({"s": item, "condition": "s"}, [web(path) for path in PATHS]) == expected


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"sc-status": 200}, [0]),
        ({"sc-status": "200"}, [0]),
        ({"sc-status|startswith": "20"}, [0, 1]),
        ({"sc-status|gt": 200}, [1, 2]),
        ({"sc-status|gte": 200}, [0, 1, 2]),
        ({"sc-status|lt": 404}, [0, 1]),
        ({"sc-status|lte": 404}, [0, 1, 2]),
        ({"sc-status": [200, 404, 500]}, [0, 2]),
        ({"sc-status": None}, [3]),
        ({"sc-status|re": "^2"}, [0, 1]),
    ],
    ids=str,
)
def test_numbers(matching_events: Callable[..., list[int]], item: dict[str, Any], expected: list[int]) -> None:
    events = [web("/", http_status=status) for status in (200, 204, 404, None)]
    assert matching_events({"s": item, "condition": "s"}, events) == expected


@pytest.mark.parametrize(
    ("network", "expected"),
    [("10.0.0.0/8", [0]), ("192.0.2.128/25", [1]), ("2001:db8::/32", [2]), (["10.0.0.0/8", "2001:db8::/32"], [0, 2])],
)
def test_networks(matching_events: Callable[..., list[int]], network: Any, expected: list[int]) -> None:
    events = [web("/", src_ip=address) for address in ("10.1.2.3", "192.0.2.200", "2001:db8::1", "host", None)]
    assert matching_events({"s": {"c-ip|cidr": network}, "condition": "s"}, events) == expected


def test_a_missing_field_makes_its_comparison_false_also_under_not(matching_events: Callable[..., list[int]]) -> None:
    events = [web("/x", user_agent="bot"), web("/x"), web("/x", user_agent="person")]
    detection = {"s": {"cs-uri-stem": "/x"}, "f": {"cs-user-agent": "bot"}, "condition": "s and not f"}
    assert matching_events(detection, events) == [1, 2]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("1 of s*", [0, 1, 2]), ("all of s*", [1]), ("s1 and not s2", [0]), ("not 1 of s*", [3]), ("1 of them", [0, 1, 2]),
        ("(s1 or s2) and not (s1 and s2)", [0, 2]),
    ],
)  # fmt: skip
def test_conditions(matching_events: Callable[..., list[int]], condition: str, expected: list[int]) -> None:
    events = [web("/a"), web("/ab"), web("/b"), web("/c")]
    detection = {"s1": {"cs-uri-stem|contains": "a"}, "s2": {"cs-uri-stem|contains": "b"}, "condition": condition}
    assert matching_events(detection, events) == expected


def test_several_conditions_are_alternatives(matching_events: Callable[..., list[int]]) -> None:
    detection = {"a": {"cs-uri-stem": "/a"}, "b": {"cs-uri-stem": "/b"}, "condition": ["a", "b"]}
    assert matching_events(detection, [web("/a"), web("/b"), web("/c")]) == [0, 1]


def test_keywords_are_looked_for_in_the_whole_record(matching_events: Callable[..., list[int]]) -> None:
    events = [web("/x", user_agent="${JNDI:ldap"), web("/${jndi:ldap"), web("/x", referrer="a jndi b"), web("/y")]
    assert matching_events({"k": ["${jndi:ldap", "${jndi:rmi"], "condition": "k"}, events) == [0, 1]
    assert matching_events({"k": {"|all": ["jndi", " b"]}, "condition": "k"}, events) == [2]
    assert matching_events({"k": ["jndi*b"], "condition": "k"}, events) == [2]
    assert matching_events({"k": {"|re": "j.di (b|c)"}, "condition": "k"}, events) == [2]


def test_encodings(matching_events: Callable[..., list[int]]) -> None:
    events = [web("/x", url_query=text) for text in ("c=Zm9vYmFy", "c=xmb29iYXI", "c=foobar", None)]
    assert matching_events({"s": {"cs-uri-query|base64offset|contains": "foobar"}, "condition": "s"}, events) == [0, 1]
    events = [
        {"at": 0, "class_uid": 1007, "product": "auditd", "activity": "launch", "message": text}
        for text in ("x -e", "x /e", "x –e", "x e")
    ]
    more = {"logsource": {"category": "process_creation", "product": "linux"}}
    assert matching_events({"s": {"CommandLine|windash|contains": " -e"}, "condition": "s"}, events, **more) == [
        0,
        1,
        2,
    ]


def test_a_field_with_several_values_matches_by_any(matching_events: Callable[..., list[int]]) -> None:
    more = {"logsource": {"product": "linux", "service": "auditd"}}
    made = {"at": 0, "class_uid": 1001, "product": "auditd", "activity": "create", "log_name": "syscall"}
    events = [
        {**made, "file_path": "/etc/x", "extra": '{"type":"SYSCALL","paths":["/etc/","/etc/x"]}'},
        {**made, "file_path": "/tmp/x", "extra": '{"type":"SYSCALL","paths":["/tmp/","/tmp/x"]}'},
        {**made, "file_path": None, "extra": '{"type":"SYSCALL"}'},
    ]
    assert matching_events({"s": {"type": "PATH", "name": "/etc/x"}, "condition": "s"}, events, **more) == [0]
    assert matching_events({"s": {"type": "PATH", "name|endswith": "/x"}, "condition": "s"}, events, **more) == [0, 1]
    assert matching_events({"s": {"type": "PATH"}, "condition": "not s"}, events, **more) == [2]
    assert matching_events({"s": {"name|re": "^/e"}, "condition": "s"}, events, **more) == [0]


def test_extra_that_is_no_json_stops_nothing(matching_events: Callable[..., list[int]]) -> None:
    more = {"logsource": {"product": "zeek", "service": "dce_rpc"}}
    made = {"at": 0, "class_uid": 4001, "product": "zeek", "log_name": "dce_rpc"}
    events = [
        {**made, "extra": '{"operation":"JobAdd"'},
        {**made, "extra": '{"operation":"JobAdd"}'},
        {**made, "extra": None},
    ]
    assert matching_events({"s": {"operation": "JobAdd"}, "condition": "s"}, events, **more) == [1]


HOSTILE = st.one_of(
    st.text(max_size=30),
    st.sampled_from([
        "'", "''", "\\'", "'; DROP TABLE events; --", "' OR '1'='1", "\\", "$first_event_id", "$1", "?", "*", "{hits}",
        "{source}", "{}", "l_000000000000", "$$", "--", "/*", "*/", "\n", "%", "%%s", "E'\\''", "U&'\\0027'", "a\\*b", "\u2028",
        "' UNION SELECT 1,2 --", "');", "chr(39)", "\ufeff", "İ", "ſ", "K",
    ]),
)  # fmt: skip
PRINTABLE = st.text(
    st.characters(blacklist_categories=["Cs", "Cc", "Co", "Cn"], blacklist_characters="*?\\"), max_size=20
)


@given(text=st.text())
def test_a_literal_is_the_text_or_refused(text: str) -> None:
    import duckdb

    try:
        quoted = literal(text)
    except ValueError:
        assert "\0" in text or any("\ud800" <= char <= "\udfff" for char in text)
        return
    assert duckdb.execute(f"SELECT {quoted}, [{quoted}]").fetchall() == [(text, [text])]


@given(
    text=st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])),
    other=st.text("ab.*$^", max_size=6),
)
def test_a_quoted_pattern_matches_the_text_and_nothing_else(text: str, other: str) -> None:
    import duckdb

    query = f"SELECT regexp_full_match($1, {literal(quoted_regex(text))})"
    assert duckdb.execute(query, [text]).fetchall() == [(True,)]
    assert duckdb.execute(query, [other]).fetchall() == [(other == text,)]


SLOW = settings(
    max_examples=60, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@given(
    values=st.lists(HOSTILE, min_size=1, max_size=4),
    modifier=st.sampled_from(["", "|contains", "|endswith", "|cased", "|all"]),
)
@SLOW
def test_no_value_of_a_rule_gets_out_of_its_quotes(
    workspace: Any, compiled: Any, values: list[str], modifier: str
) -> None:
    """Whatever it says, the rule is refused or runs, and it finds none of an event that has nothing of it."""
    detection = {"s": {f"cs-uri-stem{modifier}": values}, "k": values, "condition": "s and k and not nothing",
                 "nothing": {"cs-host": values[0]}}  # fmt: skip
    try:
        text = rule_text(detection, level="low", title=values[0] or "x", falsepositives=values)
        yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        return
    rules = compiled(text)
    assert len(rules.entries) == 1
    window = workspace.add([web("\x01", http_method="\x02", user_agent="\x03", http_status=999)])
    found = Matcher(workspace.store, rules).window(*window)
    empty = all(not value.strip("*") for value in values)
    wild = any(value.replace("*", "").replace("?", "").strip() in ("", "\\") for value in values)
    assert found.num_rows == 0 or empty or wild
    assert workspace.rows("SELECT count(*) AS n FROM events")[0]["n"] >= 1


@given(
    texts=st.lists(PRINTABLE, min_size=1, max_size=5),
    value=PRINTABLE,
    modifier=st.sampled_from(["", "|contains", "|startswith", "|endswith"]),
    cased=st.booleans(),
)
@SLOW
def test_a_value_matches_as_python_says(
    workspace: Any, compiled: Any, texts: list[str], value: str, modifier: str, cased: bool
) -> None:
    if not value:
        return

    def low(text: str) -> str:
        return text if cased else "".join(char.lower()[0] for char in text)

    tests = {"": str.__eq__, "|contains": str.__contains__, "|startswith": str.startswith, "|endswith": str.endswith}
    candidates = [*texts, value, f"x{value}y", f"{value}y", f"x{value}", value.swapcase()]
    detection = {"s": {f"cs-uri-stem{modifier}{'|cased' * cased}": value}, "condition": "s"}
    rules = compiled(rule_text(detection))
    assert [entry.state for entry in rules.entries] == ["converted"]
    minute = next(NUMBERS) * 60  # one of its own: a finding names 20 events of a minute
    first, last = workspace.add([{**web(text), "at": minute} for text in candidates])
    found = Matcher(workspace.store, rules).window(first, last)
    matched = sorted({event - first for row in found.to_pylist() for event in row["event_ids"] if event >= first})
    assert matched == [n for n, text in enumerate(candidates) if tests[modifier](low(text), low(value))]
