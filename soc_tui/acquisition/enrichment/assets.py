"""The asset inventory: a TOML file that says which machine an address or host name is, whose, and how important.

A mistake names file and line and, for a misspelt key, the nearest known one: an asset that silently is none would be
worse than none.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from soc_tui.acquisition.enrichment.ranges import NetworkMap, bounds
from soc_tui.core.errors import SettingsError

CRITICALITIES = ("low", "medium", "high", "critical")
MAX_BYTES = 64 * 1024 * 1024
_EXAMPLE = "see docs/enrichment.md for an example"


@dataclass(frozen=True)
class Asset:
    """One machine, or one network of machines."""

    name: str
    addresses: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    hostnames: tuple[str, ...] = ()
    """Names as logs write them, in lower case."""
    owner: str = ""
    criticality: str = ""
    """low, medium, high or critical; empty when nobody said."""
    role: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inventory:
    """Every asset, and which one holds an address."""

    assets: tuple[Asset, ...] = ()
    places: NetworkMap[Asset] = field(default_factory=lambda: NetworkMap[Asset](()))


def load_inventory(path: Path) -> Inventory:
    """Read an inventory.

    Raises:
        SettingsError: the file cannot be read or says something that no inventory says; names file and line.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SettingsError(f"is longer than {MAX_BYTES >> 20} MiB", source=path, remedy="is it an inventory?")
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else None
        raise SettingsError(str(error), source=path, line=line, remedy="correct the TOML") from error
    except RecursionError as error:
        raise SettingsError("is nested too deeply", source=path, remedy=_EXAMPLE) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot be read: {error}", source=path, remedy="check owner and encoding") from error
    return _Reader(path, text).inventory(data)


class _Reader:
    """Checks one file."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._lines = path, text.splitlines()
        self._heads = [n for n, line in enumerate(self._lines) if re.match(r"\s*\[\[\s*[\"']?asset[\"']?\s*\]\]", line)]

    def inventory(self, data: Mapping[str, Any]) -> Inventory:
        for key in data:
            if key != "asset":
                raise self._wrong(f"unknown key {key!r}; an inventory holds [[asset]] tables", None, key)
        rows = data.get("asset", [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._wrong("asset must be a list of tables", None, "asset", "write [[asset]]")
        assets = tuple(self._asset(row, place) for place, row in enumerate(rows))
        self._check_double(assets)
        return Inventory(assets, NetworkMap(_places(assets)))

    def _asset(self, row: Mapping[str, Any], place: int) -> Asset:
        known = {f.name for f in fields(Asset)}
        values: dict[str, Any] = {}
        for key, value in row.items():
            if key not in known:
                near = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.0)[0]
                said = f"unknown key {key!r}; the nearest known one is {near!r}"
                raise self._wrong(said, place, key, f"did you mean {near}?")
            values[key] = self._value(key, value, place)
        if not values.get("name"):
            raise self._wrong("an asset has no name", place, "", 'write name = "web1"')
        if values.get("criticality", "low") not in CRITICALITIES:
            near = difflib.get_close_matches(str(values["criticality"]), CRITICALITIES, n=1, cutoff=0.0)[0]
            said = f"criticality {values['criticality']!r} is none of {', '.join(CRITICALITIES)}"
            raise self._wrong(said, place, "criticality", f"did you mean {near}?")
        return Asset(**values)

    def _value(self, key: str, value: Any, place: int) -> str | tuple[str, ...]:
        if key in {"name", "owner", "criticality", "role"}:
            if not isinstance(value, str):
                raise self._wrong(f"{key} = {value!r} is no text", place, key)
            return value
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(f"{key} must be a list of texts", place, key, f'write {key} = ["..."]')
        if key == "hostnames":
            return tuple(item.strip().rstrip(".").lower() for item in value)
        if key in {"addresses", "networks"}:
            for item in value:
                try:
                    first, last = bounds(item)
                except ValueError as error:
                    raise self._wrong(f"{item!r} is no address or network", place, key, "e.g. 10.0.0.5") from error
                if key == "addresses" and first != last:
                    raise self._wrong(f"{item!r} is a network", place, key, "name it under networks")
        return tuple(value)

    def _check_double(self, assets: Iterable[Asset]) -> None:
        names: set[str] = set()
        places: dict[tuple[int, int], str] = {}
        for at, asset in enumerate(assets):
            if asset.name in names:
                raise self._wrong(f"there are two assets {asset.name!r}", at, "name", "give each its own name")
            names.add(asset.name)
            for key in ("addresses", "networks"):
                for network in getattr(asset, key):
                    other = places.setdefault(bounds(network), asset.name)
                    if other != asset.name:
                        raise self._wrong(f"{network} belongs to {other!r} already", at, key, "name it once")

    def _wrong(self, message: str, place: int | None, key: str, remedy: str = _EXAMPLE) -> SettingsError:
        return SettingsError(message, source=self._path, line=self._line(place, key), remedy=remedy)

    def _line(self, place: int | None, key: str) -> int | None:
        """The line of a key within the asset of that place, else of the asset, else of the file."""
        start, end = 0, len(self._lines)
        if place is not None:
            if place >= len(self._heads):
                return None  # written as an inline list
            start = self._heads[place]
            end = self._heads[place + 1] if place + 1 < len(self._heads) else end
        for number in range(start, end):
            if key and re.match(rf"\s*\[*\s*[\"']?{re.escape(key)}\b", self._lines[number]):
                return number + 1
        return start + 1 if place is not None else None


def _places(assets: Iterable[Asset]) -> list[tuple[str, Asset]]:
    return [(network, asset) for asset in assets for network in (*asset.networks, *asset.addresses)]
