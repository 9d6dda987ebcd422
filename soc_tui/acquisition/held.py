"""Descriptors of the files that are followed, so that a log that is deleted or moved away is still read to its end."""

from __future__ import annotations

import contextlib
import os
import resource
from collections import OrderedDict
from pathlib import Path

from soc_tui.core.types import SourceState


class HeldFiles:
    """Keeps the most recently read plain files open, at most a quarter of the descriptors that the process may have.

    A descriptor keeps the inode alive: what was written before ``unlink`` can be read through ``/proc/self/fd``.
    """

    def __init__(self, most: int | None = None) -> None:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = most or max(16, min(soft, 65_536) // 4)
        self._held: OrderedDict[int, tuple[int, int, int]] = OrderedDict()  # source: descriptor, device, inode

    def hold(self, state: SourceState) -> None:
        """Keep the file of a source open, if its path still leads to it."""
        known = self._held.get(state.source_id)
        if known is not None and known[1:] == (state.device, state.inode):
            self._held.move_to_end(state.source_id)
            return
        self.release(state.source_id)
        try:
            descriptor = os.open(state.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except OSError:
            return
        info = os.fstat(descriptor)
        if (info.st_dev, info.st_ino) != (state.device, state.inode):
            os.close(descriptor)
            return
        self._held[state.source_id] = (descriptor, info.st_dev, info.st_ino)
        while len(self._held) > self._most:
            self.release(next(iter(self._held)))

    def path(self, state: SourceState) -> Path | None:
        """Where the file can be opened anew, whatever has become of its name; None when it is not held."""
        known = self._held.get(state.source_id)
        return Path(f"/proc/self/fd/{known[0]}") if known and known[1:] == (state.device, state.inode) else None

    def release(self, source_id: int) -> None:
        """Let go of a file."""
        known = self._held.pop(source_id, None)
        if known is not None:
            with contextlib.suppress(OSError):
                os.close(known[0])

    def close(self) -> None:
        """Let go of all files."""
        for source_id in list(self._held):
            self.release(source_id)
