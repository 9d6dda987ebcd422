"""Alerts about ourselves: raised, closed when the trouble is over, opened again when it comes back."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from soc_tui.knowledge.library import Library
from soc_tui.store.casework import merge_findings, save_knowledge
from soc_tui.store.database import Store


def raise_alerts(store: Store, library: Library, findings: pa.Table) -> None:
    """Merge findings of risk type ``health`` into alerts; a closed one is open again, a false positive stays one.

    Args:
        store: the workspace.
        library: the knowledge that alerts are matched with.
        findings: schema ``core.schema.FINDINGS``.
    """
    with store.transaction() as tx:
        keys = merge_findings(tx, findings)
        tx.execute(
            "UPDATE alerts SET state = 'open' WHERE state = 'closed' AND list_contains($keys::VARCHAR[], alert_key)",
            {"keys": keys},
        )
        rows = tx.sql("SELECT * FROM alerts WHERE list_contains($keys::VARCHAR[], alert_key)", {"keys": keys})
        best = {row["alert_id"]: library.match(row) for row in rows.to_pylist()}
        save_knowledge(tx, {number: found[0].entry.id if found else "" for number, found in best.items()})


def close_alerts(store: Store, keys: Sequence[str]) -> None:
    """Close the open alerts of these keys: the trouble is over."""
    with store.transaction() as tx:
        tx.execute(
            "UPDATE alerts SET state = 'closed' WHERE state IN ('open', 'acknowledged')"
            " AND list_contains($keys::VARCHAR[], alert_key)",
            {"keys": list(keys)},
        )


def open_keys(store: Store, detector: str) -> list[str]:
    """The keys of a detector's open alerts."""
    rows = store.sql(
        "SELECT alert_key FROM alerts WHERE detector = $detector AND state IN ('open', 'acknowledged')",
        {"detector": detector},
    )
    keys: list[str] = rows.column("alert_key").to_pylist()
    return keys
