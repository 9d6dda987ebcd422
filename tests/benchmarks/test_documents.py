"""Measured parts of documents: written between their marks, and every one of them there."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import documents, goals, loso
from benchmarks.detection import differs, false_alarms, judged, kept, logs_of, of_card, shipped
from soc_tui.analysis.encoding import NAMES
from soc_tui.analysis.figures import measure

MEASURED = {
    "detection.md": {"goals"},
    "faithfulness.md": {"faithfulness"},
    "models.md": {"marks"},
    "performance.md": {"scoring"},
    **{f"detection/{name}.md": {"shipped"} for name in NAMES},
    "detection/flow.md": {"shipped", "networks"},
    "detection/query.md": {"shipped", "loso"},
    "detection/domain.md": {"shipped", "loso"},
}


def test_a_part_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("before\n<!-- figures:x -->\nold\n<!-- /figures:x -->\nafter\n", encoding="utf-8")
    documents.fill(document, "x", "| new |\n\n")
    assert document.read_text("utf-8") == "before\n<!-- figures:x -->\n| new |\n<!-- /figures:x -->\nafter\n"
    assert documents.parts(document) == {"x": "| new |"}


@pytest.mark.parametrize("text", ["", "<!-- figures:x -->\n", "<!-- figures:x --><!-- /figures:x -->\n" * 2])
def test_a_document_without_the_marks_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="figures:x"):
        documents.fill(tmp_path / "a.md", "x", "new")


@pytest.mark.parametrize("name", sorted(MEASURED))
def test_every_document_holds_its_measured_parts_and_no_placeholder(name: str) -> None:
    found = documents.parts(documents.ROOT / "docs" / name)
    assert MEASURED[name] <= set(found)
    for part, text in found.items():
        assert "| --- |" in text or "|---|" in text or text.startswith("Not measured: "), part


@pytest.mark.parametrize("name", NAMES)
def test_the_documents_speak_of_the_weights_that_ship(name: str) -> None:
    """Retraining without measuring again would leave older figures behind."""
    found = kept()[name]
    assert documents.parts(documents.DETECTION / f"{name}.md")["shipped"] == shipped(found).strip()


def test_a_goal_is_met_or_missed_by_a_stated_amount() -> None:
    assert goals.met(0.98, 0.98) == "yes"
    assert goals.met(0.97, 0.98) == "no, by 0.0100"
    assert goals.met(0.002, 0.001, at_most=True, percent=True) == "no, by 0.10 points"
    assert goals.pooled({"a": {"role": "unseen", "values": 5, "alarms": 1}, "b": {"role": "validation", "values": 9, "alarms": 9}}) == (1, 5)  # fmt: skip


def test_areas_are_of_the_source_left_out() -> None:
    def fold(name: str, **areas: float | None) -> dict[str, object]:
        return {"fold": name, "figures": {part.replace("_", "-"): {"auroc": area} for part, area in areas.items()}}

    results = [fold("a", a=0.9, other=0.5), fold("b", left_out=0.8), fold("c", c=None)]
    assert loso.areas(results) == {"a": 0.9, "b": 0.8}


def test_fresh_figures_may_differ_from_a_card_by_rounding_alone() -> None:
    import numpy as np

    card = measure(np.array([0.1, 0.9, 0.8]), np.array([False, True, True]), 0.5)
    assert not differs(card, {**card, "auroc": card["auroc"] - 1e-4})
    assert differs(card, {**card, "recall": 0.5})
    assert differs(card, {**card, "fpr": None})


def test_a_card_speaks_where_nothing_was_measured() -> None:
    from soc_tui.analysis.card import read_card

    told = shipped(of_card(read_card(documents.ROOT / "models", "code")))
    assert "not measured again" in told
    assert "malcode-val" in told


def test_a_set_is_judged_as_the_product_scores_it() -> None:
    import numpy as np

    from soc_tui.analysis.corpora import query_task
    from soc_tui.analysis.prediction import Predictor

    model = Predictor.load(documents.ROOT / "models", "query")
    values = {"hello": 1, "' union select password from users--": 2, "<script>alert(1)</script>": 2}
    found = judged(model, query_task.sample(values, "made"))
    assert (found["rows"], found["positives"], found["recall"], found["fpr"], found["right_kind"]) == (
        3,
        2,
        1.0,
        0.0,
        0.5,
    )
    alarms = false_alarms(model, {"log": ("unseen", sorted(values)), "none": ("unseen", [])})
    assert alarms == {
        "log": {"role": "unseen", "values": 3, "alarms": 2}, "none": {"role": "unseen", "values": 0, "alarms": 0}
    }  # fmt: skip
    assert logs_of("code", Path("nowhere")) == {}
    assert np.isfinite(found["auroc"])
