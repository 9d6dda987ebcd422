"""Files of indicators: found, recognised, and read in blocks of bounded size."""

from __future__ import annotations

import gzip
import re
import stat
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, cast

import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.enrichment.indicators import csv, misp, stix
from soc_tui.acquisition.enrichment.indicators.base import INDICATORS, Parsed, international, lines, load_sql, run
from soc_tui.core.errors import SocTuiError, SourceError

BLOCK = 16 * 1024 * 1024
"""Bytes read at a time."""
_HEAD = 64 * 1024
_SUFFIXES = (".json", ".csv", ".txt", ".list", ".lst", ".ioc", ".iocs", ".ipset", ".netset", ".hosts", ".gz", "")


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files that are named, and those in the named folders (not hidden, with a suffix that lists have)."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = (file for file in sorted(path.rglob("*")) if file.suffix.lower() in _SUFFIXES)
            found |= dict.fromkeys(f for f in inside if f.is_file() and not f.name.startswith("."))
        else:
            found[path] = None
    return list(found)


def read_indicators(path: Path, form: str = "", *, now: datetime, column: str = "") -> Parsed:
    """Every indicator of a file.

    Args:
        path: the file, plain or gzip.
        form: one of ``FORMATS``; recognised by content when empty.
        now: indicators that were valid only until then are skipped (naive, UTC).
        column: the column of a CSV that holds the values; found by its name when empty.

    Raises:
        SourceError: the file cannot be read or is not of that form.
        UsageError: there is no such column.
    """
    try:
        with _open(path) as file:
            chosen = form or ("csv" if column else _recognise(file.read(_HEAD)))
            file.seek(0)
            if chosen == "stix":
                return stix.read(file, now)
            if chosen == "misp":
                return misp.read(file)
            if chosen == "csv":
                return csv.read(blocks(file), column, now)
            return _list(blocks(file))
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"cannot be read: {error}", source=path, remedy="check name, owner and content") from error
    except SocTuiError as error:
        error.source = error.source or str(path)
        raise


def _open(path: Path) -> IO[bytes]:
    if not stat.S_ISREG(path.stat().st_mode):
        raise SourceError("is no regular file", source=path, remedy="name a file")
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if packed else path.open("rb")


def _recognise(head: bytes) -> str:
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if text[:1] in {"{", "["} and not re.match(r"\[[0-9a-fA-F:.]+\]", text):
        if re.search(r'"(?:Event|Attribute|response|to_ids)"', text) and '"spec_version"' not in text:
            return "misp"
        if re.search(r'"type"\s*:\s*"|"objects"\s*:', text):
            return "stix"
        if misp.is_manifest(text):
            return "misp"
        raise SourceError("is JSON, but neither STIX nor MISP", remedy="name the form: --as stix or --as misp")
    return "csv" if csv.header(text, "") is not None else "list"


def blocks(file: IO[bytes]) -> Iterator[str]:
    """The text in blocks of whole lines. What is not UTF-8 becomes U+FFFD; a line longer than a block is cut."""
    rest = b""
    dropping = False
    while data := file.read(BLOCK):
        end = data.rfind(b"\n") + 1
        if dropping:
            start = data.find(b"\n")
            if start < 0:
                continue
            data, end, dropping = data[start:], end - start, False
        if end <= 0:
            rest += data
            if len(rest) > BLOCK:  # keep the head of an endless line: it is rejected as one record
                rest, dropping = rest[:65536], True
            continue
        yield _text(rest + data[:end])
        rest = data[end:]
    if rest:
        yield _text(rest)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").replace("\x00", "\ufffd")


def _list(parts: Iterator[str]) -> Parsed:
    tables: list[pa.Table] = []
    records = rejected = 0
    for part in parts:
        found = run(load_sql("list"), lines(part))
        records += found.num_rows
        good = found.filter(pc.is_valid(found["kind"])).select(INDICATORS.names)
        named = pc.drop_null(international(found.filter(pc.not_equal(found["other"], ""))["other"]))
        rescued = pa.table({"value": named}).append_column("kind", pa.array(["domain"] * len(named), pa.string()))
        rejected += found.num_rows - good.num_rows - rescued.num_rows
        tables += [good.cast(INDICATORS), rescued]
    whole = pa.concat_tables([INDICATORS.empty_table(), *tables], promote_options="default")
    return Parsed("list", whole, records, rejected, 0)
