"""API keys. A store holds a hash of each, so that whoever reads it can use none."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence

from sqlalchemy import func, insert, literal, select, update

from unweave.core.errors import NotFoundError
from unweave.stores.checks import check_name, check_text
from unweave.stores.database import Database
from unweave.stores.records import Identity, KeyInfo, NewKey, now
from unweave.stores.tables import Moment, keys

_KEY_ID = re.compile(r"[0-9a-f]{12}")
_SECRET = re.compile(r"uw_([0-9a-f]{12})_[0-9a-f]{64}", re.ASCII)
_NOBODY = bytes(32)


def _digest(key_id: str, secret: str) -> bytes:
    """BLAKE2b of the secret, keyed by its identifier. The secret is 256 random bits, so no slow hash is needed."""
    return hashlib.blake2b(secret.encode(), key=key_id.encode(), person=b"unweave key", digest_size=32).digest()


class Keys:
    """Who may ask: `uw_ID_SECRET` belongs to a tenant and allows scopes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, tenant: str, *, note: str = "", scopes: Sequence[str] = ("edit",)) -> NewKey:
        """Make a key. Its secret is returned and nowhere kept: show it once.

        Raises:
            ConfigError: the tenant, the note or a scope is no name.
            StoreError: see `Database.write`.
        """
        check_name("tenant", tenant)
        check_text("note", note, empty=True)
        allowed = [check_name("scope", scope) for scope in scopes]
        key_id = secrets.token_hex(6)
        secret = f"uw_{key_id}_{secrets.token_hex(32)}"
        row = {"key_id": key_id, "tenant": tenant, "note": note, "scopes": allowed, "created": now()}
        with self._database.write() as connection:
            connection.execute(insert(keys).values(**row, digest=_digest(key_id, secret)))
        return NewKey(key_id, secret)

    def list(self) -> list[KeyInfo]:
        """All keys, also those that were revoked, the oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(keys).order_by(keys.c.created, keys.c.key_id)).all()
        return [KeyInfo(row.key_id, row.tenant, row.note, tuple(row.scopes), row.created, row.revoked) for row in rows]

    def revoke(self, key_id: str) -> None:
        """End a key's validity, for good. A key that was revoked before stays as it is.

        Raises:
            NotFoundError: there is no such key.
            StoreError: see `Database.write`.
        """
        if not _KEY_ID.fullmatch(key_id):  # it may be the secret, so it is not shown
            raise NotFoundError(
                "there is no such key: its identifier has 12 digits from 0 to f, as in `unweave keys list`."
            )
        ended = func.coalesce(keys.c.revoked, literal(now(), Moment))
        with self._database.write() as connection:
            known = connection.execute(update(keys).where(keys.c.key_id == key_id).values(revoked=ended)).rowcount
        if not known:
            raise NotFoundError(f"there is no key {key_id}. `unweave keys list` shows those that are there.")

    def check(self, secret: str) -> Identity | None:
        """Whose key this is, or None where it is nobody's or was revoked. Takes as long for a wrong one as for another.

        Raises:
            StoreError: see `Database.read`.
        """
        parts = _SECRET.fullmatch(secret)
        if parts is None:
            return None
        key_id = parts[1]
        with self._database.read() as connection:
            row = connection.execute(select(keys).where(keys.c.key_id == key_id)).first()
        right = hmac.compare_digest(_digest(key_id, secret), _NOBODY if row is None else bytes(row.digest))
        if row is None or not right or row.revoked is not None:
            return None
        return Identity(row.tenant, row.key_id, tuple(row.scopes))

    def any(self) -> bool:
        """Whether a key was ever made. One that was revoked counts: to revoke the last one must not open the door.

        Raises:
            StoreError: see `Database.read`.
        """
        with self._database.read() as connection:
            return connection.execute(select(keys.c.key_id).limit(1)).first() is not None
