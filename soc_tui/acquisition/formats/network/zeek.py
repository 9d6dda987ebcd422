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
from soc_tui.acquisition.formats.sql import load_sql, normalise
from soc_tui.core.schema import NORMALISED

_KIND = re.compile(r"\bkind\b")
"""One TSV header means one kind of log; as a literal it lets the planner drop every branch of the other kinds (3x)."""

_MAX_FIELDS = 512
"""More names in a ``#fields`` line than any Zeek log has (the longest known has about 60)."""

# Fields that zeek_events.sql reads by their own name, as text.
_PLAIN = (
    "ts", "uid", "proto", "service", "duration", "orig_bytes", "resp_bytes", "conn_state", "orig_pkts", "resp_pkts",
    "community_id", "query", "qtype_name", "rcode_name", "method", "uri", "referrer", "user_agent", "status_code",
    "request_body_len", "response_body_len", "server_name", "ja3", "filename", "seen_bytes", "md5", "sha1", "sha256",
    "note", "msg", "src", "dst", "p", "name", "addl", "message",
)  # fmt: skip
# Fields only needed to tell the kind of a JSON record that does not say it, or read under another name.
_HINTS = (
    "_path", "@stream", "@system", "_system_name", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "id_orig_h",
    "id_orig_p", "id_resp_h", "id_resp_p", "history", "trans_id", "qclass", "rcode", "helo", "mailfrom",
    "trans_depth", "auth_success", "auth_attempts", "kex_alg", "fuid", "established", "ssl_history", "notice",
    "request_type", "client", "success", "username", "user", "host", "certificate.version",
)  # fmt: skip
_LISTS = ("tx_hosts", "rx_hosts", "conn_uids", "cert_chain_fuids")
_EVERY_KIND = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "community_id")
_COLUMNS_OF: dict[str, tuple[str, ...]] = {
    "conn": ("service", "duration", "orig_bytes", "resp_bytes", "conn_state", "orig_pkts", "resp_pkts"),
    "dns": ("query", "qtype_name", "rcode_name"),
    "http": (
        "method", "host", "uri", "referrer", "user_agent", "status_code", "request_body_len", "response_body_len",
        "username",
    ),
    "ssl": ("server_name", "ja3"),
    "files": ("filename", "duration", "seen_bytes"),
    "notice": ("note", "msg"),
    "weird": ("name", "addl"),
    "ssh": (),
    "smb_files": ("name",),
    "ftp": ("user",),
    "ntlm": ("username",),
    "kerberos": ("client",),
    "reporter": ("message",),
    "syslog": ("message",),
}  # fmt: skip
"""Per kind, the fields that have a column of their own and so are not repeated in ``extra``."""

_USER_FIELD = {"http": "username", "ntlm": "username", "ftp": "user", "kerberos": "client"}
_OUTCOME_FIELD = {"ssl": "established", "ssh": "auth_success", "kerberos": "success", "ntlm": "success"}


def _mapped(kind: str) -> tuple[str, ...]:
    return _EVERY_KIND + _COLUMNS_OF.get(kind, ())


def _stem(path: str) -> str:
    """The log's name by its file, the last resort: ``conn`` for ``/x/conn.16:00-17:00.log.gz``."""
    return PurePath(path).name.split(".", 1)[0].lower() or "unknown"


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
    kind = log_name.removeprefix("open_")
    kind = kind if re.fullmatch(r"[a-z0-9_]{1,40}", kind) else "other"
    at: dict[str, int] = {}
    for number, field in enumerate(fields, 1):
        at.setdefault(field, number)
    params: dict[str, Any] = {
        "modified": origin.modified, "separator": header.get("separator", "\t"), "log_name": log_name,
        "unset": header.get("unset_field", "-"), "empty": header.get("empty_field", "(empty)"),
        "set_separator": header.get("set_separator", ","), "count": len(fields),
    }  # fmt: skip

    def text(field: str) -> str:
        return f"nullif(nullif(f[{at[field]}], $unset), $empty)" if field in at else "NULL::VARCHAR"

    def first(field: str) -> str:
        return f"split_part({text(field)}, $set_separator, 1)" if field in at else "NULL::VARCHAR"

    extra = []
    mapped = _mapped(kind)
    for number, (field, kind_of) in enumerate(zip(fields, types, strict=True), 1):
        if field not in mapped:
            params[f"n{number}"] = f"{json.dumps(field)}:"  # names are data: they reach SQL only as parameters
            extra.append(f"$n{number} || {_typed(f'f[{number}]', kind_of)}")
    outcome, user = _OUTCOME_FIELD.get(kind, ""), _USER_FIELD.get(kind, "")
    columns = [f"{text(field)} AS {field}" for field in _PLAIN]
    columns += [f"{text(f'id.{end}')} AS {end}" for end in ("orig_h", "orig_p", "resp_h", "resp_p")]
    columns += [f"{first(f'{name}s')} AS {name}" for name in ("tx_host", "rx_host", "conn_uid")]
    columns += [f"{text(user)} AS user_name", f"{text(outcome)} AS outcome", f"{text('host')} AS http_host"]
    # Joined as text, which leaves out what is unset and costs half of json_object and a merge patch.
    made = f"nullif('{{' || concat_ws(',', {', '.join(extra)}) || '}}', '{{}}')" if extra else "NULL::VARCHAR"
    # Zeek doubles a backslash of the traffic; undoing that gives the text that its JSON logs carry.
    sql = f"""
        WITH split AS (
            SELECT source_offset, source_length, string_split(replace(line, '\\\\', '\\'), $separator) AS f FROM lines
        ), fields AS (
            SELECT source_offset, source_length, $log_name AS log_name, NULL::VARCHAR AS host,
                CASE WHEN len(f) <> $count THEN len(f) || ' fields where #fields names ' || $count END AS reason,
                {made} AS extra, {", ".join(columns)}
            FROM split
        ) {_KIND.sub(f"'{kind}'", load_sql("network/zeek_events"))}"""  # noqa: S608 - made of our own names and numbers only
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
        params = {"modified": origin.modified, "stem": _stem(origin.path)}
        return Normalised(*normalise(_json_sql(), lines, params), header)


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


@cache
def _json_sql() -> str:
    schema: dict[str, Any] = dict.fromkeys([*_PLAIN, *_HINTS], "VARCHAR") | {key: ["VARCHAR"] for key in _LISTS}
    own = {"_path", "@stream", "@system", "@proc", "_system_name"}
    gone = []
    for kind in ["", *_COLUMNS_OF]:
        keys = {*own, *_mapped(kind), *(name.replace("id.", "id_") for name in _EVERY_KIND)}
        gone.append(f"'{kind}': '{json.dumps(dict.fromkeys(sorted(keys)))}'")
    columns = ", ".join(f"nullif(r.{name}, '') AS {name}" for name in _PLAIN)
    sql = load_sql("network/zeek_json").replace("{schema}", json.dumps(schema)).replace("{columns}", columns)
    return sql.replace("{gone}", f"MAP {{{', '.join(gone)}}}") + load_sql("network/zeek_events")
