"""All that is known of an address in one row; a file that cannot be used is a problem and not the end."""

from pathlib import Path

from soc_tui.acquisition.enrichment.context import domains, fingerprint, load_context
from soc_tui.core.settings import EnrichmentSettings
from tests.mmdb import write_mmdb


def test_every_column(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        '[[asset]]\nname = "web1"\naddresses = ["203.0.113.5"]\nowner = "ops"\ncriticality = "high"\n'
    )
    record = {"country": {"iso_code": "DE"}, "city": {"names": {"en": "Bonn"}}, "autonomous_system_number": 64500}
    geo = write_mmdb(tmp_path / "g.mmdb", {"203.0.113.0/24": record})
    context = load_context(EnrichmentSettings(("203.0.113.0/24",), str(tmp_path / "a.toml"), (str(geo),)))
    assert context.problems == ()
    known, other, odd = context.addresses(["203.0.113.5", "10.0.0.1", "x"]).to_pylist()
    assert known == {
        "ip": "203.0.113.5", "class": "documentation", "own": True, "asset": "web1", "owner": "ops", "criticality": "high",
        "country": "DE", "city": "Bonn", "asn": 64500, "as_org": None,
    }  # fmt: skip
    nothing = dict.fromkeys(("asset", "owner", "criticality", "country", "city", "asn", "as_org"))
    assert other == {"ip": "10.0.0.1", "class": "private", "own": False, **nothing}
    assert odd == {"ip": "x", "class": "unknown", "own": False, **nothing}
    assert context.addresses([]).num_rows == 0
    context.close()


def test_files_that_cannot_be_used_are_named_and_the_rest_is(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[[asset]]\nnaem = 1\n")
    (tmp_path / "bad.mmdb").write_bytes(b"x")
    good = write_mmdb(tmp_path / "g.mmdb", {"203.0.113.0/24": {"country": "DE"}})
    settings = EnrichmentSettings(assets=str(tmp_path / "a.toml"), geoip=(str(tmp_path / "bad.mmdb"), str(good)))
    context = load_context(settings)
    assert [Path(str(error.source)).name for error in context.problems] == ["a.toml", "bad.mmdb"]
    assert context.addresses(["203.0.113.5"])["country"].to_pylist() == ["DE"]


def test_the_fingerprint_changes_with_the_files(tmp_path: Path) -> None:
    settings = EnrichmentSettings(assets=str(tmp_path / "a.toml"))
    first = fingerprint(settings)
    (tmp_path / "a.toml").write_text("")
    second = fingerprint(settings)
    assert len({first, second, fingerprint(EnrichmentSettings())}) == 3
    assert load_context(settings).fingerprint == second


def test_domains() -> None:
    rows = domains(["www.example.com", "x"]).to_pylist()
    assert rows == [
        {"name": "www.example.com", "registered_domain": "example.com", "suffix": "com", "subdomain": "www"},
        {"name": "x", "registered_domain": None, "suffix": None, "subdomain": None},
    ]
    assert domains([]).num_rows == 0
