"""GeoIP: the shapes of the known databases, several at once, and damage in clear words."""

from pathlib import Path

import pytest

from soc_tui.acquisition.enrichment.geoip import NOWHERE, GeoIP, Place
from soc_tui.core.errors import SourceError
from tests.mmdb import write_mmdb

CITY = {"country": {"iso_code": "DE"}, "city": {"names": {"en": "Berlin", "de": "Berlin"}}}
ASN = {"autonomous_system_number": 64500, "autonomous_system_organization": "Example Net"}


def test_city_and_asn_of_two_databases(tmp_path: Path) -> None:
    geo = GeoIP(
        [
            write_mmdb(tmp_path / "c", {"203.0.113.0/24": CITY}),
            write_mmdb(tmp_path / "a", {"203.0.0.0/16": ASN, "2001:db8::/32": ASN}),
        ]
    )
    assert geo.lookup("203.0.113.5") == Place("DE", "Berlin", 64500, "Example Net")
    assert geo.lookup("203.0.1.1") == Place(None, None, 64500, "Example Net")
    assert geo.lookup("2001:db8::1") == Place(None, None, 64500, "Example Net")
    assert geo.lookup("8.8.8.8") == NOWHERE
    geo.close()


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"country": "US", "asn": "AS15169", "as_name": "Google LLC"}, Place("US", None, 15169, "Google LLC")),
        (
            {"country": "United States", "country_code": "US", "asn": "AS15169", "as_name": "G"},
            Place("US", None, 15169, "G"),
        ),
        ({"city": "Paris", "country": "FR"}, Place("FR", "Paris")),
        ({"registered_country": {"iso_code": "CH"}}, Place("CH")),
        ({"city": {"names": {"fr": "Genève"}}, "country": {"iso_code": "CH"}}, Place("CH", "Genève")),
        ({"asn": "ASx", "as_name": "n"}, Place(None, None, None, "n")),
        ({"asn": "AS99999999999"}, NOWHERE),
        ({"country": 5, "city": {"names": {}}, "autonomous_system_number": 0}, NOWHERE),
        ("only text", NOWHERE),
    ],
)
def test_field_shapes(tmp_path: Path, record: object, expected: Place) -> None:
    assert GeoIP([write_mmdb(tmp_path / "db", {"203.0.113.0/24": record})]).lookup("203.0.113.9") == expected


def test_an_ipv4_database_knows_no_ipv6_and_no_text(tmp_path: Path) -> None:
    geo = GeoIP([write_mmdb(tmp_path / "db", {"203.0.113.0/24": ASN}, version=4)])
    assert geo.lookup("203.0.113.9").asn == 64500
    assert geo.lookup("2001:db8::1") == NOWHERE
    assert geo.lookup("evil\x1b") == NOWHERE


@pytest.mark.parametrize("raw", [b"", b"no database", b"\x00" * 4096])
def test_a_damaged_file_is_named(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "bad.mmdb").write_bytes(raw)
    with pytest.raises(SourceError, match="damaged") as caught:
        GeoIP([write_mmdb(tmp_path / "ok", {"203.0.113.0/24": ASN}), tmp_path / "bad.mmdb"])
    assert caught.value.source == str(tmp_path / "bad.mmdb")


def test_a_tree_that_points_into_nowhere_is_damage(tmp_path: Path) -> None:
    path = write_mmdb(tmp_path / "db", {"203.0.113.0/24": ASN})
    raw = bytearray(path.read_bytes())
    raw[: raw.index(b"\x00" * 16)] = b"\x7f" * raw.index(b"\x00" * 16)
    path.write_bytes(raw)
    with pytest.raises(SourceError, match="damaged"):
        GeoIP([path]).lookup("203.0.113.5")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        GeoIP([tmp_path / "none.mmdb"])
