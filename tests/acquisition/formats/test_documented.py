"""What the documents say of the formats is what there is."""

from pathlib import Path

from soc_tui.acquisition.formats import FORMATS

ROOT = Path(__file__).parents[3]


def test_every_format_is_listed_and_has_its_page() -> None:
    listed = (ROOT / "docs/formats.md").read_text(encoding="utf-8")
    pages = "".join(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs/formats").glob("*.md"))) + listed
    assert [name for name in FORMATS if f"`{name}`" not in listed] == []
    assert [name for name in FORMATS if pages.count(f"`{name}`") < 2] == []  # in the list and where it is explained
    assert f"**Reads** {len(FORMATS)} formats" in (ROOT / "README.md").read_text(encoding="utf-8")
