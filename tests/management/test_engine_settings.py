from __future__ import annotations

from pathlib import Path

import pytest

from soc_tui.core.errors import SettingsError
from soc_tui.core.settings import AcquisitionSettings, Settings
from soc_tui.management.engine import Engine


def test_an_engine_does_not_start_with_an_access_log_layout_that_cannot_be_compiled(tmp_path: Path) -> None:
    acquisition = AcquisitionSettings(access_formats={"shop": "%h %{%"})
    with pytest.raises(SettingsError, match="acquisition.access_formats.shop, position 4"):
        Engine(Settings(workspace=tmp_path / "w", acquisition=acquisition))
    assert not (tmp_path / "w").exists()
