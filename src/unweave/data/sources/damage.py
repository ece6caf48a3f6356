"""What libraries raise on a damaged file, said in our words."""

from __future__ import annotations

import contextlib
import tokenize
import zipfile
import zlib
from collections.abc import Iterator

import pyarrow as pa

from unweave.core.errors import DataError, StorageError, UnweaveError

# Fed with damaged bytes, zip, NumPy, Arrow and JSON readers raise all of these.
_RAISED = (
    OSError,
    ValueError,
    LookupError,
    EOFError,
    StopIteration,
    NotImplementedError,
    zlib.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    pa.ArrowException,
)


@contextlib.contextmanager
def reading(where: str) -> Iterator[None]:
    """Turn what a library raises into an error that names the source; our own errors pass.

    Raises:
        StorageError: the operating system refused.
        DataError: the content is damaged.
    """
    try:
        yield
    except UnweaveError:
        raise
    except _RAISED as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise StorageError(
                f"cannot read {error.filename or where}: {error.strerror}. "
                "Check that it exists and that you may read it."
            ) from error
        raise DataError(
            f"{where} cannot be read: {error or type(error).__name__}. It is damaged or not what its name says. "
            "Save it again, or give another file."
        ) from error
