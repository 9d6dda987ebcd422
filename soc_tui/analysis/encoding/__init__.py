"""One encoding a risk model, in a file of its own, loaded when it is asked for."""

from __future__ import annotations

import importlib

from soc_tui.analysis.encoding.base import Encoding
from soc_tui.core.errors import UsageError

NAMES = ("flow", "query", "domain", "code", "page", "session")
"""The risk models. Each has ``encoding/NAME.py`` with ``ENCODING``, ``corpora/NAME_task.py`` with ``NAME_task`` and the
shipped weights ``models/NAME.safetensors`` with their card ``NAME.json``."""


def encoding(name: str) -> Encoding:
    """The encoding of a risk model.

    Raises:
        UsageError: there is no such model.
    """
    if name not in NAMES:
        raise UsageError(f"there is no model {name!r}", remedy=f"the models are {', '.join(NAMES)}")
    found: Encoding = importlib.import_module(f"soc_tui.analysis.encoding.{name}").ENCODING
    return found
