"""Inert probes after web attacks on owned websites: does the attacked page exist, and what does it do with a value."""

from __future__ import annotations

from collections.abc import Sequence

from soc_tui.core.clock import Clock
from soc_tui.core.errors import UsageError
from soc_tui.core.settings import ScanSettings
from soc_tui.detection.tools import Watch
from soc_tui.detection.website.tool import WebsiteTool
from soc_tui.management.scoring import Scoring
from soc_tui.management.verdicts import attacked, judge
from soc_tui.store.casework import save_probe
from soc_tui.store.database import Store

MOST = 20
"""Pages that are asked for at once: a scanner tries thousands, and each costs three requests at a bounded rate."""


def probe(
    store: Store, settings: ScanSettings, scoring: Scoring, clock: Clock, target: str, alert_keys: Sequence[str],
    watch: Watch,
) -> int:  # fmt: skip
    """Ask an owned website about the pages that web attacks are about, and judge the attacks anew.

    Nothing hostile is sent again: what is itself the attack is left out.

    Args:
        store: the workspace.
        settings: what is owned and how hard it may be asked.
        scoring: whose query network told which values are attacks.
        clock: for the time that a probe is kept with.
        target: the website.
        alert_keys: alerts of the rule ``web-attack``.
        watch: how it is told to stop.

    Returns:
        How many pages were asked for.

    Raises:
        SocTuiError: the website is not owned, or its name has no address.
    """
    tool = WebsiteTool(settings, clock=clock)
    threshold = scoring.predictor("query").threshold
    found: list[tuple[str, dict[str, str]]] = []
    for row in attacked(store, alert_keys, threshold):
        if len(found) == MOST or watch.stopping():
            break
        try:
            found.append((row["alert_key"], tool.probe(target, row["url_path"], row["parameter"], watch).stored()))
        except UsageError:  # the path or the parameter is the attack
            continue
    if found:
        with store.transaction("findings") as tx:
            for alert_key, told in found:
                save_probe(tx, alert_key, told, clock.now())
            judge(tx, lambda: threshold, 1, 0, [alert_key for alert_key, _ in found])
    return len(found)
