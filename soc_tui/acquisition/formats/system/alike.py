"""Syslog lines that say the same are read once.

A log of a busy daemon says the same again and again: of real sshd logs less than half of the texts behind the head are
different within a chunk. Of the lines with the ordinary head of RFC 3164, ``Mon dd HH:MM:SS host tag[pid]: text``, an
event takes its time from the stamp, its machine from the host, ``pid`` from the tag, and all else from tag and text. So
one line of every stamp, and one of every tag and text, tell what all of them say.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.formats.spans import Places, bytes_of, text_of

_STAMP = 15
_STAMPED = r"^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d$"
_HOST = r"^[\w.-]+$"
_TAG = r"^(?P<tag>[\w./-]+)(?:\[(?P<pid>\d{1,18})\])?$"
_PID = r'^\{"pid":\d+,?'
"""How ``extra`` begins where the process number is known: it comes first (``said.sql``)."""
_WORTH = 0.7
"""The share of lines to be read up to which it pays to put the others together from them."""


class Alike:
    """Which of some lines are to be read, and the rows of all of them from the rows of those.

    Args:
        lines: schema ``LINES``.
    """

    def __init__(self, lines: pa.Table) -> None:
        self._lines = lines
        self._cut()
        read = np.ones(lines.num_rows, np.bool_)
        read[self._rows] = False
        read[self._stamp_from] = read[self._text_from] = True
        self.rows: Places = np.flatnonzero(read)
        """The lines to be read, ascending."""
        self.worth = len(self.rows) <= _WORTH * lines.num_rows
        """False when so many lines are to be read that all of them may be."""

    def _cut(self) -> None:
        """Find the lines with an ordinary head and, for each, the first line of its stamp and that of its text."""
        data, bounds = bytes_of(pa.concat_arrays(self._lines["line"].chunks))
        raw = np.frombuffer(data, np.uint8)
        rows, start, end = np.arange(len(bounds) - 1), bounds[:-1], bounds[1:]
        host = start + _STAMP + 1
        blank, colon = (_next(np.flatnonzero(raw == ord(sign)), host, end) for sign in " :")
        good = np.flatnonzero((blank < colon) & (colon + 1 < end))
        good = good[(raw[host[good] - 1] == ord(" ")) & (raw[colon[good] + 1] == ord(" "))]
        rows, start, end, host, blank, colon = (places[good] for places in (rows, start, end, host, blank, colon))
        stamps = text_of(data, start, host - 1).dictionary_encode()
        hosts = text_of(data, host, blank).dictionary_encode()
        tags = text_of(data, blank + 1, colon).dictionary_encode()
        texts = text_of(data, colon + 2, end).dictionary_encode()
        named = pc.extract_regex(tags.dictionary, _TAG)
        ordinary = (
            _of(stamps, pc.match_substring_regex(stamps.dictionary, _STAMPED))
            & _of(hosts, pc.match_substring_regex(hosts.dictionary, _HOST))
            & _of(tags, pc.is_valid(named))
        )
        names = pc.fill_null(pc.struct_field(named, "tag"), "").dictionary_encode().indices
        said = _of(tags, names).astype(np.int64) * len(texts.dictionary) + texts.indices.to_numpy()
        self._rows = rows[ordinary]
        self._stamp_from = self._first(stamps.indices.to_numpy()[ordinary])
        self._text_from = self._first(said[ordinary])
        kept = pa.array(ordinary)
        pids = pc.struct_field(named, "pid")
        pids = pc.if_else(pc.equal(pids, ""), pa.scalar(None, pa.string()), pids).cast(pa.int64())
        self._pids = pids.take(tags.indices.filter(kept))
        known = pc.if_else(pc.equal(hosts.dictionary, "-"), pa.scalar(None, pa.string()), hosts.dictionary)
        self._hosts = known.take(hosts.indices.filter(kept))

    def _first(self, kinds: npt.NDArray[np.integer[Any]]) -> Places:
        """For each of the ordinary lines the first line of its kind."""
        _, first, kind = np.unique(kinds, return_index=True, return_inverse=True)
        found: Places = self._rows[first[kind]]
        return found

    def all_rows(self, found: pa.Table) -> pa.Table:
        """The rows of all lines, in order.

        Args:
            found: the rows of the lines :attr:`rows`, in order.
        """
        place = np.full(self._lines.num_rows, -1)
        place[self.rows] = np.arange(len(self.rows))
        ordinary = place[self._rows] >= 0
        alike = np.zeros(len(self.rows), np.bool_)
        alike[place[self._rows[ordinary]]] = True
        stamped, own = place.copy(), place.copy()
        own[self._rows] = len(self.rows) + np.arange(len(self._rows))
        stamped[self._rows], place[self._rows] = place[self._stamp_from], place[self._text_from]
        nothing = {kind: pa.nulls(len(place), kind) for kind in set(found.schema.types)}
        columns = {
            name: nothing[column.type] if column.null_count == len(column) else column.take(pa.array(place))
            for name, column in zip(found.column_names, found.columns, strict=True)
        }
        for name in ("source_offset", "source_length"):
            columns[name] = self._lines[name]
        for name in ("time", "reason"):
            columns[name] = found[name].take(pa.array(stamped))
        host, extra = (pa.concat_arrays(found[name].chunks) for name in ("host", "extra"))
        columns["host"] = pa.concat_arrays([host, self._hosts]).take(pa.array(own))
        # What `extra` holds besides the number of the process, of lines that others are made of.
        more = pc.if_else(pa.array(alike), pc.replace_substring_regex(extra, _PID, "{"), extra)
        more = pc.if_else(pc.equal(more, "{}"), pa.scalar(None, pa.string()), more)
        rest = pc.coalesce(pc.binary_join_element_wise(",", pc.utf8_slice_codeunits(more, 1), ""), "}")
        pids = pa.concat_arrays([pa.nulls(len(self.rows), pa.string()), self._pids.cast(pa.string())])
        numbered = pc.binary_join_element_wise('{"pid":', pids.take(pa.array(own)), rest.take(pa.array(place)), "")
        columns["extra"] = pc.coalesce(numbered, more.take(pa.array(place)))
        return pa.table(columns)


def _next(where: Places, places: Places, ends: Places) -> Places:
    """The first of some ascending positions from each place on, its end where none is before that."""
    at = np.append(where, np.iinfo(np.int64).max)[np.searchsorted(where, places)]
    found: Places = np.minimum(at, ends)
    return found


def _of(coded: pa.DictionaryArray, told: pa.Array) -> npt.NDArray[Any]:
    """For each text what is told of it."""
    values: npt.NDArray[Any] = told.to_numpy(zero_copy_only=False)
    found: npt.NDArray[Any] = values[coded.indices.to_numpy()]
    return found
