from __future__ import annotations

import numpy as np
import pytest

from soc_tui.analysis import drift
from soc_tui.analysis.drift import Profile


def test_the_same_traffic_is_stable_and_other_traffic_is_named() -> None:
    rng = np.random.default_rng(1)
    then = drift.profile({"a": rng.normal(size=5000), "b": rng.random(5000), "score": rng.random(5000)})
    same = drift.profile({"a": rng.normal(size=5000), "b": rng.random(5000), "score": rng.random(5000)}, then)
    assert max(drift.stability(then, same).values()) < 0.1
    moved = drift.profile({"a": rng.normal(2, 1, 5000), "b": rng.random(5000), "score": rng.random(5000)}, then)
    found = drift.stability(then, moved)
    assert next(iter(found)) == "a"
    assert found["a"] > 1 > drift.CHANGED > 0.1 > found["b"]


def test_a_psi_by_hand() -> None:
    then = Profile(1000, {"x": [0.5]}, {"x": [0.5, 0.5]})
    now = Profile(1000, {"x": [0.5]}, {"x": [0.8, 0.2]})
    assert drift.stability(then, now)["x"] == pytest.approx(0.3 * np.log(1.6) - 0.3 * np.log(0.4), abs=1e-4)


def test_few_rows_say_nothing() -> None:
    few = drift.profile({"a": np.arange(drift.LEAST - 1)})
    assert drift.stability(few, few) == {}


def test_a_profile_survives_a_round_trip_and_constant_inputs() -> None:
    found = drift.profile({"constant": np.full(300, 2.0), "shares": np.linspace(0, 1, 300)})
    assert Profile.from_json(found.to_json()) == found
    assert drift.stability(found, found) == {"constant": 0.0, "shares": 0.0}
    other = drift.profile({"constant": np.full(300, 3.0), "shares": np.linspace(0, 1, 300)}, found)
    assert drift.stability(found, other)["constant"] == pytest.approx(
        18.4, abs=0.1
    )  # a value of its own has its own bin
    less = drift.profile({"constant": np.full(300, 1.0), "unknown": np.ones(300)}, found)
    assert drift.stability(found, less) == {"constant": pytest.approx(18.4, abs=0.1)}


def test_inputs_of_groups_and_of_sequences_have_names() -> None:
    rows = np.zeros((3, 2, 2), np.float32)
    assert list(drift.inputs(rows, [["a", "b"], ["c"]])) == ["a", "b", "c"]
    assert len(drift.inputs(rows)) == 4
    ids = np.array([[1, 9, 0, 0], [2, 2, 2, 2]], np.uint16)
    found = drift.inputs(ids)
    assert found["length"].tolist() == [2, 4]
    assert found["share of ids 1 modulo 8"].tolist() == [1.0, 0.0]
    assert found["share of ids 2 modulo 8"].tolist() == [0.0, 1.0]
