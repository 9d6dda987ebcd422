"""What is wrong with the certificate and the protocol of a website, by OpenSSL's own judgement."""

from __future__ import annotations

import socket
import ssl
import warnings
from datetime import UTC, datetime

from soc_tui.detection.tools import Watch
from soc_tui.detection.website.asking import Asker, trusting_context

SOON_DAYS = 21
"""A certificate that ends within so many days should have been renewed."""
FACTS = ("expired", "not-yet-valid", "self-signed", "untrusted", "wrong-name", "expires-soon", "old-protocol")
"""What :func:`look` can say."""
# Codes of X509_V_ERR (openssl/x509_vfy.h).
_CODES = {9: "not-yet-valid", 10: "expired", 18: "self-signed", 62: "wrong-name", 64: "wrong-name"}
_FIRST_TIME, _LAST_TIME = 0x17, 0x18  # ASN.1 UTCTime, GeneralizedTime


def look(asker: Asker, now: datetime, watch: Watch) -> dict[str, str]:
    """The facts about the TLS of a website: which of :data:`FACTS` hold, and what shows it.

    A few handshakes, none of them followed by a request, each in its turn of the rate limit.

    Args:
        asker: whose website.
        now: against which the days that are left are counted, aware.
        watch: is told when there is no handshake at all.
    """
    facts: dict[str, str] = {}
    certificate = b""
    try:
        with _shake(asker, trusting_context()) as made:
            certificate = made.getpeercert(binary_form=True) or b""
    except (OSError, ValueError) as error:
        watch.note(f"no TLS handshake with {asker.origin}: {error}")
        return {}
    for context in (_trust_of_system(), _trust_of_itself(certificate)):
        found = _verdict(asker, context)
        if found:
            facts.setdefault(*found)
    end = not_after(certificate)
    if end is not None and "expired" not in facts:
        days = (end - now).days
        if 0 <= days < SOON_DAYS:
            facts["expires-soon"] = f"valid until {end:%Y-%m-%d}, {days} days from now"
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        if _speaks(asker, version):
            facts["old-protocol"] = f"a handshake with {version.name.replace('_', '.')} succeeded"
            break
    return facts


def _shake(asker: Asker, context: ssl.SSLContext) -> ssl.SSLSocket:
    if not asker.turn():
        raise OSError("stopped")
    raw = socket.create_connection((asker.address, asker.origin.port), timeout=asker.seconds)
    try:
        return context.wrap_socket(raw, server_hostname=asker.origin.host)
    except BaseException:
        raw.close()
        raise


def _verdict(asker: Asker, context: ssl.SSLContext | None) -> tuple[str, str] | None:
    if context is None:
        return None
    try:
        _shake(asker, context).close()
    except ssl.SSLCertVerificationError as error:
        return _CODES.get(error.verify_code, "untrusted"), str(error.verify_message)[:200]
    except (OSError, ValueError):
        return None
    return None


def _trust_of_system() -> ssl.SSLContext:
    """Does somebody whom this machine trusts vouch for it?"""
    context = ssl.create_default_context()
    context.check_hostname = False
    return context


def _trust_of_itself(certificate: bytes) -> ssl.SSLContext | None:
    """Does it name the host, and is it in force? OpenSSL tells only the first thing that is wrong."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cadata=certificate)
    except (ssl.SSLError, ValueError):
        return None
    return context


def _speaks(asker: Asker, version: ssl.TLSVersion) -> bool:
    context = trusting_context()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is what we want to know
            context.minimum_version = context.maximum_version = version
        _shake(asker, context).close()
    except (OSError, ValueError):
        return False
    return True


def not_after(certificate: bytes) -> datetime | None:
    """When a DER certificate ends (RFC 5280, 4.1.2.5), read without trusting it; None when that cannot be read."""
    try:
        _, at, end = _element(certificate, 0)  # Certificate
        _, at, end = _element(certificate, at)  # TBSCertificate
        while at < end:
            tag, begin, at = _element(certificate, at)
            if tag == 0x30 and certificate[begin : begin + 1] in (bytes([_FIRST_TIME]), bytes([_LAST_TIME])):
                _, _, second = _element(certificate, begin)
                kind, begin, stop = _element(certificate, second)
                text = certificate[begin:stop].decode("ascii")
                return datetime.strptime(
                    text, "%y%m%d%H%M%SZ" if kind == _FIRST_TIME else "%Y%m%d%H%M%SZ"
                ).replace(tzinfo=UTC)  # fmt: skip
    except (IndexError, ValueError):
        return None
    return None


def _element(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag, begin and end of the content of the DER element at an offset."""
    tag, size, at = data[at], data[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4:
            raise ValueError
        size, at = int.from_bytes(data[at : at + count], "big"), at + count
    if at + size > len(data):
        raise ValueError
    return tag, at, at + size
