from __future__ import annotations

import sys
from importlib.util import find_spec

import pyarrow as pa
import pytest

from soc_tui.management.absent import seek_no_more


@pytest.mark.skipif(find_spec("dateutil") is not None, reason="dateutil is installed")
def test_arrow_searches_no_folder_for_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    sought: list[str] = []

    class Finder:
        @staticmethod
        def find_spec(name: str, _path: object = None, _target: object = None) -> None:
            sought.append(name)

    monkeypatch.delitem(sys.modules, "dateutil", raising=False)
    pa.array(["warm"])
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    pa.array(["a"])
    assert "dateutil" in sought  # or there is nothing to spare any more
    seek_no_more()
    sought.clear()
    assert pa.array(["a"]).to_pylist() == ["a"]
    assert sought == []
    with pytest.raises(ModuleNotFoundError):
        __import__("dateutil")
    monkeypatch.delitem(sys.modules, "dateutil")
