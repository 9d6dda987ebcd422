"""The one owner of the workspace's DuckDB file.

DuckDB lets one process in at a time, so only the engine opens a workspace. The connection runs without access to any
other file or network but the archive folder (``enable_external_access=false`` cannot be switched back on, nor
``allowed_directories`` be changed, while the database is open), which makes even the read-only SQL door
(:mod:`soc_tui.store.hunt`) harmless to the rest of the machine. Readers use a cursor each and see a committed
snapshot; writers queue, those of events and those of findings each by themselves.
"""

from __future__ import annotations

import contextlib
import re
import threading
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import duckdb
import pyarrow as pa

from soc_tui.core.errors import SocTuiError, StoreError
from soc_tui.core.settings import StoreSettings
from soc_tui.store.reach import Reach, narrow, replace_view, widen

# The copy that DuckDB warns of costs less than planning twice, where rows are few (`Store.sql`).
warnings.filterwarnings("ignore", message="Arrow output on a DB-API result", category=UserWarning)

Lane = Literal["events", "findings"]
"""What a transaction writes: what was read (events, rejects, sources, templates), or what was made of it."""
_MIGRATIONS = Path(__file__).parent / "migrations"
_QUERIES = Path(__file__).parent / "queries"


class Transaction:
    """A cursor inside one transaction; see :meth:`Store.transaction`."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, store: Store) -> None:
        self._cursor, self._store = cursor, store
        self.positions: dict[str, int] = {}
        """What :meth:`keep` was told in this transaction."""

    def keep(self, name: str, value: int) -> None:
        """Have :meth:`Store.position` answer with a number from the database once this is committed."""
        self.positions[name] = value

    def position(self, name: str) -> int | None:
        """As :meth:`Store.position`, with what this transaction has done."""
        return self.positions.get(name, self._store.position(name))

    def execute(
        self, text: str, params: Mapping[str, Any] | None = None, tables: Mapping[str, pa.Table] | None = None
    ) -> None:
        """Run a statement; ``tables`` are Arrow tables it may name."""
        with _registered(self._cursor, tables):
            self._cursor.execute(text, _used(text, params))

    def sql(
        self, text: str, params: Mapping[str, Any] | None = None, tables: Mapping[str, pa.Table] | None = None
    ) -> pa.Table:
        """Run a query and return its rows."""
        return _fetch(self._cursor, text, params, tables)

    def within(
        self,
        reach: Reach,
        text: str,
        params: Mapping[str, Any] | None = None,
        tables: Mapping[str, pa.Table] | None = None,
    ) -> pa.Table:
        """As :meth:`sql`, with only those archived events that are within reach."""
        self._store.narrow(self._cursor, reach)
        found = _fetch(self._cursor, text, params, tables)
        widen(self._cursor)
        return found

    @property
    def has_archive(self) -> bool:
        """As :attr:`Store.has_archive`: where there is none, no reach need be worked out."""
        return self._store.has_archive

    def refresh_events(self) -> None:
        """Rewrite the view ``events`` after the records of archived files have changed in this transaction."""
        self._store.refresh_events(self._cursor)


class Store:
    """The workspace database: migrations, transactions and reads.

    Use :meth:`open`; close it (or use it as a context manager) so that DuckDB folds its write-ahead log in.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path, archive: Path) -> None:
        self._connection = connection
        self._writers: dict[Lane, threading.RLock] = {"events": threading.RLock(), "findings": threading.RLock()}
        self._last_source_id = 0
        self._has_archive = False
        self._running: set[duckdb.DuckDBPyConnection] = set()
        self._running_lock = threading.Lock()
        self._positions: dict[str, int] = {}
        self.path = path
        self.archive = archive
        """The folder of archived days; nothing else outside the database can be read or written."""
        self.missing: frozenset[str] = frozenset()
        """Recorded files that are not in the folder (a share that is not mounted): the events in them are not seen."""

    @classmethod
    def open(cls, path: Path, settings: StoreSettings | None = None) -> Store:
        """Open or create the database and bring its schema up to date.

        Raises:
            StoreError: another process holds it, it is damaged, or the folder or disk cannot take it.
        """
        limits = settings or StoreSettings()
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": limits.threads,
            "memory_limit": f"{limits.memory_limit_mb}MB",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
        }
        archive = archive_folder(path, limits)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            connection = duckdb.connect(str(path), config=config)
        except (duckdb.Error, OSError) as error:
            raise _open_error(path, error) from error
        try:
            # In this order: a database that may touch nothing refuses to be told where it may. DuckDB resolves links
            # and `..` before it compares a path with the folder.
            connection.execute("SET allowed_directories = [$folder]", {"folder": f"{archive}/"})
            connection.execute("SET enable_external_access = false")
            connection.execute("SET parquet_metadata_cache = true")
            # DuckDB 2.0.0 turns lists of constants into joins and, depending on the data, loses their columns when the
            # filter is pushed down ("Failed to bind column reference IN (...)"); our lists are short.
            connection.execute("SET GLOBAL disabled_optimizers = 'in_clause'")
            store = cls(connection, path, archive)
            store._migrate()
            store.look_for_files()
        except BaseException:
            connection.close()
            raise
        return store

    def close(self) -> None:
        """Fold the write-ahead log in and let go of the file."""
        with self._turn():
            self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def next_source_id(self) -> int:
        """A number for a new source, given once: several readers make sources before any of them commits."""
        with self._turn("events"):
            stored = self.sql("SELECT coalesce(max(source_id), 0) AS n FROM sources").column("n")[0].as_py()
            self._last_source_id = max(self._last_source_id, int(stored)) + 1
            return self._last_source_id

    def position(self, name: str) -> int | None:
        """A number of the database that is asked for all the time, without asking it: only this process can change it.

        Returns:
            What the last commit said (:meth:`Transaction.keep`) or :meth:`found` kept; None while nothing is known.
        """
        return self._positions.get(name)

    def found(self, name: str, value: int) -> int:
        """Keep what a query has found for :meth:`position`, unless a commit has said better meanwhile."""
        return self._positions.setdefault(name, value)

    @property
    def has_archive(self) -> bool:
        """True when files of archived days are, or lately were, part of ``events``."""
        return self._has_archive

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of the caller's own onto the same database."""
        return self._connection.cursor()

    @contextlib.contextmanager
    def _own_cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor that :meth:`interrupt` reaches, closed at the end."""
        cursor = self._connection.cursor()
        with self._running_lock:
            self._running.add(cursor)
        try:
            yield cursor
        finally:
            with self._running_lock:
                self._running.discard(cursor)
            cursor.close()

    def interrupt(self) -> None:
        """Make every statement that runs now fail; its transaction is rolled back. For an engine that has to stop."""
        with self._running_lock:  # a cursor that is closed meanwhile would not be there to be interrupted
            for cursor in self._running:
                with contextlib.suppress(duckdb.Error):
                    cursor.interrupt()

    def sql(
        self,
        text: str,
        params: Mapping[str, Any] | None = None,
        tables: Mapping[str, pa.Table] | None = None,
        reach: Reach | None = None,
        *,
        few: bool = False,
    ) -> pa.Table:
        """Run one read on a cursor of its own; safe from any thread.

        Args:
            text: one query.
            params: values of its ``$names``.
            tables: Arrow tables it may name.
            reach: the events it can need, when that is known: archived files that hold none of them are left out.
            few: it answers with few rows: planned once instead of twice, at the price of a copy of the rows.

        Raises:
            StoreError: the query failed.
        """
        try:
            with self._own_cursor() as cursor:
                if reach is not None and self._has_archive:
                    cursor.execute("BEGIN TRANSACTION READ ONLY")  # the files and the rows of one moment
                    self.narrow(cursor, reach)
                return _fetch(cursor, text, params, tables, few=few)
        except duckdb.Error as error:
            raise store_error(self.path, error) from error

    def run(self, text: str) -> None:
        """Run a statement that writes a file of the archive; no transaction and no lock, writers go on meanwhile.

        Raises:
            StoreError: it failed.
        """
        try:
            with self._own_cursor() as cursor:
                cursor.execute(text)
        except duckdb.Error as error:
            raise store_error(self.archive, error) from error

    def checkpoint(self) -> bool:
        """Fold the write-ahead log in and free the blocks of deleted rows; False when a running query forbids it."""
        with self._turn(), self._own_cursor() as cursor:
            try:
                cursor.execute("CHECKPOINT")
            except duckdb.TransactionException:
                return False
        return True

    def read(self, name: str, params: Mapping[str, Any] | None = None, reach: Reach | None = None) -> pa.Table:
        """Run the named query ``queries/NAME.sql``; ``reach`` as in :meth:`sql`."""
        return self.sql(self.query_text(name), params, reach=reach)

    def query_text(self, name: str) -> str:
        """The text of ``queries/NAME.sql``."""
        return load_sql(_QUERIES / f"{name}.sql")

    @contextlib.contextmanager
    def _turn(self, *lanes: Lane) -> Iterator[None]:
        with contextlib.ExitStack() as held:
            for lane, lock in self._writers.items():  # always in this order
                if lane in lanes or not lanes:
                    held.enter_context(lock)
            yield

    @contextlib.contextmanager
    def transaction(self, *lanes: Lane) -> Iterator[Transaction]:
        """One writer at a time in each lane; commits on leaving, rolls back on any exception.

        Args:
            lanes: what it writes, both when none is named. Reading does not wait for what is made of events, and the
                tables of the two lanes have no row in common that could conflict.

        Raises:
            StoreError: the database refused (full disk, constraint, damage); nothing of the transaction is kept.
        """
        with self._turn(*lanes), self._own_cursor() as cursor:
            try:
                cursor.execute("BEGIN TRANSACTION")
                made = Transaction(cursor, self)
                yield made
                cursor.execute("COMMIT")
                self._positions.update(made.positions)
            except BaseException as error:
                with contextlib.suppress(duckdb.Error):  # the failed COMMIT has already ended the transaction
                    cursor.execute("ROLLBACK")
                if isinstance(error, duckdb.Error):
                    raise store_error(self.path, error) from error
                raise

    def narrow(self, cursor: duckdb.DuckDBPyConnection, reach: Reach) -> None:
        """Leave archived files that are out of reach out of ``events`` on one cursor that is in a transaction."""
        if self._has_archive:
            narrow(cursor, self.archive, reach, self.missing)

    def refresh_events(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Rewrite the view ``events`` in the cursor's transaction."""
        # Never back to False while open: a reader that looked before a commit and reads after it is then right as well.
        self._has_archive = replace_view(cursor, self.archive, self.missing) > 0 or self._has_archive

    def look_for_files(self) -> frozenset[str]:
        """See which recorded files are in the archive folder, and leave out of ``events`` those that are not.

        Returns:
            The missing ones, relative to the folder; also kept as :attr:`missing`.
        """
        recorded = self.sql("SELECT path FROM archived_days").column("path").to_pylist()
        missing = frozenset(path for path in recorded if not (self.archive / path).is_file())
        # At start always: a migration may have added a column that the old view does not show.
        with self.transaction() as tx:
            self.missing = missing
            tx.refresh_events()
        return missing

    def _migrate(self) -> None:
        """Apply every numbered migration that this database has not seen, each in its own transaction."""
        with self.transaction() as tx:
            tx.execute("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name VARCHAR NOT NULL)")
            done = set(tx.sql("SELECT number FROM migrations").column("number").to_pylist())
        steps = migrations()
        if done and max(done) > max(steps):
            raise StoreError(
                f"the workspace was made by a newer version (schema {max(done)}, this version knows {max(steps)})",
                source=self.path,
                remedy="upgrade soc-tui or use another --workspace",
            )
        for number, file in steps.items():
            if number not in done:
                with self.transaction() as tx:
                    tx.execute(load_sql(file))
                    tx.execute("INSERT INTO migrations VALUES ($number, $name)", {"number": number, "name": file.stem})


def archive_folder(path: Path, settings: StoreSettings) -> Path:
    """Where the archived days of the database at ``path`` are.

    Raises:
        StoreError: the folder would hold the workspace itself, which nothing but DuckDB may write.
    """
    home = path.absolute().parent
    folder = Path(settings.archive_dir).expanduser().absolute() if settings.archive_dir else home / "archive"
    if home.resolve().is_relative_to(folder.resolve()):
        raise StoreError(
            "the archive folder holds the workspace", source=folder, remedy="give store.archive_dir a folder of its own"
        )
    return folder


def migrations() -> dict[int, Path]:
    """The numbered migration files in order."""
    return {int(file.name.split("_", 1)[0]): file for file in sorted(_MIGRATIONS.glob("[0-9]*_*.sql"))}


_sql_cache: dict[Path, str] = {}


def load_sql(file: Path) -> str:
    """The text of a .sql file, read once."""
    if file not in _sql_cache:
        _sql_cache[file] = file.read_text(encoding="utf-8")
    return _sql_cache[file]


@contextlib.contextmanager
def _registered(cursor: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Table] | None) -> Iterator[None]:
    names = list(tables or {})
    for name in names:
        cursor.register(name, (tables or {})[name])
    try:
        yield
    finally:
        for name in names:
            # An aborted transaction refuses even this; its cursor is closed next.
            with contextlib.suppress(duckdb.Error):
                cursor.unregister(name)


def _used(text: str, params: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Only the parameters that the text names: DuckDB refuses superfluous ones."""
    if not params:
        return None
    named = set(re.findall(r"\$([A-Za-z_]\w*)", text))
    return {key: value for key, value in params.items() if key in named} or None


def _fetch(
    cursor: duckdb.DuckDBPyConnection,
    text: str,
    params: Mapping[str, Any] | None,
    tables: Mapping[str, pa.Table] | None,
    *,
    few: bool = False,
) -> pa.Table:
    with _registered(cursor, tables):
        if few:
            return cursor.execute(text, _used(text, params)).to_arrow_table()
        # A relation plans the query twice, once for its columns and once to run, but hands its rows on as they come.
        return cursor.sql(text, params=_used(text, params)).to_arrow_table()


def _open_error(path: Path, error: Exception) -> SocTuiError:
    text = str(error)
    if "lock" in text.lower():
        found = re.search(r"PID (\d+)", text)
        holder = f"process {found.group(1)}" if found else "another process"
        return StoreError(
            f"the workspace database is held by {holder}",
            source=path,
            remedy="use that engine (run the command without stopping it) or stop it first",
        )
    return store_error(path, error)


def store_error(path: Path, error: Exception) -> StoreError:
    """Name what went wrong with the database file and what to do about it."""
    text = str(error)
    lowered = text.lower()
    if "no space left" in lowered or "enospc" in lowered or "file too large" in lowered or "offload" in lowered:
        return StoreError(
            "no space left on the disk of the workspace; nothing of this step was stored",
            source=path,
            remedy="free disk space; reading goes on by itself from the last committed record",
        )
    if "not a valid duckdb" in lowered or "corrupt" in lowered or "checksum" in lowered or "serializ" in lowered:
        return StoreError(
            f"the workspace database is damaged: {text.splitlines()[0]}",
            source=path,
            remedy="keep the file, start with another --workspace, and restore a backup",
        )
    if isinstance(error, PermissionError) or "permission denied" in lowered:
        return StoreError(
            "the workspace cannot be written: permission denied",
            source=path,
            remedy="choose another --workspace or correct its owner",
        )
    return StoreError(
        text.splitlines()[0] if text else type(error).__name__,
        source=path,
        remedy="see soc-tui status and the engine log in the workspace",
    )
