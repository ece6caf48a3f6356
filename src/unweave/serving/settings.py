"""Settings of a server: flags, `serve.yaml`, and what holds where neither says anything."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from unweave.core.errors import ConfigError
from unweave.stores import DEFAULT_STORE

LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class Part(BaseModel):
    """Known keys alone, and nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Limits(Part):
    """What one request may bring, and how many a tenant may send.

    Attributes:
        body_bytes: of a request.
        pixels: of an image, as its header says.
        frames: of an image; an animation with more is refused.
        requests_per_s: of a tenant on average; None for any number.
        burst: requests that a tenant may send at once.
        connections: open at once, of all tenants together.
        body_s: seconds in which a request has to arrive, its head and its body each.
    """

    body_bytes: PositiveInt = 8 << 20
    pixels: PositiveInt = 16_000_000
    frames: PositiveInt = 1
    requests_per_s: PositiveFloat | None = None
    burst: PositiveInt = 50
    connections: PositiveInt = 1000
    body_s: PositiveFloat = 10.0


class Tenant(Part):
    """What one tenant sees and may send.

    Attributes:
        models: names of its models, the default one first; None for all.
        requests_per_s, burst, body_bytes: in place of those in `Limits`.
    """

    models: tuple[Name, ...] | None = None
    requests_per_s: PositiveFloat | None = None
    burst: PositiveInt | None = None
    body_bytes: PositiveInt | None = None


_NOBODY = Tenant()


class Settings(Part):
    """All settings of one server.

    Attributes:
        models: by name, a bundle's folder, a folder with a link `current` to one, or `models:/NAME@ALIAS`.
        tenants: by name. None given: every tenant sees all models. Some given: others see none.
        host, port: where it listens; port 0 takes a free one.
        hosts: names that requests may give as `Host`; on loopback its names alone, elsewhere any by default.
        cors: origins of pages that may call it from a browser; none by default.
        store: URL of the store of keys, feedback and the edit log.
        redis: URL of a Redis that replicas share as a cache.
        registry: URI of MLflow for `models:/…`; that of its environment variable by default.
        deadline_s: in which a request is answered, or refused before.
        queue: requests that wait for the graphs at most.
        batch: rows that the graphs compute at once at most.
        threads: within one operator of a graph.
        cache_bytes: that the cache in this process holds at most.
        cache_s: seconds that an entry lives in Redis.
        edit_log: records of edits that wait for the store at most.
        poll_s: seconds between looks for a new version of a model.
        key_s: seconds after which a key is looked up again, so also until a revoked one is refused.
        key_grace_s: seconds that known keys stay good while the store does not answer.
        drain_s: seconds between "not ready" and closing the listener, for a load balancer to notice.
        share_decoder: whether browsers may fetch `decoder.onnx`; only on loopback by default.
        access_log: whether every request is logged.
        limits: see `Limits`.
    """

    models: Mapping[Name, str] = Field(min_length=1)
    tenants: Mapping[Name, Tenant] = {}
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    hosts: tuple[str, ...] = ()
    cors: tuple[str, ...] = ()
    store: str = DEFAULT_STORE
    redis: str | None = None
    registry: str | None = None
    deadline_s: PositiveFloat = 1.0
    queue: PositiveInt = 256
    batch: PositiveInt = 8
    threads: PositiveInt = 1
    cache_bytes: Annotated[int, Field(ge=0)] = 128 << 20
    cache_s: PositiveInt = 3600
    edit_log: PositiveInt = 10_000
    poll_s: PositiveFloat = 2.0
    key_s: PositiveFloat = 5.0
    key_grace_s: PositiveFloat = 600.0
    drain_s: Annotated[float, Field(ge=0)] = 0.0
    share_decoder: bool | None = None
    access_log: bool = True
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _check(self) -> Self:
        for tenant, given in self.tenants.items():
            unknown = sorted(set(given.models or ()) - set(self.models))
            if unknown:
                raise ValueError(f"tenants.{tenant}.models: {unknown[0]!r} is none of {', '.join(self.models)}")
        return self

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    @property
    def allowed_hosts(self) -> frozenset[str] | None:
        """Names that `Host` may give; None for any."""
        if self.hosts:
            return frozenset(host.lower() for host in self.hosts)
        return frozenset(LOOPBACK) if self.on_loopback else None

    @property
    def decoder_shared(self) -> bool:
        """Whether browsers may fetch `decoder.onnx`."""
        return self.on_loopback if self.share_decoder is None else self.share_decoder

    def models_of(self, tenant: str) -> tuple[str, ...]:
        """Names of the models that a tenant sees, its default first."""
        if not self.tenants:
            return tuple(self.models)
        if tenant not in self.tenants:
            return ()
        named = self.tenants[tenant].models
        return tuple(self.models) if named is None else named

    def body_bytes(self, tenant: str) -> int:
        """Most bytes of a request of a tenant."""
        return (self.tenants.get(tenant) or _NOBODY).body_bytes or self.limits.body_bytes

    def rate(self, tenant: str) -> tuple[float | None, int]:
        """Requests a second of a tenant, or None, and how many at once."""
        own = self.tenants.get(tenant) or _NOBODY
        return own.requests_per_s or self.limits.requests_per_s, own.burst or self.limits.burst


def is_loopback(host: str) -> bool:
    """Whether an address belongs to this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_settings(path: Path | None, flags: Mapping[str, Any]) -> Settings:
    """Settings of a file with flags laid over them.

    Args:
        path: of `serve.yaml`, or None.
        flags: by name of the setting; None means not given.

    Raises:
        ConfigError: the file is absent or no YAML, or a setting is unknown or cannot be used.
    """
    content: dict[str, Any] = {}
    if path is not None:
        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigError(f"{path} cannot be read: {_first_line(error)}.") from error
        if not isinstance(found, dict):
            raise ConfigError(f"{path}: expected settings by name, such as `models: {{faces: bundles/faces}}`.")
        content = found
    content |= {name: value for name, value in flags.items() if value is not None}
    if not content.get("models"):
        raise ConfigError(
            "nothing to serve: name a bundle's folder or models:/NAME@champion, or write `models:` in a file for "
            "--config."
        )
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "settings"
        raise ConfigError(f"{path or 'flags'}: {place}: {first['msg']}.") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
