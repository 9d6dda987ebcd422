"""The baseline of persistence in the workspace: one JSON file that shows when somebody has changed it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from soc_tui.core.errors import SourceError
from soc_tui.detection.persistence.listeners import Listener
from soc_tui.detection.persistence.places import KINDS
from soc_tui.detection.persistence.snapshot import Kept, Snapshot

FORMAT = 1
MAX_BYTES = 256 * 1024 * 1024


def save(snapshot: Snapshot, path: Path) -> str:
    """Write a baseline, readable by its owner only, whole or not at all.

    Returns:
        The sha256 that it carries. It shows damage and clumsy changes; who can write the file can also write that, so
        whoever needs more keeps it elsewhere (the audit chain).

    Raises:
        SourceError: it cannot be written.
    """
    content = {
        "root": snapshot.root,
        "files": {
            name: {"kind": one.kind, "sha256": one.sha256, "lines": [list(line) for line in one.lines],
                   "vendor": one.vendor}
            for name, one in sorted(snapshot.files.items())
        },
        "setuid": dict(sorted(snapshot.setuid.items())),
        "listeners": [[one.protocol, one.address, one.port, one.exe] for one in snapshot.listeners],
    }  # fmt: skip
    digest = _digest(content)
    text = json.dumps({"format": FORMAT, "sha256": digest, "snapshot": content}, indent=1)
    fresh = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise SourceError(
            f"cannot be written: {error.strerror}", source=path, remedy="check space and permissions"
        ) from error
    return digest


def load(path: Path) -> Snapshot | None:
    """The baseline; None when there is none.

    Raises:
        SourceError: it cannot be read, or was changed since it was written.
    """
    remedy = "find out who changed it, restore it from a backup, or remove it to make a new one"
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise ValueError("is too long")
        told = json.loads(raw)
        content = told["snapshot"]
        if told["format"] != FORMAT:
            raise ValueError(f"is of format {told['format']}")
        if told["sha256"] != _digest(content):
            raise ValueError("was changed since it was written: its sha256 is another")
        return _snapshot(content)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", source=path, remedy="check its permissions") from error
    except (ValueError, RecursionError) as error:
        raise SourceError(str(error)[:200], source=path, remedy=remedy) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise SourceError("is no baseline", source=path, remedy=remedy) from error


def _snapshot(content: Any) -> Snapshot:
    files = {
        str(name): Kept(
            str(one["kind"]), str(one["sha256"]), tuple((int(number), str(text)) for number, text in one["lines"]),
            bool(one["vendor"]),
        )
        for name, one in content["files"].items()
        if one["kind"] in KINDS  # one of an older version that looked at more
    }  # fmt: skip
    return Snapshot(
        root=str(content["root"]), files=files,
        setuid={str(name): str(mode) for name, mode in content["setuid"].items()},
        listeners=tuple(Listener(str(a), str(b), int(c), str(d)) for a, b, c, d in content["listeners"]),
    )  # fmt: skip


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
