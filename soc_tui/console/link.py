"""What the console asks of an engine, and a page of an answer.

The console is a client: everything it shows comes through a :class:`Link` as Arrow tables (queries) or plain
dictionaries (commands), and nothing of the engine is imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # the console's first frame must not wait for pyarrow (0.14 s)
    import pyarrow as pa


class Link(Protocol):
    """A connection to an engine; every method may be called from any thread and blocks."""

    def query(self, name: str, **params: Any) -> pa.Table:
        """Run a named query.

        Raises:
            SocTuiError: the engine refused it or cannot be reached.
        """

    def command(self, name: str, **params: Any) -> dict[str, Any]:
        """Run a named command.

        Raises:
            SocTuiError: the engine refused it or cannot be reached.
        """

    def close(self) -> None:
        """Give the connection back; a second call does nothing."""


class Rows:
    """A page of an answer, read by row number.

    Cells become Python values only when a row is drawn: a page of 400 alerts has 9,000 cells, a screen shows 200.

    Args:
        table: what :meth:`Link.query` returned.
        key: the column by which rows are found again, or the empty string.
    """

    def __init__(self, table: pa.Table, key: str = "") -> None:
        merged = table.combine_chunks()
        self._columns = {name: merged.column(name) for name in merged.column_names}
        self._size = int(merged.num_rows)
        self._places = {value: i for i, value in enumerate(self._columns[key].to_pylist())} if key else {}
        total = (table.schema.metadata or {}).get(b"total")
        self.total = int(total) if total is not None else None
        """Rows that match altogether, where the engine says so (schema metadata ``total``)."""

    def __len__(self) -> int:
        return self._size

    def get(self, row: int, name: str, default: Any = None) -> Any:
        """One value; ``default`` where the column is missing or the value is null."""
        column = self._columns.get(name)
        value = None if column is None else column[row].as_py()
        return default if value is None else value

    def row(self, row: int) -> dict[str, Any]:
        """One row as a dictionary."""
        return {name: column[row].as_py() for name, column in self._columns.items()}

    def all(self) -> list[dict[str, Any]]:
        """Every row; for answers known to be small (clues, modules, evidence)."""
        return [self.row(i) for i in range(self._size)]

    def find(self, key: object) -> int | None:
        """The row whose key column holds ``key``, or None."""
        return self._places.get(key)
