"""How calls, results and errors travel between engine and client: JSON around Arrow, over a socket of the workspace."""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from soc_tui.core import errors
from soc_tui.core.clock import iso

_ERRORS: dict[str, type[errors.SocTuiError]] = {
    name: cls for name, cls in vars(errors).items() if isinstance(cls, type) and issubclass(cls, errors.SocTuiError)
}

_LONGEST_SOCKET_PATH = 100
"""A UNIX socket's path may hold 107 bytes; gRPC adds a little of its own."""


def socket_path(workspace: Path) -> Path:
    """Where the workspace's engine listens: in the workspace, or in a private temporary folder if that path is long.

    Raises:
        EngineError: the private folder belongs to somebody else.
    """
    path = workspace / "engine.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    folder = Path(tempfile.gettempdir()) / f"soc-tui-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise errors.EngineError("the folder for engine sockets is not private", source=folder, remedy="remove it")
    return folder / (hashlib.sha256(os.fsencode(workspace)).hexdigest()[:24] + ".sock")


def to_json(value: object) -> str:
    """Compact JSON; times become ISO 8601 UTC, NaN and bytes become text."""
    return json.dumps(plain(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def plain(value: object) -> Any:
    """The value in JSON's own types."""
    if isinstance(value, dict):
        value = {str(key): plain(item) for key, item in value.items()}
    elif isinstance(value, list | tuple | set | frozenset):
        value = [plain(item) for item in value]
    elif isinstance(value, datetime):
        value = iso(value)
    elif isinstance(value, date):
        value = value.isoformat()
    elif isinstance(value, Decimal):
        value = float(value)
    elif isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    elif isinstance(value, str):  # a lone surrogate cannot travel as UTF-8
        value = value.encode("utf-8", "backslashreplace").decode("utf-8")
    elif not (value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))):
        value = str(value)
    return value


def error_to_dict(error: BaseException) -> dict[str, Any]:
    """An error as data; one that is not ours becomes an EngineError that names its type."""
    if not isinstance(error, errors.SocTuiError):
        return {
            "type": "EngineError",
            "message": f"{type(error).__name__}: {error}",
            "remedy": "see the engine log in the workspace",
        }
    data: dict[str, Any] = {
        "type": type(error).__name__,
        "message": error.message,
        "remedy": error.remedy,
        "source": error.source,
        "line": error.line,
    }
    if isinstance(error, errors.FilterError):
        data["position"] = error.position
    return data


def error_from_dict(data: dict[str, Any]) -> errors.SocTuiError:
    """The error again, of the same class."""
    cls = _ERRORS.get(str(data.get("type")), errors.EngineError)
    message, remedy = str(data.get("message", "")), str(data.get("remedy") or "")
    if cls is errors.FilterError:
        return errors.FilterError(message, position=int(data.get("position") or 0), remedy=remedy)
    source = data.get("source")
    return cls(message, remedy=remedy, source=Path(source) if source else None, line=data.get("line"))
