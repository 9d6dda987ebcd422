"""Find the engine of a workspace, or start one as a child that leaves with its parent."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from soc_tui.core.errors import EngineError, SocTuiError
from soc_tui.management.wire import error_from_dict, socket_path

if TYPE_CHECKING:
    from soc_tui.management.client import Client

_START_SECONDS = 60.0
"""A busy machine may need long to import and to replay a write-ahead log."""


_HELD_SECONDS = 15.0
"""How long a workspace held by a process without a socket is taken for an engine that is just starting."""


class Connection:
    """A client, and the engine process behind it if this process had to start one.

    A child engine watches its standard input: when the parent ends, however it ends, the pipe closes and the engine
    stops, unless other clients still use it.
    """

    def __init__(self, client: Client, child: subprocess.Popen[bytes] | None) -> None:
        self.client = client
        self._child = child

    @property
    def started_engine(self) -> bool:
        """True when the engine is this process's child."""
        return self._child is not None

    def __enter__(self) -> Client:
        return self.client

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Leave; a child engine that nobody else uses stops and folds its log in."""
        self.client.close()
        if self._child is not None:
            child, self._child = self._child, None
            if child.stdin is not None:
                with contextlib.suppress(OSError):
                    child.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=30)


def connect(workspace: Path, *, start: bool = True, options: Sequence[str] = ()) -> Connection:
    """A client of the workspace's engine.

    Args:
        workspace: the folder.
        start: start an engine as a child if none runs.
        options: more arguments for ``soc-tui watch`` when it is started.

    Raises:
        EngineError: none runs and none may be started, or it does not come up.
        SocTuiError: what stopped the engine from starting (locked or damaged database, settings ...).
    """
    began = time.monotonic()
    while True:
        if socket_path(workspace).exists():
            with contextlib.suppress(EngineError):
                return Connection(_client(workspace), None)
        if not start:
            raise EngineError("no engine runs in this workspace", source=workspace, remedy="start soc-tui watch")
        child = _spawn(workspace, options)
        try:
            from soc_tui.management import client  # noqa: F401 - slow to import, which it does while the engine starts

            _await_ready(child, time.monotonic() + _START_SECONDS)
            return Connection(_client(workspace), child)
        except SocTuiError as error:
            child.kill()
            child.wait()
            # Another client may be starting the engine at this very moment: then use that one.
            if not _held_by_an_engine(error) or time.monotonic() - began > _HELD_SECONDS:
                raise
            time.sleep(0.2)


def _client(workspace: Path) -> Client:
    from soc_tui.management.client import Client

    return Client(workspace)


def _held_by_an_engine(error: SocTuiError) -> bool:
    """False when the workspace is not held, or by a process that is clearly something else: no use waiting for that."""
    held = re.search(r"held by (?:process (\d+))?", error.message)
    if held is None or held[1] is None:
        return held is not None
    try:
        arguments = Path(f"/proc/{held[1]}/cmdline").read_bytes().split(b"\0")
    except OSError:  # no such file system, or the process has just ended
        return True
    return b"watch" in arguments or not any(arguments)  # nothing is left to read of one that is just ending


def _spawn(workspace: Path, options: Sequence[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "soc_tui", "--workspace", str(workspace), "watch", "--child", *options]
    # Its own session: Ctrl-C in the terminal belongs to the client, which then ends the engine in order.
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )


def _await_ready(child: subprocess.Popen[bytes], deadline: float) -> None:
    """Read the one JSON line that a child engine prints: ready, or what stopped it."""
    assert child.stdout is not None
    line = b""
    while not line.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([child.stdout], [], [], left)[0]:
            raise EngineError("the engine did not start in time", remedy="see the engine log in the workspace")
        part = os.read(child.stdout.fileno(), 65536)
        if not part:
            raise EngineError(
                f"the engine ended while starting (exit code {child.wait()})",
                remedy="see the engine log in the workspace",
            )
        line += part
    said = json.loads(line)
    if "error" in said:
        raise error_from_dict(said["error"])
