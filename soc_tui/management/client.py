"""What consoles and commands hold: named queries and commands on a running engine."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
from pyarrow import flight

from soc_tui.core.errors import EngineError
from soc_tui.management.wire import error_from_dict, socket_path, to_json


class Client:
    """A connection to the engine of one workspace; safe from any thread.

    Args:
        workspace: whose engine.

    Raises:
        EngineError: no engine answers there.
    """

    def __init__(self, workspace: Path) -> None:
        path = socket_path(workspace)
        if not path.exists():
            raise EngineError("no engine runs in this workspace", source=workspace, remedy="start soc-tui watch")
        self._flight = flight.FlightClient(f"grpc+unix://{path}")
        self._workspace = workspace
        self._name = uuid.uuid4().hex
        self._closed = False
        try:
            self.command("ping")
        except EngineError:
            self.close()
            raise

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def query(self, name: str, **params: Any) -> pa.Table:
        """Rows of a named query.

        Raises:
            SocTuiError: what the engine raised, of the same class; EngineError when it is gone.
        """
        ticket = flight.Ticket(to_json({"name": name, "params": params, "client": self._name}).encode())
        try:
            return self._flight.do_get(ticket).read_all()
        except (flight.FlightError, pa.ArrowException, OSError) as error:
            raise self._translate(error) from error

    def stream(self, name: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Everything a command says: ``{"progress": ...}`` objects and one ``{"result": ...}``.

        Raises:
            SocTuiError: as :meth:`query`.
        """
        body = to_json({"params": params, "client": self._name}).encode()
        try:
            for item in self._flight.do_action(flight.Action(name, body)):
                said: dict[str, Any] = json.loads(item.body.to_pybytes())
                if "error" in said:
                    raise error_from_dict(said["error"])
                yield said
        except (flight.FlightError, pa.ArrowException, OSError) as error:
            raise self._translate(error) from error

    def command(self, name: str, **params: Any) -> dict[str, Any]:
        """The result of a command, progress left out.

        Raises:
            SocTuiError: as :meth:`query`.
        """
        for said in self.stream(name, **params):
            if "result" in said:
                result: dict[str, Any] = said["result"]
                return result
        raise EngineError(f"the engine ended {name!r} without a result", remedy="see the engine log in the workspace")

    def close(self) -> None:
        """Say goodbye, so that an engine without clients may leave, and let go of the connection."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(EngineError):
            self.command("bye")
        with contextlib.suppress(flight.FlightError, pa.ArrowException, OSError):
            self._flight.close()

    def _translate(self, error: Exception) -> Exception:
        info = getattr(error, "extra_info", b"")
        if info:
            with contextlib.suppress(ValueError, TypeError):
                return error_from_dict(json.loads(info))
        return EngineError(
            "the engine does not answer", source=self._workspace, remedy="it may have stopped; run the command again"
        )
