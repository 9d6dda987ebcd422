"""The explanation bars."""

from __future__ import annotations

import json

import pytest

from soc_tui.console.widgets.detail import explanation_lines, fact_lines


def test_bars_carry_sign_and_number_besides_colour() -> None:
    weights = [{"field": "a", "value": "1", "weight": 0.5}, {"field": "b", "value": "2", "weight": -0.25}]
    up, down = (line.plain for line in explanation_lines(json.dumps(weights), 60))
    assert "█" * 10 in up
    assert up.endswith("+0.50")
    assert "░" * 5 in down
    assert "█" not in down
    assert down.endswith("−0.25")


@pytest.mark.parametrize("width", [30, 44, 60, 120])
def test_a_bar_line_fits_the_pane(width: int) -> None:
    weights = [{"field": "f" * 50, "value": "v" * 300, "weight": 1.0}]
    for text in explanation_lines(json.dumps(weights), width):
        assert all(line.cell_length <= width for line in text.split("\n"))


def test_a_narrow_pane_cuts_neither_field_nor_value() -> None:
    weights = [{"field": "failures within window", "value": "147 in 10 min (threshold 10)", "weight": 0.94}]
    (text,) = explanation_lines(json.dumps(weights), 42)
    words = " ".join(text.plain.split())
    assert words == "+0.94 ███████ failures within window 147 in 10 min (threshold 10)"


@pytest.mark.parametrize(
    "damaged", [None, "", "{", "7", '"x"', "[1, null]", '[{"weight": "nan"}]', '[{"weight": NaN}]']
)
def test_a_damaged_explanation_is_no_crash(damaged: str | None) -> None:
    assert explanation_lines(damaged, 60)


def test_only_what_is_known_is_listed() -> None:
    shown = [line.plain for line in fact_lines({"src_ip": "192.0.2.1", "score": 0.5, "detector": "d"})]
    assert shown == ["from     192.0.2.1", "score    0.500 by d"]


def test_a_verdict_is_one_plain_line_and_inert() -> None:
    alert = {"score": 0.5, "detector": "d", "verdict": "likely success", "verdict_reason": "as /a\x1b[31m: 200"}
    shown = [line.plain for line in fact_lines(alert)]
    assert shown == ["score    0.500 by d", "verdict  likely success: as /a^[[31m: 200"]
    assert [line.plain for line in fact_lines({**alert, "verdict": None, "verdict_reason": None})] == [
        "score    0.500 by d"
    ]


def test_what_enrichment_knows_of_both_ends() -> None:
    alert = {
        "src_ip": "203.0.113.5",
        "src_asn": 64500,
        "src_as_org": "Net\x1b[31m",
        "src_country": "DE",
        "dst_asset": "db1",
        "dst_name": "db1.example",
    }
    text = "\n".join(line.plain for line in fact_lines(alert))
    assert "source   AS64500 Net^[[31m, DE" in text
    assert "target   db1, db1.example" in text
    assert "source" not in "\n".join(line.plain for line in fact_lines({"src_ip": "10.0.0.1", "src_class": "private"}))


@pytest.mark.parametrize(
    ("user", "target", "said"),
    [
        ("root", "db1", ["user     root on db1"]),
        ("root", None, ["user     root"]),
        (None, "/login", ["against  /login"]),
        (None, None, []),
    ],
)
def test_a_target_is_no_user(user: str | None, target: str | None, said: list[str]) -> None:
    shown = [line.plain for line in fact_lines({"user_name": user, "target": target, "score": 0.5, "detector": "d"})]
    assert [line for line in shown if not line.startswith("score")] == said
