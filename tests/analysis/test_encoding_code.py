"""Source text and token sequences as network input, and places named back from weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from soc_tui.analysis.encoding import code, lexer
from soc_tui.analysis.encoding.spans import heaviest

SHELL = "<?php\n// hello\n@eval($_POST['x']);\n?>"


def test_tokens_and_the_source_they_come_from_are_the_same_input() -> None:
    tokens = pa.table({"tokens": pa.array([list(lexer.lex(SHELL).ids)], pa.list_(pa.uint16()))})
    text = pa.table({"value": [SHELL]})
    assert np.array_equal(code.ENCODING.encode(tokens).rows, code.ENCODING.encode(text).rows)


def test_the_published_sequences_are_taken_as_they_are(shared_data: Path) -> None:
    table = pq.read_table(shared_data / "malcode" / "tokens_val.parquet").slice(0, 20)
    encoded = code.ENCODING.encode(table)
    assert encoded.rows.shape == (20, code.LENGTH)
    for row, tokens in zip(encoded.rows, table["tokens"].to_pylist(), strict=True):
        assert [int(i) for i in row[: len(tokens)]] == [t % 65535 + 1 for t in tokens]


def test_a_line_may_be_a_json_string() -> None:
    table, refused = code.ENCODING.table_of([json.dumps(SHELL), '"a" . "b"', "x", "", '"', "\udcff"])
    assert table["value"].to_pylist() == [SHELL, '"a" . "b"', "x", "", '"', "\\udcff"]
    assert refused == {}


@pytest.mark.parametrize(
    "column",
    [pa.array([[1, None, 70000], None, []], pa.list_(pa.int64())), pa.array([[1.5, float("nan"), float("inf")]] * 3),
     pa.array(["a", "b", None]), pa.array([["x"], [], None]), pa.array([[-1], [2**63 - 1], [0]]),
     pa.nulls(3), pa.array([[2**64 - 1]] * 3, pa.list_(pa.uint64()))],
)  # fmt: skip
def test_hostile_columns_give_a_row_each(column: pa.Array) -> None:
    encoded = code.ENCODING.encode(pa.table({"tokens": column}))
    assert encoded.owner.tolist() == [0, 1, 2]
    assert (encoded.rows[:, 0] > 0).all()


def test_a_table_without_the_columns_has_rows_and_an_empty_one_has_none() -> None:
    assert code.ENCODING.encode(pa.table({"other": [1, 2]})).owner.tolist() == [0, 1]
    assert code.ENCODING.encode(pa.table({"value": pa.array([], pa.string())})).rows.shape == (0, code.LENGTH)


def test_every_run_of_512_tokens_of_a_long_file_lies_in_a_window() -> None:
    count = 5000
    encoded = code.ENCODING.encode(pa.table({"tokens": [list(range(count))]}))
    assert encoded.start.tolist() == [0, 1536, 3072]
    for begin in range(0, count - 512):
        assert any(s <= begin and begin + 512 <= s + code.LENGTH for s in encoded.start.tolist())


def test_of_a_huge_file_head_and_tail_are_read() -> None:
    encoded = code.ENCODING.encode(pa.table({"value": ["x;" * 500_000]}))
    assert len(encoded.rows) == code.MAX_WINDOWS
    assert encoded.start[0] == 0
    assert encoded.start[-1] + code.LENGTH >= 500_000


def test_an_explanation_names_the_lines() -> None:
    table = pa.table({"value": [SHELL]})
    encoded = code.ENCODING.encode(table)
    weights = np.zeros((1, code.LENGTH), np.float32)
    weights[0, 3:6] = (2.0, 0.1, 2.0)  # eval ( $_POST
    reasons = code.ENCODING.explain(table, encoded, np.array([0]), weights)
    assert reasons == [
        [
            {"field": "line 3", "value": "eval($_POST", "weight": 4.1},
            {"field": "other tokens", "value": "", "weight": 0.0},
        ]
    ]


def test_without_source_an_explanation_names_the_tokens() -> None:
    table = pa.table({"tokens": [[1, 2, 3]]})
    weights = np.zeros((1, code.LENGTH), np.float32)
    weights[0, 1] = 1.0
    encoded = code.ENCODING.encode(table)
    assert code.ENCODING.explain(table, encoded, np.array([0]), weights)[0][0] == {
        "field": "tokens 1-2", "value": "", "weight": 1.0,
    }  # fmt: skip


def test_the_heaviest_runs_are_disjoint_and_in_order() -> None:
    weights = np.array([0, 5, 5, 0, 0, 1, -3, 9, 0], np.float32)
    assert heaviest(weights, 3, 2) == [(1, 3, 10.0), (7, 8, 9.0)]
    assert heaviest(np.array([-1, -2], np.float32), 3, 2) == []
    assert heaviest(np.zeros(0, np.float32), 3, 2) == []
