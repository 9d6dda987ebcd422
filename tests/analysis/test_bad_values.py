"""What no network may stumble over: a score or a clear refusal for any value, for all six, from lines and from files."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from soc_tui.analysis.encoding import NAMES
from soc_tui.analysis.prediction import Predictor, evaluate, evaluate_file, score_table, score_values
from soc_tui.core.errors import SocTuiError, UsageError

PLANES = "\U0001f600\U00010400\U000e0041\U0010ffff\u202e\u0301\ufeff\ud7ff"
MEGABYTE = 1_000_000
LINES = (
    "", " ", "\0", "\x1b]0;x\x07", PLANES, PLANES * 5000, "a" * MEGABYTE, "%" * MEGABYTE, "<a " * (MEGABYTE // 3),
    "\udcff\ud800", "nan", "NaN", "Infinity", "-1e999", "[]", "{}", "null", "[" * 5000, '{"a":' * 5000, "[[]]", "[null]",
    '{"src_ip": "192.0.2.1", "bytes_out": NaN, "duration": Infinity, "dst_port": -1e999}',
    '{"dst_port": "x", "protocol": "never heard of", "conn_state": "ZZ", "service": "' + PLANES + '"}',
    '{"id.resp_p": 1e400, "proto": null, "orig_bytes": "12", "ts": "yesterday", "flow": [1], "state": {}}',
    '{"bytes_in": 1' + "0" * 400 + ', "src_flows": "many"}',
    '[{"time": NaN, "kind": "log\\u0000on", "status": 7, "http_status": Infinity, "repeat": -1e308}]',
    '[{"time": "2026-13-45", "kind": "web", "url_path": "' + "/a" * (MEGABYTE // 2) + '", "user_name": ["x"]}]',
    json.dumps([{"time": i, "kind": "web", "http_status": i % 700} for i in range(3000)]),
    '{"after": "' + "<p>" * 200_000 + '"}', '{"before": 3, "after": "x"}', '{"before": null, "after": "\\ud800"}',
    json.dumps({"before": "a" * MEGABYTE, "after": "<script>" + PLANES}), '{"after": ""}',
)  # fmt: skip


@pytest.fixture(scope="module", params=NAMES)
def model(request: pytest.FixtureRequest) -> Predictor:
    return Predictor.load(None, request.param)


def _fine(row: dict[str, Any]) -> bool:
    if row["verdict"] == "refused":
        return row["score"] is None and bool(row["explanation"][0]["value"])
    weights = [one["weight"] for one in row["explanation"]]
    return bool(0 <= row["score"] <= 1) and all(math.isfinite(weight) for weight in weights)


def test_any_line_has_a_score_or_a_reason(model: Predictor) -> None:
    rows = score_values(model.card.name, LINES, predictor=model)
    assert [row["value"] for row in rows] == list(LINES)
    for row in rows:
        assert _fine(row), row["value"][:80]
        json.dumps(row, allow_nan=False)


def test_reasons_of_any_line_are_finite_below_the_threshold_too(model: Predictor) -> None:
    low = Predictor(model.card, model.network, 0.0, known=model._known)
    short = [line for line in LINES if len(line) < 10_000]
    assert all(_fine(row) for row in score_values(model.card.name, short, predictor=low))


def test_a_score_does_not_depend_on_its_neighbours(model: Predictor) -> None:
    short = [line for line in LINES if len(line) < 10_000]
    if model.card.name == "flow":
        short = [line for line in short if '"ts"' not in line]  # flows with a time are one log
    together = score_values(model.card.name, short, predictor=model)
    for line, row in zip(short, together, strict=True):
        alone = score_values(model.card.name, [line], predictor=model)[0]
        assert (alone["verdict"], alone["label"]) == (row["verdict"], row["label"])
        assert alone["score"] == pytest.approx(row["score"], abs=2e-6)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_any_labelled_value_is_measured_or_refused(model: Predictor, suffix: str, tmp_path: Path) -> None:
    name = model.card.name
    lines = [line for line in LINES if len(line) < 50_000 or line[:1] == "a"]  # one of a megabyte is enough here
    rows = score_values(name, lines, predictor=model)
    scored = [row["value"] for row in rows if row["verdict"] != "refused" and "\udcff" not in row["value"]]
    refused = [row["value"] for row in rows if row["verdict"] == "refused"]
    file = _file(tmp_path / f"values{suffix}", scored, suffix)
    found = evaluate_file(name, file)
    assert found["rows"] == len(scored)
    json.dumps(found, allow_nan=False)
    if refused:
        with pytest.raises(SocTuiError) as told:
            evaluate_file(name, _file(tmp_path / f"refused{suffix}", [*scored[:1], refused[-1]], suffix))
        assert told.value.remedy


def test_rows_without_a_label_are_left_out(tmp_path: Path) -> None:
    labels = [1.0, None, math.nan, 0.0]
    pq.write_table(pa.table({"value": ["a", "b", "c", "d"], "label": labels}), tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("value,label\na,1\nb,\nc,nan\nd,0\n", encoding="utf-8")
    for name in ("a.parquet", "a.csv"):
        found = evaluate_file("query", tmp_path / name)
        assert (found["rows"], found["positives"]) == (2, 1)
    (tmp_path / "b.csv").write_text("value,label\na,\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no row has a label"):
        evaluate_file("query", tmp_path / "b.csv")


def _file(path: Path, values: list[str], suffix: str) -> Path:
    labels = [place % 2 for place in range(len(values))]
    if suffix == ".parquet":
        pq.write_table(pa.table({"value": values, "label": labels}), path)
    elif suffix == ".jsonl":
        lines = [json.dumps({"value": v, "label": n}) + "\n" for v, n in zip(values, labels, strict=True)]
        path.write_text("".join(lines), encoding="utf-8")
    else:
        quoted = ['"' + v.replace('"', '""') + f'",{n}\n' for v, n in zip(values, labels, strict=True)]
        path.write_text("value,label\n" + "".join(quoted), encoding="utf-8", newline="")
    return path


def test_tables_without_what_a_model_reads_are_refused_or_unknown(model: Predictor) -> None:
    table = pa.table({"else": [1, 2]})
    if model.card.name in {"flow", "code", "page"}:  # several columns, any of which may be missing
        assert all(_fine(row) for row in score_table(model.card.name, table, ["a", "b"], {}, model))
        return
    with pytest.raises(UsageError) as told:
        score_table(model.card.name, table, ["a", "b"], {}, model)
    assert told.value.remedy


def test_tokens_of_a_file_may_be_anything() -> None:
    model = Predictor.load(None, "code")
    lists = [[], None, [0, -1, 2**62], [5] * 100_000, [None, 7]]
    whole = pa.table({"tokens": pa.array(lists, pa.list_(pa.int64()))})
    broken = pa.table({"tokens": pa.array([[math.nan, math.inf, -math.inf, 3.5, None]] * 2, pa.list_(pa.float64()))})
    for table in (whole, broken, pa.table({"tokens": ["text", None]}), pa.table({"tokens": [1.5, math.nan]})):
        rows = score_table("code", table, [""] * table.num_rows, {}, model)
        assert all(_fine(row) for row in rows)
        found = evaluate(model, table, np.arange(table.num_rows) % 2 == 0)
        assert 0 <= found["threshold"] <= 1


LOG = """#separator \\x09
#fields\t{fields}
{rows}"""
FULL = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service", "duration", "orig_bytes",
        "resp_bytes", "conn_state", "orig_pkts", "resp_pkts", "label")  # fmt: skip
ROWS = (
    ("1.5", "C1", "192.0.2.1", "4000", "192.0.2.2", "23", "tcp", "-", "0.1", "40", "0", "S0", "1", "0", "Malicious"),
    ("2.5", "C2", "192.0.2.1", "4001", "192.0.2.3", "23", "tcp", "-", "-", "-", "-", "REJ", "1", "1", "Malicious"),
    ("9.0", "C3", "192.0.2.9", "4001", "192.0.2.4", "443", "tcp", "ssl", "3", "900", "9000", "SF", "9", "12", "Benign"),
)


def _log(path: Path, fields: tuple[str, ...], rows: tuple[tuple[str, ...], ...] = ROWS) -> Path:
    place = [FULL.index(name) for name in fields]
    lines = ["\t".join(row[i] for i in place) + "\n" for row in rows]
    path.write_text(LOG.format(fields="\t".join(fields), rows="".join(lines)), encoding="utf-8")
    return path


def test_columns_of_a_log_may_stand_in_any_order_and_be_missing(tmp_path: Path) -> None:
    whole = evaluate_file("flow", _log(tmp_path / "a.log", FULL))
    assert (whole["rows"], whole["positives"]) == (3, 2)
    assert evaluate_file("flow", _log(tmp_path / "b.log", tuple(reversed(FULL)))) == whole
    few = evaluate_file("flow", _log(tmp_path / "c.log", ("ts", "id.orig_h", "id.resp_h", "label")))
    assert few["rows"] == 3
    assert few["auroc"] is not None


def test_numbers_of_a_log_may_be_none(tmp_path: Path) -> None:
    odd = tuple(tuple("nan" if name in {"duration", "orig_bytes"} else "inf" if name == "resp_bytes" else
                      "never" if name in {"proto", "conn_state"} else "-1" if name == "id.resp_p" else value
                      for name, value in zip(FULL, row, strict=True)) for row in ROWS)  # fmt: skip
    found = evaluate_file("flow", _log(tmp_path / "a.log", FULL, odd))
    assert found["rows"] == 3
    json.dumps(found, allow_nan=False)
