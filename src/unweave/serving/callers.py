"""Who a request comes from: keys of the store, remembered for a while."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from unweave.core.errors import StoreError
from unweave.serving.look_ups import LookUps
from unweave.serving.metrics import Metrics
from unweave.serving.rates import Bucket
from unweave.serving.refusals import Refused, no_store
from unweave.serving.settings import Settings
from unweave.serving.stored import Stored
from unweave.stores.records import Identity

OPEN_TENANT = "default"
"""Who everybody is on loopback, as long as no key was ever made."""

_MOST_KNOWN = 4096
_LONGEST_KEY = 200

_PATIENCE, _PATIENCE_S = 0.75, 0.25
"""How long a request waits for the store at most: a share of its deadline; seconds where an older answer will do."""


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        tenant: whose models, caches and edits are seen.
        key_id: of the key, or None where none is needed.
    """

    tenant: str
    key_id: str | None


@dataclass(frozen=True)
class _Known:
    identity: Identity | None
    at: float


class Callers:
    """Tells callers apart, and how many requests each may send.

    Keys that were good stay good for `key_grace_s` while the store does not answer, or not in time: edits go on without
    it.
    """

    def __init__(self, settings: Settings, stored: Stored, metrics: Metrics) -> None:
        self._settings, self._stored, self._metrics = settings, stored, metrics
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._keyed = not settings.on_loopback
        self._asked_at = float("-inf")
        self._buckets: dict[str, Bucket] = {}
        self._look_ups = LookUps()

    async def caller(self, headers: Mapping[str, str], scope: str = "edit") -> Caller:
        """Whose request this is.

        Args:
            headers: of the request, found by lower-case names.
            scope: that its key must allow.

        Raises:
            Refused: 401, 403, or 503 where the store is needed and does not answer.
        """
        if not await self._needs_key():
            return Caller(OPEN_TENANT, None)
        secret = _secret(headers)
        identity = await self._identity(secret)
        if identity is None:
            raise Refused(401, "invalid_key", "the key is not known, or was revoked. Make one with `unweave keys add`.")
        if scope not in identity.scopes:
            raise Refused(
                403,
                "not_allowed",
                f"expected a key that allows {scope!r}, this one allows {', '.join(identity.scopes)}.",
            )
        return Caller(identity.tenant, identity.key_id)

    def take(self, tenant: str) -> None:
        """Count a request.

        Raises:
            Refused: 429, the tenant sends more than it may.
        """
        per_s, burst = self._settings.rate(tenant)
        if per_s is None:
            return
        bucket = self._buckets.get(tenant)
        if bucket is None:
            bucket = self._buckets[tenant] = Bucket(per_s, burst)
        wait = bucket.take()
        if wait > 0:
            self._metrics.refused.labels("rate").inc()
            raise Refused(
                429, "too_many_requests", f"expected at most {per_s:g} requests a second. Send fewer.", retry_s=wait
            )

    async def _needs_key(self) -> bool:
        now = time.monotonic()
        if self._keyed or now - self._asked_at < self._settings.key_s:
            return self._keyed
        usable = now - self._asked_at < self._settings.key_grace_s
        try:
            await self._look_ups.ask("any", self._look_for_keys, within=self._patience(usable))
        except StoreError as error:
            if not usable:
                raise no_store() from error
        return self._keyed

    async def _look_for_keys(self) -> None:
        self._keyed = await self._stored.call(lambda store: store.keys.any())
        self._asked_at = time.monotonic()

    async def _identity(self, secret: str) -> Identity | None:
        name = hashlib.blake2b(secret.encode("utf-8", "surrogateescape"), digest_size=32).digest()
        known, now = self._known.get(name), time.monotonic()
        if known is not None and now - known.at < self._settings.key_s:
            return known.identity
        usable = known is not None and now - known.at < self._settings.key_grace_s
        try:
            return await self._look_ups.ask(name, lambda: self._look_up(name, secret), within=self._patience(usable))
        except StoreError as error:
            if known is None or not usable:
                raise no_store() from error
            return known.identity

    async def _look_up(self, name: bytes, secret: str) -> Identity | None:
        began = time.monotonic()
        identity = await self._stored.call(lambda store: store.keys.check(secret))
        self._known[name] = _Known(identity, began)
        self._known.move_to_end(name)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return identity

    def _patience(self, usable: bool) -> float:
        """Seconds, by whether what was found earlier may be used."""
        most = _PATIENCE * self._settings.deadline_s
        return min(most, _PATIENCE_S) if usable else most


def _secret(headers: Mapping[str, str]) -> str:
    kind, _, value = headers.get("authorization", "").partition(" ")
    secret = value.strip() if kind.lower() == "bearer" else headers.get("x-api-key", "")
    if not secret:
        raise Refused(401, "no_key", "expected a key as `Authorization: Bearer uw_…` or `X-API-Key: uw_…`.")
    if len(secret) > _LONGEST_KEY:
        raise Refused(401, "invalid_key", "the key is not known, or was revoked. Make one with `unweave keys add`.")
    return secret
