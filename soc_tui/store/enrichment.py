"""What enrichment keeps: described addresses and names, the asset inventory, services, and indicators by source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from soc_tui.core.errors import UsageError
from soc_tui.store.database import Store, Transaction, load_sql

_SQL = Path(__file__).parent / "enrichment"


def new_addresses(store: Store, first: int, last: int) -> list[str]:
    """Addresses of events ``first`` to ``last`` that are not described yet, in order."""
    return _texts(store.sql(_text("new_addresses"), {"first": first, "last": last}, few=True), "ip")


def new_names(store: Store, first: int, last: int) -> list[str]:
    """Names of events ``first`` to ``last`` that are not cut yet, in order."""
    return _texts(store.sql(_text("new_names"), {"first": first, "last": last}, few=True), "name")


def dns_answers(store: Store, first: int, last: int) -> pa.Table:
    """``ip``, ``name``, ``name_time``: what the DNS answers among the events called addresses, the newest of each."""
    return store.sql(_text("dns_answers"), {"first": first, "last": last}, few=True)


def missing_addresses(store: Store, addresses: pa.ChunkedArray) -> list[str]:
    """Those of the addresses that are not described yet."""
    found = store.sql(
        "SELECT ip FROM asked WHERE ip NOT IN (SELECT ip FROM addresses) ORDER BY ip",
        tables={"asked": pa.table({"ip": addresses})},
    )
    return _texts(found, "ip")


def stale_addresses(store: Store, context: str, most: int) -> list[str]:
    """Addresses that were described by another context than this one."""
    found = store.sql(
        "SELECT ip FROM addresses WHERE context <> $context LIMIT $most", {"context": context, "most": most}
    )
    return _texts(found, "ip")


def save_addresses(tx: Transaction, described: pa.Table, context: str) -> None:
    """Keep descriptions; the names that DNS gave stay."""
    if described.num_rows:
        tx.execute(_text("save_addresses"), {"context": context}, {"incoming": described})


def save_names(tx: Transaction, answers: pa.Table) -> None:
    """Keep what DNS called addresses, where it is newer than what is kept."""
    if answers.num_rows:
        tx.execute(_text("save_names"), tables={"incoming": answers})


def save_domains(tx: Transaction, cut: pa.Table) -> None:
    """Keep names with their parts."""
    if cut.num_rows:
        tx.execute("INSERT OR REPLACE INTO domains BY NAME SELECT * FROM incoming", tables={"incoming": cut})


def save_assets(tx: Transaction, assets: pa.Table) -> None:
    """Replace the inventory by this one (columns of ``assets``)."""
    tx.execute("DELETE FROM assets")
    tx.execute("INSERT INTO assets BY NAME SELECT * FROM incoming", tables={"incoming": assets})


def save_services(tx: Transaction, services: pa.Table) -> None:
    """Replace the service names by these (``port``, ``protocol``, ``name``)."""
    tx.execute("DELETE FROM services")
    tx.execute("INSERT INTO services BY NAME SELECT * FROM incoming", tables={"incoming": services})


# -- indicators ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Load:
    """One file of indicators as it comes in."""

    source: str
    """Its name in lists and findings."""
    source_file: str
    format: str
    configured: bool
    """Named by the settings, and so reloaded and removed with its file."""
    stamp: str
    """What changes when the file does."""
    severity: str
    """Of indicators that do not tell theirs."""
    records: int
    rejected: int
    skipped: int
    loaded: datetime


@dataclass(frozen=True)
class Pending:
    """Indicators that stored events are still to be matched with."""

    source: str
    load: int
    added: int
    """Values of this load and later ones are new."""
    first: int
    until: int
    """The events, both inclusive."""


def indicator_sources(store: Store) -> list[dict[str, Any]]:
    """Every source with its counts, in order of name."""
    return list(store.sql("SELECT * FROM indicator_sources ORDER BY source").to_pylist())


def has_indicators(store: Store) -> bool:
    """Whether there is anything to match."""
    return bool(store.sql("SELECT 1 FROM indicators LIMIT 1").num_rows)


def save_indicators(tx: Transaction, load: Load, indicators: pa.Table) -> dict[str, Any]:
    """Replace a source's indicators; what is new among them is to be matched with the events that are stored by now.

    Args:
        tx: the transaction.
        load: the file.
        indicators: kind, value, severity, description, valid_until.

    Returns:
        The row of ``indicator_sources``.
    """
    earlier = tx.sql("SELECT kind, value, added FROM indicators WHERE source = $source", {"source": load.source})
    tx.execute("DELETE FROM indicators WHERE source = $source", {"source": load.source})
    number = _one(tx, "SELECT coalesce(max(load), 0) + 1 FROM indicator_sources")
    values = {**vars(load), "load": number}
    tx.execute(_text("save_indicators"), values, {"incoming": indicators, "earlier": earlier})
    # An earlier load that is not matched to its end is begun again with this one.
    before = tx.sql(
        "SELECT CASE WHEN matched_to >= until_event THEN load ELSE matched_load END AS done FROM indicator_sources"
        " WHERE source = $source",
        {"source": load.source},
    )["done"].to_pylist()
    tx.execute(_text("save_source"), {**values, "before": before[0] if before else 0})
    return dict(
        tx.sql("SELECT * FROM indicator_sources WHERE source = $source", {"source": load.source}).to_pylist()[0]
    )


def remove_indicators(tx: Transaction, source: str) -> int:
    """Forget a source; findings that it led to stay.

    Returns:
        How many indicators it had.

    Raises:
        UsageError: there is no such source.
    """
    params = {"source": source}
    found = tx.sql("SELECT indicators FROM indicator_sources WHERE source = $source", params)["indicators"].to_pylist()
    if not found:
        raise UsageError(f"there is no indicator source {source!r}", remedy="soc-tui indicators list names them")
    tx.execute("DELETE FROM indicators WHERE source = $source", params)
    tx.execute("DELETE FROM indicator_sources WHERE source = $source", params)
    return int(found[0])


def pending_match(store: Store) -> Pending | None:
    """The next source whose new values are to be matched with stored events, or None."""
    rows = store.sql(
        "SELECT source, load, matched_load + 1 AS added, matched_to + 1 AS first, until_event AS until"
        " FROM indicator_sources WHERE matched_to < until_event ORDER BY load LIMIT 1"
    ).to_pylist()
    return Pending(**rows[0]) if rows else None


def pending_events(store: Store) -> int:
    """How many events are still to be matched with indicators that came later."""
    text = "SELECT coalesce(sum(greatest(until_event - matched_to, 0)), 0)::BIGINT AS n FROM indicator_sources"
    return int(store.sql(text)["n"][0].as_py())


def set_matched(tx: Transaction, done: Pending, event_id: int) -> None:
    """Record that a source's new values are matched with the events up to one, unless it was loaded anew since."""
    tx.execute(
        "UPDATE indicator_sources SET matched_to = $event_id WHERE source = $source AND load = $load",
        {"source": done.source, "load": done.load, "event_id": event_id},
    )


def address_facts(store: Store, address: str) -> list[dict[str, Any]]:
    """What is known of one address, with the indicators that name it; no row when nothing is."""
    rows = store.sql("SELECT * EXCLUDE (context) FROM addresses WHERE ip = $address", {"address": address}).to_pylist()
    hits = store.sql(_text("indicator_hits"), {"address": address}).to_pylist()
    if not rows and hits:
        rows = [{"ip": address, "class": "", "own": False}]
    return [{**row, "indicators": hits} for row in rows]


def _one(tx: Transaction, text: str) -> int:
    return int(tx.sql(text).column(0)[0].as_py())


def _texts(table: pa.Table, column: str) -> list[str]:
    return list(table[column].to_pylist())


def _text(name: str) -> str:
    return load_sql(_SQL / f"{name}.sql")
