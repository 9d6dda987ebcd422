"""What a workspace has found out for its networks: thresholds, marks, heads. A row counts for the weights it names."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from soc_tui.core.clock import naive_utc
from soc_tui.core.errors import StoreError
from soc_tui.store.database import Store, Transaction

MARKS = pa.schema(
    [
        ("alert_id", pa.int64()), ("model", pa.string()), ("weights_sha256", pa.string()), ("risky", pa.bool_()),
        ("hidden", pa.list_(pa.float32())), ("log_odds", pa.float64()),
    ]
)  # fmt: skip
"""Rows of ``feedback`` as they come, without actor and time."""


@dataclass(frozen=True)
class CalibrationRow:
    """One row of ``calibrations``."""

    model: str
    weights_sha256: str
    threshold: float
    budget: float
    alerts_per_day: float
    days: float
    rows: int
    recall: str
    """JSON: labelled set -> recall at the card's threshold and at this one."""
    profile: str
    """JSON of ``analysis.drift.Profile``."""
    actor: str


def load_threshold(store: Store, model: str, weights_sha256: str) -> float | None:
    """The threshold that was fixed on this workspace's traffic, if any was for these weights."""
    rows = _rows(store, "calibrations", model, weights_sha256)
    return float(rows[0]["threshold"]) if rows else None


def load_head(store: Store, model: str, weights_sha256: str) -> tuple[list[float], float] | None:
    """Weights and bias of the local head, if one was learned for these weights."""
    rows = _rows(store, "heads", model, weights_sha256)
    if not rows or not all(math.isfinite(value) for value in (*rows[0]["weights"], rows[0]["bias"])):
        return None
    return list(rows[0]["weights"]), float(rows[0]["bias"])


def calibration_rows(store: Store) -> list[dict[str, Any]]:
    """Every calibration, by model."""
    return list(store.sql("SELECT * FROM calibrations ORDER BY model").to_pylist())


def marks_of(store: Store, model: str, weights_sha256: str) -> pa.Table:
    """The marks for these weights, the latest of each alert; schema :data:`MARKS`."""
    text = """
        SELECT alert_id, model, weights_sha256, risky, hidden, log_odds FROM feedback
        WHERE model = $model AND weights_sha256 = $sha256
        QUALIFY time = max(time) OVER (PARTITION BY alert_id) ORDER BY time, alert_id
    """
    return store.sql(text, {"model": model, "sha256": weights_sha256}).cast(MARKS)


def save_calibration(tx: Transaction, row: CalibrationRow, now: datetime) -> None:
    """Keep a calibration in place of the model's last one."""
    tx.execute(
        "INSERT OR REPLACE INTO calibrations VALUES ($model, $weights_sha256, $threshold, $budget, $alerts_per_day,"
        " $days, $rows, $recall, $profile, $actor, $now)",
        {**vars(row), "now": naive_utc(now)},
    )


def drop_calibration(tx: Transaction, model: str) -> None:
    """Go back to the card's threshold."""
    tx.execute("DELETE FROM calibrations WHERE model = $model", {"model": model})


def save_marks(tx: Transaction, marks: pa.Table, actor: str, now: datetime) -> None:
    """Keep marks; a later mark of the same alert takes the place of an earlier one.

    Args:
        tx: the transaction that changes the alerts.
        marks: schema :data:`MARKS`.
        actor: who marked.
        now: when.
    """
    if marks.num_rows:
        tx.execute("DELETE FROM feedback WHERE alert_id IN (SELECT alert_id FROM marks)", {}, {"marks": marks})
        tx.execute(
            "INSERT INTO feedback BY NAME SELECT *, $actor AS actor, $now AS time FROM marks",
            {"actor": actor, "now": naive_utc(now)},
            {"marks": marks},
        )


def drop_marks(tx: Transaction, alert_ids: list[int]) -> None:
    """Forget the marks of alerts that were opened again."""
    tx.execute("DELETE FROM feedback WHERE alert_id IN (SELECT unnest($ids::BIGINT[]))", {"ids": alert_ids})


def save_head(tx: Transaction, row: Mapping[str, Any], now: datetime) -> None:
    """Keep a head in place of the model's last one; ``row`` has the columns of ``heads`` without ``time``."""
    tx.execute(
        "INSERT OR REPLACE INTO heads VALUES ($model, $weights_sha256, $weights, $bias, $marks, $share, $recall_lost,"
        " $recall_lost_whole, $false_gained, $approved_by, $now)",
        {**row, "now": naive_utc(now)},
    )


@contextlib.contextmanager
def other_scores(store: Store, model: str, scored: pa.Table) -> Iterator[Any]:
    """A cursor on which ``scores`` holds ``scored`` and nothing else; nobody else sees it and nothing is written.

    Args:
        store: the workspace.
        model: the model that the scores are of.
        scored: ``value, score, label, explanation``.

    Raises:
        StoreError: a query on it failed.
    """
    import duckdb

    cursor = store.cursor()
    try:
        cursor.register("incoming_scores", scored)
        cursor.execute(
            "CREATE TEMP TABLE scores AS SELECT $model AS model, value, score, label, explanation FROM incoming_scores",
            {"model": model},
        )
        yield cursor
    except duckdb.Error as error:
        raise StoreError(str(error).strip(), source=store.path, remedy="look at the workspace's free space") from error
    finally:
        with contextlib.suppress(duckdb.Error):
            cursor.execute("DROP TABLE IF EXISTS temp.scores")
        cursor.close()


def _rows(store: Store, table: str, model: str, weights_sha256: str) -> list[dict[str, Any]]:
    text = f"SELECT * FROM {table} WHERE model = $model AND weights_sha256 = $sha256"  # noqa: S608 - our own names
    return list(store.sql(text, {"model": model, "sha256": weights_sha256}).to_pylist())
