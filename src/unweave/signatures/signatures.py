"""All signatures of one model, and their file."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from unweave.core.errors import ConfigError, StorageError
from unweave.core.files import write_text
from unweave.signatures.density import Density
from unweave.signatures.signature import Leakage, Signature

FORMAT = 2
_READ = (1, 2)
"""Formats that are read. 1 had no loops, and is otherwise the same."""


@dataclass(frozen=True)
class Signatures:
    """The signatures of one model.

    Attributes:
        model: hash of the model that the codes are of; codes of another model mean nothing here.
        density: of the reference codes.
        signatures: one per factor, in the order of the factors.
        provenance: data hash, labels, seed, versions: whatever repeats the fit.
    """

    model: str
    density: Density
    signatures: tuple[Signature, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the factors."""
        return tuple(s.name for s in self.signatures)

    @property
    def latent(self) -> int:
        """Number of latent dimensions D."""
        return len(self.density.mean)

    @cached_property
    def _by_name(self) -> Mapping[str, Signature]:
        return {signature.name: signature for signature in self.signatures}

    def __getitem__(self, name: str) -> Signature:
        if (found := self._by_name.get(name)) is not None:
            return found
        near = difflib.get_close_matches(name, self.names, n=1)
        known = ", ".join(self.names) or "none"
        raise ConfigError(
            f"no signature moves {name!r}. There are signatures of: {known}."
            + (f" Did you mean {near[0]!r}?" if near else "")
        )

    def check_model(self, model: str) -> None:
        """Refuse codes of another model.

        Raises:
            ConfigError: `model` is not the hash of the model that the signatures were found for.
        """
        if model != self.model:
            raise ConfigError(
                f"the signatures belong to model {self.model[:12]}, the codes to model {model[:12]}: directions mean "
                "nothing in another model's space. Run `unweave probe` for this model."
            )

    def with_leakage(self, rows: Mapping[str, tuple[Leakage, ...]]) -> Signatures:
        """The same signatures with measured leakage, by factor; those not named keep theirs."""
        measured = tuple(replace(s, leakage=rows.get(s.name, s.leakage)) for s in self.signatures)
        return replace(self, signatures=measured)

    def save(self, path: Path) -> None:
        """Write `signatures.json` whole, or not at all."""
        write_text(path, json.dumps(self.to_json(), indent=1))

    @classmethod
    def load(cls, path: Path) -> Self:
        """The inverse of `save`.

        Raises:
            ConfigError: there is no such file.
            StorageError: it is damaged, or of another format.
        """
        if not path.is_file():
            raise ConfigError(f"{path} does not exist: the run has no signatures yet. Find them with `unweave probe`.")
        try:
            return cls.from_json(json.loads(path.read_text()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(f"{path} is damaged: {error!r}. Run `unweave probe` again.") from error

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {
            "format": FORMAT,
            "model": self.model,
            "density": self.density.to_json(),
            "signatures": [s.to_json() for s in self.signatures],
            "provenance": dict(self.provenance),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        if data["format"] not in _READ:
            raise ValueError(f"expected format {' or '.join(map(str, _READ))}, got {data['format']}")
        signatures = tuple(Signature.from_json(s) for s in data["signatures"])
        return cls(data["model"], Density.from_json(data["density"]), signatures, data["provenance"])
