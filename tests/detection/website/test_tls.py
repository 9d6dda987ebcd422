"""Certificates and protocols, judged on real handshakes."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soc_tui.core.clock import FixedClock
from soc_tui.detection.website.template import FOLDER
from soc_tui.detection.website.tls import not_after


@pytest.fixture
def only_tls(tmp_path: Path) -> Path:
    shutil.copy(FOLDER / "tls.yaml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "alternative", "more", "checks"),
    [
        ("plain", "IP:127.0.0.1", {}, set()),
        ("soon", "IP:127.0.0.1", {"days": 10}, {"certificate-expires-soon"}),
        ("ended", "IP:127.0.0.1", {"days": -1}, {"certificate-expired"}),
        ("own", "IP:127.0.0.1", {"own": True}, {"certificate-self-signed"}),
        ("other", "DNS:www.example.org", {}, {"certificate-wrong-name"}),
        ("worst", "DNS:x.example", {"days": -1, "own": True}, {"certificate-self-signed", "certificate-wrong-name"}),
    ],
)  # fmt: skip
def test_certificates(
    site: Any,
    look: Any,
    kit: Any,
    trusted: Any,
    only_tls: Path,
    name: str,
    alternative: str,
    more: Any,
    checks: set[str],
) -> None:
    context = kit["context"](trusted.certificate(name, alternative, **more))
    made = site(context=context)
    looked = look(made.url, templates=only_tls)
    assert looked.checks == checks
    assert {one.target for one in looked.findings} <= {made.url}


def test_an_authority_that_nobody_here_knows(site: Any, look: Any, kit: Any, authority: Any, only_tls: Path) -> None:
    looked = look(site(context=kit["context"](authority.good)).url, templates=only_tls)
    (finding,) = looked.findings
    assert (finding.check, finding.evidence) == (
        "certificate-untrusted", b"unable to get local issuer certificate"
    )  # fmt: skip


def test_a_bad_certificate_is_no_reason_to_look_away(site: Any, look: Any, kit: Any, trusted: Any) -> None:
    context = kit["context"](trusted.certificate("bad", "DNS:x.example", days=-1, own=True))
    made = site({"/": kit["clean"], "/.git/HEAD": (200, {}, b"ref: refs/heads/main\n")}, context=context)
    looked = look(made.url)
    assert looked.checks == {"certificate-self-signed", "certificate-wrong-name", "git-repository"}
    names = {name.lower() for _, _, headers in made.asked for name, _ in headers}
    assert not names & {"authorization", "cookie", "proxy-authorization"}


def test_old_protocols(nginx: Any, look: Any, trusted: Any, only_tls: Path) -> None:
    files = f"ssl_certificate {trusted.good}; ssl_certificate_key {trusted.good}; ssl_ciphers ALL:@SECLEVEL=0;"
    old = nginx("location / { return 200 x; }", tls=f"{files} ssl_protocols TLSv1.1 TLSv1.2;")
    (finding,) = look(old.url, templates=only_tls).findings
    assert (finding.check, finding.evidence) == ("old-tls", b"a handshake with TLSv1.1 succeeded")
    new = nginx("location / { return 200 x; }", tls=f"{files} ssl_protocols TLSv1.2 TLSv1.3;")
    assert look(new.url, templates=only_tls).findings == []


def test_days_are_counted_by_the_clock(site: Any, look: Any, kit: Any, trusted: Any, only_tls: Path) -> None:
    context = kit["context"](trusted.good)
    end = not_after(ssl.PEM_cert_to_DER_cert((trusted.folder / "good.pem").read_text()))
    assert end is not None
    for days, checks in ((22, set()), (20, {"certificate-expires-soon"}), (1, {"certificate-expires-soon"})):
        at = datetime.fromtimestamp(end.timestamp() - days * 86400, UTC)
        assert look(site(context=context).url, templates=only_tls, clock=FixedClock(at)).checks == checks


def test_a_site_without_tls_behind_https(site: Any, look: Any, kit: Any) -> None:
    plain = site({"/": kit["clean"]})
    looked = look(plain.url.replace("http:", "https:"))
    assert looked.findings == []
    assert looked.notes[0].startswith(f"no TLS handshake with https://127.0.0.1:{plain.port}: ")
    assert looked.notes[-1] == f"https://127.0.0.1:{plain.port} did not answer 3 times in a row and is left alone"


def test_the_end_of_a_certificate_is_read_as_openssl_reads_it(authority: Any) -> None:
    said = subprocess.run(
        ["openssl", "x509", "-in", "good.pem", "-noout", "-enddate"],
        cwd=authority.folder,
        capture_output=True,
        check=True,
    ).stdout.decode()
    expected = datetime.strptime(said.strip().removeprefix("notAfter="), "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    assert not_after(ssl.PEM_cert_to_DER_cert((authority.folder / "good.pem").read_text())) == expected


@given(st.binary(max_size=200))
def test_bytes_that_are_no_certificate_have_no_end(data: bytes) -> None:
    assert not_after(data) is None or b"Z" in data


@given(st.integers(0, 300), st.integers(0, 255))
def test_a_damaged_certificate_is_read_or_not_and_never_crashes(at: int, value: int) -> None:
    data = bytearray(CERTIFICATE)
    data[at % len(data)] = value
    found = not_after(bytes(data))
    assert found is None or isinstance(found, datetime)


CERTIFICATE = bytes.fromhex("303c" "303a" "a003020102" "020101" "300a06082a8648ce3d040302" "3000" "301e170d"
                            "3236303130313030303030305a170d3237303130313030303030305a" "3000" "0000")  # fmt: skip


def test_the_small_certificate_of_this_file() -> None:
    assert not_after(CERTIFICATE) == datetime(2027, 1, 1, tzinfo=UTC)
