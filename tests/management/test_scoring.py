"""The networks in the engine: scored once, calibrated to the traffic, taught by marks, watched for drift."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from soc_tui.core.errors import UsageError
from soc_tui.core.settings import Settings
from soc_tui.management import learning
from soc_tui.management.engine import Engine
from soc_tui.management.tally import Tally

ATTACK = "1' UNION SELECT login,password FROM users-- -"
LINE = (
    '203.0.113.{0} - - [17/May/2026:10:{1:02d}:{2:02d} +0000] "GET /shop?item={3} HTTP/1.1" 200 512 "-" "Mozilla/5.0"\n'
)


def _log(tmp_path: Path, attacks: int, ordinary: int = 300, name: str = "access.log") -> Path:
    from urllib.parse import quote

    lines = [LINE.format(7, n // 60 % 60, n % 60, f"chair-{n}") for n in range(ordinary)]
    lines += [LINE.format(100 + n % 100, n // 60 % 60, n % 60, quote(f"{n}{ATTACK}")) for n in range(attacks)]
    path = tmp_path / name
    path.write_text("".join(lines))
    return path


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(Settings(workspace=tmp_path / "workspace"))
    yield made
    made.stop()


def _read(engine: Engine, log: Path) -> None:
    for _ in engine.intake.ingest([log], None, Tally()):
        pass
    for name, step in (("detection", engine.pipeline.detect), ("analysis", engine.pipeline.analyse)):
        while engine.pipeline.lag(name):  # the first look waits for more to come
            step()


def _alerts(engine: Engine, detector: str = "web-attack") -> list[dict[str, Any]]:
    text = "SELECT * FROM alerts WHERE detector = $detector ORDER BY alert_id"
    return engine.store.sql(text, {"detector": detector}).to_pylist()


def _result(said: Iterator[dict[str, Any]]) -> dict[str, Any]:
    return [one for one in said if "result" in one][-1]["result"]


def test_a_value_is_scored_once_however_often_it_comes(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _read(engine, _log(tmp_path, attacks=3))
    model = engine.pipeline.scoring.predictor("query")
    calls: list[int] = []
    original = model.score
    monkeypatch.setattr(model, "score", lambda table, **more: calls.append(table.num_rows) or original(table, **more))
    _read(engine, _log(tmp_path, attacks=3, ordinary=301, name="again.log"))
    assert calls == [1]  # the one new chair
    assert len(_alerts(engine)) == 3


def test_a_budget_is_kept_on_the_traffic_and_its_price_is_told(engine: Engine, tmp_path: Path) -> None:
    _read(engine, _log(tmp_path, attacks=40))
    before = len(_alerts(engine))
    assert before == 40  # one an address
    found = _result(engine.desk.calibrate(budget=240.0, days=1.0, names=["query"]))
    told = found["models"][0]
    # less than an hour of traffic is taken for an hour: 240 a day are 10
    assert told["alerts_per_day"] <= 240
    assert told["threshold"] > told["threshold_before"]
    assert engine.pipeline.scoring.predictor("query").threshold == told["threshold"]
    for recall in told["recall"].values():
        assert recall["here"] <= recall["card"]
    audited = engine.store.sql("SELECT verb, detail FROM audit ORDER BY seq DESC LIMIT 1").to_pylist()[0]
    assert audited["verb"] == "calibrate"
    assert json.loads(audited["detail"])["thresholds"] == {"query": told["threshold"]}
    restored = engine.desk.restore_threshold("query")
    assert restored["threshold"] == told["threshold_before"]


def test_a_calibration_outlives_the_engine_and_the_settings_win(engine: Engine, tmp_path: Path) -> None:
    _read(engine, _log(tmp_path, attacks=40))
    told = _result(engine.desk.calibrate(budget=240.0, days=1.0, names=["query"]))["models"][0]
    scoring = engine.pipeline.scoring
    scoring.reload("query")
    assert scoring.predictor("query").threshold == told["threshold"]
    from dataclasses import replace

    scoring._settings = replace(scoring._settings, query_threshold=0.77)
    scoring.reload("query")
    assert scoring.predictor("query").threshold == 0.77


@pytest.mark.parametrize(
    ("budget", "days", "names"), [(0.0, 1.0, []), (5.0, 0.0, []), (5.0, 1.0, ["nothing"]), (5.0, 1.0, ["query"])]
)
def test_what_cannot_be_calibrated_is_refused(engine: Engine, budget: float, days: float, names: list[str]) -> None:
    with pytest.raises(UsageError):
        _result(engine.desk.calibrate(budget, days, names))


def test_marks_teach_and_reopening_takes_them_back(engine: Engine, tmp_path: Path) -> None:
    _read(engine, _log(tmp_path, attacks=12))
    numbers = [alert["alert_id"] for alert in _alerts(engine)]
    with pytest.raises(UsageError, match="0 alerts of query are marked"):
        engine.desk.learn("query")
    assert engine.desk.set_state(numbers, "true-positive") == {"changed": 12, "marks": 12}
    engine.desk.set_state(numbers[:4], "open")
    kept = engine.store.sql("SELECT count(*) AS n, bool_and(risky) AS risky FROM feedback").to_pylist()
    assert kept == [{"n": 8, "risky": True}]
    learned = engine.desk.learn("query")
    assert learned["marks"] == 8
    assert learned["false_gained"] <= 0.01
    head = engine.pipeline.scoring.predictor("query").head
    assert head is not None
    engine.pipeline.scoring.reload("query")
    assert engine.pipeline.scoring.predictor("query").head.bias == head.bias


def test_alerts_of_rules_are_marked_without_teaching(engine: Engine, tmp_path: Path) -> None:
    assert (
        engine.learning.marks([{"alert_id": 1, "detector": "port-scan", "event_ids": [1]}], risky=False).num_rows == 0
    )


def test_traffic_that_changes_is_an_alert_until_it_is_back(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _read(engine, _log(tmp_path, attacks=0, ordinary=400))
    _result(engine.desk.calibrate(budget=20.0, days=1.0, names=["query"]))
    assert [one["drifted"] for one in engine.model_health.look()] == [False]
    long = "".join(LINE.format(9, n // 60 % 60, n % 60, f"{n:064x}").replace("17/May", "19/May") for n in range(600))
    (tmp_path / "later.log").write_text(long)
    _read(engine, tmp_path / "later.log")
    found = engine.model_health.look()
    assert [one["drifted"] for one in found] == [True]
    assert "length" in {one["input"] for one in found[0]["inputs"]}
    alert = _alerts(engine, "model-drift")[0]
    assert (alert["state"], alert["risk_type"], alert["incident_id"]) == ("open", "health", None)
    assert alert["knowledge_id"] == "K-0027"
    _result(engine.desk.calibrate(budget=20.0, days=1.0, names=["query"]))
    engine.model_health.look()
    assert _alerts(engine, "model-drift")[0]["state"] == "closed"


def test_the_lowest_threshold_within_what_is_allowed() -> None:
    import numpy as np

    steps = np.array([0.5, 0.6, 0.7, 0.8])
    alerts = {0.5: 40, 0.6: 20, 0.7: 20, 0.8: 3}
    for allowed, expected in ((100, (0.5, 40)), (20, (0.6, 20)), (5, (0.8, 3))):
        assert learning._lowest(steps, lambda at: alerts.get(at, 0), allowed) == expected
    assert learning._lowest(steps, lambda at: alerts.get(at, 0), 2)[0] > 0.8


def test_schema_of_marks() -> None:
    from soc_tui.store.models import MARKS

    assert MARKS.field("hidden").type == pa.list_(pa.float32())
