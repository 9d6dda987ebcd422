"""The samples, for every test of this folder."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType


def load_samples() -> ModuleType:
    """The module of samples beside this file."""
    spec = importlib.util.spec_from_file_location("trojan_samples", Path(__file__).with_name("samples.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
