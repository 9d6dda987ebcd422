"""What the tools find in files leads to the entry that speaks about it."""

from __future__ import annotations

import pytest

from soc_tui.knowledge.library import Library

LIBRARY = Library()


@pytest.mark.parametrize(
    ("detector", "title", "techniques", "slug"),
    [
        ("virus", "Virus Win.Test: /x", ["T1204.002"], "virus"),
        ("virus", "File with a known-bad hash: /x", ["T1204.002"], "virus"),
        ("trojan", "PHP runs what a request sends as code: /x", ["T1505.003"], "trojan"),
        ("trojan", "Cryptocurrency miner: /x", ["T1496.001"], "trojan"),
        ("malicious-file", "Hidden iframe to another site: /x", ["T1189"], "skimmer-or-hidden-frame"),
        ("malicious-file", "Hidden links to many other sites: /x", ["T1608.006"], "skimmer-or-hidden-frame"),
        (
            "malicious-file",
            "Script that reads card fields and sends them away: /x",
            ["T1056"],
            "skimmer-or-hidden-frame",
        ),
        ("malicious-file", "Executable file among uploads: server code: /x", ["T1505.003"], "executable-among-uploads"),
        (
            "malicious-file",
            "Executable file under two name endings: server code: /x",
            ["T1036.007"],
            "executable-among-uploads",
        ),
        ("malicious-file", "Server code in a file that should be media: /x", ["T1036.008"], "executable-among-uploads"),
        ("malicious-file", "Obfuscated source that runs what it hides: /x", ["T1027"], "malicious-file"),
        ("malicious-file", "Script that reads like malicious code: /x", ["T1059.007"], "malicious-file"),
    ],
)
def test_a_finding_leads_to_its_entry(detector: str, title: str, techniques: list[str], slug: str) -> None:
    alert = {"detector": detector, "title": title, "techniques": techniques, "risk_type": "malicious-code"}
    assert LIBRARY.match(alert)[0].entry.slug == slug
