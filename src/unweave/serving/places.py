"""Where models come from, and which version is there now."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from unweave.bundles.files import CHECKSUMS
from unweave.core.errors import ConfigError, MissingExtraError, StorageError
from unweave.core.files import storage_errors

CURRENT = "current"
"""Link in a folder of bundles to the one that is served."""

_REGISTRY = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))")


@dataclass(frozen=True)
class Found:
    """A version of a model.

    Attributes:
        folder: of its bundle.
        version: changes whenever another bundle is there.
    """

    folder: Path
    version: str


class Place(Protocol):
    """Where one model comes from. Calls block."""

    def find(self) -> Found:
        """What is there now.

        Raises:
            ConfigError, StorageError, MissingExtraError: nothing can be found.
        """

    def close(self) -> None:
        """Leave nothing behind."""


@dataclass(frozen=True)
class FolderPlace:
    """A bundle's folder or a link to one, or a folder with a link `current`."""

    path: Path

    def find(self) -> Found:
        """The bundle that the links lead to now."""
        with storage_errors(self.path, "read"):
            linked = self.path / CURRENT
            folder = (linked if linked.exists() and not (self.path / CHECKSUMS).exists() else self.path).resolve()
            if not (folder / CHECKSUMS).exists():
                raise ConfigError(
                    f"{self.path} is no bundle, and has no link {CURRENT!r} to one. Make one with `unweave export`."
                )
            state = (folder / CHECKSUMS).stat()
        return Found(folder, f"{folder}:{state.st_ino}:{state.st_mtime_ns}:{state.st_size}")

    def close(self) -> None:
        """Nothing was made."""


class RegistryPlace:
    """An alias or a version in MLflow's model registry."""

    def __init__(self, name: str, *, alias: str, version: str | None, registry: str | None) -> None:
        self._name, self._alias, self._version, self._registry = name, alias, version, registry
        self._found: Found | None = None
        self._fetched: Path | None = None

    def find(self) -> Found:
        """The version that the alias names now. Artifacts on this machine are read where they are, others fetched."""
        try:
            from mlflow import MlflowClient
            from mlflow.artifacts import download_artifacts
        except ImportError as error:
            raise MissingExtraError(
                "mlflow", "train", f"models:/{self._name}: looking into the model registry"
            ) from error
        try:
            client = MlflowClient(self._registry, self._registry)
            if self._version is None:
                found = client.get_model_version_by_alias(self._name, self._alias)
            else:
                found = client.get_model_version(self._name, self._version)
            version = f"{self._name}/{found.version}"
            if self._found is None or self._found.version != version:
                away = urlsplit(found.source).scheme not in ("", "file")
                goal = tempfile.mkdtemp(prefix="unweave-model-") if away else None
                folder = Path(download_artifacts(found.source, dst_path=goal, tracking_uri=self._registry))
                self.close()
                self._found, self._fetched = Found(folder, version), Path(goal) if goal else None
        except Exception as error:  # MLflow passes on whatever its store raises
            said = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            raise StorageError(f"models:/{self._name}: MLflow's model registry refuses: {said}.") from error
        return self._found

    def close(self) -> None:
        """Remove what was fetched. A bundle that was loaded needs its folder no more."""
        if self._fetched is not None:
            shutil.rmtree(self._fetched, ignore_errors=True)
        self._found = self._fetched = None


def place_of(source: str, *, registry: str | None = None) -> Place:
    """The place that a setting names.

    Args:
        source: a path, `models:/NAME@ALIAS` or `models:/NAME/VERSION`.
        registry: URI of MLflow; that of its environment variable by default.

    Raises:
        ConfigError: it begins like a registry's and is none.
    """
    if not source.startswith("models:"):
        return FolderPlace(Path(source))
    parts = _REGISTRY.fullmatch(source)
    if parts is None:
        raise ConfigError(f"{source!r}: expected models:/NAME@ALIAS or models:/NAME/VERSION.")
    return RegistryPlace(parts["name"], alias=parts["alias"] or "", version=parts["version"], registry=registry)
