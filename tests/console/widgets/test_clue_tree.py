"""The clue tree: order, guides, damaged trees."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from soc_tui.console.widgets.clue_tree import lay_out

NODES = st.lists(st.tuples(st.integers(0, 12), st.none() | st.integers(0, 14)), max_size=12, unique_by=lambda n: n[0])


def clue(node_id: int, parent_id: int | None) -> dict[str, object]:
    return {"node_id": node_id, "parent_id": parent_id, "label": f"n{node_id}", "kind": "x"}


def test_depth_first_with_guides() -> None:
    tree = [clue(1, None), clue(2, 1), clue(3, 2), clue(4, 1), clue(5, None)]
    assert [node.guide + str(node.node_id) for node in lay_out(tree)] == ["1", "├─ 2", "│  └─ 3", "└─ 4", "5"]


def test_folding_hides_what_is_below() -> None:
    tree = [clue(1, None), clue(2, 1), clue(3, 2), clue(4, 1)]
    assert [node.node_id for node in lay_out(tree, {2})] == [1, 2, 4]
    assert [node.node_id for node in lay_out(tree, {1})] == [1]


@given(NODES)
def test_every_node_is_drawn_once_whatever_the_edges(nodes: list[tuple[int, int | None]]) -> None:
    drawn = [node.node_id for node in lay_out([clue(*node) for node in nodes])]
    assert sorted(drawn) == sorted(node_id for node_id, _ in nodes)


async def test_keys_fold_and_keep_the_cursor(wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        clues = app.main.clues
        await pilot.press("4", "j", "j", "space")
        assert clues.row_count() == 4
        assert clues.node.node_id == 3
        assert "▸" in clues.plain
        wire.revision += 1
        await until(pilot, lambda: len(wire.named("clues")) >= 2 and app.loader.idle)
        assert clues.node.node_id == 3
        await pilot.press("space")
        assert clues.row_count() == 6
