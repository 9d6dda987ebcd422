"""Country, city and autonomous system of an address, from MaxMind DB files that the user has (never from a network).

Field names are those of GeoLite2/GeoIP2 (https://dev.maxmind.com/geoip/docs/databases), DB-IP Lite, which uses the
same, and ipinfo (https://ipinfo.io/developers/database-types). The format is https://maxmind.github.io/MaxMind-DB/.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from soc_tui.core.errors import SourceError

if TYPE_CHECKING:
    from maxminddb import Reader

_MOST_TEXT = 200


class Place(NamedTuple):
    """What the databases say of one address; None where none says it."""

    country: str | None = None
    """ISO 3166-1 alpha-2 where the database has it."""
    city: str | None = None
    asn: int | None = None
    as_org: str | None = None


NOWHERE = Place()


class GeoIP:
    """Several databases as one: the first that knows a field gives it.

    Args:
        paths: MMDB files (country, city, ASN in any mixture).

    Raises:
        SourceError: a file is missing, is no MMDB or is damaged; names the file.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._readers: list[tuple[Path, Reader]] = []
        try:
            for path in paths:
                self._readers.append((path, _open(path)))
        except SourceError:
            self.close()
            raise

    def __bool__(self) -> bool:
        return bool(self._readers)

    def lookup(self, address: str) -> Place:
        """Where an address is; :data:`NOWHERE` when nobody knows.

        Raises:
            SourceError: a database is damaged at the place that was asked for.
        """
        place = NOWHERE
        for path, reader in self._readers:
            try:
                record = reader.get(address)
            except ValueError as error:  # also InvalidDatabaseError, which is a RuntimeError in some versions
                if _is_damage(error):
                    raise _damaged(path, error) from error
                continue  # no address, or IPv6 in a database of IPv4
            except (RuntimeError, OSError) as error:
                raise _damaged(path, error) from error
            if isinstance(record, dict):
                place = _merged(place, record)
        return place

    def close(self) -> None:
        """Let go of the files."""
        for _, reader in self._readers:
            reader.close()
        self._readers.clear()


def _open(path: Path) -> Reader:
    import maxminddb

    try:
        return maxminddb.open_database(str(path))
    except FileNotFoundError as error:
        remedy = "correct enrichment.geoip in the settings"
        raise SourceError("the GeoIP database does not exist", source=path, remedy=remedy) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise _damaged(path, error) from error


def _is_damage(error: Exception) -> bool:
    return type(error).__name__ == "InvalidDatabaseError"


def _damaged(path: Path, error: Exception) -> SourceError:
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return SourceError(
        f"is no MaxMind DB or is damaged: {said}", source=path, remedy="fetch the database again and replace the file"
    )


def _merged(place: Place, record: dict[str, Any]) -> Place:
    country, city = record.get("country"), record.get("city")
    registered = record.get("registered_country")
    return Place(
        place.country
        or _text(country.get("iso_code") if isinstance(country, dict) else None)
        or _text(record.get("country_code"))
        or _text(country if isinstance(country, str) else None)
        or _text(registered.get("iso_code") if isinstance(registered, dict) else None),
        place.city or _text(_english(city) if isinstance(city, dict) else city),
        place.asn if place.asn is not None else _asn(record),
        place.as_org
        or _text(record.get("autonomous_system_organization"))
        or _text(record.get("as_name"))
        or _text(record.get("organization") if "asn" in record else None)
        or _text(record.get("name") if "asn" in record else None),
    )


def _english(city: dict[str, Any]) -> Any:
    names = city.get("names")
    if not isinstance(names, dict) or not names:
        return None
    return names.get("en", next(iter(names.values())))


def _asn(record: dict[str, Any]) -> int | None:
    value = record.get("autonomous_system_number", record.get("asn"))
    if isinstance(value, str) and value[:2].upper() == "AS":
        value = value[2:]
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        value = int(value)
    return value if isinstance(value, int) and 0 < value < 2**32 else None


def _text(value: Any) -> str | None:
    return value[:_MOST_TEXT] if isinstance(value, str) and value else None
