"""Edits of images that read like the sentence: `model.edit(images, smile=+1)`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ShapeError
from unweave.core.model import LatentModel
from unweave.core.observations import as_decoded, at_rest
from unweave.signatures.apply import edit_codes
from unweave.signatures.edit import Change, Edit, Swap
from unweave.signatures.edited import Beyond, Edited, Over
from unweave.signatures.residual import add_residual
from unweave.signatures.signatures import Signatures
from unweave.signatures.strips import Strip, strip_of


@dataclass(frozen=True)
class EditedImages:
    """Edited images, and what was done to their codes.

    Attributes:
        images: uint8 (N, H, W, C), or vectors float32 (N, F).
        codes: see `Edited`.
    """

    images: NDArray[Any]
    codes: Edited

    @property
    def notes(self) -> tuple[str, ...]:
        """In words, what was not done as asked."""
        return self.codes.notes


@dataclass(frozen=True)
class Editor:
    """A model with its signatures.

    Attributes:
        model: encodes and decodes.
        signatures: of this model.
        model_hash: hash of the model, checked against the signatures'.

    Raises:
        ConfigError: the signatures belong to another model.
    """

    model: LatentModel
    signatures: Signatures
    model_hash: str

    def __post_init__(self) -> None:
        self.signatures.check_model(self.model_hash)
        if self.model.latent != self.signatures.latent:
            raise ShapeError("model", want=f"codes of {self.signatures.latent} dimensions", got=(self.model.latent,))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one observation: (H, W, C) for images, (F,) for vectors."""
        mean = self.signatures.density.mean[None]
        return self.model.decode(mean.astype(np.float32)).shape[1:]

    def edit(
        self,
        images: NDArray[Any],
        *,
        residual: bool = False,
        budget: float | None = None,
        over: Over = "trim",
        beyond: Beyond = "clip",
        **changes: float | str | Change,
    ) -> NDArray[Any]:
        """Edited images: `model.edit(images, smile=+1, pose="left")`.

        A number moves the factor by so many steps, a text sets it, `Set(0.5)` sets it to a number; factors whose names
        are no Python names, or those of these options, go through `apply`.

        Args:
            images: uint8 (N, H, W, C) or one image (H, W, C); vectors float32 (N, F).
            residual: add the change to the original pixels instead of redrawing the whole image.
            budget, over, beyond: see `edit_codes`.
            changes: by factor.

        Returns:
            As `images`, in shape and type.

        Raises:
            ConfigError, ShapeError, DataError: see `edit_codes`.
        """
        made = self.apply(images, Edit.of(**changes), residual=residual, budget=budget, over=over, beyond=beyond)
        return made.images

    def swap(
        self, images: NDArray[Any], others: NDArray[Any], factors: Sequence[str], *, residual: bool = False
    ) -> NDArray[Any]:
        """Images with some factors taken from others, row by row or all from one: style transfer."""
        edit = Edit(dict.fromkeys(factors, Swap()))
        return self.apply(images, edit, others=others, residual=residual).images

    def strip(self, images: NDArray[Any], factor: str, *, steps: int = 7) -> Strip:
        """Images with one factor from one end of its safe range to the other; see `strip_of`."""
        rows, _ = self._rows(images)
        return strip_of(self.signatures, factor, self.model.encode(rows).mean, self.model.decode, steps=steps)

    def apply(
        self,
        images: NDArray[Any],
        edit: Edit,
        *,
        others: NDArray[Any] | None = None,
        residual: bool = False,
        budget: float | None = None,
        over: Over = "trim",
        beyond: Beyond = "clip",
    ) -> EditedImages:
        """The edit with all that is known of it; arguments as in `edit` and `edit_codes`, `others` as images."""
        rows, single = self._rows(images)
        codes = self.model.encode(rows).mean
        done = edit_codes(
            self.signatures,
            codes,
            edit,
            others=None if others is None else self.model.encode(self._rows(others)[0]).mean,
            budget=budget,
            over=over,
            beyond=beyond,
        )
        made = self.draw(rows, codes, done.codes, residual=residual)
        return EditedImages(made[0] if single else made, done)

    def draw(
        self, images: NDArray[Any], codes: NDArray[np.float32], edited: NDArray[np.float32], *, residual: bool
    ) -> NDArray[Any]:
        """Images (N, H, W, C) of edited codes (N, D), as a change of the originals or all new."""
        after = self.model.decode(edited)
        if residual:
            after = add_residual(as_decoded(images), self.model.decode(codes), after)
        return at_rest(after)

    def _rows(self, images: NDArray[Any]) -> tuple[NDArray[Any], bool]:
        """Images with a row axis, and whether it was added."""
        single = images.ndim in (1, 3)
        if not single and images.ndim not in (2, 4):
            raise ShapeError("images", want="(rows, H, W, C) or (H, W, C)", got=images.shape)
        return (images[None] if single else images), single
