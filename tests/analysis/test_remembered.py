from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from soc_tui.analysis.remembered import Remembered, distinct


class Doubling:
    """Work that counts the rows it is asked for."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def __call__(self, rows: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        self.asked.append(rows[:, 0].tolist())
        return rows[:, 0] * 2, rows + 1


def rows_of(*numbers: int) -> NDArray[np.int64]:
    return np.array(numbers, np.int64)[:, None]


def told(memory: Remembered, work: Doubling, *numbers: int) -> list[int]:
    each = distinct(rows_of(*numbers))
    doubled, _ = memory(each.keys, rows_of(*numbers)[each.first], work)
    found: list[int] = doubled[each.back].tolist()
    return found


def test_a_row_is_worked_out_once_until_it_is_forgotten() -> None:
    memory, work = Remembered(3), Doubling()
    assert told(memory, work, 5, 7, 5) == [10, 14, 10]
    assert told(memory, work, 7, 5) == [14, 10]
    assert [sorted(asked) for asked in work.asked] == [[5, 7]]
    assert told(memory, work, 7, 8) == [14, 16]
    assert work.asked[1:] == [[8]]
    assert told(memory, work, 9) == [18]  # the oldest of four goes
    assert told(memory, work, 5, 7, 8, 9) == [10, 14, 16, 18]
    assert len(work.asked[-1]) == 1
    assert told(memory, work) == []


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=6), max_size=12), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_memory_changes_no_answer(calls: list[list[int]], most: int) -> None:
    memory, work = Remembered(most), Doubling()
    for call in calls:
        assert told(memory, work, *call) == [number * 2 for number in call]


def test_distinct_agrees_with_numpy() -> None:
    rng = np.random.default_rng(5)
    rows = np.round(rng.integers(0, 2, (500, 9, 13)) * rng.integers(0, 2, (500, 1, 1))).astype(np.float32) / 64
    _, first, back = distinct(rows)
    assert len(first) == len(np.unique(rows.reshape(500, -1), axis=0))
    np.testing.assert_array_equal(rows[first][back], rows)


def test_padding_makes_no_other_key() -> None:
    short = np.array([[1, 2, 3]], np.int64)
    assert distinct(short).keys.tolist() == distinct(np.pad(short, ((0, 0), (0, 5)))).keys.tolist()
