"""Whether the cookies of a page are guarded by their flags (RFC 6265bis)."""

from __future__ import annotations

import re
from collections.abc import Iterable

FACTS = ("no-secure", "no-httponly", "no-samesite", "none-insecure")
"""What :func:`look` can say: sent over plain HTTP as well; readable by scripts; sent with requests of other sites; open
to other sites without ``Secure``, which browsers refuse."""
_SESSION = re.compile(r"sess|sid\b|auth|token|jwt|login|remember", re.IGNORECASE)
_FOR_SCRIPTS = re.compile(r"csrf|xsrf", re.IGNORECASE)
_MOST = 50


def look(set_cookies: Iterable[str]) -> dict[str, str]:
    """The facts about the ``Set-Cookie`` values of an answer, with the names of the cookies and never their values.

    ``HttpOnly`` and ``SameSite`` are asked for of cookies that, by their names, hold a session.
    """
    named: dict[str, list[str]] = {}
    for header in list(set_cookies)[:_MOST]:
        pair, *attributes = header.split(";")
        name = pair.split("=", 1)[0].strip()[:80]
        flags = {a.split("=", 1)[0].strip().lower(): a.partition("=")[2].strip().lower() for a in attributes}
        session = _SESSION.search(name) is not None and _FOR_SCRIPTS.search(name) is None
        if "max-age" in flags and flags["max-age"].lstrip("-") == "0":
            continue  # taken back
        holds = {
            "no-secure": "secure" not in flags,
            "no-httponly": session and "httponly" not in flags,
            "no-samesite": session and "samesite" not in flags,
            "none-insecure": flags.get("samesite") == "none" and "secure" not in flags,
        }
        for fact, true in holds.items():
            if true:
                named.setdefault(fact, []).append(name)
    return {fact: f"set-cookie: {', '.join(names)}" for fact, names in named.items()}
