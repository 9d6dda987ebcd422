import json
from pathlib import Path

import pytest

from soc_tui.analysis.experiments import report, running, tables, variants
from soc_tui.core.errors import UsageError
from tests.analysis.experiments import small


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every data set and three methods that cost nothing; the names of what was trained."""
    trained: list[str] = []

    def contenders(data: tables.DataSet) -> tuple[list[object], str]:
        return [
            small.contender(name=running.DETECTOR),
            small.contender({"blind": True}, name="dnn"),
            small.contender({"blind": True}, {"shift": 0.1}, name="ga-lr", classifies=False),
        ], ""

    def load(name: str, data: Path) -> tables.DataSet:
        trained.append(name)
        return small.table(name)

    monkeypatch.setattr(running, "contenders", contenders)
    monkeypatch.setattr(running, "rivals", lambda: ([small.contender(name="ga-lr")], "left out: nothing"))
    monkeypatch.setattr(tables, "load", load)
    monkeypatch.setattr(running.variants, "contender", lambda *_: small.contender({"blind": True}, name="bilstm-dnn"))
    monkeypatch.setitem(running.HELD, "nsl-kdd", ("probe",))
    return trained


def test_every_method_task_and_seed_is_measured_once_and_kept(made_up: list[str], tmp_path: Path) -> None:
    said: list[str] = []
    jobs = running.experiments(tmp_path, tmp_path / "out", 2, progress=said.append)
    keys = {(j.data, j.method, j.task, j.seed) for j in jobs}
    assert (
        len(keys) == len(jobs) == len(tables.NAMES) * (2 * 2 + 1) * 2
    )  # the rival that knows no classes has the binary task alone
    assert said[0] == "left out: nothing"
    assert len(said) == 1 + len(jobs)
    small.Exact.fitted.clear()
    again = running.experiments(tmp_path, tmp_path / "out", 2)
    assert small.Exact.fitted == []
    assert [j.result for j in again] == [j.result for j in jobs]
    more = running.experiments(tmp_path, tmp_path / "out", 3, ["nsl-kdd", "ga-lr"])
    assert [(j.data, j.method, j.seed) for j in more] == [("nsl-kdd", "ga-lr", seed) for seed in (1, 2, 3)]
    assert len(small.Exact.fitted) == 1  # the setting was chosen before


def test_the_rival_that_sees_held_types_is_chosen(made_up: list[str], tmp_path: Path) -> None:
    job = running.experiments(tmp_path, tmp_path / "out", 1, ["nsl-kdd", "ga-lr"])[0]
    assert job.options == {"shift": 0.1}
    assert len(job.trials) == 2


def test_wrong_names_seeds_and_results_are_refused(made_up: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="svm"):
        running.experiments(tmp_path, tmp_path / "out", 1, ["svm"])
    with pytest.raises(UsageError, match="0 seeds"):
        running.experiments(tmp_path, tmp_path / "out", 0)
    for text in ("no JSON", "[]", '{"jobs": [{"data": 1}]}'):
        (tmp_path / "results.json").write_text(text)
        with pytest.raises(UsageError, match="holds no results"):
            running.read(tmp_path)


def test_the_document_says_what_was_measured(made_up: list[str], tmp_path: Path) -> None:
    plots = tmp_path / "experiments"
    jobs = running.experiments(tmp_path, plots, 2)
    (plots / "notes.md").write_text("## What was tried\n")
    text = report.publish(tmp_path).read_text()
    assert text.endswith("## What was tried\n")
    assert "## nsl-kdd\n\nRows: made up.\n" in text
    shown = [line.partition("](")[2].rstrip(")") for line in text.splitlines() if line.startswith("![")]
    assert shown == [f"experiments/{data}-made-up-rivals.svg" for data in tables.NAMES]
    assert all((tmp_path / name).read_text().startswith("<svg") for name in shown)
    found = [
        j.result["tests"]["made up"]["f1"] for j in jobs if (j.data, j.method, j.task) == ("nsl-kdd", "ga-lr", "binary")
    ]
    mean = sum(found) / 2
    assert f"| {mean:.3f} ({min(found):.3f} - {max(found):.3f}) |" in text or f"| {mean:.3f} |" in text
    assert "Against the rivals (nsl-kdd, made up)" in report.bars(jobs)
    json.loads((plots / "results.json").read_text())


def test_rivals_that_cannot_be_imported_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(running.importlib, "import_module", missing)
    found, said = running.rivals()
    assert found == []
    assert "benchmarks.rivals" in said


def test_the_grid_is_within_the_budget() -> None:
    assert 0 < len(running.GRID) <= 4
    assert 0 < len(running.DETECTOR_GRID) <= 4
    assert next(iter(variants.VARIANTS)) == "bilstm-dnn"
