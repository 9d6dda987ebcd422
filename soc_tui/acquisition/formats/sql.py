"""One in-memory DuckDB that runs the normalisers: lines in as Arrow, events out as Arrow, nothing stored."""

from __future__ import annotations

import warnings
from functools import cache
from importlib.resources import files
from threading import local
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.formats.base import REASONS
from soc_tui.core.schema import NORMALISED

warnings.filterwarnings("ignore", message="Arrow output on a DB-API result", category=UserWarning)

_THREADS = 2
_MEMORY_LIMIT = "256MB"
_BATCH = 40_960
"""Rows of an Arrow batch."""
_RESULT = [*NORMALISED.names, "reason"]
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


def _cursor() -> duckdb.DuckDBPyConnection:
    """A connection of this thread to the shared in-memory database."""
    if not hasattr(_thread, "cursor"):
        _thread.cursor = _database().cursor()
    cursor: duckdb.DuckDBPyConnection = _thread.cursor
    return cursor


def normalise(sql: str, lines: pa.Table, params: dict[str, Any] | None = None) -> tuple[pa.Table, pa.Table]:
    """Run a normaliser over lines.

    Args:
        sql: a query over the table ``lines`` that yields one row per line with ``source_offset``, ``source_length``,
            ``reason`` (null: the line is an event) and any event columns; columns left out are null.
        lines: schema :data:`soc_tui.core.schema.LINES`.
        params: values of the ``$name`` parameters.

    Returns:
        Events (``NORMALISED``) and rejects (:data:`REASONS`), each in the order of the lines. A line on which the
        query itself fails is a reject too, so no hostile line can stop a file.
    """
    try:
        result = _run(sql, lines, params)
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
    cursor = _cursor()
    cursor.register("lines", lines)
    try:
        # A relation (`cursor.sql`) plans the query twice, once for its columns and once to run. Planning takes 10 to
        # 100 ms, most of the time of a small chunk and a tenth of a full one, more than the copy that DuckDB warns of.
        found = cursor.execute(sql, params or {}).to_arrow_table(_BATCH)
    finally:
        cursor.unregister("lines")
    if found is None or found.num_rows != lines.num_rows:
        raise AssertionError(f"{lines.num_rows} lines became {found.num_rows if found else 'no'} rows")
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
