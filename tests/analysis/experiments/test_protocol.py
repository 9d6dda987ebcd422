import numpy as np
import pytest

from soc_tui.analysis.experiments import protocol
from tests.analysis.experiments.small import Exact, contender, part, table


def test_the_threshold_lets_at_most_one_percent_through_also_among_equals() -> None:
    benign = np.arange(1000) / 1000
    limit = protocol.threshold(benign)
    assert int((benign >= limit).sum()) == 10
    tied = np.array([0.5] * 50 + [0.1] * 950)  # 5 % share one score: none of them may pass
    assert int((tied >= protocol.threshold(tied)).sum()) == 0
    assert protocol.threshold(np.array([0.3])) > 0.3


def test_the_split_keeps_every_kind_on_both_sides_and_follows_the_seed() -> None:
    whole = part(500, 3)
    learn, held = protocol.split(whole, 1)
    assert len(learn) + len(held) == 500
    assert set(learn.kinds) == set(held.kinds) == {"normal", "flood", "probe"}
    assert np.array_equal(protocol.split(whole, 1)[1].rows, held.rows)
    assert not np.array_equal(protocol.split(whole, 2)[1].rows, held.rows)


def test_figures_tell_unseen_types_apart() -> None:
    test = part(600, 2)
    found = protocol.figures(Exact(blind=True).score(test.rows), test, 0.5, frozenset({"normal", "flood"}))
    assert found["unseen"] == int((test.kinds == "probe").sum())
    assert (found["recall_seen"], found["recall_unseen"]) == (1.0, 0.0)
    assert (found["precision"], found["fpr"]) == (1.0, 0.0)
    low, high = found["intervals"]["recall"]
    assert low < found["recall"] < high
    assert protocol.figures(np.ones(600), test, 0.5, frozenset(test.kinds))["recall_unseen"] is None


def test_matched_rates_do_not_depend_on_the_scale_of_the_scores() -> None:
    test = part(600, 2)
    score = Exact().score(test.rows)
    known = frozenset(test.kinds)
    first, moved = (protocol.figures(s, test, 0.5, known)["at 1%"] for s in (score, score / 3))
    assert first == moved
    assert first["recall"] == 1.0
    share = float(test.risky.mean())
    assert first["precision"] == pytest.approx(share / (share + 0.01 * (1 - share)))


def test_a_run_learns_from_training_rows_and_measures_every_test() -> None:
    Exact.fitted.clear()
    found = protocol.run(contender(), table(), {}, 5, many=False)
    learned = len(protocol.split(table().train, 5)[0])
    assert Exact.fitted == [(learned, 1, 5)]
    assert found["tests"]["made up"]["f1"] > 0.98
    many = protocol.run(contender(), table(), {}, 5, many=True)["tests"]["made up"]
    assert many["classes"] == {"accuracy": 1.0, "macro_f1": 1.0, "f1": {"normal": 1.0, "flood": 1.0, "probe": 1.0}}
    assert Exact.fitted[-1] == (learned, 2, 5)


def test_settings_are_chosen_by_types_kept_out_of_training() -> None:
    Exact.fitted.clear()
    both = contender({"blind": True}, {"blind": False})
    best, trials = protocol.choose(both, table(), 0, ["probe"])
    assert best == {"blind": False}
    assert [round(figure, 2) for _, figure in trials] == [0.5, 1.0]  # half of the figure is recall on the held type
    assert all(classes == 1 for _, classes, _ in Exact.fitted)
    rows = len(table().train.labels[table().train.kinds != "probe"])
    assert all(learned <= rows for learned, _, _ in Exact.fitted)


def test_one_setting_needs_no_trial_and_more_than_the_budget_are_refused() -> None:
    Exact.fitted.clear()
    assert protocol.choose(contender({"shift": 0.1}), table(), 0, []) == ({"shift": 0.1}, [])
    assert Exact.fitted == []
    with pytest.raises(ValueError, match="5 settings"):
        protocol.choose(contender(*[{}] * 5), table(), 0, [])


def test_without_held_types_f1_decides() -> None:
    best, trials = protocol.choose(contender({"blind": True}, {"shift": 0.2}), table(), 0, [])
    assert best == {"shift": 0.2}
    assert trials[1][1] > 0.98 > trials[0][1]
