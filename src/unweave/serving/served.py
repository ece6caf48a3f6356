"""One version of a model as the server knows it: what it says of itself. `Loaded` is the part that computes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from unweave.bundles.files import CARD, SIGNATURES, graph_name, read_files
from unweave.bundles.run import signatures_in
from unweave.bundles.schema import BundleCard, read_card
from unweave.serving.images.takes import Takes, takes_of
from unweave.signatures.bundled import checked_signatures
from unweave.signatures.signatures import Signatures

_SHORT = 12


@dataclass(frozen=True)
class Served:
    """A bundle that answers requests. It stays as it is: a new version is another object.

    Attributes:
        name: by which requests ask for it.
        digest: tells this bundle from all others.
        card: of the bundle.
        takes: which images.
        signatures: of the factors; None where the bundle has none.
        signatures_file: content of `signatures.json`, or None.
        decoder: content of `decoder.onnx` where browsers may have it, or None.
    """

    name: str
    digest: str
    card: BundleCard
    takes: Takes
    signatures: Signatures | None
    signatures_file: bytes | None
    decoder: bytes | None

    @property
    def label(self) -> str:
        """Name and the first digits of the digest."""
        return f"{self.name}@{self.digest[:_SHORT]}"

    @property
    def decoder_tag(self) -> str:
        """Strong ETag of the decoder's content."""
        return '"' + hashlib.blake2b(self.decoder or b"", digest_size=16).hexdigest() + '"'


def read_served(name: str, folder: Path, *, share_decoder: bool) -> Served:
    """Read a bundle without its graphs, with everything checked that is read.

    Args:
        name: by which requests ask for it.
        folder: of the bundle.
        share_decoder: whether the decoder is kept for browsers.

    Raises:
        ConfigError, DataError, StorageError: it is no bundle, is damaged, or takes no images.
    """
    files, digest = read_files(folder)
    card = read_card(files[CARD], str(folder / CARD))
    content = signatures_in(files, folder)
    signatures = None if content is None else checked_signatures(content)
    decoder = files[graph_name("decoder")] if share_decoder else None
    return Served(name, digest, card, takes_of(card), signatures, files.get(SIGNATURES), decoder)
