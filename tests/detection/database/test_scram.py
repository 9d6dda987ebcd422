"""SCRAM by the examples of its standards, and a server that does not know the password."""

from __future__ import annotations

import pytest

from soc_tui.detection.database.channel import ChannelError
from soc_tui.detection.database.scram import Scram


def exchange(hash_name: str, nonce: str) -> Scram:
    """An exchange with the client's nonce of an example."""
    scram = Scram("user", "pencil", hash_name)
    scram._nonce, scram._bare = nonce, f"n=user,r={nonce}"
    assert scram.first == f"n,,n=user,r={nonce}".encode()
    return scram


@pytest.mark.parametrize(("hash_name", "nonce", "challenge", "final", "answer"), [
    ("sha256", "rOprNGfwEbeRWgbNEkqO", b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
     b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),  # RFC 7677
    ("sha1", "fyko+d2lbbFgONRv9qkxdawL", b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
     b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
     b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ="),  # RFC 5802
])  # fmt: skip
def test_the_standards_examples(hash_name: str, nonce: str, challenge: bytes, final: bytes, answer: bytes) -> None:
    scram = exchange(hash_name, nonce)
    assert scram.final(challenge) == final
    scram.verify(answer)
    with pytest.raises(ChannelError, match="could not prove"):
        scram.verify(answer[:-3] + b"AA=")


@pytest.mark.parametrize("challenge", [
    b"", b"r=abc", b"r=other,s=QSXCR+Q6sek8bf92,i=4096", b"r=abc,s=QSXCR+Q6sek8bf92,i=4096", b"r=abcd,s=!,i=4096",
    b"r=abcd,s=QSXCR+Q6sek8bf92,i=x", b"r=abcd,s=QSXCR+Q6sek8bf92,i=-5", b"\xff\xfe", b"e=other-error",
])  # fmt: skip
def test_a_challenge_that_is_none_is_refused(challenge: bytes) -> None:
    with pytest.raises(ChannelError):
        exchange("sha256", "abc").final(challenge)


def test_nothing_is_proved_before_the_challenge() -> None:
    with pytest.raises(ChannelError, match="could not prove"):
        exchange("sha256", "abc").verify(b"v=")


def test_names_are_escaped() -> None:
    assert Scram("a=b,c", "x").first.startswith(b"n,,n=a=3Db=2Cc,r=")
