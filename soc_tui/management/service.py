"""The engine's door: Arrow Flight on a UNIX socket that only its owner can open.

Queries are ``do_get`` with a JSON ticket and answer with Arrow; commands are ``do_action`` with a JSON body and answer
with a stream of JSON objects (progress, then one ``result``, or an ``error``). No TCP port is opened.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import flight

from soc_tui.core.errors import EngineError, SocTuiError
from soc_tui.management.wire import error_to_dict, to_json

log = logging.getLogger(__name__)

_CLIENT_SECONDS = 5.0
"""How long a silent client counts as present; a console calls every second."""

Query = Callable[..., pa.Table]
Command = Callable[..., Iterator[dict[str, Any]] | dict[str, Any]]


class Service(flight.FlightServerBase):
    """Serves named queries and commands.

    Args:
        path: the socket.
        queries: name -> function of keyword parameters that gives a table.
        commands: name -> function of keyword parameters that gives one result or yields progress and then a result.
    """

    def __init__(self, path: Path, queries: dict[str, Query], commands: dict[str, Command]) -> None:
        path.unlink(missing_ok=True)  # stale: the caller holds the database lock, so no other engine lives here
        super().__init__(f"grpc+unix://{path}")
        path.chmod(0o600)
        self._path, self._queries, self._commands = path, queries, commands
        self._lock = threading.Lock()
        self._active = 0
        self._seen: dict[str, float] = {}

    def in_use(self) -> bool:
        """True while a call is served or a client has called within the last seconds and not said goodbye."""
        with self._lock:
            now = time.monotonic()
            return self._active > 0 or any(now - seen < _CLIENT_SECONDS for seen in self._seen.values())

    @contextlib.contextmanager
    def _call(self, client: str, *, leaving: bool = False) -> Iterator[None]:
        with self._lock:
            self._active += 1
        try:
            yield
        finally:
            with self._lock:
                self._active -= 1
                self._seen[client] = time.monotonic()
                if leaving:
                    del self._seen[client]

    def do_get(self, _context: flight.ServerCallContext, ticket: flight.Ticket) -> flight.RecordBatchStream:
        """Answer a named query."""
        call = json.loads(ticket.ticket)
        with self._call(call["client"]):
            try:
                table = _find(self._queries, call["name"], "query")(**call["params"])
            except Exception as error:
                raise _flight_error(error) from error
            return flight.RecordBatchStream(table)

    def do_action(self, _context: flight.ServerCallContext, action: flight.Action) -> Iterator[flight.Result]:
        """Run a command and stream what it says."""
        call = json.loads(action.body.to_pybytes())
        with self._call(call["client"], leaving=action.type == "bye"):
            try:
                answer = _find(self._commands, action.type, "command")(**call["params"])
                if isinstance(answer, dict):
                    yield _result({"result": answer})
                else:
                    for item in answer:
                        yield _result(item)
            except Exception as error:
                _note(error)
                yield _result({"error": error_to_dict(error)})

    def close(self) -> None:
        """Remove the socket and wait, however long it takes, for the calls that are being served."""
        self._path.unlink(missing_ok=True)
        self.shutdown()


def _find(table: dict[str, Any], name: str, kind: str) -> Any:
    if name not in table:
        raise EngineError(f"the engine knows no {kind} {name!r}", remedy="client and engine differ in version")
    return table[name]


def _result(item: dict[str, Any]) -> flight.Result:
    return flight.Result(pa.py_buffer(to_json(item).encode()))


def _note(error: Exception) -> None:
    if not isinstance(error, SocTuiError):
        log.error("a call failed", exc_info=error)


def _flight_error(error: Exception) -> flight.FlightServerError:
    _note(error)
    return flight.FlightServerError("refused", extra_info=to_json(error_to_dict(error)).encode())
