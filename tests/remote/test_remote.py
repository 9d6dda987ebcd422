"""The seventh module is honest about what it cannot do yet."""

from pathlib import Path

from soc_tui.core.settings import Settings
from soc_tui.management.engine import Engine


def test_status_shows_the_remote_module_as_off(tmp_path: Path) -> None:
    engine = Engine(Settings(workspace=tmp_path / "w"))
    try:
        rows = {row["module"]: row for row in engine.queries.status().to_pylist()}
    finally:
        engine.stop()
    assert rows["remote"]["state"] == "off"
    assert "no expert or sensor" in rows["remote"]["detail"]
