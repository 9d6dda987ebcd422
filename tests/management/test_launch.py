"""Who holds a workspace: an engine that is starting or ending is waited for, another program is not."""

import os
import subprocess
import sys
import time

import pytest

from soc_tui.core.errors import StoreError
from soc_tui.management.launch import _held_by_an_engine


def _held(holder: str) -> bool:
    return _held_by_an_engine(StoreError(f"the workspace database is held by {holder}"))


def test_another_program_is_no_engine() -> None:
    assert _held(f"process {os.getpid()}") is False
    assert _held_by_an_engine(StoreError("the workspace database is damaged")) is False


@pytest.mark.parametrize("arguments", [["watch"], []], ids=["engine", "ended"])
def test_an_engine_is_waited_for_also_while_it_ends(arguments: list[str]) -> None:
    code = "import time; time.sleep(60)" if arguments else ""
    with subprocess.Popen([sys.executable, "-c", code, *arguments]) as process:
        if not arguments:
            time.sleep(1)  # it has ended, and nobody has asked for its exit code: a process without arguments
        assert _held(f"process {process.pid}") is True
        process.kill()


def test_who_cannot_be_looked_at_may_be_an_engine() -> None:
    assert _held("another process") is True
    assert _held("process 4194304999") is True
