"""Every error that the package raises on purpose.

* UnweaveError
  x ConfigError(ValueError)         a setting, a key or an argument cannot be used
  x DataError(ValueError)           the user's data cannot be used as it is
  x ShapeError(ValueError)          an array does not have the promised shape
  x NotFoundError(LookupError)      what was named is not there, or not for whoever asks
  x StorageError(OSError)           a file or folder cannot be read or written
    x StoreError                    a database cannot be used as it is
      x StoreUnavailableError       a database does not answer now, or has no room; trying again may help
  x TrainingError(RuntimeError)     training cannot go on
  x MissingExtraError(ImportError)  an optional part is not installed

A message says what is wrong, what was expected, what came, where, and what to do.
"""

from __future__ import annotations


class UnweaveError(Exception):
    """Base of all errors raised on purpose."""


class ConfigError(UnweaveError, ValueError):
    """A setting, a key or an argument cannot be used."""


class DataError(UnweaveError, ValueError):
    """The user's data cannot be used as it is."""


class NotFoundError(UnweaveError, LookupError):
    """What was named is not there, or not for whoever asks."""


class ShapeError(UnweaveError, ValueError):
    """An array does not have the shape that the caller promised."""

    def __init__(self, name: str, *, want: str, got: tuple[int, ...], hint: str = "") -> None:
        super().__init__(f"{name}: expected shape {want}, got {got}." + (f" {hint}" if hint else ""))
        self.name, self.want, self.got = name, want, got


class StorageError(UnweaveError, OSError):
    """A file or folder cannot be read or written."""


class StoreError(StorageError):
    """A database cannot be used as it is: another schema, damaged, read-only, refused."""


class StoreUnavailableError(StoreError):
    """A database does not answer now, or has no room. Nothing was acknowledged; trying again may help."""


class TrainingError(UnweaveError, RuntimeError):
    """Training cannot go on."""


class MissingExtraError(UnweaveError, ImportError):
    """An optional part of the package is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {package}, which is not installed. Run: pip install 'unweave[{extra}]'")
