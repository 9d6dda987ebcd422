"""One DNS name as character ids that tell apart who owns which part of it.

A generator of domains (DGA) chooses the registered label, a tunnel fills the labels below it, and neither chooses the
public suffix freely. So each character has three ids: one in the registered label, one in the public suffix, one in
what stands below (``subdomain``). The registered label comes first, then the suffix, then the labels below, so the
part that decides most often stands at the same place. Letter case is folded: resolvers randomise it (0x20 encoding).

The suffix list is tldextract's bundled snapshot with its private part: below ``cloudfront.net`` or ``duckdns.org``
the label in front belongs to a customer, and the network sees which of them it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from soc_tui.acquisition.enrichment.domains import MAX_NAME, split_domain
from soc_tui.analysis.encoding.base import Encoded, Reasons, distinct_texts, entry, spread, values_table

LENGTH = 256
"""Ids per name: the depth mark and at most ``MAX_NAME`` (253) characters."""

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789-_."
OTHER = len(_ALPHABET)
"""Kind of every character that host names do not have."""
_KINDS = OTHER + 1
_MARKS = 6
"""Ids 1 to 6: the name has no registered domain, or 0, 1, 2, 3, 4 and more labels below it."""
BELOW, REGISTERED, SUFFIX = (1 + _MARKS + _KINDS * part for part in range(3))
"""First id of each part's characters."""
VOCABULARY = 1 + _MARKS + 3 * _KINDS

RUN = 12
"""Characters of a label that an explanation names at once."""

_KIND = np.full(128, OTHER, np.uint8)
_KIND[np.frombuffer(_ALPHABET.encode(), np.uint8)] = np.arange(len(_ALPHABET))

Ids = NDArray[np.uint8]
Places = NDArray[np.int64]


def plain(name: str) -> str:
    """The name as it is encoded: lower case, without spaces and dots around it; of too long a text the end."""
    return name[-4 * MAX_NAME :].strip().strip(".").lower()[-MAX_NAME:]


def parts(name: str) -> tuple[int, int]:
    """Where the registered label and the suffix of a plain name begin, as ``name[:a]``, ``name[a:b]``, ``name[b:]``.

    The dots belong to the part on their left. A name without a registered domain (one label, an address, a bare
    suffix, text that is no name) is all ``name[:a]``.
    """
    cut = split_domain(name)
    if cut.registered_domain is None or cut.suffix is None or not name.endswith(cut.registered_domain):
        return len(name), len(name)
    return len(name) - len(cut.registered_domain), len(name) - len(cut.suffix)


def characters(name: str) -> tuple[Ids, Places]:
    """A plain name's ids (the mark first) and, for each, its place in the name (-1 for the mark)."""
    codes = np.frombuffer(name.encode("utf-32-le", "surrogatepass"), np.uint32)
    kind = np.where(codes < 128, _KIND[np.minimum(codes, 127)], OTHER).astype(np.uint8)
    label, suffix = parts(name)
    below = name[:label]
    mark = 1 if label == len(name) else 2 + min(below.count("."), 4)
    places = np.arange(len(name))
    order = np.concatenate([[-1], places[label:suffix], places[suffix:], places[:label]]).astype(np.int64)
    shift = np.full(len(name), BELOW, np.uint8)
    shift[label:suffix] = REGISTERED
    shift[suffix:] = SUFFIX
    return np.concatenate([[np.uint8(mark)], (kind + shift)[order[1:]]]).astype(np.uint8), order


def ids(names: Sequence[str]) -> Ids:
    """Names to rows (names, LENGTH), padded with 0."""
    rows = np.zeros((len(names), LENGTH), np.uint8)
    for row, name in zip(rows, names, strict=True):
        found, _ = characters(plain(name))
        row[: len(found)] = found
    return rows


class DomainEncoding:
    """``base.Encoding`` of the ``domain`` model: a table with the column ``value``, one DNS name each."""

    name = "domain"
    risk_type = "trojan"
    column = "value"

    def table_of(self, values: Sequence[str]) -> tuple[pa.Table, dict[int, str]]:
        """``soc-tui score domain``: one name a line; an empty line is refused."""
        table, _ = values_table(values)
        return table, {place: "no name" for place, value in enumerate(values) if not plain(value)}

    def encode(self, table: pa.Table) -> Encoded:
        """One row for each name; without a column ``value`` every name is empty."""
        names, back = distinct_texts(table, "value")
        return spread(Encoded.single(ids(names)), back)

    def explain(
        self, table: pa.Table, encoded: Encoded, rows: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> list[Reasons]:
        """The labels of each name (of long ones runs of ``RUN`` characters) by what they did to the score."""
        names, back = distinct_texts(table, "value")
        owners = back[encoded.owner[rows]].tolist()
        return [explained(names[owner], weight) for owner, weight in zip(owners, weights, strict=True)]


def explained(name: str, weights: NDArray[Any]) -> Reasons:
    """Attributions (LENGTH,) of a name's row as ``{field, value, weight}``, summed over what each piece holds.

    ``field`` is ``characters A-B`` of the name, counted from 0, B excluded.
    """
    text = plain(name)
    _, order = characters(text)
    at = np.zeros(len(text))
    at[order[1:]] = np.asarray(weights, np.float64)[1 : len(order)]
    out = []
    for begin, end in _runs(text):
        out.append(entry(f"characters {begin}-{end}", text[begin:end], float(at[begin:end].sum())))
    return sorted(out, key=lambda entry: -abs(entry["weight"]))


def _runs(text: str) -> list[tuple[int, int]]:
    """The labels of a name, the public suffix as one, long ones in pieces of ``RUN``."""
    _, suffix = parts(text)
    out: list[tuple[int, int]] = []
    begin = 0
    for end in [place for place, char in enumerate(text[:suffix]) if char == "."] + [suffix]:
        out += [(at, min(at + RUN, end)) for at in range(begin, end, RUN)]
        begin = end + 1
    return out + ([(suffix, len(text))] if suffix < len(text) else [])


ENCODING = DomainEncoding()
