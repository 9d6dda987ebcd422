"""The read-only SQL door: one SELECT, no files, no network, a row limit, a time limit and cancellation."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from soc_tui.core.errors import StoreError, UsageError
from soc_tui.store.database import Store

_BATCH_ROWS = 2048
_EXPLAIN = re.compile(
    r"^(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*EXPLAIN(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*(?:ANALY[ZS]E\b|\([^()]*\))?",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class HuntResult:
    """Rows of a hunt query."""

    rows: pa.Table
    truncated: bool
    """True when the row limit cut the result."""


class Hunt:
    """One running query; :meth:`cancel` may be called from any thread.

    Args:
        store: the workspace.
        text: one SELECT (also ``WITH``, ``FROM``, ``VALUES``, ``DESCRIBE``, ``SHOW``, ``SUMMARIZE``).
        rows: the most rows to return.
        seconds: the longest it may run.

    Raises:
        UsageError: the text is empty, is not one statement, or is not a query.
    """

    def __init__(self, store: Store, text: str, *, rows: int, seconds: float) -> None:
        self._text = _one_select(text)
        self._rows = rows
        self._seconds = seconds
        self._cursor = store.cursor()
        self._stopped = ""
        self._over = threading.Event()

    def run(self) -> HuntResult:
        """Run to the end, the limit or the cancellation.

        Raises:
            UsageError: the SQL is wrong.
            StoreError: it took too long or was cancelled.
        """
        timer = threading.Timer(self._seconds, self._stop, args=[f"took longer than {self._seconds:g} s"])
        timer.daemon = True
        timer.start()
        try:
            self._cursor.execute("BEGIN TRANSACTION READ ONLY")
            reader = self._cursor.sql(self._text).to_arrow_reader(_BATCH_ROWS)
            batches: list[pa.RecordBatch] = []
            taken = 0
            for batch in _batches(reader):
                if self._stopped:
                    raise StoreError(f"the query {self._stopped}", remedy="narrow it by event_id or time")
                batches.append(batch.slice(0, self._rows - taken))
                taken += batch.num_rows
                if taken > self._rows:
                    return HuntResult(pa.Table.from_batches(batches, reader.schema), truncated=True)
            return HuntResult(pa.Table.from_batches(batches, reader.schema), truncated=False)
        except (duckdb.Error, pa.ArrowException) as error:
            if self._stopped:
                raise StoreError(f"the query {self._stopped}", remedy="narrow it by event_id or time") from error
            raise UsageError(str(error).strip(), remedy="see docs/schema.md for tables and columns") from error
        finally:
            timer.cancel()
            self._over.set()
            with contextlib.suppress(duckdb.Error):
                self._cursor.close()

    def cancel(self) -> None:
        """Stop it; :meth:`run` then raises. Returns when it has ended, which may take a moment."""
        self._stop("was cancelled")

    def _stop(self, why: str) -> None:
        self._stopped = self._stopped or why
        # An interrupt is forgotten by a query that is only about to start, so it is repeated until run() has ended.
        while not self._over.is_set():
            with contextlib.suppress(duckdb.Error):
                self._cursor.interrupt()
            self._over.wait(0.05)


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            yield reader.read_next_batch()
        except StopIteration:
            return


def _one_select(text: str) -> str:
    statement = _only(text)
    inner = statement
    while inner.type == duckdb.StatementType.EXPLAIN:  # EXPLAIN ANALYZE runs what it explains, and COPY writes a file
        explained = _EXPLAIN.sub("", inner.query, count=1)
        if len(explained) >= len(inner.query):
            raise UsageError("hunt explains only a SELECT", remedy="write EXPLAIN SELECT ...")
        inner = _only(explained)
    if inner.type != duckdb.StatementType.SELECT:
        raise UsageError(f"hunt only reads; {inner.type.name} is refused", remedy="use SELECT")
    return str(statement.query)


def _only(text: str) -> duckdb.Statement:
    try:
        statements = duckdb.extract_statements(text)
    except duckdb.Error as error:
        raise UsageError(str(error).strip(), remedy="hunt takes one SELECT statement") from error
    if len(statements) != 1:
        raise UsageError(f"hunt takes one statement, this holds {len(statements)}", remedy="run them one by one")
    return statements[0]
