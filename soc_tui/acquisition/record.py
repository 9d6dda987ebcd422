"""Evidence: the bytes of one record, read again from its source."""

from __future__ import annotations

from pathlib import Path

from soc_tui.acquisition.identity import find_again
from soc_tui.acquisition.stream import LogFile
from soc_tui.core.errors import SourceError
from soc_tui.core.types import SourceState


def read_record(state: SourceState, offset: int, length: int) -> bytes:
    """The ``length`` bytes at ``offset`` of the (decompressed) source, wherever rotation has taken it.

    Raises:
        SourceError: the source is gone, was replaced, or no longer holds those bytes.
    """
    place: SourceState | None = state
    try:
        return _read(state, offset, length)
    except SourceError:
        place = find_again(state)
        if place is None:
            raise
    return _read(place, offset, length)


def _read(state: SourceState, offset: int, length: int) -> bytes:
    with LogFile(Path(state.path)) as log:
        if log.fingerprint(state.fingerprint_length) == (state.fingerprint, state.fingerprint_length):
            stream = log.stream()
            if stream.skip(offset):
                record = stream.read(length)
                if len(record) == length:
                    return record
    raise SourceError(
        "no longer holds the record: it was replaced or cut",
        source=state.path,
        remedy="restore the log from its archive",
    )
