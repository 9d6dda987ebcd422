"""What every reader of indicators gives, and the DuckDB that they read with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from threading import local
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.enrichment.domains import ascii_name
from soc_tui.acquisition.formats.sql import load_sql as format_sql
from soc_tui.core.errors import SourceError

FORMATS = ("stix", "misp", "list", "csv")
"""What ``indicators load --as`` takes."""

KINDS = ("ip", "network", "domain", "url", "hash")
"""What an indicator can be."""

INDICATORS = pa.schema(
    [
        ("kind", pa.string()),
        ("value", pa.string()),
        ("severity", pa.string()),
        ("description", pa.string()),
        ("valid_until", pa.timestamp("us")),
    ]
)
"""An indicator: ``severity`` is null where the file does not tell, ``valid_until`` (UTC) where it is valid for ever."""

MAX_VALUE = 4096
"""Characters of a value; a longer one is rejected."""

_THREADS = 2
_BATCH = 61_440
"""Rows of an Arrow batch: DuckDB's threads share out batches."""
_MEMORY_LIMIT = "512MB"
_thread = local()


@dataclass(frozen=True)
class Parsed:
    """One file's indicators, with exact accounting: ``records = rejected + skipped`` + those that gave indicators."""

    format: str
    indicators: pa.Table
    records: int
    """Records read: lines of a list (not comments), objects of type indicator, attributes."""
    rejected: int
    """Records that could not be understood."""
    skipped: int
    """Records that are understood and not to be matched: revoked, expired, not for detection, patterns of more than
    plain values."""


@dataclass
class Tally:
    """Counts records and keeps the indicators that queries find; their rows have ``record`` and ``fate``."""

    records: int = 0
    rejected: int = 0
    skipped: int = 0

    def __post_init__(self) -> None:
        self._tables = [INDICATORS.empty_table()]

    def add(self, found: pa.Table) -> None:
        """Take in rows: fate 0 an indicator, 1 not understood, 2 not to be matched; the least of a record's holds."""
        fates = found.group_by("record", use_threads=False).aggregate([("fate", "min")])["fate_min"]
        self.records += len(fates)
        self.rejected += pc.sum(pc.equal(fates, 1)).as_py() or 0
        self.skipped += pc.sum(pc.equal(fates, 2)).as_py() or 0
        self._tables.append(
            in_punycode(found.filter(pc.equal(found["fate"], 0)).select(INDICATORS.names).cast(INDICATORS))
        )

    def parsed(self, form: str) -> Parsed:
        """Everything together."""
        return Parsed(form, pa.concat_tables(self._tables), self.records, self.rejected, self.skipped)


@cache
def load_sql(name: str) -> str:
    """The text of ``NAME.sql`` beside this file; ``{known}`` in it is ``values.sql``."""
    text = files("soc_tui.acquisition.enrichment.indicators").joinpath(f"{name}.sql").read_text(encoding="utf-8")
    return text.replace("{known}", load_sql("values")) if "{known}" in text else text


@cache
def _database() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": _THREADS, "memory_limit": _MEMORY_LIMIT, "enable_external_access": False})
    con.execute("SET TimeZone = 'UTC'")
    con.execute(format_sql("macros"))
    con.execute(load_sql("macros"))
    con.execute("SET lock_configuration = true")
    return con


def run(sql: str, records: pa.Table, params: dict[str, Any] | None = None) -> pa.Table:
    """A query over the table ``records``.

    Raises:
        SourceError: DuckDB cannot do it with these bytes (too deep, too much).
    """
    if not hasattr(_thread, "cursor"):
        _thread.cursor = _database().cursor()
    cursor: duckdb.DuckDBPyConnection = _thread.cursor
    cursor.register("records", pa.Table.from_batches(records.to_batches(max_chunksize=_BATCH), records.schema))
    try:
        return cursor.sql(sql, params=params or {}).to_arrow_table()
    except (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException):
        raise  # a mistake in our own SQL
    except duckdb.Error as error:
        said = str(error).splitlines()[0][:200]
        raise SourceError(f"cannot be read as indicators: {said}", remedy="check what the file holds") from error
    finally:
        cursor.unregister("records")


def international(texts: pa.ChunkedArray) -> pa.Array:
    """Each text as a domain name in punycode, null for what is none. For the few that are not ASCII."""
    names = [ascii_name(text) if text else None for text in texts.to_pylist()]
    return pa.array([name if name and "." in name else None for name in names], pa.string())


def in_punycode(found: pa.Table) -> pa.Table:
    """The same indicators with their international domains as they travel; a domain that is none is left out."""
    odd = pc.and_(pc.equal(found["kind"], "domain"), pc.invert(pc.string_is_ascii(found["value"])))
    if not pc.any(odd).as_py():
        return found
    plain, rest = found.filter(pc.invert(odd)), found.filter(odd)
    place = rest.schema.get_field_index("value")
    named = rest.set_column(place, found.schema.field("value"), international(rest["value"]))
    return pa.concat_tables([plain, named.filter(pc.is_valid(named["value"]))])


def lines(block: str) -> pa.Table:
    """The lines of a block as the column ``line``."""
    whole = pa.array([block], pa.large_string())
    return pa.table({"line": pc.list_flatten(pc.split_pattern(whole, "\n"))})
