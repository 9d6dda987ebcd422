"""A DNS name cut at its public suffix: ``a.b.example.co.uk`` is ``a.b`` below ``example.co.uk`` below ``co.uk``.

The list is the snapshot that tldextract ships (https://publicsuffix.org, both its ICANN and its private part: whoever
owns ``evil.github.io`` does not own ``github.io``). It is never fetched. A name below no listed suffix is cut by the
list's own default rule ``*``: the last label is the suffix.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tldextract import TLDExtract

MAX_NAME, MAX_LABEL = 253, 63
"""RFC 1035 section 2.3.4, without the final dot."""

_ASCII_NAME = re.compile(r"(?:[a-z0-9_-]+\.)*[a-z0-9_-]+")
_NUMBERS = re.compile(r"[0-9.]+|0x[0-9a-f]+")


class Split(NamedTuple):
    """The parts of a name; None where there is none (a bare suffix has no registered domain)."""

    registered_domain: str | None = None
    suffix: str | None = None
    subdomain: str | None = None


NO_DOMAIN = Split()


@cache
def _extractor() -> TLDExtract:
    import tldextract

    return tldextract.TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True)


def ascii_name(name: str) -> str | None:
    """The name as it travels (punycode, lower case, without the final dot), or None for text that is no DNS name."""
    name = name.strip().rstrip(".").lower()
    if not name.isascii():
        import idna

        if len(name) > MAX_NAME:
            return None
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError, IndexError):
            return None
    if not name or len(name) > MAX_NAME or not _ASCII_NAME.fullmatch(name):
        return None
    return name if all(len(label) <= MAX_LABEL for label in name.split(".")) else None


def split_domain(name: str) -> Split:
    """Cut a name; text that is no name, an address or a single label has no parts.

    Parts of an internationalised name are given in punycode, which is unambiguous on any screen.
    """
    plain = ascii_name(name)
    if plain is None or "." not in plain or _NUMBERS.fullmatch(plain.rsplit(".", 1)[1]):
        return NO_DOMAIN
    found = _extractor().extract_str(plain, include_psl_private_domains=True)
    suffix = found.suffix or plain.rsplit(".", 1)[1]
    if suffix == plain:
        return Split(None, suffix, None)
    head = plain[: -len(suffix) - 1]
    below, _, label = head.rpartition(".")
    return Split(f"{label}.{suffix}", suffix, below or None)
