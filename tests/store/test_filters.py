"""The filter language: what it finds, what it refuses, and that data never becomes SQL."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soc_tui.core.errors import FilterError
from soc_tui.store.database import Store
from soc_tui.store.filters import SCOPES, Term, compile_filter, fixed, parse, write

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALERTS = [
    (1, "critical", "SSH brute force", "1.2.3.4", "web1", "open", datetime(2026, 3, 1, 11)),
    (2, "high", "SQL injection 100% sure", "10.1.2.3", "web2", "open", datetime(2026, 3, 1, 9)),
    (3, "medium", "port scan", "fe80::1", "web1", "closed", datetime(2026, 2, 1)),
    (4, "low", "odd_flow", None, None, "open", None),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    opened = Store.open(tmp_path_factory.mktemp("filters") / "w.duckdb")
    with opened.transaction() as tx:
        for number, severity, title, src, host, state, last in ALERTS:
            tx.execute(
                "INSERT INTO alerts (alert_id, alert_key, detector, risk_type, title, severity, score, src_ip, host, state,"
                " time_last, finding_count, event_count, techniques)"
                " VALUES ($n, $n::VARCHAR, 'd', 'intrusion', $title, $severity, 0.5, $src, $host, $state, $last, 1, 1, ['T1110'])",
                {
                    "n": number,
                    "title": title,
                    "severity": severity,
                    "src": src,
                    "host": host,
                    "state": state,
                    "last": last,
                },
            )
        tx.execute("UPDATE alerts SET verdict = 'likely success' WHERE alert_id = 2")
        tx.execute("UPDATE alerts SET verdict = 'no such page' WHERE alert_id = 3")
    return opened


def _found(store: Store, expression: str) -> list[int]:
    where, params = compile_filter(expression, "alerts", NOW)
    rows = store.sql(f"SELECT alert_id FROM alerts WHERE {where} ORDER BY 1", params)
    return [int(number) for number in rows.column(0).to_pylist()]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("", [1, 2, 3, 4]),
        ("severity:>=high", [1, 2]),
        ("severity:high,low", [2, 4]),
        ("severity:<medium", [4]),
        ("src:10.0.0.0/8", [2]),
        ("src:1.2.3.4,10.1.2.3", [1, 2]),
        ("src:1.2.*", [1]),
        ("src:fe80::/10", [3]),
        ("verdict:likely-success", [2]),
        ('verdict:"likely success"', [2]),
        ("verdict:likely-success,no-such-page", [2, 3]),
        ("verdict:*", [2, 3]),
        ("-verdict:no-such-page", [1, 2, 4]),
        ("verdict:success", []),
        ("ip:1.2.3.4", [1]),
        ("state:open after:-2h", [1]),
        ("after:2026-03-01 before:2026-03-02", []),
        ("after:2026-03-01", [1, 2]),
        ('"SQL injection"', [2]),
        ("100%", [2]),
        ("d_flow", [4]),
        ("-host:web1", [2, 4]),
        ("host:web1 -state:closed", [1]),
        ("title:ssh", [1]),
        ("id:A2", [2]),
        ("id:>2", [3, 4]),
        ("technique:t1110 score:>=0.5", [1, 2, 3, 4]),
        ("count:>1", []),
        ('"quote \\" inside"', []),
    ],
)
def test_what_it_finds(store: Store, expression: str, expected: list[int]) -> None:
    assert _found(store, expression) == expected


@pytest.mark.parametrize(
    ("expression", "position", "said"),
    [
        ("sevrity:high", 0, "did you mean severity"),
        ("state:open severity:bad", 11, "unknown severity"),
        ('x "open', 2, "quote"),
        ("src:10.0.0.0/99", 0, "no network"),
        ("after:tomorrow", 0, "no time"),
        ("score:>=x", 0, "no number"),
        ("host:>web", 0, "cannot be compared"),
        ("host:", 0, "lacks a value"),
        ("-", 0, "lacks a value"),
    ],
)
def test_mistakes_say_where_and_what(expression: str, position: int, said: str) -> None:
    with pytest.raises(FilterError, match=said) as caught:
        parse(expression)
    assert caught.value.position == position


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40), st.sampled_from(sorted(SCOPES)))
def test_any_text_compiles_or_is_refused_and_never_breaks_sql(store: Store, text: str, table: str) -> None:
    try:
        where, params = compile_filter(text, table, NOW)
    except FilterError:
        return
    store.sql(f"SELECT count(*) FROM {table} WHERE {where}", params)


@given(st.text(min_size=1).filter(lambda t: t.strip()))
def test_quoted_text_is_one_term(text: str) -> None:
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    terms = parse(quoted)
    assert [(t.field, t.value) for t in terms] == [("", text)]


_FIELDS = {
    "": ["="], "title": ["="], "src": ["="], "target": ["="], "host": ["="], "severity": ["=", ">=", "<=", ">", "<"],
}  # fmt: skip


@given(
    st.lists(
        st.sampled_from(sorted(_FIELDS)).flatmap(
            lambda name: st.builds(
                Term, st.just(name), st.sampled_from(_FIELDS[name]),
                st.sampled_from(["low", "high"]) if name == "severity" else st.text(max_size=20).filter(lambda t: "/" not in t),
                st.booleans(), st.just(0),
            )
        )
    )
)  # fmt: skip
def test_written_terms_read_back_as_the_same(terms: list[Term]) -> None:
    def plain(read: list[Term]) -> list[tuple[str, str, str, bool]]:
        return [(term.field, term.op, term.value, term.negated) for term in read]

    assert plain(parse(write(terms))) == plain(terms)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("after:-2h", "after:2026-03-01T10:00:00Z"),
        ('host:"a b"   -before:-1d', 'host:"a b" -before:2026-02-28T12:00:00Z'),
        ("after:2026-01-01 severity:>=high 10.0.0.5", "after:2026-01-01T00:00:00Z severity:>=high 10.0.0.5"),
        ("after:2026-01-01T02:00:00+02:00", "after:2026-01-01T00:00:00Z"),
        ("", ""),
    ],
)
def test_relative_times_can_be_fixed(text: str, expected: str) -> None:
    assert fixed(text, "alerts", NOW) == expected
    assert fixed(expected, "alerts", datetime(2030, 1, 1, tzinfo=UTC)) == expected
