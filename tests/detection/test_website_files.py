"""Findings about files of website trees from the verdicts of the code and the page network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from soc_tui.analysis.features import feature_sql

TREE = "/var/www/site"


def changed(at: float, path: str, after: str, activity: str = "create", **extra: str) -> dict[str, Any]:
    return {
        "at": at, "class_uid": 1001, "product": "website", "log_name": "files", "host": "web1", "activity": activity,
        "file_path": f"{TREE}/{path}", "file_hash": after, "extra": json.dumps({"owner": "www-data", **extra}),
    }  # fmt: skip


def judge(workspace: Any, model: str, verdicts: dict[str, tuple[float, str]]) -> None:
    explanation = json.dumps([{"field": "line 3", "value": "eval($_POST", "weight": 2.5}])
    with workspace.store.transaction() as tx:
        for value, (score, label) in verdicts.items():
            tx.execute(
                "INSERT INTO scores SELECT $model, $value, $score, $label, $explanation",
                {"model": model, "value": value, "score": score, "label": label, "explanation": explanation},
            )


def pairs(workspace: Any, window: tuple[int, int]) -> list[tuple[str, str | None, str, bool, bool]]:
    rows = workspace.store.sql(
        feature_sql("website_changes"), {"first_event_id": window[0], "last_event_id": window[1]}
    ).to_pylist()
    return [(r["path"].removeprefix(TREE + "/"), r["before"], r["after"], r["is_page"], r["is_code"]) for r in rows]


def test_what_a_file_was_before_is_found_however_it_was_written(workspace: Any) -> None:
    workspace.add([changed(0, "made-anew.html", "h1", "delete")])
    window = workspace.add([
        changed(10, "new.php", "h2"),
        changed(11, "index.html", "h4", "update", previous_hash="h3"),
        changed(12, "app.js", "h6", "rename", previous_hash="h6", previous_path="tmp", replaced_hash="h5"),
        changed(13, "made-anew.html", "h7"),
        changed(14, "touched.php", "h8", "update", previous_hash="h8"),
        changed(15, "gone.php", "h9", "delete"),
        changed(16, "picture.jpg", "h10"),
        {**changed(17, "x.php", "h11"), "product": "auditd"},
        changed(18, "new.php", "h2"),
    ])  # fmt: skip
    assert sorted(pairs(workspace, window)) == [
        ("app.js", "h5", "h6", False, True), ("index.html", "h3", "h4", True, True),
        ("made-anew.html", "h1", "h7", True, True), ("new.php", None, "h2", True, True),
        ("picture.jpg", None, "h10", False, False),
    ]  # fmt: skip


def test_malicious_code_is_one_finding_per_path_and_content(workspace: Any) -> None:
    window = workspace.add([
        changed(0, "up/a.php", "bad"), changed(5, "up/a.php", "bad", "update", previous_hash="x"),
        changed(6, "up/b.js", "bad"), changed(7, "ok.php", "good"), changed(8, "c.php", "bad", "delete"),
    ])  # fmt: skip
    judge(workspace, "code", {"bad": (0.99, "malicious"), "good": (0.1, "benign")})
    judge(workspace, "page", {"good": (0.99, "script")})
    found = workspace.find("malicious-code", window, threshold=0.8)
    assert [(f["target"], f["severity"], f["event_count"], f["techniques"]) for f in found] == [
        (f"{TREE}/up/a.php", "critical", 2, ["T1505.003"]), (f"{TREE}/up/b.js", "high", 1, ["T1059.007"]),
    ]  # fmt: skip
    assert [f["risk_type"] for f in found] == ["malicious-code"] * 2
    assert json.loads(found[0]["explanation"]) == [
        {"field": "file", "value": f"{TREE}/up/a.php", "weight": 0.99}, {"field": "sha256", "value": "bad", "weight": 0.0},
        {"field": "owner", "value": "www-data, new file", "weight": 0.0},
        {"field": "line 3", "value": "eval($_POST", "weight": 2.5},
    ]  # fmt: skip


def test_a_near_verdict_weighs_less(workspace: Any) -> None:
    window = workspace.add([changed(0, "a.php", "bad")])
    judge(workspace, "code", {"bad": (0.82, "malicious")})
    assert [f["severity"] for f in workspace.find("malicious-code", window, threshold=0.8)] == ["high"]
    assert workspace.find("malicious-code", window, threshold=0.9) == []


@pytest.mark.parametrize(
    ("label", "severity"), [("script", "high"), ("hidden-links", "medium"), ("defacement", "high")]
)
def test_tampering_names_its_kind(workspace: Any, label: str, severity: str) -> None:
    window = workspace.add([
        changed(0, "index.html", "after", "update", previous_hash="before"),
        changed(1, "other.html", "after", "update", previous_hash="elsewhere"), changed(2, "new.html", "after"),
    ])  # fmt: skip
    judge(workspace, "page", {"before>after": (0.97, label)})
    found = workspace.find("page-tampering", window, threshold=0.5)
    assert [(f["target"], f["severity"], f["title"]) for f in found] == [
        (f"{TREE}/index.html", severity, f"Page tampered with ({label}): {TREE}/index.html")
    ]


def test_every_pair_that_is_scored_is_joined_back(workspace: Any) -> None:
    workspace.add([changed(0, "d.html", "h1", "delete")])
    window = workspace.add([
        changed(1, "a.html", "h2", "update", previous_hash="h1"), changed(2, "b.html", "h3"),
        changed(3, "c.html", "h4", "rename", replaced_hash="h2"), changed(4, "d.html", "h5"),
        changed(5, "e.html", "h6", "rename", previous_path="f.html"),
    ])  # fmt: skip
    chosen = pairs(workspace, window)
    judge(workspace, "page", {f"{before or ''}>{after}": (0.9, "script") for _, before, after, _, _ in chosen})
    found = workspace.find("page-tampering", window, threshold=0.5)
    assert sorted(f["target"].removeprefix(TREE + "/") for f in found) == sorted(path for path, *_ in chosen)
    assert len(found) == 5


def test_the_same_events_in_two_windows_give_the_same_findings(workspace: Any) -> None:
    first = workspace.add([changed(0, "a.php", "bad")])
    judge(workspace, "code", {"bad": (0.99, "malicious")})
    early = workspace.find("malicious-code", first, threshold=0.8)
    second = workspace.add([changed(9, "a.php", "bad", "update", previous_hash="y")])
    late = workspace.find("malicious-code", second, threshold=0.8)
    assert early[0]["finding_id"] == late[0]["finding_id"]
    assert late == workspace.find("malicious-code", (first[0], second[1]), threshold=0.8)
    assert (early[0]["event_count"], late[0]["event_count"]) == (1, 2)
