"""Learned templates: what the messages of a log have in common, with ``<*>`` where they differ.

The method is Drain (He, Zhu, Zheng and Lyu, "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017),
but no line passes through Python. Masks over whole columns turn numbers, addresses, identifiers and paths into ``<*>``;
what is left is the *shape* of a message, and a chunk has few distinct ones. Only a shape that was never seen before
goes through Drain's tree, in order of first appearance, and it keeps the template it was given then: so the ids depend
on the stream alone, never on how it was cut into chunks.

The peer library, drain3, was not taken: its last release (0.9.11, 2022) pins ``jsonpickle==1.5.1`` and
``cachetools==4.2.1``, keeps its state by jsonpickle, which makes objects of any class that the state names, and parses
line by line in Python.

Everything is bounded, because attackers write log lines: the length of a shape, the depth and the children of the tree,
the number of templates and of shapes. Once as many shapes as are kept have been seen, the tree learns no more and only
recognises; what it does not know then is :data:`CATCH_ALL`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

WILD = "<*>"
CATCH_ALL = 0
"""The template ``<*>`` of what no other takes in."""
TEMPLATES = pa.schema([("template_id", pa.int64()), ("template", pa.string()), ("origin", pa.string())])
"""A template; ``origin`` is the shape that founded it, by which the tree is built again."""
SHAPES = pa.schema([("shape", pa.string()), ("template_id", pa.int64())])
MAX_SHAPES = 100_000
MAX_TEMPLATES = 10_000
MAX_CHARACTERS = 400
"""Of a message that make its shape; what follows does not tell messages apart."""
_DEPTH = 2
"""Words that lead to a leaf of the tree, after their number."""
_MAX_CHILDREN = 100
_MAX_LEAF = 32
"""Templates of one leaf, each of which a new shape is compared with; a shape beyond them goes to the catch-all."""
_SIMILARITY = 0.7
"""Share of equal words from which a message belongs to a template; see :func:`_similarity`."""

_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
# Digit runs are already a single 0 here. RE2 takes the first alternative that fits at a place.
_MASKS = "|".join(
    (
        r"\b[a-zA-Z][a-zA-Z0+.-]*://[^\s\"'<>()\[\]]+",  # a URL
        r"\b[0a-fA-F]+(?:-[0a-fA-F]+){4}\b",  # a UUID
        r"\b(?:[0a-fA-F]{1,4}[:-]){5,7}[0a-fA-F]{1,4}\b",  # an IPv6 or hardware address
        rf"\b(?:{_DAY},? +)?(?:{_MONTH} +0|0[ /-]{_MONTH})(?:[ ,/:-]+0(?:[.,:]0)*)*(?: [+-]0| UTC| GMT)?\b",  # a date
        r"\b0[xX][0a-fA-F]+\b",
        r"\b[A-Za-z]:\\[^\s\"'<>|,;]+",  # a Windows path
        r"\b(?:[a-fA-F]+0|0[a-fA-F]+)[0a-fA-F]*\b",  # hexadecimal, unless it has letters only
        r"-?\b0(?:[.,:/_-]0)*\b",  # numbers, dates, times, IPv4 addresses, versions
        r"0",  # the number in a name like eth0
    )
)
_PATH = r"""(^|[\s"'(\[=,;<>])/[\w.@%+~:-]*(?:/[\w.@%+~:-]*)*(?:\?[^\s"']*)?"""


@dataclass
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    templates: list[int] = field(default_factory=list)


class Templates:
    """The templates of a workspace.

    Args:
        templates: what an earlier engine learned, schema :data:`TEMPLATES`.
        shapes: likewise, schema :data:`SHAPES`.
    """

    def __init__(self, templates: pa.Table | None = None, shapes: pa.Table | None = None) -> None:
        self._root = _Node()
        self._words: dict[int, list[str]] = {}
        self._origins: dict[int, str] = {CATCH_ALL: WILD}
        self._ids: dict[str, int] = {}
        self._new: list[str] = []
        self._changed: dict[int, None] = {}
        for row in [] if templates is None else templates.sort_by("template_id").to_pylist():
            if row["template_id"] != CATCH_ALL:
                self._origins[row["template_id"]] = row["origin"]
                self._words[row["template_id"]] = row["template"].split(" ")
                self._place(row["template_id"], row["origin"].split(" "))
        if shapes is not None:
            self._ids = dict(zip(shapes["shape"].to_pylist(), shapes["template_id"].to_pylist(), strict=True))

    def assign(self, messages: pa.ChunkedArray) -> tuple[pa.Array, pa.Table, pa.Table]:
        """The template of each message.

        Args:
            messages: strings; a null has no template.

        Returns:
            The ids (int64), the shapes that are new and the templates that are new or have become more general, both
            since the last :meth:`committed`.
        """
        told = messages.drop_null()
        if len(told) == 0:
            return pa.nulls(len(messages), pa.int64()), self._new_shapes(), self._changed_templates()
        encoded = _collapsed(told).dictionary_encode()
        shapes = _masked(encoded.dictionary).to_pylist()
        ids = np.fromiter((self._id(shape) for shape in shapes), np.int64, len(shapes))
        rows = pa.array(ids).take(encoded.indices)
        if messages.null_count:
            there = pc.is_valid(messages).combine_chunks()
            rows = pc.replace_with_mask(pa.nulls(len(messages), pa.int64()), there, rows)
        return rows, self._new_shapes(), self._changed_templates()

    def committed(self) -> None:
        """What was handed out is stored."""
        self._new, self._changed = [], {}

    def _new_shapes(self) -> pa.Table:
        return pa.table([self._new, [self._ids[shape] for shape in self._new]], schema=SHAPES)

    def _changed_templates(self) -> pa.Table:
        numbers = list(self._changed)
        texts = [" ".join(self._words[number]) for number in numbers]
        return pa.table([numbers, texts, [self._origins[number] for number in numbers]], schema=TEMPLATES)

    # -- Drain ---------------------------------------------------------------------------------------------------

    def _id(self, shape: str) -> int:
        known = self._ids.get(shape)
        if known is not None:
            return known
        words = shape.split(" ")
        found = self._match(words)
        if len(self._ids) >= MAX_SHAPES:
            return CATCH_ALL if found is None else found
        if found is None:
            found = self._found(shape, words)
        else:
            self._generalise(found, words)
        self._ids[shape] = found
        self._new.append(shape)
        return found

    def _match(self, words: list[str]) -> int | None:
        """The most similar template of the leaf that the words lead to, if it is similar enough."""
        node = self._root.children.get(str(len(words)))
        for word in words[:_DEPTH]:
            if node is None:
                return None
            node = node.children.get(word) or node.children.get(WILD)
        if node is None:
            return None
        best, most = None, (-1.0, -1)
        for number in node.templates:
            template = self._words[number]
            score = (_similarity(template, words), template.count(WILD))
            if score > most:
                best, most = number, score
        return best if most[0] >= _SIMILARITY else None

    def _found(self, shape: str, words: list[str]) -> int:
        """A new template, as long as there is room."""
        number = len(self._words) + 1
        if number > MAX_TEMPLATES or not self._place(number, words):
            return CATCH_ALL
        self._words[number], self._origins[number] = words, shape
        self._changed[number] = None
        return number

    def _place(self, number: int, words: list[str]) -> bool:
        node = self._root.children.setdefault(str(len(words)), _Node())
        for word in words[:_DEPTH]:
            excess = word not in node.children and (WILD in word or len(node.children) >= _MAX_CHILDREN - 1)
            node = node.children.setdefault(WILD if excess else word, _Node())
        if len(node.templates) >= _MAX_LEAF:
            return False
        node.templates.append(number)
        return True

    def _generalise(self, number: int, words: list[str]) -> None:
        before = self._words[number]
        after = [ours if ours == theirs else WILD for ours, theirs in zip(before, words, strict=True)]
        if after != before:
            self._words[number] = after
            self._changed[number] = None


def _collapsed(messages: pa.ChunkedArray) -> pa.LargeStringArray:
    """The messages with every run of digits as one 0, cut to the length that counts."""
    texts = pa.concat_arrays(messages.chunks).cast(pa.large_string())
    if (pc.max(pc.binary_length(texts)).as_py() or 0) > MAX_CHARACTERS:
        texts = pc.utf8_slice_codeunits(texts, 0, MAX_CHARACTERS)
    _, places, content = texts.buffers()
    offsets = np.frombuffer(places, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(content, np.uint8)[offsets[0] : offsets[-1]] if content else np.zeros(0, np.uint8)
    offsets = offsets - offsets[0]
    digit = (data - np.uint8(48)) < 10
    again = np.zeros(len(data), np.bool_)
    again[1:] = digit[1:] & digit[:-1]
    again[offsets[:-1][offsets[:-1] < len(data)]] = False  # the row before has nothing to do with it
    dropped = np.flatnonzero(again)
    kept = np.where(digit, np.uint8(48), data)[~again]
    moved = offsets - np.searchsorted(dropped, offsets)
    return pa.Array.from_buffers(pa.large_string(), len(texts), [None, pa.py_buffer(moved), pa.py_buffer(kept)])


def _masked(coarse: pa.Array) -> pa.Array:
    """The shapes of the distinct texts that are left."""
    masked = pc.replace_substring_regex(coarse, _PATH, rf"\1{WILD}")
    masked = pc.replace_substring_regex(masked, _MASKS, WILD)
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(masked, r"\s+", " "))


def _similarity(template: list[str], words: list[str]) -> float:
    """The share of equal words among those that are not masked on both sides, 1 where all are.

    Drain counts over all words; masks that leave many wild ones would then leave too little to be similar by.
    """
    told = [
        ours == theirs for ours, theirs in zip(template, words, strict=True) if WILD not in ours or WILD not in theirs
    ]
    return sum(told) / len(told) if told else 1.0
