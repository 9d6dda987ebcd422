"""docs/keys.md is what the code says."""

from __future__ import annotations

from pathlib import Path

from textual.binding import Binding

from soc_tui.console.keys import OFFERING, keys_markdown

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "keys.md"


def test_the_document_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == keys_markdown(), "run: python -m soc_tui.console.keys > docs/keys.md"


def test_no_key_is_bound_twice_in_one_place() -> None:
    for offering in OFFERING:
        bindings = [b for b in offering.__dict__.get("BINDINGS", ()) if isinstance(b, Binding)]
        keys = [key for binding in bindings for key in binding.key.split(",")]
        assert len(keys) == len(set(keys)), offering
