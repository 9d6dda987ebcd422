from typing import Any

from soc_tui.analysis.experiments.goals import summary
from soc_tui.analysis.experiments.running import DETECTOR, Job


def job(method: str, seed: int, f1: float, fpr: float = 0.01, data: str = "nsl-kdd", test: str = "KDDTest+") -> Job:
    level = {"precision": 0.9, "recall": f1, "f1": f1}
    found: dict[str, Any] = {"precision": 0.95, "recall": f1, "f1": f1, "auroc": 0.98, "fpr": fpr}
    found |= {"at 1%": level, "at 5%": level}
    return Job(data, method, method.upper(), "binary", seed, "", {}, [], 1.0, {"tests": {test: found}})


def test_a_goal_is_met_or_missed_by_the_mean_over_the_seeds() -> None:
    text = summary([job(DETECTOR, 1, 0.91), job(DETECTOR, 2, 0.87)])
    assert "| nsl-kdd, KDDTest+ | F1 | at least 0.9 | 0.8900 | missed by 1.0 points |" in text
    assert "| nsl-kdd, KDDTest+ | AUROC | at least 0.97 | 0.9800 | met |" in text
    assert "Points above" not in text
    assert "less LightGBM" not in text


def test_false_positives_are_to_stay_below_and_every_test_of_captures_counts() -> None:
    text = summary([job(DETECTOR, 1, 0.96, 0.02, "zeek", "there")])
    assert "| zeek, there | recall | at least 0.95 | 0.9600 | met |" in text
    assert "| zeek, there | false positives | at most 0.01 | 0.0200 | missed by 1.0 points |" in text


def test_margins_are_in_points_and_counted() -> None:
    jobs = [job(DETECTOR, 1, 0.9), job("ndae", 1, 0.87), job("lightgbm", 1, 0.91)]
    text = summary(jobs)
    assert "| nsl-kdd, KDDTest+ | NDAE | +0.0 (+0.0) | +3.0 (+3.0) | +3.0 (+3.0) | 2 of 3 |" in text
    assert "- nsl-kdd, KDDTest+: F1 -1.00, AUROC +0.00, recall at 1 % -1.00 points" in text


def test_nothing_measured_says_nothing() -> None:
    assert summary([]) == ""
    assert "goal" not in summary([job("dnn", 1, 0.5)])


def test_what_is_not_measured_is_named() -> None:
    text = summary([job(DETECTOR, seed, 0.9) for seed in (1, 2, 3)] + [job("dnn", 1, 0.8)])
    line = next(line for line in text.splitlines() if line.startswith("- nsl-kdd, binary:"))
    assert "bilstm-dnn, bilstm, lstm-dnn" in line
    assert line.endswith("; fewer than 3 seeds of dnn")
    assert "- unsw-nb15, classes: no training of any method" in text
    assert "zeek, classes" not in text
