"""Tables of flows: what every format shares whose columns a header line names.

The header is carried in :data:`Header` from chunk to chunk, may come again anywhere in a file (collectors append) and
may then name other columns. Its names are data: they reach SQL only as parameters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.formats.base import REASONS, Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import load_sql, normalise
from soc_tui.core.schema import NORMALISED

_MAX_FIELDS = 512
"""More columns than any of these tools writes (CICFlowMeter, the widest, has 85)."""
_NUMBER = r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?"
"""A number as JSON writes it (RFC 8259, 6)."""


class FlowTable(Format):
    """Separated values under a header line. What has no column goes to ``extra`` under its name in the header."""

    separator: ClassVar[str] = ","
    spellings: ClassVar[Mapping[str, str]]
    """The name that the SQL uses for each spelling in a header, lower case without blanks around it."""
    header_line: ClassVar[str]
    """RE2 and ``re`` pattern, found at the beginning of a header line and of no record."""
    no_records: ClassVar[str] = ""
    """The same for other lines that are no records."""
    kept: ClassVar[frozenset[str]] = frozenset()
    """Spellings that the SQL reads and that go to ``extra`` all the same."""
    words: ClassVar[frozenset[str]] = frozenset()
    """Spellings whose values are text in ``extra`` whatever they look like; others are numbers where they can be."""
    unset: ClassVar[Mapping[str, str]] = {}
    """What stands for nothing in fields of those spellings that go to ``extra``; ``*`` is for all."""
    rare: ClassVar[frozenset[str]] = frozenset()
    """Spellings with something for nothing that are seldom set: most lines are spared a look at each."""
    split: ClassVar[str] = "csv_fields(line)"
    """The fields of a line, as SQL."""
    before: ClassVar[str] = ""
    """RE2 of what may stand before the first field, where ``split`` removes it."""
    default: ClassVar[Sequence[str]] = ()
    """The columns before any header; without it such records are rejects."""

    @property
    def skips(self) -> str:
        """Header lines, and what a tool adds that is no flow."""
        return f"{self.header_line}|{self.no_records}" if self.no_records else self.header_line

    def confidence(self, lines: Sequence[str]) -> float:
        """Certain when a header is among the first lines; a preamble may stand before it."""
        return 1.0 if any(re.match(self.header_line, line[:8192]) for line in lines[:20]) else 0.0

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Header lines are taken in; every other line is a flow or has the wrong number of fields."""
        groups, header = self._by_header(lines, header)
        results = [self._under(fields, group, origin) for fields, group in groups]
        if len(results) == 1:
            return Normalised(*results[0], header)
        events = pa.concat_tables([NORMALISED.empty_table(), *(r[0] for r in results)])
        rejects = pa.concat_tables([REASONS.empty_table(), *(r[1] for r in results)])
        return Normalised(events.sort_by("source_offset"), rejects.sort_by("source_offset"), header)

    def _by_header(self, lines: pa.Table, header: Header) -> tuple[list[tuple[tuple[str, ...], pa.Table]], Header]:
        """The records under each header in force, and the header after the last line."""
        marks = pc.indices_nonzero(pc.match_substring_regex(lines["line"], f"^(?:{self.skips})")).to_pylist()
        groups: dict[tuple[str, ...], list[pa.Table]] = {}
        start = 0
        for mark in [*marks, lines.num_rows]:
            if mark > start:
                fields = tuple(header.get("fields", self.default))
                groups.setdefault(fields, []).append(lines.slice(start, mark - start))
            if mark < lines.num_rows:
                line = lines["line"][mark].as_py()
                header = {"fields": self._columns(line)} if re.match(self.header_line, line) else header
            start = mark + 1
        return [(fields, pa.concat_tables(parts)) for fields, parts in groups.items()], header

    def _columns(self, line: str) -> list[str]:
        """The names in a header line; a name that comes again is numbered, as pandas does."""
        names: dict[str, None] = {}
        for word in line.removeprefix("\ufeff").split(self.separator):
            name = plain = word.strip().strip('"').strip()
            again = 0
            while name in names:
                again += 1
                name = f"{plain}.{again}"
            names[name] = None
        return list(names)

    def _under(self, fields: Sequence[str], lines: pa.Table, origin: Origin) -> tuple[pa.Table, pa.Table]:
        if not fields or len(fields) > _MAX_FIELDS:
            reason = f"the header names over {_MAX_FIELDS} columns" if fields else "no header line before this record"
            rejects = lines.select(["source_offset", "source_length"])
            return NORMALISED.empty_table(), rejects.append_column("reason", pa.array([reason] * lines.num_rows))
        sql, params = self._sql(fields)
        params |= {"modified": origin.modified, "zone": origin.zone}
        used = set(re.findall(r"\$(\w+)", sql))
        return normalise(sql, lines, {name: value for name, value in params.items() if name in used})

    def _sql(self, fields: Sequence[str]) -> tuple[str, dict[str, Any]]:
        """The normaliser for these columns: relation ``flows`` with each known field as text, and what is left."""
        params: dict[str, Any] = {"count": len(fields), "number": _NUMBER}
        known: dict[str, str] = {}
        others: list[_Other] = []
        shape, common = [], []
        for number, field in enumerate(fields, 1):
            spelling = field.lower()
            own = self.spellings.get(spelling)
            if own is not None and own not in known:
                known[own] = f"f[{number}]"
                if spelling not in self.kept:
                    shape.append(f"[^{self.separator}]*")
                    common.append(shape[-1])
                    continue
            unset = [self.unset[key] for key in ("*", spelling) if key in self.unset]
            text = value = f"trim(f[{number}])" if spelling in self.words else f"f[{number}]"
            for place, nothing in enumerate(unset):
                params[f"u{number}_{place}"] = nothing
                value = f"nullif({value}, $u{number}_{place})"
            other = _Other(f"$n{number}", text, value, spelling in self.words, spelling in self.rare)
            others.append(other)
            params[f"n{number}"] = json.dumps(field) + (':"' if other.word else ":")
            params[f"m{number}"] = f"{json.dumps(field)}:"
            ordinary = rf'[^{self.separator}"\\\x00-\x1f]+' if other.word else _NUMBER
            shape.append(f"(?:{'|'.join([ordinary, *map(re.escape, unset)])})")
            common.append(re.escape(unset[-1]) if other.rare else shape[-1])
        params |= {
            "shape": self.before + self.separator.join(shape),
            "common": self.before + self.separator.join(common),
        }
        columns = [f"{known.get(own, 'NULL::VARCHAR')} AS {own}" for own in dict.fromkeys(self.spellings.values())]
        file = f"flows/{self.name.replace('-', '_')}"
        sql = f"""
            WITH split AS (
                SELECT source_offset, source_length, line, {self.split} AS f FROM lines
            ), flows AS (
                SELECT source_offset, source_length, {", ".join(columns)}, nullif({self._rest(others)}, '') AS rest,
                    CASE WHEN len(f) <> $count THEN len(f) || ' fields where the header names ' || $count END AS reason
                FROM split
            ), {load_sql(file)}"""  # noqa: S608 - our own names and numbers only
        return sql, params

    def _rest(self, others: Sequence[_Other]) -> str:
        """The fields without a column, as the inside of a JSON object.

        Most lines are of the ordinary shape, in which nothing is to be escaped or tried; where nothing can be unset
        either, plain ``concat`` costs half of ``concat_ws``.
        """
        if not others:
            return "''"
        careful = f"concat_ws(',', {', '.join(one.careful for one in others)})"
        if not self.unset:
            members = ", ',', ".join(one.bare for one in others)
            ordinary = f"concat({members})"
        else:
            ordinary = f"concat_ws(',', {', '.join(one.plain for one in others)})"
        common = [one.plain for one in others if not one.rare]
        if not common or len(common) == len(others):
            return f"CASE WHEN regexp_full_match(line, $shape) THEN {ordinary} ELSE {careful} END"
        return (
            f"CASE WHEN regexp_full_match(line, $common) THEN concat_ws(',', {', '.join(common)})"
            f" WHEN regexp_full_match(line, $shape) THEN {ordinary} ELSE {careful} END"
        )


class _Other(NamedTuple):
    """A field that goes to ``extra``."""

    parameter: str
    field: str
    """The text as it stands."""
    value: str
    """The text, null when it stands for nothing."""
    word: bool
    rare: bool

    @property
    def bare(self) -> str:
        """The member where the field is sure to be ordinary and set."""
        return f"{self.parameter}, {self.field}" + (", '\"'" if self.word else "")

    @property
    def plain(self) -> str:
        """The member where it is ordinary."""
        return f"{self.parameter} || {self.value}" + (" || '\"'" if self.word else "")

    @property
    def careful(self) -> str:
        """The member whatever the field holds."""
        name, value = self.parameter.replace("n", "m"), f"nullif({self.value}, '')"
        if self.word:
            return f"{name} || to_json({value})::VARCHAR"
        return (
            f"{name} || CASE WHEN regexp_full_match({value}, $number) THEN {value} ELSE to_json({value})::VARCHAR END"
        )
