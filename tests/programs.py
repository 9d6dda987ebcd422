"""Real servers that tests start: where their programs are, and a port that is free."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

_POSTGRESQL = map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))
PATHS = os.pathsep.join([os.environ.get("PATH", ""), *_POSTGRESQL, "/usr/sbin", "/usr/bin"])
"""Where programs are looked for."""


def program(name: str) -> str:
    """The path of a program, or a skip that names it."""
    found = shutil.which(name, path=PATHS)
    if not found:
        pytest.skip(f"needs {name}")
    return found


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
