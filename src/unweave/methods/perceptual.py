"""The `perceptual:` section that any VAE may have: what a reconstruction should look like, beside its pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from unweave.core.errors import ConfigError
from unweave.core.files import storage_errors

if TYPE_CHECKING:
    from unweave.objectives.perceptual import Distance

_SMALLEST = 16


class PerceptualConfig(BaseModel):
    """What all kinds share.

    Attributes:
        weight: of the term in the objective. The term is a distance of images times their number of components, so a
            distance of 1 costs `weight` nats a component, at any image size.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    weight: PositiveFloat = 1.0

    def distance(self, inside: tuple[int, ...], root: Path) -> Distance:
        """The distance for observations of shape `inside`, (C, H, W); it is never trained.

        Args:
            inside: shape of one observation inside the nets.
            root: folder from which relative paths count.

        Raises:
            ConfigError: the observations are vectors, or images too small, or the weights do not fit.
            MissingExtraError: the kind needs a package that is absent.
            StorageError: weights cannot be read.
        """
        raise NotImplementedError

    def pinned(self, root: Path) -> Self:
        """The same section with the fingerprint of the weights that it names, if any."""
        return self

    def _need_images(self, inside: tuple[int, ...], least: int = _SMALLEST) -> None:
        if len(inside) != 3:
            raise ConfigError(
                f"method.perceptual: {self.kind!r} compares images, the data are vectors of {inside[0]} components. "
                "Leave the section out."
            )
        if min(inside[1:]) < least:
            raise ConfigError(
                f"method.perceptual: {self.kind!r} needs at least {least} pixels a side, the images have "
                f"{inside[1]} x {inside[2]}. Use a larger data.size, or leave the section out."
            )


class SSIMConfig(PerceptualConfig):
    """One minus SSIM (Wang et al. 2004): luminance, contrast and structure under a window of 11 pixels."""

    kind: Literal["ssim"] = "ssim"

    def distance(self, inside: tuple[int, ...], root: Path) -> Distance:
        """From 0 to 2."""
        from unweave.functional.ssim import ssim

        self._need_images(inside)
        return lambda x, y: 1 - ssim(x, y)


class MSSSIMConfig(PerceptualConfig):
    """One minus multi-scale SSIM (Wang et al. 2003), with as many of the five scales as fit the images."""

    kind: Literal["ms_ssim"] = "ms_ssim"

    def distance(self, inside: tuple[int, ...], root: Path) -> Distance:
        """From 0 to 1."""
        from unweave.functional.ssim import ms_ssim

        self._need_images(inside)
        return lambda x, y: 1 - ms_ssim(x, y)


class _WithWeights(PerceptualConfig):
    """A kind whose net comes from files.

    Attributes:
        fingerprint: of the weights, filled in when a training begins, so that it continues with no others.
    """

    fingerprint: str | None = None

    def pinned(self, root: Path) -> Self:
        """The same section with the fingerprint of the weights as they are now."""
        return self.model_copy(update={"fingerprint": _hash(self._files(root))})

    def _files(self, root: Path) -> tuple[Path, ...]:
        raise NotImplementedError

    def _checked_files(self, root: Path) -> tuple[Path, ...]:
        files = self._files(root)
        if self.fingerprint is not None and (found := _hash(files)) != self.fingerprint:
            raise ConfigError(
                f"method.perceptual: expected weights with the fingerprint {self.fingerprint}, got {found} in "
                f"{' and '.join(map(str, files))}: they are not those of this training. Put those back, or leave the "
                "key `fingerprint` out to train with these."
            )
        return files


class LPIPSConfig(_WithWeights):
    """LPIPS (Zhang et al. 2018), version 0.1 on AlexNet; nothing is ever downloaded.

    Attributes:
        weights: a file with the state dict of `lpips.LPIPS(net="alex")`, `.pth` or `.safetensors`. None takes the heads
            of the installed package `lpips` and the AlexNet in torch's cache.
    """

    kind: Literal["lpips"] = "lpips"
    weights: str | None = None

    def distance(self, inside: tuple[int, ...], root: Path) -> Distance:
        """From 0; about 0.7 for unrelated photographs."""
        from unweave.nets.lpips import SMALLEST, load_lpips

        self._need_images(inside, SMALLEST)
        if inside[0] not in (1, 3):
            raise ConfigError(f"method.perceptual: 'lpips' needs 1 or 3 channels, the images have {inside[0]}.")
        return load_lpips(self._checked_files(root))

    def _files(self, root: Path) -> tuple[Path, ...]:
        from unweave.nets.lpips import weight_files

        return weight_files(None if self.weights is None else root / self.weights)


class FeaturesConfig(_WithWeights):
    """One minus the cosine of features of an encoder that the project trained before, over its convolutional layers.

    Attributes:
        run: the earlier run: its name, the start of its name, or the path of its folder or of its model's.
    """

    kind: Literal["features"] = "features"
    run: str

    def distance(self, inside: tuple[int, ...], root: Path) -> Distance:
        """From 0 to 2, from 0 to 1 for features without a sign."""
        from unweave.methods.autoencoder import Autoencoder
        from unweave.methods.model import load_model
        from unweave.nets.encoder_features import EncoderFeatures

        self._need_images(inside)
        folder = self._checked_files(root)[0].parent
        method = load_model(folder).method
        if method.inside != inside:
            raise ConfigError(
                f"method.perceptual.run: the model in {folder} takes images of shape (channel, height, width) "
                f"{method.inside}, these have {inside}. Give a run with the same data.size and colours."
            )
        body = next((module for module in method.modules() if isinstance(module, Autoencoder)), None)
        if body is None:
            raise ConfigError(f"method.perceptual.run: the model in {folder} has no encoder of images.")
        return EncoderFeatures(body.encoder, inside)

    def _files(self, root: Path) -> tuple[Path, ...]:
        folder = root / self.run
        folder = folder / "model" if (folder / "model").is_dir() else folder
        return folder / "weights.safetensors", folder / "model.json"


PerceptualField = Annotated[SSIMConfig | MSSSIMConfig | LPIPSConfig | FeaturesConfig, Field(discriminator="kind")]


def _hash(files: Sequence[Path]) -> str:
    """Sixteen hex digits of the contents of files."""
    digest = hashlib.blake2b(digest_size=8)
    for path in files:
        with storage_errors(path, "read"):
            digest.update(path.read_bytes())
    return digest.hexdigest()
