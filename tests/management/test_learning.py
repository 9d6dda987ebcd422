"""Templates in the store: learned with the events, once, across chunks, failures and restarts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from soc_tui.core.errors import StoreError
from soc_tui.core.settings import AcquisitionSettings, Settings
from soc_tui.management import commits
from soc_tui.management.engine import Engine


def ingest(engine: Engine, path: Path) -> None:
    results = list(engine._ingest([str(path)]))
    assert results[-1]["result"]["errors"] == []


def ids(engine: Engine) -> list[int | None]:
    rows: list[int | None] = engine.store.sql("SELECT template_id FROM events ORDER BY event_id")[
        "template_id"
    ].to_pylist()
    return rows


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_text("worker 1 started\nworker 2 started\nno space left on /dev/sda1\n")
    return path


def test_templates_outlive_the_engine(tmp_path: Path, text: Path) -> None:
    settings = Settings(workspace=tmp_path / "ws")
    engine = Engine(settings)
    try:
        ingest(engine, text)
        assert ids(engine) == [1, 1, 2]
    finally:
        engine.stop()
    with text.open("a") as log:
        log.write("worker 3 started\nworker three started\nall done\n")
    engine = Engine(settings)
    try:
        ingest(engine, text)
        assert ids(engine) == [1, 1, 2, 1, 3, 4]
        rows = engine.queries.templates().to_pylist()
        assert [(row["template_id"], row["template"], row["event_count"]) for row in rows[:2]] == [
            (4, "all done", 1), (3, "worker three started", 1),
        ]  # fmt: skip
        assert {row["template"]: row["event_count"] for row in rows} == {
            "worker <*> started": 3, "no space left on <*>": 1, "worker three started": 1, "all done": 1,
        }  # fmt: skip
        rarest = engine.queries.templates(rarest=True).to_pylist()
        assert rarest[-1]["template_id"] == 1
        assert engine.queries.events("template:1").num_rows == 3
        assert engine.queries.events("template:>=3").num_rows == 2
    finally:
        engine.stop()


def test_only_what_no_format_takes_apart_is_learned(tmp_path: Path) -> None:
    path = tmp_path / "auth.log"
    path.write_text(
        "Mar 27 13:06:56 h sshd[1]: Failed password for root from 192.0.2.1 port 5 ssh2\n"
        "Mar 27 13:06:57 h app[2]: cache of 7 entries flushed\n"
    )
    engine = Engine(Settings(workspace=tmp_path / "ws"))
    try:
        ingest(engine, path)
        assert ids(engine) == [None, 1]
    finally:
        engine.stop()


def test_learning_can_be_switched_off(tmp_path: Path, text: Path) -> None:
    engine = Engine(Settings(workspace=tmp_path / "ws", acquisition=AcquisitionSettings(templates=False)))
    try:
        ingest(engine, text)
        assert ids(engine) == [None] * 3
    finally:
        engine.stop()


def test_a_failed_commit_forgets_no_template(tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(Settings(workspace=tmp_path / "ws"))

    def full(*_: Any, **__: Any) -> None:
        raise StoreError("no space left")

    try:
        with monkeypatch.context() as broken:
            broken.setattr(commits, "append_chunks", full)
            assert list(engine._ingest([str(text)]))[-1]["result"]["errors"]
        ingest(engine, text)
        assert ids(engine) == [1, 1, 2]
        assert engine.store.sql("FROM templates").num_rows == 2
        assert engine.store.sql("FROM template_shapes").num_rows == 2
    finally:
        engine.stop()
