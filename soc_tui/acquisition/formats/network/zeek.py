"""Zeek logs, tab-separated (https://docs.zeek.org/en/master/log-formats.html) and JSON, of every kind."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import PurePath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.formats.base import REASONS, Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.network.sections import OTHER
from soc_tui.acquisition.formats.network.split import by_section
from soc_tui.acquisition.formats.network.zeek_logs import ENDS, LISTS, events_sql, kinds, log
from soc_tui.acquisition.formats.sql import load_sql, normalise
from soc_tui.core.schema import NORMALISED

_MAX_FIELDS = 512
"""More names in a ``#fields`` line than any Zeek log has (the longest known has about 60)."""


def _stem(path: str) -> str:
    """The log's name by its file, the last resort: ``conn`` for ``/x/conn.16:00-17:00.log.gz``."""
    return PurePath(path).name.split(".", 1)[0].lower() or "unknown"


def _kind(log_name: str) -> str:
    """The section for a log; ``open_conn`` (RITA) and the like hold what ``conn`` does."""
    kind = log_name.removeprefix("open_")
    return kind if kind in kinds() else OTHER


class ZeekTsv(Format):
    """Zeek's own tab-separated format; the header lines say what the columns are and may change within a file."""

    name = "zeek-tsv"
    skips = "#"

    def confidence(self, lines: Sequence[str]) -> float:
        """Certain when a ``#separator`` or ``#fields`` line is among the first."""
        return 1.0 if any(re.match(r"#(?:separator|fields)\s", line) for line in lines) else 0.0

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Header lines are taken in, every other line is an event or has the wrong number of fields."""
        groups, header = _by_header(lines, header)
        results = [_tsv_group(group, head, origin) for head, group in groups]
        if len(results) == 1:
            return Normalised(*results[0], header)
        events = pa.concat_tables([NORMALISED.empty_table(), *(r[0] for r in results)])
        rejects = pa.concat_tables([REASONS.empty_table(), *(r[1] for r in results)])
        return Normalised(events.sort_by("source_offset"), rejects.sort_by("source_offset"), header)


def _by_header(lines: pa.Table, header: Header) -> tuple[list[tuple[Header, pa.Table]], Header]:
    """The data lines under each header in force, and the header after the last line."""
    marks = pc.indices_nonzero(pc.starts_with(lines["line"], "#")).to_pylist()
    groups: dict[str, tuple[Header, list[pa.Table]]] = {}
    start = 0
    for mark in [*marks, lines.num_rows]:
        if mark > start:
            groups.setdefault(json.dumps(header), (header, []))[1].append(lines.slice(start, mark - start))
        if mark < lines.num_rows:
            header = _read_header(lines["line"][mark].as_py(), header)
        start = mark + 1
    return [(head, pa.concat_tables(parts)) for head, parts in groups.values()], header


def _read_header(line: str, header: Header) -> Header:
    if line.startswith("#separator"):
        word = line[len("#separator") :].strip()
        separator = re.sub(r"\\x([0-9a-fA-F]{2})", lambda found: chr(int(found.group(1), 16)), word) or "\t"
        separator = separator.replace("\\t", "\t")  # not of Zeek's own writer, but found (dnscat2 capture of RITA)
        return {"separator": separator}  # a new log begins: nothing of an older header holds
    separator = header.get("separator", "\t")
    parts = line.split(separator) if separator in line else line.split()
    key, values = parts[0], parts[1:]
    if key in {"#fields", "#types"}:
        return {**header, key[1:]: values} if key == "#types" else {**header, "fields": values, "types": []}
    if key in {"#path", "#unset_field", "#empty_field", "#set_separator"} and values:
        return {**header, key[1:]: values[0]}
    return header


def _tsv_group(lines: pa.Table, header: Header, origin: Origin) -> tuple[pa.Table, pa.Table]:
    fields: list[str] = header.get("fields", [])
    if not fields or len(fields) > _MAX_FIELDS:
        reason = "no #fields line before this record" if not fields else f"#fields names over {_MAX_FIELDS} columns"
        rejects = lines.select(["source_offset", "source_length"])
        return NORMALISED.empty_table(), rejects.append_column("reason", pa.array([reason] * lines.num_rows))
    types: list[str] = [*header.get("types", []), *[""] * len(fields)][: len(fields)]
    log_name = header.get("path") or _stem(origin.path)
    known = log(_kind(log_name))
    at: dict[str, int] = {}
    for number, field in enumerate(fields, 1):
        at.setdefault(field, number)
    params: dict[str, Any] = {
        "modified": origin.modified, "separator": header.get("separator", "\t"), "log_name": log_name,
        "unset": header.get("unset_field", "-"), "empty": header.get("empty_field", "(empty)"),
        "set_separator": header.get("set_separator", ","), "count": len(fields),
    }  # fmt: skip

    # Each field is taken out of the list once; what follows reads it as a column.
    split = ", ".join(f"f[{number}] AS c{number}" for number in range(1, len(fields) + 1))

    def text(field: str) -> str:
        return (
            f"CASE WHEN c{at[field]} NOT IN ($unset, $empty) THEN c{at[field]} END" if field in at else "NULL::VARCHAR"
        )

    def member(field: str, number: int) -> str:
        return f"split_part({text(field)}, $set_separator, {number})" if field in at else "NULL::VARCHAR"

    extra = []
    for number, (field, kind_of) in enumerate(zip(fields, types, strict=True), 1):
        if field not in known.mapped or at[field] != number:
            params[f"n{number}"] = f"{json.dumps(field)}:"  # names are data: they reach SQL only as parameters
            extra.append(f"$n{number} || {_typed(f'c{number}', kind_of)}")
    columns = [f'{text(field)} AS "{field}"' for field in known.fields]
    columns += [f"{text(f'id.{end}')} AS {end}" for end in ENDS]
    columns += [f"{member(*LISTS[name])} AS {name}" for name in known.lists]
    # Joined as text, which leaves out what is unset and costs half of json_object and a merge patch.
    made = f"members(concat_ws(',', {', '.join(extra)}))" if extra else "NULL::VARCHAR"
    # Zeek doubles a backslash of the traffic; undoing that gives the text that its JSON logs carry.
    sql = f"""
        WITH split AS (
            SELECT source_offset, source_length, string_split(CASE
                -- a line end within a field; chr(1) keeps the place of a doubled backslash meanwhile
                WHEN contains(line, '\\x0') AND NOT contains(line, chr(1))
                THEN replace(replace(replace(replace(line, '\\\\', chr(1)), '\\x0a', chr(10)),
                    '\\x0d', chr(13)), chr(1), '\\')
                ELSE replace(line, '\\\\', '\\') END, $separator) AS f FROM lines
        ), cells AS (
            -- a separator that ends the line (logs that were joined with something) names no field
            SELECT source_offset, source_length,
                len(f) - (len(f) = $count + 1 AND f[-1] = '')::INTEGER AS found, {split}
            FROM split
        ), fields AS (
            SELECT source_offset, source_length, $log_name AS log_name, NULL::VARCHAR AS sensor,
                CASE WHEN found <> $count THEN found || ' fields where #fields names ' || $count END AS reason,
                {made} AS extra, {", ".join(columns)}
            FROM cells
        ) {events_sql(_kind(log_name))}"""  # noqa: S608 - made of our own names and numbers only
    used = set(re.findall(r"\$(\w+)", sql))
    return normalise(sql, lines, {name: value for name, value in params.items() if name in used})


def _typed(value: str, kind: str) -> str:
    """The SQL that gives a field as JSON text by its Zeek type; NULL when unset."""
    whole = {"count": "UBIGINT", "int": "BIGINT", "port": "BIGINT"}
    real = ("double", "interval", "time")
    if kind in whole:
        return f"try_cast({value} AS {whole[kind]})::VARCHAR"
    if kind in real:
        return f"to_json(try_cast({value} AS DOUBLE))::VARCHAR"
    if kind == "bool":
        return f"CASE {value} WHEN 'T' THEN 'true' WHEN 'F' THEN 'false' END"
    container = re.fullmatch(r"(?:set|vector|table)\[(\w+)\]", kind)
    if container:
        inner = whole.get(container.group(1), "DOUBLE" if container.group(1) in real else "VARCHAR")
        items = f"to_json(try_cast(string_split({value}, $set_separator) AS {inner}[]))::VARCHAR"
        return f"CASE WHEN {value} = $empty THEN '[]' WHEN {value} <> $unset THEN {items} END"
    text = f"to_json({value})::VARCHAR"
    return f"CASE WHEN {value} = $empty THEN '\"\"' WHEN {value} <> $unset THEN {text} END"


class ZeekJson(Format):
    """Zeek JSON, as the ASCII writer, json-streaming-logs (``_path``) or a Kafka writer (``@stream``) give it."""

    name = "zeek-json"

    def confidence(self, lines: Sequence[str]) -> float:
        """By the keys of the first records."""
        return max((_zeek_likeness(line) for line in lines[:20]), default=0.0)

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Every JSON object is an event; other lines are rejects."""
        return by_section(_kinds_sql(), _json_sql, lines, header, origin, {"stem": _stem(origin.path)})


def _zeek_likeness(line: str) -> float:
    if not line.startswith("{"):
        return 0.0
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return 0.0
    if not isinstance(record, dict) or "event_type" in record:
        return 0.0
    if "_path" in record or record.get("@proc") == "zeek":
        return 1.0
    if "ts" in record and ({"@stream", "uid", "id.orig_h", "id_orig_h", "fuid"} & record.keys()):
        return 1.0
    script = str(record.get("name", "")).endswith((".zeek", ".bro"))  # loaded_scripts has no other mark
    return 0.8 if script or isinstance(record.get("ts"), int | float) else 0.0


_OWN = ("_path", "@stream", "@system", "@proc", "_system_name")
"""What the writers of JSON put beside the fields of the log."""


@cache
def _kinds_sql() -> str:
    return load_sql("network/zeek_json").replace("{kinds}", str(list(kinds())))


@cache
def _json_sql(kind: str) -> str:
    known = log(kind)
    ends = {f"id{mark}{end}": "VARCHAR" for mark in "._" for end in ENDS}
    schema: dict[str, Any] = dict.fromkeys([*known.fields, "@system", "_system_name"], "VARCHAR") | ends
    schema |= {LISTS[name][0]: ["VARCHAR"] for name in known.lists}
    gone = json.dumps(dict.fromkeys([*_OWN, *known.mapped, *ends]))
    columns = [f'nullif(r."{name}", \'\') AS "{name}"' for name in known.fields]
    columns += [f'coalesce(r."id.{end}", r.id_{end}) AS {end}' for end in ENDS]
    columns += [f"nullif(r.{field}[{number}], '') AS {name}" for name in known.lists for field, number in [LISTS[name]]]
    return f"""
        WITH parsed AS (
            SELECT source_offset, source_length, log_name, from_json(line, '{json.dumps(schema)}') AS r,
                json_merge_patch(line, '{gone}')::VARCHAR AS rest
            FROM lines
        ), fields AS (
            SELECT source_offset, source_length, NULL::VARCHAR AS reason, log_name, nullif(rest, '{{}}') AS extra,
                coalesce(r."@system", r._system_name) AS sensor, {", ".join(columns)}
            FROM parsed
        ) {events_sql(kind)}"""  # noqa: S608 - made of our own names only
