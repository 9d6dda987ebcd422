"""Logs of flows from files of any size: Zeek TSV, its CSV copies and JSON, and Suricata eve.json."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from soc_tui.analysis.encoding import flow_records
from soc_tui.analysis.encoding.columns import numbers
from soc_tui.core.errors import SourceError

FLOWS = flow_records.COLUMNS

_ZEEK = {
    "ts": "time", "id.orig_h": "src_ip", "id.resp_h": "dst_ip", "id.resp_p": "dst_port", "proto": "protocol",
    "service": "service", "duration": "duration", "orig_bytes": "bytes_out", "resp_bytes": "bytes_in",
    "orig_pkts": "packets_out", "resp_pkts": "packets_in", "conn_state": "conn_state", "label": "label",
}  # fmt: skip
_NULLS = ["-", "(empty)", ""]
_RECORDS = 50_000
"""JSON records turned into columns at a time."""
_BLOCK = 1 << 23
"""Bytes of text parsed at a time; no line may be longer."""
_REMEDY = "give a Zeek TSV or JSON log, or a Suricata eve.json"


def _open(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def read_flows(path: Path) -> pa.Table:
    """One log of flows as a table of ``FLOWS``; the format is told by the first bytes.

    Raises:
        SourceError: the file cannot be read or holds no flow records.
    """
    try:
        with _open(path) as file:
            first = next((line for line in file if line.strip()), b"")
            if first.lstrip()[:1] == b"{":
                return _json(itertools.chain([first], file))
        with _open(path) as file:
            names, delimiter, skipped = _header(file, path)
        return _separated(path, names, delimiter, skipped)
    except (OSError, EOFError) as error:
        raise SourceError(
            f"cannot be read: {error}", source=path, remedy="check the path and its permissions"
        ) from error
    except pa.ArrowInvalid as error:
        raise SourceError(f"holds no table of flows: {error}", source=path, remedy=_REMEDY) from error


def _json(lines: Iterator[bytes]) -> pa.Table:
    """Flow records of a JSON log; other events of an eve.json and lines that are no object are passed over."""
    parts = []
    while some := list(itertools.islice(lines, _RECORDS)):
        records: list[dict[str, Any]] = []
        for line in some:
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(record, dict) and record.get("event_type", "flow") == "flow":
                records.append(record)
        parts.append(flow_records.table(records))
    return pa.concat_tables(parts) if parts else FLOWS.empty_table()


def _header(file: IO[bytes], path: Path) -> tuple[list[str], str, int]:
    """Column names, delimiter, and the lines before the first row.

    Zeek says ``#fields``; copies of its logs carry the names in their first line. IoT-23 joins its last three columns
    by spaces, in the header, in the rows or in both: a name is then made to stand for the joined text.
    """
    names: list[str] | None = None
    delimiter, place = "\t", 0
    for place, raw in enumerate(file):
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if line.startswith("#fields"):
            names = line.split("\t")[1:]
        elif not line.startswith("#") and line.strip():
            if names is None:
                delimiter = next((d for d in "|\t," if d in line), "\t")
                names = [name.strip('"') for name in line.split(delimiter)]
                if not {"id.orig_h", "id.resp_h"} <= set(names):
                    break
                continue
            return _fitted(names, len(line.split(delimiter))), delimiter, place
    if names is None or "id.orig_h" not in names:
        raise SourceError("holds no #fields line", source=path, remedy=_REMEDY)
    return names, delimiter, place + 1  # a header without rows


def _fitted(names: list[str], columns: int) -> list[str]:
    apart = [part for name in names for part in re.split(r"\s+", name)]
    if columns == len(apart):
        return apart
    if columns < len(names):
        return [*names[: columns - 1], "   ".join(names[columns - 1 :])]
    return names


class _Rows(io.RawIOBase):
    """The lines of a log with as many columns as its header; comments and cut lines never reach the parser."""

    def __init__(self, file: Iterator[bytes], delimiter: str, columns: int) -> None:
        between = delimiter.encode()
        self._lines = (line for line in file if line.count(between) == columns - 1 and not line.startswith(b"#"))
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        parts, size = [self._left], len(self._left)
        while size < len(buffer) and (line := next(self._lines, None)):
            parts.append(line)
            size += len(line)
        whole = b"".join(parts)
        given = min(size, len(buffer))
        buffer[:given], self._left = whole[:given], whole[given:]
        return given


def _separated(path: Path, names: list[str], delimiter: str, skipped: int) -> pa.Table:
    joined = next((name for name in names if "label" in name and re.search(r"\s", name)), None)
    wanted = [name for name in names if name in _ZEEK or name == joined]
    with _open(path) as file:
        if not any(line.strip() and not line.startswith(b"#") for line in itertools.islice(file, skipped, None)):
            return FLOWS.empty_table()
    try:
        raw = _parsed(path, skipped, names, delimiter, wanted, pa.float64())
    except pa.ArrowInvalid:  # a number that is none: read it all as text and leave such values out
        raw = _parsed(path, skipped, names, delimiter, wanted, pa.string())
    columns = {_ZEEK[name]: raw[name] for name in wanted if name in _ZEEK}
    if joined is not None:
        at = re.split(r"\s+", joined).index("label")
        columns["label"] = pc.struct_field(
            pc.extract_regex(raw[joined], rf"^(?:\S+\s+){{{at}}}(?P<label>\S+)"), "label"
        )  # fmt: skip
    time, lacking = numbers(raw, "ts")
    micros = pa.array((time * 1e6).round().astype("int64"), mask=_mask(lacking))
    arrays = [micros.cast(pa.timestamp("us"))]
    for field in FLOWS:
        if field.name == "time":
            continue
        if field.name not in columns:
            arrays.append(pa.nulls(raw.num_rows, field.type))
        elif field.type == pa.float64():
            values, lacking = numbers(pa.table({"n": columns[field.name]}), "n")
            arrays.append(pa.array(values, mask=_mask(lacking)))
        else:
            arrays.append(columns[field.name])
    return pa.table(arrays, schema=FLOWS)


def _mask(lacking: NDArray[Any]) -> NDArray[Any]:
    return lacking > 0


def _parsed(
    path: Path, skipped: int, names: list[str], delimiter: str, wanted: list[str], numeric: pa.DataType
) -> pa.Table:
    types = {n: numeric if n == "ts" or _ZEEK.get(n) in flow_records.NUMBERS else pa.string() for n in wanted}
    with _open(path) as file:
        rows = _Rows(itertools.islice(file, skipped, None), delimiter, len(names))
        return pa.csv.read_csv(
            pa.PythonFile(rows, "r"),
            read_options=pa.csv.ReadOptions(column_names=names, block_size=_BLOCK, use_threads=False),
            parse_options=pa.csv.ParseOptions(delimiter=delimiter, quote_char=False),
            convert_options=pa.csv.ConvertOptions(
                column_types=types,
                include_columns=wanted,
                null_values=_NULLS,
                strings_can_be_null=True,
                check_utf8=False,
            ),
        )
