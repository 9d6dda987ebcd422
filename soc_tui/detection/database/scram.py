"""The client's side of SCRAM (RFC 5802, RFC 7677), for PostgreSQL and MongoDB.

The server never learns the password, but one that sets the number of rounds could make us calculate for hours, or (with
one round) get a proof that is quickly guessed from. So rounds are bounded on both sides, and the server must prove that
it knows the password too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

from soc_tui.detection.database.channel import ChannelError

LEAST_ROUNDS, MOST_ROUNDS = 4096, 200_000
"""RFC 7677 asks for at least 4096; PostgreSQL's own is 4096, MongoDB's 10,000 and 15,000."""


class Scram:
    """One exchange.

    Args:
        user: the name in the first message; PostgreSQL ignores it.
        password: the password (MongoDB's SCRAM-SHA-1 wants its own digest of it).
        hash_name: ``sha256`` or ``sha1``.
    """

    def __init__(self, user: str, password: str, hash_name: str = "sha256") -> None:
        self._password, self._hash = password.encode(), hash_name
        self._nonce = base64.b64encode(secrets.token_bytes(18)).decode()
        self._bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={self._nonce}"
        self._server_signature = b""

    @property
    def first(self) -> bytes:
        """The first message."""
        return f"n,,{self._bare}".encode()

    def final(self, challenge: bytes) -> bytes:
        """The second message, in answer to the server's first.

        Raises:
            ChannelError: the challenge breaks the standard or the bounds.
        """
        try:
            text = challenge.decode("ascii")
            parts = dict(part.split("=", 1) for part in text.split(","))
            nonce, salt, rounds = parts["r"], base64.b64decode(parts["s"], validate=True), int(parts["i"][:9])
        except (UnicodeDecodeError, ValueError, KeyError, binascii.Error):
            raise ChannelError("sent a SCRAM challenge that is none") from None
        if not nonce.startswith(self._nonce) or len(nonce) <= len(self._nonce):
            raise ChannelError("sent a SCRAM challenge for somebody else")
        if not LEAST_ROUNDS <= rounds <= MOST_ROUNDS:
            raise ChannelError(f"asks for {rounds} SCRAM rounds; {LEAST_ROUNDS} to {MOST_ROUNDS} are allowed")
        salted = hashlib.pbkdf2_hmac(self._hash, self._password, salt, rounds)
        client_key = self._hmac(salted, b"Client Key")
        without_proof = f"c=biws,r={nonce}"
        signed = f"{self._bare},{text},{without_proof}".encode()
        signature = self._hmac(hashlib.new(self._hash, client_key).digest(), signed)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        self._server_signature = self._hmac(self._hmac(salted, b"Server Key"), signed)
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, answer: bytes) -> None:
        """Check that the server knows the password as well.

        Raises:
            ChannelError: it does not.
        """
        expected = b"v=" + base64.b64encode(self._server_signature)
        if not self._server_signature or not hmac.compare_digest(answer.split(b",")[0], expected):
            raise ChannelError("could not prove that it knows the account: it is not the server it seems to be")

    def _hmac(self, key: bytes, data: bytes) -> bytes:
        return hmac.new(key, data, self._hash).digest()
