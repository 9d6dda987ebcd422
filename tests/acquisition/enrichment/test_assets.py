"""The inventory: what it says, and mistakes that name file and line."""

from pathlib import Path

import pytest

from soc_tui.acquisition.enrichment.assets import Asset, load_inventory
from soc_tui.acquisition.enrichment.ranges import number
from soc_tui.core.errors import SettingsError

GOOD = """
[[asset]]
name = "db1"
addresses = ["10.0.0.5", "2001:db8::5"]
hostnames = ["DB1.corp.example."]
owner = "DBA team"
criticality = "critical"
role = "database"
tags = ["pci"]

[[asset]]
name = "office"
networks = ["10.0.0.0/16"]
"""


def _load(tmp_path: Path, text: str | bytes) -> object:
    file = tmp_path / "assets.toml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_inventory(file)


def test_an_inventory(tmp_path: Path) -> None:
    file = tmp_path / "assets.toml"
    file.write_text(GOOD)
    inventory = load_inventory(file)
    db1, office = inventory.assets
    assert db1 == Asset(
        "db1", ("10.0.0.5", "2001:db8::5"), (), ("db1.corp.example",), "DBA team", "critical", "database", ("pci",)
    )
    places = [inventory.places.at(number(ip) or 0) for ip in ("10.0.0.5", "2001:db8::5", "10.0.0.6", "10.1.0.0")]
    assert places == [db1, db1, office, None]


def test_an_empty_file_is_an_empty_inventory(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("")
    assert load_inventory(file).assets == ()


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (GOOD.replace("owner", "onwer"), 6, "the nearest known one is 'owner'"),
        (GOOD.replace('"critical"', '"criticl"'), 7, "did you mean critical"),
        (GOOD.replace("10.0.0.0/16", "10.0.0.0/99"), 13, "'10.0.0.0/99' is no address or network"),
        (GOOD.replace('"10.0.0.5"', '"10.0.0.0/24"'), 4, "name it under networks"),
        (GOOD.replace('name = "office"', 'name = "db1"'), 12, "there are two assets 'db1'"),
        (GOOD.replace("10.0.0.0/16", "10.0.0.5/32"), 13, "belongs to 'db1' already"),
        (GOOD.replace('name = "office"\n', ""), 11, "has no name"),
        (GOOD.replace('["pci"]', '"pci"'), 9, "tags must be a list of texts"),
        (GOOD.replace('"DBA team"', "5"), 6, "owner = 5 is no text"),
        ("[[assets]]\nname='x'\n", 1, "unknown key 'assets'"),
        ("asset = 3\n", 1, "must be a list of tables"),
        ("[[asset]\n", 1, "Expected"),
        (b"\xff", None, "cannot be read"),
        ("a = " + "[" * 100_000, None, ""),
    ],
)
def test_a_mistake_names_file_and_line(tmp_path: Path, text: str | bytes, line: int | None, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path, text)
    assert said in str(caught.value)
    assert (caught.value.source, caught.value.line) == (str(tmp_path / "assets.toml"), line)
    assert caught.value.remedy


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_inventory(tmp_path / "none.toml")
