"""Keeping an engine that runs for months as small as what it holds.

An engine allocates and frees blocks of tens of megabytes, a chunk of events at a time. The C library keeps such blocks
for later by default, per thread, which more than doubles the process. To give all of it back at once, though, has the
system clear every page again for the next chunk: 3.3 of the reader's 9.8 CPU seconds for 1M access-log lines. So some
is kept, in two heaps; the engine's peak over those lines is then 441 to 463 MB.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

import pyarrow as pa

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Parameters of mallopt(3)."""


def give_memory_back() -> None:
    """Let most freed blocks return to the system; where the C library has no such settings, nothing happens."""
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        mallopt = ctypes.CDLL(None).mallopt  # the C library of this very process
    except (OSError, AttributeError, TypeError):
        return
    mallopt(_MMAP_THRESHOLD, 32 * 1024 * 1024)  # larger blocks, which are rare, are mapped by themselves
    mallopt(_ARENA_MAX, 2)
    mallopt(_TRIM_THRESHOLD, 16 * 1024 * 1024)


def trim() -> None:
    """Return what lies free between blocks in use as well; it costs the next chunks nothing that was measured."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
