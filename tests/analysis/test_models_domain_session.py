"""The shipped networks for names and sessions: what they must know, and what they must leave alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from soc_tui.analysis.prediction import Predictor, score_values

MODELS = Path(__file__).parents[2] / "models"

GENERATED = ["xjwqkzptvhrmfd.biz", "qpzkxwvjthgrmn.info", "9f3a1c7be0d2486f5a7c.net", "k2j9x7q4w8z1v5t3m6p0.org"]
TUNNELS = [
    "12.mfrggzdfmztwq2lknnwg23tpobyxe43uov3ho6dzpiydcmr.gy3dcnzsgm4dmnzzha.t.blue-harbour.net",
    "dnscat.0f2a01a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a.blue-harbour.net",
]
ORDINARY = [
    "www.google.com", "wikipedia.org", "mail.example.org", "d111111abcdef8.cloudfront.net", "ntp.ubuntu.com",
    "ec2-198-51-100-7.compute-1.amazonaws.com", "lh3.googleusercontent.com", "e1234.dscb.akamaiedge.net", "wpad",
    "_ldap._tcp.dc._msdcs.corp.example.com", "7.100.51.198.in-addr.arpa", "static-198-51-100-7.isp.example.net",
    "outlook.office365.com", "safebrowsing.googleapis.com", "www.uni-heidelberg.de", "deb.debian.org",
]  # fmt: skip


def verdicts(name: str, values: list[str]) -> list[str]:
    return [row["verdict"] for row in score_values(name, values, MODELS)]


def test_ordinary_names_are_left_alone() -> None:
    assert verdicts("domain", ORDINARY) == ["benign"] * len(ORDINARY)


def test_generated_names_and_tunnels_score_above_every_ordinary_name() -> None:
    rows = score_values("domain", [*ORDINARY, *GENERATED, *TUNNELS], MODELS)
    ordinary = max(row["score"] for row in rows[: len(ORDINARY)])
    assert [row["value"] for row in rows[len(ORDINARY) :] if row["score"] <= ordinary] == []
    assert all(row["score"] > 0.9 for row in rows[len(ORDINARY) :][: len(GENERATED)])


@pytest.mark.xfail(strict=True, reason="a dnscat2 name scores 0.815")
def test_every_tunnel_scores_high() -> None:
    assert all(row["score"] > 0.9 for row in score_values("domain", TUNNELS, MODELS))


def logons(count: int, user: str = "root", gap: int = 2, *, success: bool = False) -> str:
    events: list[dict[str, Any]] = [
        {"time": 1_772_359_200 + i * gap, "kind": "logon", "status": "failure", "user_name": user.format(i)}
        for i in range(count)
    ]
    if success:
        events.append({**events[-1], "time": events[-1]["time"] + gap, "status": "success"})
    return json.dumps(events)


def requests(*answers: tuple[str, int]) -> str:
    return json.dumps([
        {"time": 1_772_359_200 + i, "kind": "web", "http_method": "GET", "url_path": path, "http_status": status}
        for i, (path, status) in enumerate(answers)
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("line", "label"),
    [
        (logons(40), "brute"),
        (logons(40, "user{}"), "spray"),
        (logons(60, success=True), "takeover"),
        (requests(*[(f"/old{i}.php", 404) for i in range(60)]), "scan"),
        (logons(1, "anna", success=True), "benign"),
        (requests(("/", 200), ("/style.css", 200), ("/about", 200), ("/favicon.ico", 404)), "benign"),
        pytest.param(
            requests(*[(f"/story/{i}", 200) for i in range(120)]),
            "benign",
            marks=pytest.mark.xfail(strict=True, reason="a walk through 120 new pages is taken for a scan"),
        ),
    ],
)
def test_what_sessions_are(line: str, label: str) -> None:
    (row,) = score_values("session", [line], MODELS)
    assert (row["label"], row["verdict"]) == (label, "benign" if label == "benign" else "attack")


@pytest.mark.parametrize("name", ["domain", "session"])
def test_the_card_says_what_was_measured(name: str) -> None:
    card = Predictor.load(MODELS, name).card
    assert card.metrics["validation"]["auroc"] > 0.95
    assert (MODELS / f"{name}.safetensors").stat().st_size < 1_500_000
    assert {entry["role"] for entry in card.data.values()} >= {"train", "test"}
