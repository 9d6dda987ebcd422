"""Whether an attack on a web application got through, decided from the answers that were logged.

Nothing hostile is ever sent again. ``verdicts.sql`` reads status and size of the answers to the attack's own requests
and compares them with the page's answers to ordinary ones; where an inert probe of an owned site (:mod:`.probing`) has
told more, it counts as well.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

ATTEMPT, LIKELY_SUCCESS, NO_SUCH_PAGE = "attempt", "likely success", "no such page"
VERDICTS = (LIKELY_SUCCESS, ATTEMPT, NO_SUCH_PAGE)
"""Every verdict, the gravest first."""


@cache
def attacked_sql() -> str:
    """The query of the pages and parameters that web attacks are about, as far as their evidence tells.

    Its parameters are ``alert_keys`` and ``threshold``, its rows ``alert_key``, ``server`` (address or machine, see
    rules/web_attack.sql), ``url_host`` (what the client wrote), ``url_path`` and ``parameter`` (empty: not in one).
    """
    return (Path(__file__).parent / "attacked.sql").read_text(encoding="utf-8")


@cache
def verdict_sql() -> str:
    """The query of verdicts.

    Its parameters are ``first_event_id`` and ``last_event_id`` (the window of new events, inclusive), ``threshold`` (of
    the query network) and ``alert_keys`` (alerts to judge whatever the window). Its rows are ``alert_key``, ``verdict``
    (of :data:`VERDICTS`), ``verdict_reason`` (a sentence that counts the requests by how they were answered) and
    ``requests`` (how many there were).
    """
    return (Path(__file__).parent / "verdicts.sql").read_text(encoding="utf-8")
