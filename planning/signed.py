"""Tokens that another service signed, in the compact form of JWS (RFC 7515): RS256 and nothing else, by a key of the service's own set.

A token that names another algorithm, none at all, a key that is not in the set, or more than a header this reads is refused before its content is
looked at.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from planning.errors import Forbidden

ALGORITHM = "RS256"
_LARGEST = 16_384  # characters of a token
_LEAST_BITS, _MOST_BITS = 2_048, 8_192  # of a key
_PART = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


def read_signed(token: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """What a token says, once its signature holds.

    Parameters
    ----------
    keys: a JSON Web Key Set (RFC 7517).

    Raises
    ------
    Forbidden: `oidc.token`, which says what is wrong; `oidc.key` where no key of the set is the token's.
    """
    parts = token.split(".") if len(token) <= _LARGEST else []
    if len(parts) != 3:
        raise _wrong("it is no signed token")
    header = _json(parts[0])
    if header.get("alg") != ALGORITHM:
        raise _wrong(f"it is signed by {str(header.get('alg'))[:20]}, not by {ALGORITHM}")
    if "crit" in header:
        raise _wrong("it asks for what this does not know")
    key = _key(header.get("kid"), keys)
    try:
        key.verify(_bytes(parts[2]), f"{parts[0]}.{parts[1]}".encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        raise _wrong("its signature does not hold") from None
    return _json(parts[1])


def _key(label: object, keys: Mapping[str, Any]) -> RSAPublicKey:
    """The set's key of that id; its only one where the token names none.

    Raises
    ------
    Forbidden: `oidc.key`.
    """
    listed = keys.get("keys")
    usable = [
        key for key in (listed if isinstance(listed, list) else []) if isinstance(key, dict) and key.get("kty") == "RSA"
        and key.get("use", "sig") == "sig" and key.get("alg", ALGORITHM) == ALGORITHM
    ]  # fmt: skip
    found = [key for key in usable if key.get("kid") == label] if label is not None else usable
    if len(found) != 1:
        raise Forbidden.one("oidc.key", "The service does not have the key its answer is signed with", "Try again", str(label)[:60])
    modulus, exponent = (int.from_bytes(_bytes(str(found[0].get(name, "")))) for name in ("n", "e"))
    if not _LEAST_BITS <= modulus.bit_length() <= _MOST_BITS:
        raise _wrong(f"its key has {modulus.bit_length()} bits")
    try:
        return RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        raise _wrong("its key is none") from None


def _bytes(text: str) -> bytes:
    if not _PART.fullmatch(text):
        raise _wrong("it is written otherwise than tokens are")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise _wrong("it is written otherwise than tokens are") from None


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(_bytes(text))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _wrong("it holds no JSON object")
    return found


def _wrong(why: str) -> Forbidden:
    return Forbidden.one("oidc.token", f"The service's answer is refused: {why}", "Try again, or sign in with a password")
