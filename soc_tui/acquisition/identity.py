"""Which file is which: a log keeps its place through renames, truncation and compression.

A source is known by device and inode, by a fingerprint of its first bytes (at most 1 KiB) and by a digest of the bytes
just before its offset. The first survives a rename; the others expose a reused inode and a file that was truncated
and has since outgrown the old offset, and they recognise a copy (copytruncate, gzip) as what has already been read.
A file that is truncated and then filled with the very bytes it had before cannot be told from one left alone.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from soc_tui.acquisition.formats import HEAD_BYTES, format_named, formats_for, recognise
from soc_tui.acquisition.stream import LogFile, absolute
from soc_tui.core.errors import SourceError
from soc_tui.core.settings import AcquisitionSettings
from soc_tui.core.types import SourceState

TAIL_BYTES = 1024
_ROTATED = re.compile(r"(?:[.-]\d{1,4}|[.-]\d{8}(?:[-T]?\d{2,6})?|[.-]\d{4}-\d\d-\d\d(?:[-_T][\d:-]+)?|\.old|\.bak)$")
_COMPRESSED = re.compile(r"\.(?:gz|zst|zstd|xz|bz2)$")


def open_source(
    path: Path,
    states: Sequence[SourceState],
    settings: AcquisitionSettings,
    *,
    as_format: str | None = None,
) -> SourceState:
    """Recognise a file among the known sources, or make a new one.

    Args:
        path: the log file; a symbolic link is followed.
        states: every known source.
        settings: the formats that it may have.
        as_format: a name of ``FORMATS`` that overrules recognition.

    Returns:
        A copy of the known state, under its present path and ready to be read on; or a new state with ``source_id`` 0
        and offset 0, when the file is new or has been truncated or replaced. The caller finishes what
        :func:`predecessors` gives before it reads a new state of the same path.

    Raises:
        SourceError: the file is missing, unreadable, no regular file or binary; names file and remedy.
        UsageError: no such format.
    """
    forced = format_named(as_format, formats_for(settings)).name if as_format else ""
    path = absolute(path)
    with LogFile(path) as log:
        known = _same_file(log, states)
        if known is None or not known.offset:  # of what was not read yet, another source may have read a copy
            known = _same_content(log, states) or known
        if known is not None:
            return _continued(known, log, forced)
        fingerprint, length = log.fingerprint()
        real = os.path.realpath(path)
        return SourceState(
            header=json.dumps({"_real": real}) if real != str(path) else "",
            path=str(path), format=forced or recognised(log, settings, final=log.compressed), device=log.info.st_dev,
            inode=log.info.st_ino, fingerprint=fingerprint, fingerprint_length=length, size=log.info.st_size,
        )  # fmt: skip


def recognised(log: LogFile, settings: AcquisitionSettings, *, final: bool) -> str:
    """The name of the format of an open file; empty while not even one line is complete."""
    head = log.head[:HEAD_BYTES]
    return recognise(head, formats_for(settings)).name if head and (final or b"\n" in head) else ""


def predecessors(path: Path, states: Sequence[SourceState]) -> list[SourceState]:
    """The sources that were read under ``path`` and whose bytes now live elsewhere in its folder.

    After a rotation the old file may hold lines that were not read yet. Each state returned points at where its file
    is now (the renamed file, or the copy that copytruncate made) and should be read with ``final=False``. A file that
    is gone is returned as ``done``.
    """
    path = absolute(path)
    moved = []
    for state in states:
        if state.path != str(path) or state.state == "done" or _holds(path, state):
            continue
        found = find_again(state)
        moved.append(found or replace(state, state="done", error="the file was removed or truncated", pending_bytes=0))
    return moved


def find_again(state: SourceState) -> SourceState | None:
    """The same bytes under another name: by inode, else by content; None when they are gone.

    Looked through are the folder of the source and, where it was a symbolic link, the folder it led to.
    """
    for name in _siblings(state):
        try:
            with LogFile(Path(name)) as log:
                if content_matches(log, state):
                    return _continued(state, log, "")
        except SourceError:
            continue
    return None


def _siblings(state: SourceState) -> list[str]:
    """Files that may hold the bytes of a source, those with its inode first."""
    real = json.loads(state.header or "{}").get("_real", state.path)
    same_inode, family = [], []
    for folder in dict.fromkeys((os.path.dirname(state.path), os.path.dirname(real))):  # noqa: PTH120 - text, no Path
        try:
            entries = sorted(entry.path for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False))
        except OSError:
            continue
        for name in entries:
            if name == state.path:
                continue
            try:
                info = os.lstat(name)
            except OSError:  # it has just been moved on
                continue
            if (info.st_dev, info.st_ino) == (state.device, state.inode):
                same_inode.append(name)
            elif state.offset and _family(name) in {_family(state.path), _family(real)}:
                family.append(name)  # of a source that was not read a copy is a source of its own
    return same_inode + family


def copy_in_progress(path: Path, states: Sequence[SourceState]) -> bool:
    """True for a file that looks like a copy that is still being made of a log that is followed.

    ``cp app.log app.log.1`` (copytruncate) and ``gzip app.log.1`` take their time. Until they are done, the copy is
    too short to be recognised by the bytes before the offset, and would be read a second time as a new source.
    """
    try:
        with LogFile(path) as log:
            if log.compressed:
                return True  # whether it is whole only reading all of it would tell
            for state in states:
                related = state.path != str(path) and _family(state.path) == _family(str(path))
                if related and log.info.st_size < state.offset and _begins_like(log, state):
                    return True
    except SourceError:
        return False
    return False


def _begins_like(log: LogFile, state: SourceState) -> bool:
    """The fingerprint decides where the file is long enough for it; only a shorter one is held against the other."""
    if log.info.st_size >= state.fingerprint_length:
        return _head_matches(log, state)
    try:
        with LogFile(Path(state.path)) as whole:
            return whole.head.startswith(log.head)
    except SourceError:
        return False


def _same_file(log: LogFile, states: Sequence[SourceState]) -> SourceState | None:
    for state in sorted(states, key=lambda s: -s.source_id):
        if (state.device, state.inode) == (log.info.st_dev, log.info.st_ino) and content_matches(log, state):
            return state
    return None


def _same_content(log: LogFile, states: Sequence[SourceState]) -> SourceState | None:
    """A copy of what has been read: ``app.log.1`` by copytruncate, ``app.log.1.gz`` by gzip, a moved archive.

    Two whole copies that lie side by side without being a rotation (``dhcp.log`` and ``dhcp.log.gz``) stay two sources.
    """
    path = str(log.path)
    for state in sorted(states, key=lambda s: -s.source_id):
        if state.offset == 0 or state.path == path or not _head_matches(log, state):
            continue
        rotation = _family(path) == _family(state.path) and (is_rotated(path) or is_rotated(state.path))
        if (rotation or not _holds(Path(state.path), state)) and content_matches(log, state):
            return state
    return None


def _holds(path: Path, state: SourceState) -> bool:
    """True when the file at ``path`` is still the one that the state was read from."""
    try:
        with LogFile(path) as log:
            inode = (log.info.st_dev, log.info.st_ino) == (state.device, state.inode)
            return inode and content_matches(log, state)
    except SourceError:
        return False


def _head_matches(log: LogFile, state: SourceState) -> bool:
    """The cheap half of :func:`content_matches`, without opening another file: 1,000 archives are 500,000 pairs."""
    return log.fingerprint(state.fingerprint_length) == (state.fingerprint, state.fingerprint_length)


def content_matches(log: LogFile, state: SourceState) -> bool:
    """True when an open file holds what has been read of a source: its first bytes and those before its offset."""
    if not _head_matches(log, state):
        return False
    if log.kind == "plain" and log.info.st_size < state.offset:
        return False
    tail = _tail(state)
    if tail is None or (log.compressed and state.state == "done" and log.info.st_size == state.size):
        return True
    length, digest, at = tail
    return bool(log.digest_before(at, length) == digest)


def still_holds(log: LogFile, state: SourceState) -> bool:
    """True unless a plain file was truncated and refilled while it was read: asked anew of the disk, after reading.

    Between the look at a file and the reading of it copytruncate may have put other bytes there; taken for those that
    were looked at, they would be stored under the wrong fingerprint and once more under their own.
    """
    if log.kind != "plain":
        return True
    if log.now(0, state.fingerprint_length) != state.fingerprint:
        return False
    tail = _tail(state)
    return tail is None or log.now(tail[2] - tail[0], tail[2]) == tail[1]


def _tail(state: SourceState) -> tuple[int, str, int] | None:
    """Length and sha256 of the bytes that were read last, and where they end."""
    tail = json.loads(state.header or "{}").get("_tail")
    if tail is None:
        return None
    length, digest, at = [*tail, state.offset][:3]
    return length, digest, at


def _continued(state: SourceState, log: LogFile, forced: str) -> SourceState:
    fingerprint, length = log.fingerprint()
    grown = not (state.state in {"done", "error"} and log.info.st_size == state.size)
    return replace(
        state, path=str(log.path), device=log.info.st_dev, inode=log.info.st_ino, fingerprint=fingerprint,
        fingerprint_length=length, size=log.info.st_size, format=forced or state.format,
        state="active" if grown else state.state, error="" if grown else state.error,
    )  # fmt: skip


def is_rotated(path: str) -> bool:
    """True for the name that rotation gives to an old log: ``app.log.1``, ``app.log-20260101.gz``, ``app.log.old``."""
    return bool(_ROTATED.search(_COMPRESSED.sub("", Path(path).name)))


@lru_cache(maxsize=16_384)
def _family(path: str) -> str:
    """The name that all rotations of one log share: ``/x/app.log`` for ``/x/app.log.2.gz``."""
    return _ROTATED.sub("", _COMPRESSED.sub("", path))
