"""The join of scores to requests sees the same texts as the query that chooses what is scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import soc_tui.analysis

CHOOSE = Path(soc_tui.analysis.__file__).parent / "features" / "query_values.sql"

REQUESTS = [
    ("/a", None), ("/a/b.php", "id=1&name=x+y"), ("/p", "flag"), ("/p", "a=b=c&=v&d="), ("/p", "x%27=1&'or'1"),
    ("/p", "&&"), ("/", "a[]=<s>&a[0]=../"), (None, "q=" + "z" * 5000), ("/p", "=&=="), ("/ünï", "k=ü"),
]  # fmt: skip


def test_every_text_that_is_scored_is_joined_back(workspace: Any, events: dict[str, Any]) -> None:
    requests = [events["web"](i * 4000, path, url_query=query) for i, (path, query) in enumerate(REQUESTS)]
    first, last = workspace.add(requests)
    chosen = workspace.store.sql(CHOOSE.read_text(), {"first_event_id": first, "last_event_id": last})
    with workspace.store.transaction() as tx:
        tx.execute(
            "INSERT INTO scores SELECT DISTINCT 'query', value, 0.9, 'other', '[]' FROM chosen",
            tables={"chosen": chosen},
        )
    found = workspace.find("web-attack", (first, last), threshold=0.5)
    joined = sorted(i for finding in found for i in finding["event_ids"])
    assert joined == sorted(
        set(
            workspace.store.sql(
                """
        SELECT e.event_id FROM events e WHERE length(e.url_path) > 1 OR EXISTS (
            FROM chosen c WHERE c.field = 'url_query' AND contains(e.url_query, c.value))
    """,
                tables={"chosen": chosen},
            )
            .column(0)
            .to_pylist()
        )
    )
