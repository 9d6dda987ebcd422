"""Each check leads to knowledge about it, and the documentation lists each."""

from __future__ import annotations

from pathlib import Path

import pytest

from soc_tui.detection.website.template import FOLDER, Template, load
from soc_tui.knowledge.library import Library

ENTRIES = {
    "repositories": "exposed-files", "secrets": "exposed-files", "consoles": "website-disclosure",
    "disclosure": "website-disclosure", "headers": "browser-protection", "tls": "tls-problem",
    "parameters": "unsafe-parameter",
}  # fmt: skip
OTHERS = {
    "flash-policy": "browser-protection", "no-tls": "tls-problem", "password-without-tls": "tls-problem",
    "basic-authentication-without-tls": "tls-problem", "mixed-content": "tls-problem", "no-hsts": "tls-problem",
    "short-hsts": "tls-problem", "cookie-without-secure": "browser-protection",
    "cookie-without-httponly": "browser-protection", "cookie-without-samesite": "browser-protection",
    "cookie-none-insecure": "browser-protection",
}  # fmt: skip
TEMPLATES = load()[0]


LIBRARY = Library()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.id)
def test_each_check_finds_its_entry(template: Template) -> None:
    files = {path.stem for path in FOLDER.glob("*.yaml") if f"- id: {template.id}\n" in path.read_text()}
    (file,) = files
    alert = {
        "detector": "website-vulnerability", "risk_type": "web-attack", "title": f"{template.title}: https://a.example/x",
        "techniques": list(template.techniques),
    }  # fmt: skip
    assert LIBRARY.match(alert)[0].entry.slug == OTHERS.get(template.id, ENTRIES[file])


def test_the_page_lists_every_check() -> None:
    page = (Path(__file__).parents[3] / "docs/tools/website.md").read_text()
    for one in TEMPLATES:
        assert f"| `{one.id}` | {one.title} | {one.severity} | {', '.join(one.weaknesses)} |" in page
