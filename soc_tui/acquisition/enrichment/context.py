"""Everything that is known of addresses and names beside the logs, as one object that describes distinct values."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from soc_tui.acquisition.enrichment.addresses import class_at, own_networks
from soc_tui.acquisition.enrichment.assets import Inventory, load_inventory
from soc_tui.acquisition.enrichment.domains import split_domain
from soc_tui.acquisition.enrichment.geoip import NOWHERE, GeoIP
from soc_tui.acquisition.enrichment.ranges import number
from soc_tui.core.errors import SocTuiError
from soc_tui.core.settings import EnrichmentSettings

ADDRESSES = pa.schema(
    [
        ("ip", pa.string()),
        ("class", pa.string()),
        ("own", pa.bool_()),
        ("asset", pa.string()),
        ("owner", pa.string()),
        ("criticality", pa.string()),
        ("country", pa.string()),
        ("city", pa.string()),
        ("asn", pa.int64()),
        ("as_org", pa.string()),
    ]
)
"""What :meth:`Context.addresses` says of each address."""

DOMAINS = pa.schema([(name, pa.string()) for name in ("name", "registered_domain", "suffix", "subdomain")])
"""What :func:`domains` says of each name."""

_VERSION = 1
"""Part of every fingerprint; a change of what is said of an address raises it."""


@dataclass
class Context:
    """Own networks, assets and GeoIP databases, as they were when they were read."""

    own: Sequence[str]
    inventory: Inventory
    geoip: GeoIP
    fingerprint: str
    """Changes with anything that could change what is said of an address."""
    problems: tuple[SocTuiError, ...] = ()
    """Files that could not be used; the rest is."""

    def __post_init__(self) -> None:
        self._own = own_networks(self.own)

    def addresses(self, addresses: Sequence[str]) -> pa.Table:
        """Describe distinct addresses (schema :data:`ADDRESSES`), in their order."""
        rows = [self._describe(address) for address in addresses]
        columns = zip(*rows, strict=True) if rows else [()] * (len(ADDRESSES) - 1)
        texts = [pa.array(addresses, pa.string())]
        return pa.table([*texts, *map(pa.array, columns, ADDRESSES.types[1:])], schema=ADDRESSES)

    def _describe(self, address: str) -> tuple[object, ...]:
        place = number(address)
        if place is None:
            return ("unknown", False, *[None] * 7)
        kind = class_at(place)
        asset = self.inventory.places.at(place)
        where = self._where(address) if self.geoip else NOWHERE
        known = (asset.name, asset.owner or None, asset.criticality or None) if asset else (None, None, None)
        return (kind, bool(self._own.at(place)), *known, *where)

    def _where(self, address: str) -> tuple[object, ...]:
        try:
            return self.geoip.lookup(address)
        except SocTuiError as error:
            if not any(str(known) == str(error) for known in self.problems):
                self.problems = (*self.problems, error)
            return NOWHERE

    def close(self) -> None:
        """Let go of the databases."""
        self.geoip.close()


def domains(names: Sequence[str]) -> pa.Table:
    """Cut distinct names at their public suffixes (schema :data:`DOMAINS`), in their order."""
    parts = [split_domain(name) for name in names]
    columns = zip(*parts, strict=True) if parts else [()] * 3
    return pa.table([pa.array(names, pa.string()), *(pa.array(c, pa.string()) for c in columns)], schema=DOMAINS)


def watched_files(settings: EnrichmentSettings) -> list[Path]:
    """The files that a context is made of."""
    named = [*([settings.assets] if settings.assets else []), *settings.geoip]
    return [Path(name).expanduser() for name in named]


def stamp(path: Path) -> tuple[str, int, int, int]:
    """What changes when a file does: path, inode, size and time of change; zeros when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return (str(path), 0, 0, 0)
    return (str(path), found.st_ino, found.st_size, found.st_mtime_ns)


def fingerprint(settings: EnrichmentSettings) -> str:
    """The fingerprint that a context read now would have, without reading it."""
    said = (_VERSION, settings.own_networks, [stamp(path) for path in watched_files(settings)])
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def load_context(settings: EnrichmentSettings) -> Context:
    """Read everything that the settings name. A file that cannot be used is a problem of the context, not its end."""
    problems: list[SocTuiError] = []
    mark = fingerprint(settings)
    inventory = Inventory()
    if settings.assets:
        try:
            inventory = load_inventory(Path(settings.assets).expanduser())
        except SocTuiError as error:
            problems.append(error)
    good: list[Path] = []
    for name in settings.geoip:
        path = Path(name).expanduser()
        try:
            GeoIP([path]).close()
            good.append(path)
        except SocTuiError as error:
            problems.append(error)
    return Context(settings.own_networks, inventory, GeoIP(good), mark, tuple(problems))
