"""What `models train` says: figures for people, the whole card for programs."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from soc_tui.analysis import building
from soc_tui.analysis.card import read_card
from soc_tui.cli.main import app

MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> None:
    def train(name: str, *_: Any, **__: Any) -> Any:
        return read_card(MODELS, name)

    monkeypatch.setattr(building, "train", train)


@pytest.mark.usefixtures("trained")
def test_a_training_ends_with_its_figures(tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["models", "train", "code", "--data", ".", "--out", str(tmp_path)])
    assert said.exit_code == 0
    head, *sets = said.stdout.split("\n\n")[0].splitlines()
    assert head.split() == ["set", "rows", "positives", "auroc", "recall", "fpr", "precision", "f1"]
    assert sorted(row.split()[0] for row in sets) == ["malcode-val", "malcode-val-new", "validation"]
    assert f"card              {tmp_path / 'code.json'}" in said.stdout
    assert "sha256" not in said.stdout.split("\n\n")[0]


@pytest.mark.usefixtures("trained")
def test_json_is_the_whole_card() -> None:
    said = CliRunner().invoke(app, ["--format", "json", "models", "train", "code", "--data", "."])
    assert json.loads(said.stdout) == json.loads((MODELS / "code.json").read_text("utf-8"))
