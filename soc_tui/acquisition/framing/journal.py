"""The journal export format of systemd (https://systemd.io/JOURNAL_EXPORT_FORMATS/): entries between blank lines."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.framing.base import CHUNK_RECORDS, KEEP_BYTES, Bounds, Cut, records

_LENGTH = 8
"""Bytes of the little-endian length that follows the name of a field which is given as it is."""


class JournalEntries:
    r"""Entries end at a blank line outside a field that is given as ``NAME\n``, its length and its bytes.

    The text of an entry has every field as ``NAME=value``, and a tab behind each line end inside a value, so that no
    value can pass for a field.
    """

    holds = True
    most = CHUNK_RECORDS

    def cut(self, block: bytes, offset: int, max_record_bytes: int, *, final: bool) -> Cut:
        """Entries whose blank line has come, or all when ``final``."""
        whole = block if final else block[: block.rfind(b"\n") + 1]
        starts, ends = _lines(whole)
        fields, waiting = _sized_fields(whole, starts, ends, final)
        for at, _, until in fields:  # what lies inside a field is no line
            inside = slice(*np.searchsorted(starts, (at, until)))
            starts, ends = np.delete(starts, inside), np.delete(ends, inside)
        if waiting >= 0:  # the last line that is looked at; its entry stays open
            kept = int(np.searchsorted(starts, waiting)) + 1
            starts, ends = starts[:kept], ends[:kept]
        full = ends > starts
        first = np.flatnonzero(full & ~np.append(False, full[:-1]))
        last = np.flatnonzero(full & ~np.append(full[1:], False))
        used = len(whole)
        if not final and len(last) and last[-1] == len(full) - 1:
            used, first, last = int(starts[first[-1]]), first[:-1], last[:-1]
        if len(first) > self.most:
            used, first, last = int(starts[first[self.most]]), first[: self.most], last[: self.most]
        after = {begin: until for begin, _, until in fields}
        stops = np.array([after.get(int(ends[row]) + 1, int(ends[row]) + 1) - 1 for row in last.tolist()], np.int64)
        made, overlong = records(whole, offset, starts[first], stops, max_record_bytes)
        return Cut(_plain(made, whole, offset, fields), overlong, used)


def _lines(block: bytes) -> tuple[Bounds, Bounds]:
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == 10)
    if len(block) and block[-1] != 10:
        ends = np.append(ends, len(block))
    return np.append(0, ends[:-1] + 1) if len(ends) else ends, ends


def _sized_fields(block: bytes, starts: Bounds, ends: Bounds, final: bool) -> tuple[list[tuple[int, int, int]], int]:
    """Fields with a length: where it, the value and what follows begin; and the line of one that is not whole, or -1.

    A length that leads beyond all bounds, or beyond the end of the stream, is none: its name is a line like others.
    """
    equals = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("="))
    bare = (np.searchsorted(equals, starts) == np.searchsorted(equals, ends)) & (ends > starts)
    fields: list[tuple[int, int, int]] = []
    beyond = 0
    for row in np.flatnonzero(bare).tolist():
        at = int(ends[row]) + 1
        if starts[row] < beyond or not block[starts[row] : ends[row]].replace(b"_", b"A").isalnum():
            continue
        value = at + _LENGTH
        size = int.from_bytes(block[at:value], "little")
        if value > len(block) or (value + size >= len(block) and size <= KEEP_BYTES):
            if not final:
                return fields, int(starts[row])
            continue
        if size <= KEEP_BYTES and block[value + size] == ord("\n"):
            beyond = value + size + 1
            fields.append((at, value, beyond))
    return fields, -1


def _plain(made: pa.Table, block: bytes, offset: int, fields: list[tuple[int, int, int]]) -> pa.Table:
    """The entries with their sized fields in the plain form."""
    if not fields or not made.num_rows:
        return made
    begins = made["source_offset"].to_numpy() - offset
    stops = begins + made["source_length"].to_numpy()
    text = made["line"].combine_chunks()
    changed: dict[int, list[tuple[int, int, int]]] = {}
    for field in fields:
        row = int(np.searchsorted(begins, field[0], "right")) - 1
        if row >= 0 and field[0] < stops[row]:
            changed.setdefault(row, []).append(field)
    mask = np.zeros(made.num_rows, np.bool_)
    mask[list(changed)] = True
    fresh = [_rewritten(block, int(begins[row]), int(stops[row]), changed[row]) for row in sorted(changed)]
    text = pc.replace_with_mask(text, pa.array(mask), pa.array(fresh, pa.large_string()))
    return made.set_column(2, made.schema.field(2), text)


def _rewritten(block: bytes, begin: int, stop: int, fields: list[tuple[int, int, int]]) -> str:
    parts, at = [], begin
    for name_end, value, beyond in fields:
        parts += [block[at : name_end - 1], b"=", block[value : beyond - 1].replace(b"\n", b"\n\t"), b"\n"]
        at = beyond
    parts.append(block[at:stop] if at < stop else b"")
    return b"".join(parts).removesuffix(b"\n").decode("utf-8", "backslashreplace")
