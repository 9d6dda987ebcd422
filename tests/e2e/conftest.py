"""Running the real product as a user would: the command line, a workspace of its own, a real engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from soc_tui.management.launch import connect

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Product:
    """soc-tui with a workspace."""

    workspace: Path

    def command(self, *arguments: str) -> list[str]:
        """The argv of a call."""
        return [sys.executable, "-m", "soc_tui", "--workspace", str(self.workspace), *arguments]

    @property
    def env(self) -> dict[str, str]:
        """The environment of a call."""
        mine = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES"}}  # a terminal knows its own size
        return {**mine, "PYTHONPATH": str(ROOT)}

    def run(self, *arguments: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        """Run to the end and check the exit code."""
        done = subprocess.run(
            self.command(*arguments), env={**self.env, **env}, capture_output=True, text=True, check=False, timeout=300,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: str, code: int = 0, **env: str) -> Any:
        """The JSON that a call prints."""
        return json.loads(self.run(*arguments, "--format", "json", code=code, **env).stdout)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """What a hunt finds."""
        rows: list[dict[str, Any]] = self.json("hunt", sql)
        return rows


@pytest.fixture
def product(tmp_path: Path) -> Product:
    """A fresh workspace."""
    return Product(tmp_path / "workspace")


@pytest.fixture
def unscored(monkeypatch: pytest.MonkeyPatch) -> None:
    """No networks: a test that asks nothing of them need not wait until their library is loaded."""
    monkeypatch.setenv("SOC_TUI_ANALYSIS__ENABLED", "false")


@pytest.fixture
def served(product: Product) -> Iterator[Product]:
    """A fresh workspace with an engine that serves every command; without it each starts its own, for seconds."""
    with connect(product.workspace):
        yield product


@pytest.fixture(scope="session")
def sample_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A workspace that holds the sample data, and an engine that serves every command on it; tests only read it."""
    made = Product(tmp_path_factory.mktemp("sample") / "workspace")
    made.run("ingest", str(ROOT / "sample_data"))
    with connect(made.workspace):
        yield made


CheckedIngest = Callable[..., dict[str, Any]]


def exact(result: dict[str, Any]) -> dict[str, Any]:
    """Assert the accounting of an ingest, in total and per source."""
    assert result["records_read"] == result["records_stored"] + result["records_rejected"]
    for source in result["sources"]:
        assert source["records_read"] == source["records_stored"] + source["records_rejected"], source
    for name in ("bytes", "records_read", "records_stored", "records_rejected"):
        assert result[name] == sum(source[name] for source in result["sources"])
    return result
