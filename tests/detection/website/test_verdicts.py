"""Each way in which an attack can be answered, and what is made of it; the same in whatever order requests arrive."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from soc_tui.detection.detectors import WEB_ATTACK
from soc_tui.detection.website.verdicts import VERDICTS, verdict_sql
from soc_tui.management.verdicts import judge
from soc_tui.store.casework import merge_findings, save_probe

THRESHOLD = 0.5
LABELS = {
    "sqli1": "sqli", "sqli2": "sqli", "sqli3": "sqli", "cat1": "command", "dots1": "traversal", "dots2": "traversal",
    "<x>": "xss", "jndi": "lookup", "/dots/passwd": "traversal", "/dots/a": "traversal", "/dots/b": "traversal",
    "/odd'name": "sqli", "weak": "sqli",
}  # fmt: skip


def prepare(workspace: Any) -> Any:
    rows = [
        {"value": value, "label": label, "score": 0.3 if value == "weak" else 0.9} for value, label in LABELS.items()
    ]
    with workspace.store.transaction() as tx:
        for row in rows:
            tx.execute("INSERT INTO scores VALUES ('query', $value, $score, $label, '[]')", row)
    return workspace


def see(workspace: Any, events: list[dict[str, Any]]) -> None:
    """What the engine does with a window of events."""
    window = workspace.add(events)
    found = workspace.store.sql(
        WEB_ATTACK.sql, {"first_event_id": window[0], "last_event_id": window[1], "threshold": THRESHOLD}
    )
    with workspace.store.transaction() as tx:
        merge_findings(tx, found)
        judge(tx, lambda: THRESHOLD, *window)


def told(workspace: Any) -> dict[str, tuple[str, str]]:
    rows = workspace.rows("SELECT alert_key, verdict, verdict_reason FROM alerts ORDER BY alert_key")
    return {row["alert_key"].split("|")[1]: (row["verdict"], row["verdict_reason"]) for row in rows}


@pytest.fixture
def ask(events: dict[str, Any]) -> Any:
    """One request: ``ask(at, value, status, size)``; visitors ask for ordinary values."""

    def make(
        at: float, value: str, status: int | None = 200, size: int | None = 1000, path: str = "/item", **more: Any
    ) -> Any:
        base = {"src_ip": "203.0.113.9", "host": "web1", "http_method": "GET", "url_query": f"id={value}"}
        return events["web"](at, path, http_status=status, bytes_in=size, **{**base, **more})

    return make


def visitors(ask: Any, sizes: list[int], at: float = 0, **more: Any) -> list[Any]:
    return [
        ask(at + n, f"chair{n}", 200, size, **{"src_ip": f"198.51.100.{n + 1}", **more}) for n, size in enumerate(sizes)
    ]


USUAL = [1000, 1004, 996, 1000, 1010]


@pytest.mark.parametrize(
    ("attacks", "verdict", "reason"),
    [
        ([("sqli1", 404, 200)], "no such page", "of 1 request 1 answered 404 or 410"),
        ([("sqli1", 404, 200), ("sqli2", 410, 200)], "no such page", "of 2 requests 2 answered 404 or 410"),
        ([("sqli1", 404, 200), ("sqli2", 403, 200)], "attempt", "of 2 requests 1 refused (4xx, 5xx); 1 answered 404 or 410"),
        ([("sqli1", 403, 1), ("sqli1", 400, 1), ("sqli2", 406, 1), ("sqli2", 429, 1), ("sqli3", 503, 1), ("sqli3", 401, 1)],
         "attempt", "of 6 requests 6 refused (4xx, 5xx)"),
        ([("sqli1", 500, 50)], "attempt",
         "of 1 request 1 answered 500 or 502: the value disturbed the code, as /item (parameter id): 500, 50 bytes"),
        ([("sqli1", 302, 0)], "attempt", "of 1 request 1 redirected"),
        ([("sqli1", None, None)], "attempt", "of 1 request 1 without a known answer"),
        ([("sqli1", 200, 1000)], "attempt", "of 1 request 1 answered 2xx with the page's ordinary size"),
        ([("sqli1", 200, 1090)], "attempt", "of 1 request 1 answered 2xx with the page's ordinary size"),
        ([("sqli1", 200, 1103)], "attempt",
         "of 1 request 1 answered 2xx and longer by no more than the value, which the page may repeat"),
        ([("sqli1", 200, 5312)], "likely success",
         "of 1 request 1 answered 2xx with another size than this page's ordinary answers, as /item (parameter id): 200, 5312"
         " bytes where 1000 are usual (median of 5)"),
        ([("dots1", 200, 700)], "likely success",
         "of 1 request 1 answered 2xx with another size than this page's ordinary answers, as /item (parameter id): 200, 700"
         " bytes where 1000 are usual (median of 5)"),
        ([("sqli1", 200, 5312), ("sqli2", 404, 9), ("sqli3", 500, 9)], "likely success",
         "of 3 requests 1 answered 2xx with another size than this page's ordinary answers, as /item (parameter id): 200, 5312"
         " bytes where 1000 are usual (median of 5); 1 answered 500 or 502: the value disturbed the code, as /item"
         " (parameter id): 500, 9 bytes; 1 answered 404 or 410"),
        ([("sqli1", 200, 300), ("sqli2", 200, 300), ("sqli3", 200, 300)], "attempt",
         "of 3 requests 3 answered 2xx with one size for different attacks, as a page of refusal does"),
        ([("dots1", 200, 300), ("dots2", 200, 300)], "likely success",
         "of 2 requests 2 answered 2xx with another size than this page's ordinary answers, as /item (parameter id): 200, 300"
         " bytes where 1000 are usual (median of 5)"),
        ([("sqli1", 200, None)], "attempt",
         "of 1 request 1 answered 2xx, with too few ordinary answers of this page to compare with"),
        ([("<x>", 200, 5312)], "attempt", "of 1 request 1 answered 2xx, which does not tell whether the script was escaped"),
        ([("jndi", 404, 200)], "attempt",
         "of 1 request 1 with a lookup, which works wherever it is logged, whatever the answer"),
    ],
)  # fmt: skip
def test_answers(workspace: Any, ask: Any, attacks: list[Any], verdict: str, reason: str) -> None:
    prepare(workspace)
    see(workspace, visitors(ask, USUAL) + [ask(100 + n, *one) for n, one in enumerate(attacks)])
    assert list(told(workspace).values()) == [(verdict, reason)]
    assert verdict in VERDICTS


def test_one_size_for_several_classes_is_a_page_of_refusal(workspace: Any, ask: Any) -> None:
    prepare(workspace)
    see(
        workspace,
        [*visitors(ask, USUAL), ask(100, "dots1", 200, 300), ask(101, "cat1", 200, 300, src_ip="203.0.113.77")],
    )
    refused = "of 1 request 1 answered 2xx with one size for different attacks, as a page of refusal does"
    assert told(workspace) == {"traversal": ("attempt", refused), "command": ("attempt", refused)}


def test_what_is_not_an_ordinary_answer_is_not_compared_with(workspace: Any, ask: Any) -> None:
    """Too few, of another page, method or machine, two days ago, refused, or itself an attack."""
    prepare(workspace)
    others = [
        *visitors(ask, USUAL[:2]), *visitors(ask, USUAL, path="/other"), *visitors(ask, USUAL, http_method="POST"),
        *visitors(ask, USUAL, host="web2"), *visitors(ask, USUAL, at=-2 * 86400),
        *[ask(n, "chair", 403, 1000) for n in range(5)], *[ask(n, "dots2", 200, 1000, src_ip="192.0.2.5") for n in range(9)],
    ]  # fmt: skip
    see(workspace, [*others, ask(100, "sqli1", 200, 5312)])
    few = "of 1 request 1 answered 2xx, with too few ordinary answers of this page to compare with"
    assert told(workspace)["sqli"] == ("attempt", few)


def test_yesterday_counts_and_so_does_later_today(workspace: Any, ask: Any) -> None:
    prepare(workspace)
    see(workspace, [ask(100, "sqli1", 200, 5312)])
    assert told(workspace)["sqli"][0] == "attempt"
    see(workspace, visitors(ask, USUAL[:2], at=-86400))
    assert told(workspace)["sqli"][0] == "attempt"
    see(workspace, visitors(ask, USUAL[2:3], at=40000))
    assert told(workspace)["sqli"][0] == "likely success"
    see(workspace, visitors(ask, [5000, 5600, 5200, 5312], at=86400))  # tomorrow's are no measure of today
    assert told(workspace)["sqli"][1].endswith("200, 5312 bytes where 1000 are usual (median of 3)")


def test_a_page_whose_answers_vary_says_little(workspace: Any, ask: Any) -> None:
    prepare(workspace)
    see(workspace, [*visitors(ask, [500, 4000, 1500, 6000, 2500, 900]), ask(100, "sqli1", 200, 5312)])
    assert told(workspace)["sqli"] == ("attempt", "of 1 request 1 answered 2xx with the page's ordinary size")


def test_attacks_in_the_path(workspace: Any, ask: Any) -> None:
    prepare(workspace)
    see(workspace, [ask(0, "1", 200, 1500, "/dots/passwd"), ask(1, "1", 404, 10, "/dots/a")])
    assert told(workspace)["traversal"] == (
        "likely success",
        "of 2 requests 1 answered 2xx though the path itself is the attack, as /dots/passwd: 200, 1500 bytes; 1 answered 404"
        " or 410",
    )  # fmt: skip
    see(workspace, [ask(5, "1", 200, 99, "/odd'name", src_ip="203.0.113.8")])
    assert told(workspace)["sqli"][0] == "attempt"  # an odd file's name that is there


def test_a_server_that_answers_every_path_is_no_success(workspace: Any, ask: Any) -> None:
    prepare(workspace)
    see(workspace, [ask(n, "1", 200, 1500, path) for n, path in enumerate(("/dots/passwd", "/dots/a", "/dots/b"))])
    assert told(workspace)["traversal"] == (
        "attempt", "of 3 requests 3 answered 2xx with one size for different attacks, as a page of refusal does",
    )  # fmt: skip


def test_attacks_in_headers(workspace: Any, ask: Any) -> None:
    prepare(workspace)
    see(
        workspace,
        [*visitors(ask, USUAL), ask(9, "1", 200, 5312, user_agent="sqli1"), ask(9, "1", 404, 1, referrer="cat1")],
    )
    assert told(workspace) == {
        "sqli": ("attempt", "of 1 request 1 answered 2xx with the attack in a header, where the answer does not tell"),
        "command": ("no such page", "of 1 request 1 answered 404 or 410"),
    }


@pytest.mark.parametrize(
    ("value", "status", "size", "page", "reflected", "verdict"),
    [
        ("<x>", 200, 1000, "exists", "raw", "likely success"), ("<x>", 200, 1000, "exists", "escaped", "attempt"),
        ("<x>", 200, 1000, "exists", "no", "attempt"), ("<x>", 403, 1000, "exists", "raw", "attempt"),
        ("sqli1", 200, 5312, "any", "no", "no such page"), ("sqli1", 200, 5312, "exists", "raw", "likely success"),
        ("sqli1", 200, 5312, "missing", "no", "likely success"), ("sqli1", 404, 9, "exists", "no", "no such page"),
    ],
)  # fmt: skip
def test_probes(
    workspace: Any, ask: Any, value: str, status: int, size: int, page: str, reflected: str, verdict: str
) -> None:
    prepare(workspace)
    see(workspace, [*visitors(ask, USUAL), ask(100, value, status, size)])
    (key,) = (row["alert_key"] for row in workspace.rows("SELECT alert_key FROM alerts"))
    probe = {"url_path": "/item", "parameter": "id", "page": page, "reflected": reflected}
    with workspace.store.transaction() as tx:
        save_probe(tx, key, {**probe, "page": "unknown"}, datetime(2026, 3, 1, tzinfo=UTC))
        save_probe(tx, key, probe, datetime(2026, 3, 2, tzinfo=UTC))  # the latest counts
        judge(tx, lambda: THRESHOLD, 1, 0, [key])
    assert [one for one, _ in told(workspace).values()] == [verdict]
    assert workspace.rows("SELECT count(*) AS n FROM probes") == [{"n": 1}]


def test_nothing_to_judge_needs_no_network(workspace: Any, ask: Any, events: dict[str, Any]) -> None:
    def unwanted() -> float:
        raise AssertionError

    window = workspace.add([events["ssh"](0), *visitors(ask, USUAL)])
    with workspace.store.transaction() as tx:
        assert not judge(tx, unwanted, *window)
        assert not judge(tx, unwanted, 1, 0)
        assert not judge(tx, unwanted, 1, 0, ["no such alert"])


def test_the_same_requests_as_the_rule_counts(workspace: Any, ask: Any) -> None:
    """Every text of a request that the rule looks at, the worst of several, and none below the threshold."""
    prepare(workspace)
    see(workspace, [
        ask(0, "1", url_query="a=1&sqli1=2&b=cat1"), ask(1, "1", url_query="sqli2"), ask(2, "1", url_query="a=b=c&=sqli1&d=dots1"),
        ask(3, "weak"), ask(4, "1", user_agent="sqli1", referrer="cat1"), ask(5, "1", path="/dots/a", url_query="x=sqli1"),
        ask(6, "1", path=None, user_agent="sqli3"), ask(7, "sqli1", src_ip=None), ask(8, "sqli1", host=None),
        ask(86_399 - 36_000, "sqli1"), ask(86_401 - 36_000, "sqli1"), ask(9, "&&", url_query="&&"),
    ])  # fmt: skip
    rows = workspace.store.sql(
        verdict_sql(), {"first_event_id": 1, "last_event_id": 99, "threshold": THRESHOLD, "alert_keys": []}
    ).to_pylist()
    counted = workspace.rows("SELECT alert_key, event_count FROM alerts")
    assert len(counted) >= 6
    assert {row["alert_key"]: row["requests"] for row in rows} == {
        row["alert_key"]: row["event_count"] for row in counted
    }


@st.composite
def requests(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    return draw(st.lists(st.tuples(
        st.integers(-30, 60), st.sampled_from(["chair", "table", *[one for one in LABELS if one[0] != "/"]]),
        st.sampled_from([200, 200, 200, 404, 403, 500, 302]), st.sampled_from([1000, 1003, 300, 5312]),
        st.sampled_from(["/item", "/shop", "/dots/passwd"]), st.sampled_from(["203.0.113.9", "203.0.113.10"]),
    ), min_size=6, max_size=30))  # fmt: skip


@pytest.mark.campaign
@given(drawn=requests(), seed=st.integers(0, 2**16))
@settings(
    max_examples=6, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
def test_order_and_windows_do_not_matter(make_workspace: Any, ask: Any, drawn: list[Any], seed: int) -> None:
    made = [
        ask(hour * 3600 + n * 1e-3, value, status, size, path, src_ip=source)
        for n, (hour, value, status, size, path, source) in enumerate(drawn)
    ]
    whole = prepare(make_workspace())
    see(whole, made)
    parts = prepare(make_workspace())
    shuffled = random.Random(seed).sample(made, len(made))
    for start in range(0, len(made), 4):
        see(parts, shuffled[start : start + 4])
    query = "SELECT alert_key, verdict, verdict_reason FROM alerts ORDER BY alert_key"
    assert parts.rows(query) == whole.rows(query)
    assert all(row["verdict"] in VERDICTS for row in whole.rows(query))
