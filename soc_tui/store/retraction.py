"""Taking findings back, and bringing them again: what a rule that has changed no longer finds.

An alert that has lost all its findings keeps its row, its number and its place in an incident, with no finding and
closed; when a finding comes back it is open again. What people closed has findings and is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from soc_tui.store.casework import AT_ONCE, rebuild
from soc_tui.store.database import Transaction

_KEYS = pa.schema([("alert_key", pa.string())])
_STALE = """
SELECT finding_id, alert_key FROM findings
WHERE detector = $detector AND split_part(alert_key, '|', 2) IN (SELECT unnest($rules::VARCHAR[]))
  AND (time >= $time_from AND time < $time_to OR time IS NULL AND $timeless)
  AND finding_id NOT IN (SELECT finding_id FROM kept)
"""
_EMPTIED = """
UPDATE alerts SET finding_count = 0, event_count = 0, event_ids = [],
    state = CASE WHEN state IN ('open', 'acknowledged') THEN 'closed' ELSE state END
WHERE alert_key IN (SELECT alert_key FROM gone) AND alert_key NOT IN (SELECT alert_key FROM findings)
"""
_INCIDENTS = """
UPDATE incidents SET state = CASE WHEN left_over THEN 'open' ELSE 'closed' END
FROM (
    SELECT incident_id, bool_or(finding_count > 0) AS left_over,
        bool_or(alert_key IN (SELECT alert_key FROM touched)) AS mine
    FROM alerts WHERE incident_id IS NOT NULL GROUP BY incident_id
) judged
WHERE incidents.incident_id = judged.incident_id AND mine
  AND incidents.state = CASE WHEN left_over THEN 'closed' ELSE 'open' END
  AND (NOT left_over OR incidents.incident_id IN (
      SELECT incident_id FROM alerts WHERE alert_key IN (SELECT alert_key FROM reopened)))
"""


def retract(
    tx: Transaction,
    detector: str,
    rules: Sequence[str],
    kept: pa.Table,
    time_from: datetime,
    time_to: datetime,
    *,
    timeless: bool = False,
) -> int:
    """Delete findings of some rules (second part of their ``alert_key``) of a time, but for those that are kept.

    Args:
        tx: the transaction.
        detector: whose.
        rules: their ids.
        kept: the findings (``finding_id``) that stay.
        time_from: of the findings' ``time``, inclusive.
        time_to: exclusive.
        timeless: also those without a time.

    Returns:
        How many were deleted.
    """
    wanted = {
        "detector": detector,
        "rules": list(rules),
        "time_from": time_from,
        "time_to": time_to,
        "timeless": timeless,
    }
    stale = tx.sql(_STALE, wanted, {"kept": kept.select(["finding_id"])})
    if not stale.num_rows:
        return 0
    tx.execute("DELETE FROM findings WHERE finding_id IN (SELECT finding_id FROM stale)", tables={"stale": stale})
    keys = sorted(set(stale["alert_key"].to_pylist()))
    rebuild(tx, keys)
    for start in range(0, len(keys), AT_ONCE):
        touched = pa.table({"alert_key": keys[start : start + AT_ONCE]}, schema=_KEYS)
        tx.execute(_EMPTIED, tables={"gone": touched})
        tx.execute(_INCIDENTS, tables={"touched": touched, "reopened": touched.slice(0, 0)})
    return int(stale.num_rows)


def reopen(tx: Transaction, findings: pa.Table) -> None:
    """Open the alerts that had lost their findings and get some again; before the findings are merged."""
    keys = pa.table({"alert_key": sorted(set(findings["alert_key"].to_pylist()))}, schema=_KEYS)
    back = tx.sql(
        "SELECT alert_key FROM alerts SEMI JOIN touched USING (alert_key) WHERE finding_count = 0 AND state = 'closed'",
        tables={"touched": keys},
    )
    if back.num_rows:
        tx.execute(
            "UPDATE alerts SET state = 'open', finding_count = 1 WHERE alert_key IN (SELECT alert_key FROM back)",
            tables={"back": back},
        )
        tx.execute(_INCIDENTS, tables={"touched": back, "reopened": back})
