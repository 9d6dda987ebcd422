"""Reading on: from a source's offset to its present end, in chunks that are committed one by one.

The caller stores a chunk's events, rejects and state in one transaction. A crash between two chunks therefore neither
loses nor repeats a line, and ``records_read = records_stored + records_rejected`` holds in every state ever stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from soc_tui.acquisition.formats import Origin, formats_for
from soc_tui.acquisition.framing import Cut, Framing, with_raw
from soc_tui.acquisition.framing.base import KEEP_BYTES, Block, overlong_reject
from soc_tui.acquisition.identity import (
    TAIL_BYTES,
    content_matches,
    find_again,
    open_source,
    predecessors,
    recognised,
    still_holds,
)
from soc_tui.acquisition.stream import LogFile
from soc_tui.core.clock import Clock, naive_utc
from soc_tui.core.errors import SourceError
from soc_tui.core.schema import NORMALISED, REJECTS
from soc_tui.core.settings import AcquisitionSettings
from soc_tui.core.types import SourceState

__all__ = ["Chunk", "holds_back", "open_source", "predecessors", "read_chunks", "zone_of"]

_FIRST_BYTES = 4 * 1024 * 1024
"""Read before the length of a record is known."""
_FEWEST_BYTES = 256 * 1024


@dataclass(frozen=True)
class Chunk:
    """Some lines of a source, to be committed together."""

    state: SourceState
    """The state after this chunk; a new object."""
    events: pa.Table
    """Schema :data:`soc_tui.core.schema.NORMALISED`."""
    rejects: pa.Table
    """Schema :data:`soc_tui.core.schema.REJECTS`."""
    bytes_read: int
    """Bytes of the decompressed stream that this chunk moved the offset by."""
    compressed: bool = False
    """True when the offset counts decompressed bytes."""
    position: int = 0
    """Bytes of the file on disk that the decompressor had taken in when the chunk was made."""

    @classmethod
    def of_state(cls, state: SourceState) -> Chunk:
        """Only a new state, no records."""
        return cls(state, NORMALISED.empty_table(), REJECTS.empty_table(), 0)


def read_chunks(
    state: SourceState,
    settings: AcquisitionSettings,
    *,
    final: bool,
    clock: Clock,
    settled: bool = False,
    opened: Path | None = None,
) -> Iterator[Chunk]:
    """Read a source on to its present end.

    Args:
        state: where to begin, from :func:`open_source`; it is not changed.
        settings: chunk and line limits. A chunk holds at most ``chunk_bytes`` of records, or one longer record.
        final: True in batch mode: a last line without its line end is taken if it is a whole record by itself.
            Otherwise, and always while following a file, it waits as ``pending_bytes`` until its line end comes.
        clock: gives ``last_read``.
        settled: the file has been quiet for a while: whole lines that were held back, because another line might
            have gone on with their record, are taken.
        opened: where the file can be opened although it has no name any more (a descriptor that is still held).

    Yields:
        Chunks; none when there is nothing new.

    Raises:
        SourceError: the file cannot be read any more.
    """
    log = _reopen(state, opened)
    if log is None:
        gone = replace(state, state="done", error="the file was removed", pending_bytes=0)
        yield Chunk.of_state(gone)
        return
    with log:
        state = state if opened else replace(state, path=str(log.path))
        if state.state in {"done", "error"} and log.info.st_size == state.size:
            return
        for chunk in _Reading(state, log, settings, clock).chunks(final=final or log.compressed, settled=settled):
            if not still_holds(log, chunk.state):
                return  # nothing of it is kept: the next look finds the copy, and what the file holds instead
            yield replace(chunk, compressed=log.compressed, position=log.position)


def holds_back(state: SourceState, settings: AcquisitionSettings) -> bool:
    """True when whole lines of a source may be waiting for more, so that it should be read ``settled`` once quiet."""
    known = formats_for(settings).get(state.format)
    return state.pending_bytes > 0 and known is not None and known.framing.holds


def zone_of(path: str, settings: AcquisitionSettings) -> str:
    """The time zone of stamps in a file that do not tell theirs: that of the longest path it lies below."""
    above = [known for known in settings.time_zones if path == known or path.startswith(known.rstrip("/") + "/")]
    return settings.time_zones[max(above, key=len)] if above else settings.time_zone


def _reopen(state: SourceState, opened: Path | None) -> LogFile | None:
    """The file of a state, also when it was renamed since; None when it is gone."""
    path = opened or Path(state.path)
    try:
        log = LogFile(path)
    except SourceError:
        if path.exists():
            raise
    else:
        same = (log.info.st_dev, log.info.st_ino) == (state.device, state.inode)
        # The file may have been truncated since it was looked at: only a plain file can be, and looking again is cheap.
        if same and (log.compressed or content_matches(log, state)):
            return log
        log.__exit__(None, None, None)
    if opened:
        return None
    moved = find_again(state)
    return LogFile(Path(moved.path)) if moved else None


class _Reading:
    """One pass over one open file."""

    def __init__(self, state: SourceState, log: LogFile, settings: AcquisitionSettings, clock: Clock) -> None:
        fingerprint, length = log.fingerprint()
        self.before = state
        self.state = replace(
            state, size=log.info.st_size, fingerprint=fingerprint, fingerprint_length=length, state="active", error=""
        )
        self.log, self.settings, self.clock = log, settings, clock
        self.header = json.loads(state.header or "{}")
        modified = naive_utc(datetime.fromtimestamp(log.info.st_mtime, UTC))
        self.origin = Origin(state.path, modified, log.zone or zone_of(state.path, settings))
        self.formats = formats_for(settings)
        self.keep_bytes = max(KEEP_BYTES, settings.max_line_bytes)
        self.wanted = min(settings.chunk_bytes, _FIRST_BYTES)

    def chunks(self, *, final: bool, settled: bool) -> Iterator[Chunk]:
        if not self.state.format:
            self.state.format = recognised(self.log, self.settings, final=final)
        elif self.state.format not in self.formats:
            raise SourceError(
                f"was read as {self.state.format!r}, a format that the settings no longer define",
                source=self.log.path, remedy="define it again under acquisition.access_formats",
            )  # fmt: skip
        stream = self.log.stream()
        carry = b""
        if self.state.format and stream.skip(self.state.offset):
            while block := stream.read(max(self.wanted - len(carry), 1 + len(carry))):
                carry += self._pass_over(block) if self.header.get("_skip") else block
                del block
                carry = yield from self._whole(carry, final=False, more=True)
                if len(carry) > self.keep_bytes:
                    yield self._cut_off(carry[: self.keep_bytes])
                    self._advance(len(carry) - self.keep_bytes)
                    carry = b""
            carry = yield from self._whole(carry, final=False)
        elif not self.state.format:
            stream.read(1)  # a stream that gives nothing may say why
        waiting = len(carry)
        if not self.state.format and self.log.kind == "plain":
            waiting = self.log.info.st_size - self.state.offset
        if carry and (final or settled):
            waiting = yield from self._rest(carry, stream.damage, final=final)
        yield from self._end(waiting, stream.damage)

    @property
    def _framing(self) -> Framing:
        return self.formats[self.state.format].framing

    def _whole(self, block: bytes, *, final: bool, more: bool = False) -> Generator[Chunk, None, bytes]:
        """The chunks of the records that are whole; returns what is left of the block.

        While ``more`` comes, what makes no full chunk is left: planning a query over few records costs as much as over
        a full chunk, and only whole row groups go straight to the file.
        """
        most = self._framing.most
        while block:
            cut = self._framing.cut(block, self.state.offset, self.settings.max_line_bytes, final=final)
            if not cut.used:
                break
            if cut.records.num_rows:  # as many bytes at a time as make one full chunk
                average = cut.used / cut.records.num_rows
                self.wanted = min(self.settings.chunk_bytes, max(_FEWEST_BYTES, int(average * most * 1.02)))
            if more and cut.records.num_rows < most and len(block) < min(self.wanted, self.keep_bytes):
                break
            chunk, block = self._chunk(cut, memoryview(block)[: cut.used]), block[cut.used :]
            del cut  # before the consumer takes its time
            yield chunk
            del chunk
        return block

    def _rest(self, carry: bytes, damage: str, *, final: bool) -> Generator[Chunk, None, int]:
        """What was held back; returns how many bytes wait on: a last line that is not a record by itself."""
        whole = len(carry)
        if not carry.endswith(b"\n"):
            whole = self._last_record(carry) if final else carry.rfind(b"\n") + 1
        yield from self._whole(carry[:whole], final=True)
        last = carry[whole:]
        if last and final:
            chunk = self._last(last, damage)
            if chunk is not None:
                yield chunk
                return 0
        return len(last)

    def _last_record(self, block: bytes) -> int:
        """Where the last record of a block begins."""
        offset, at = self.state.offset, 0
        while at < len(block):
            cut = self._framing.cut(block[at:], offset + at, self.settings.max_line_bytes, final=True)
            if at + cut.used >= len(block) or not cut.used:
                starts = [table["source_offset"] for table in (cut.records, cut.overlong) if table.num_rows]
                return max((int(column[-1].as_py()) for column in starts), default=offset + at) - offset
            at += cut.used
        return at

    def _pass_over(self, block: bytes) -> bytes:
        """Drop the rest of a line whose beginning was rejected as too long."""
        newline = block.find(b"\n") + 1
        self._advance(newline or len(block))
        if not newline:
            return b""
        self.header.pop("_skip")
        return block[newline:]

    def _advance(self, count: int) -> None:
        self.state = replace(self.state, offset=self.state.offset + count, header=json.dumps(self.header))

    def _chunk(self, cut: Cut, data: Block) -> Chunk:
        offset = self.state.offset
        events, rejects = NORMALISED.empty_table(), cut.overlong
        if cut.records.num_rows:
            own = {key: value for key, value in self.header.items() if not key.startswith("_")}
            made = self.formats[self.state.format].normalise(cut.records, own, self.origin)
            kept = {key: value for key, value in self.header.items() if key.startswith("_")}
            events, self.header = made.events, {**made.header, **kept}
            if made.rejects.num_rows:
                rejects = pa.concat_tables([rejects, with_raw(made.rejects, data, offset)]).sort_by("source_offset")
        return self._committed(events, rejects, data)

    def _cut_off(self, beginning: bytes) -> Chunk:
        """Reject the beginning of a line that does not end; the rest is passed over, so memory stays bounded."""
        reject = overlong_reject(beginning, self.state.offset, self.settings.max_line_bytes)
        reject["reason"] = f"{reject['reason']}; only the first {len(beginning)} are kept"
        self.header["_skip"] = True
        return self._committed(NORMALISED.empty_table(), pa.Table.from_pylist([reject], REJECTS), beginning)

    def _last(self, data: bytes, damage: str) -> Chunk | None:
        """A last line without its end: a whole record, a reject where no more can come, or None to wait."""
        before = (self.state, dict(self.header))
        cut = self._framing.cut(data, self.state.offset, self.settings.max_line_bytes, final=True)
        chunk = self._chunk(cut, data)
        if chunk.rejects.num_rows == 0:
            return chunk
        if self.log.compressed:
            if damage:
                reason = pa.array([f"{chunk.rejects['reason'][0].as_py()}; {damage}"] * chunk.rejects.num_rows)
                chunk = replace(chunk, rejects=chunk.rejects.set_column(2, "reason", reason))
            return chunk
        self.state, self.header = before
        return None

    def _committed(self, events: pa.Table, rejects: pa.Table, data: Block) -> Chunk:
        tail = bytes(data[-TAIL_BYTES:])
        self.header["_tail"] = [len(tail), hashlib.sha256(tail).hexdigest(), self.state.offset + len(data)]
        self.state = replace(
            self.state, offset=self.state.offset + len(data), header=json.dumps(self.header),
            records_read=self.state.records_read + events.num_rows + rejects.num_rows,
            records_stored=self.state.records_stored + events.num_rows,
            records_rejected=self.state.records_rejected + rejects.num_rows,
            last_read=naive_utc(self.clock.now()), pending_bytes=0,
        )  # fmt: skip
        return Chunk(self.state, events, rejects, len(data))

    def _end(self, waiting: int, damage: str) -> Iterator[Chunk]:
        ended = "error" if damage else "done" if self.log.compressed else "active"
        last = replace(self.state, pending_bytes=waiting, state=ended, error=damage)
        known = replace(self.before, last_read=last.last_read)
        if last != self.state or (last != known and self.state.offset == self.before.offset):
            yield Chunk.of_state(last)
