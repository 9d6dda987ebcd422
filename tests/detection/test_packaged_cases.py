"""The packaged case of each detector of this part fires, and its benign lines are silent."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

import soc_tui.detection
from soc_tui.acquisition.reader import open_source, read_chunks
from soc_tui.core.clock import SystemClock
from soc_tui.core.settings import AcquisitionSettings, DetectionSettings

CASES = Path(soc_tui.detection.__file__).parent / "cases"
NAMES = ("beacon", "database-mass-read", "dns-tunnel", "domain-hijack", "log-sign", "login-brute-force", "long-connection",
         "look-alike-domain", "unknown-resolver")  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["true", "false"])
def test_packaged_case(workspace: Any, tmp_path: Path, name: str, kind: str) -> None:
    case = yaml.safe_load((CASES / f"{name}.yml").read_text(encoding="utf-8"))
    assert case["detector"] == name
    given = {key.removeprefix("detection."): value for key, value in case.get("settings", {}).items()}
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    workspace.settings = dataclasses.replace(DetectionSettings(), **given)
    # YAML reads the keys `true` and `false` as such
    (tmp_path / "case.log").write_text(case[kind == "true"], encoding="utf-8")
    settings = AcquisitionSettings()
    state = open_source(tmp_path / "case.log", [], settings)
    assert state.format == case["format"]
    chunks = list(read_chunks(state, settings, final=True, clock=SystemClock()))
    assert sum(chunk.rejects.num_rows for chunk in chunks) == 0
    window = workspace.add_table(pa.concat_tables([chunk.events for chunk in chunks]))
    assert bool(workspace.find(name, window)) is (kind == "true")
