"""What is known of an address, as words for a person: the command line and the console say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MOST_HITS = 10


def address_facts(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and texts of what a row of the query ``address`` knows; data, not yet safe for a screen."""
    place = ", ".join(str(row[key]) for key in ("city", "country") if row.get(key))
    asn = f"AS{row['asn']}" if row.get("asn") else ""
    asset = str(row.get("asset") or "")
    about = ", ".join(str(row[key]) for key in ("owner", "criticality") if row.get(key))
    facts = [
        ("class", " ".join(part for part in (str(row.get("class") or ""), "(own)" if row.get("own") else "") if part)),
        ("asset", f"{asset} ({about})" if asset and about else asset),
        ("place", place),
        ("network", " ".join(part for part in (asn, str(row.get("as_org") or "")) if part)),
        ("name", str(row.get("name") or "")),
    ]
    for hit in list(row.get("indicators") or [])[:_MOST_HITS]:
        why = f": {hit['description']}" if hit.get("description") else ""
        facts.append(("known bad", f"{hit['value']} ({hit['severity']}, {hit['source']}){why}"))
    return [(name, text) for name, text in facts if text]
