"""Columns leave in a set order and never overflow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from soc_tui.console.widgets.alert_table import COLUMNS
from soc_tui.console.widgets.columns import fit


@given(st.integers(0, 400))
def test_what_fits_fills_the_width_and_keeps_the_order(width: int) -> None:
    shown = fit(COLUMNS, width)
    names = [column.name for column, _ in shown]
    assert names == [column.name for column in COLUMNS if column.name in names]
    assert {"severity", "alert_id", "title"} <= set(names)
    used = sum(cells for _, cells in shown) + len(shown) - 1
    least = sum(column.width for column in COLUMNS if not column.keep) + 2
    assert used == max(width, least)


def test_columns_leave_in_order() -> None:
    def names(width: int) -> set[str]:
        return {column.name for column, _ in fit(COLUMNS, width)}

    gone = [next(iter(names(w + 1) - names(w))) for w in range(160, 30, -1) if len(names(w + 1) - names(w)) == 1]
    assert gone == ["score", "risk_type", "time_last", "event_count", "goal", "src_ip"]
