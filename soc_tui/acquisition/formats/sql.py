"""One in-memory DuckDB that runs the normalisers: lines in as Arrow, events out as Arrow, nothing stored."""

from __future__ import annotations

import re
import warnings
from datetime import datetime
from functools import cache
from importlib.resources import files
from threading import local
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.formats.base import REASONS
from soc_tui.acquisition.formats.spans import Places
from soc_tui.core.schema import NORMALISED

warnings.filterwarnings("ignore", message="Arrow output on a DB-API result", category=UserWarning)

_THREADS = 2
_MEMORY_LIMIT = "256MB"
_BATCH = 40_960
"""Rows of an Arrow batch."""
_MOST_PLANS = 8
"""Plans that a connection keeps: as many as the queries that one file takes turns with."""
_RESULT = [*NORMALISED.names, "reason"]
_PLAIN = re.compile(r"[ -&(-~\t]*")
"""Printable characters without the quote, the only one that means something in a text of DuckDB's SQL."""
_thread = local()


@cache
def load_sql(name: str) -> str:
    """The text of ``formats/NAME.sql``, where NAME is like ``web/access``."""
    return files("soc_tui.acquisition.formats").joinpath(*f"{name}.sql".split("/")).read_text(encoding="utf-8")


@cache
def _database() -> duckdb.DuckDBPyConnection:
    # No file, no network and no change of either afterwards: the SQL only ever sees the registered lines.
    con = duckdb.connect(config={"threads": _THREADS, "memory_limit": _MEMORY_LIMIT, "enable_external_access": False})
    con.execute("SET TimeZone = 'UTC'")
    con.execute(load_sql("macros"))
    con.execute("SET lock_configuration = true")
    return con


class _Lines:
    """A table for DuckDB to which every run gives its own lines: Arrow's PyCapsule interface."""

    def __init__(self, lines: pa.Table) -> None:
        self.now = lines

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.now.__arrow_c_stream__(requested_schema)


class _Plans:
    """A connection to the shared database, and the plans of the queries that it runs again and again.

    Planning takes 10 to 150 ms, most of the time of a small chunk and a fifth of a full one. A prepared query is
    planned once, as long as the table that it reads stays the same.

    Args:
        schema: of all lines.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._cursor = _database().cursor()
        self._none = schema.empty_table()
        self._lines = _Lines(self._none)
        self._cursor.register("lines", self._lines)
        self._last: object = None
        self._kept: dict[object, str] = {}
        self._count = 0

    def run(self, sql: str, lines: pa.Table, params: dict[str, Any]) -> pa.Table:
        """The rows that a query gives for these lines."""
        self._lines.now = lines
        try:
            # A relation (`cursor.sql`) plans the query twice, once for its columns and once to run, which costs more
            # than the copy that DuckDB warns of.
            return self._begun(sql, params).to_arrow_table(_BATCH)
        finally:
            self._lines.now = self._none

    def _begun(self, sql: str, params: dict[str, Any]) -> duckdb.DuckDBPyConnection:
        key = (sql, repr(params))
        if key not in self._kept:
            if key != self._last or not all(map(_is_plain, params.values())):
                self._last = key  # a query that comes once is not worth being kept
                return self._cursor.execute(sql, params)
            if len(self._kept) == _MOST_PLANS:
                self._cursor.execute(f"DEALLOCATE {self._kept.pop(next(iter(self._kept)))}")
            self._count += 1
            self._cursor.execute(f"PREPARE plan_{self._count} AS {_written_out(sql, params)}")
            self._kept[key] = f"plan_{self._count}"
        return self._cursor.execute(f"EXECUTE {self._kept[key]}")


def _is_plain(value: object) -> bool:
    """True for what can be written into a query as it is; other data reaches it only as a parameter."""
    return isinstance(value, bool | int | datetime) or (isinstance(value, str) and bool(_PLAIN.fullmatch(value)))


def _written_out(sql: str, params: dict[str, Any]) -> str:
    """A query with the values of its parameters: one with parameters, or with variables, is planned at every run."""

    def written(found: re.Match[str]) -> str:
        value = params.get(found[1])
        if value is None:
            return found[0]
        if isinstance(value, bool | int):
            return str(value)
        return f"{'TIMESTAMP ' if isinstance(value, datetime) else ''}'{value}'"

    return re.sub(r"\$(\w+)", written, sql)  # all at once: no value is looked at again


class Few(Protocol):
    """Some lines whose rows tell those of all lines."""

    @property
    def rows(self) -> Places:
        """Which lines, ascending."""
        ...

    def all_rows(self, found: pa.Table) -> pa.Table:
        """The rows of all lines from the rows of those."""
        ...


def normalise(
    sql: str, lines: pa.Table, params: dict[str, Any] | None = None, few: Few | None = None
) -> tuple[pa.Table, pa.Table]:
    """Run a normaliser over lines.

    Args:
        sql: a query over the table ``lines`` that yields one row per line with ``source_offset``, ``source_length``,
            ``reason`` (null: the line is an event) and any event columns; columns left out are null.
        lines: schema :data:`soc_tui.core.schema.LINES`.
        params: values of the ``$name`` parameters.
        few: the lines that are enough to be read.

    Returns:
        Events (``NORMALISED``) and rejects (:data:`REASONS`), each in the order of the lines. A line on which the
        query itself fails is a reject too, so no hostile line can stop a file.
    """
    try:
        result = few.all_rows(_run(sql, lines.take(few.rows), params)) if few else _run(sql, lines, params)
    except (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException):
        raise  # a mistake in our own SQL, not a hostile line
    except duckdb.Error as error:
        if lines.num_rows > 1:  # halve until the line that breaks the query stands alone
            middle = lines.num_rows // 2
            head = normalise(sql, lines.slice(0, middle), params)
            tail = normalise(sql, lines.slice(middle), params)
            return pa.concat_tables([head[0], tail[0]]), pa.concat_tables([head[1], tail[1]])
        reason = f"cannot be normalised: {str(error).splitlines()[0][:200]}"
        rejects = lines.select(["source_offset", "source_length"]).append_column("reason", pa.array([reason]))
        return NORMALISED.empty_table(), rejects.cast(REASONS)
    good = pc.is_null(result["reason"])
    if pc.all(good).as_py():
        return result.select(NORMALISED.names), REASONS.empty_table()
    return result.filter(good).select(NORMALISED.names), result.filter(pc.invert(good)).select(REASONS.names)


def _run(sql: str, lines: pa.Table, params: dict[str, Any] | None) -> pa.Table:
    if not hasattr(_thread, "plans"):
        _thread.plans = {}
    plans: dict[pa.Schema, _Plans] = _thread.plans
    if lines.schema not in plans:
        plans[lines.schema] = _Plans(lines.schema)
    found = plans[lines.schema].run(sql, lines, params or {})
    if found.num_rows != lines.num_rows:
        raise AssertionError(f"{lines.num_rows} lines became {found.num_rows} rows")
    # DuckDB 2.0.0 gives the rows of a table of several batches back in another order, depending on the query.
    places = found["source_offset"].to_numpy()
    if (places[1:] < places[:-1]).any():
        found = found.sort_by("source_offset")
    return _completed(found, _RESULT)


def completed(found: pa.Table) -> pa.Table:
    """Events with all columns of ``NORMALISED``; null where they have none."""
    return _completed(found, NORMALISED.names)


def _completed(found: pa.Table, names: list[str]) -> pa.Table:
    types = {name: pa.string() if name == "reason" else NORMALISED.field(name).type for name in names}
    missing = {kind: pa.nulls(found.num_rows, kind) for kind in set(types.values())}  # one of each type for them all
    columns = [found[name].cast(kind) if name in found.column_names else missing[kind] for name, kind in types.items()]
    return pa.table(columns, names=names)
