"""What was learned of messages, kept in the transaction that adds the events it was learned from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from soc_tui.store.database import Store, Transaction

_REPLACE = """
INSERT INTO templates
SELECT i.template_id, i.template, i.origin, coalesce(t.first_seen, $now)
FROM incoming i LEFT JOIN replaced t USING (template_id)
"""


@dataclass(frozen=True)
class Learned:
    """What the messages of one commit taught."""

    ids: pa.ChunkedArray
    """The template of each event, null for none."""
    shapes: pa.Table
    """New shapes: ``shape``, ``template_id``."""
    templates: pa.Table
    """New or changed templates: ``template_id``, ``template``, ``origin``."""


def load_templates(store: Store) -> tuple[pa.Table, pa.Table]:
    """The templates and the shapes that are known."""
    templates = store.sql("SELECT template_id, template, origin FROM templates ORDER BY template_id")
    return templates, store.sql("SELECT shape, template_id FROM template_shapes")


def save_learned(tx: Transaction, learned: Learned, moment: datetime) -> None:
    """Keep new shapes and templates within the transaction of their events."""
    if learned.shapes.num_rows:
        tx.execute(
            "INSERT INTO template_shapes SELECT shape, template_id FROM incoming", tables={"incoming": learned.shapes}
        )
    if learned.templates.num_rows:
        which = "template_id IN (SELECT template_id FROM incoming)"
        tables = {"incoming": learned.templates}
        replaced = tx.sql(f"SELECT template_id, first_seen FROM templates WHERE {which}", tables=tables)  # noqa: S608
        tx.execute(f"DELETE FROM templates WHERE {which}", tables=tables)  # noqa: S608 - our own text
        tx.execute(_REPLACE, {"now": moment}, {**tables, "replaced": replaced})
