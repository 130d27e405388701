"""Tokens people hold in links: 256 bits, hashed at rest, bound to one purpose."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

from cryptography.fernet import Fernet, InvalidToken

_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """A fresh token of 256 random bits, safe in an address (43 characters)."""
    return secrets.token_urlsafe(32)


def token_hash(purpose: str, token: str) -> str:
    """What is stored instead of the token: SHA-256 over purpose and token, 64 hex digits.

    A token made for one purpose has another hash under every other, so it opens nothing else.
    No slow hash is needed: 256 random bits cannot be guessed (OWASP ASVS 5.0, 11.5.1).
    """
    return hashlib.sha256(f"{purpose}\0{token}".encode()).hexdigest()


def looks_like_token(text: str) -> bool:
    """Whether it is worth asking the database; saves a query, reveals nothing."""
    return _SHAPE.fullmatch(text) is not None


def keyed_hash(secret_key: str, purpose: str, text: str) -> str:
    """HMAC-SHA-256 for values that could be guessed (addresses in counters), 64 hex digits."""
    return hmac.new(secret_key.encode(), f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()


def _cipher(secret_key: str, purpose: str) -> Fernet:
    digest = hashlib.sha256(f"seal\0{purpose}\0{secret_key}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def seal(secret_key: str, purpose: str, text: str) -> str:
    """Encrypt what must be stored for a while and read back by this instance alone."""
    return _cipher(secret_key, purpose).encrypt(text.encode()).decode("ascii")


def unseal(secret_key: str, purpose: str, sealed: str) -> str | None:
    """The text that was sealed, or None when it was sealed with another secret or damaged."""
    try:
        return _cipher(secret_key, purpose).decrypt(sealed.encode()).decode()
    except (InvalidToken, ValueError):
        return None
