"""Files of indicators, read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from soc_tui.acquisition.enrichment.indicators import Parsed, read_indicators

NOW = datetime(2026, 6, 1)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Parsed]:
    """Write a text or bytes and read it as indicators."""

    def reader(content: str | bytes, form: str = "", **options: Any) -> Parsed:
        path = tmp_path / "indicators"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_indicators(path, form, now=NOW, **options)

    return reader


@pytest.fixture
def pairs() -> Callable[[Parsed], list[tuple[str, str]]]:
    """Kinds and values in order."""
    return lambda parsed: [(row["kind"], row["value"]) for row in parsed.indicators.to_pylist()]
