"""The card of a bundle, `card.json`: what the model is, what it was measured to do, and what it is for."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from unweave.bundles.files import Half, Precision, first_line, load_json
from unweave.core.binding import Binding
from unweave.core.errors import DataError
from unweave.core.factors import Factor

FORMAT: Final = 1

_MOST_LATENT = 65_536
_MOST_VALUES = 1 << 26

Side = Annotated[int, Field(ge=1, le=1 << 20)]
Group = tuple[Annotated[int, Field(ge=0)], ...]


class Part(BaseModel):
    """A part of the card: known keys alone, finite numbers alone."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ScoreLine(Part):
    """A score on held-out rows.

    Attributes:
        value: None where it cannot be computed; then `reason` says why.
        interval: at 95 %.
        null, null_interval: of random codes.
        rows, mode: of the protocol, all of which the run's scorecard holds. For leakage the mode is who measured it.
    """

    value: float | None
    interval: tuple[float, float] | None = None
    null: float | None = None
    null_interval: tuple[float, float] | None = None
    reason: str | None = None
    rows: int | None = None
    mode: str


class GateLine(Part):
    """A gate of the project when the bundle was made, and whether the model passed it."""

    score: str
    wanted: str
    value: float | None
    passed: bool


class SignatureLine(Part):
    """What is known of moving one factor; `signatures.json` holds the directions.

    Attributes:
        factor: its name.
        labels: rows that it was learnt from.
        safe: how far it can be moved, see `signatures.Signature`.
        leakage: mean change of the other factors per change of this one, in changes between two random rows; None
            where it was not measured.
        measured_by: who measured it.
    """

    factor: str
    labels: int
    safe: tuple[float, float]
    leakage: float | None = None
    measured_by: str | None = None


class Parity(Part):
    """How far one output of a graph is from what the model itself gives.

    Attributes:
        graph, output: which.
        difference: the largest absolute one. Pixels count in [0, 1]; columns of codes in units of their standard
            deviation where that is above 1; components of vectors in units of theirs.
        limit: at which the graph is refused.
        rows: real rows, and as many codes drawn from the prior for the decoder.
        batches: numbers of rows at once that were tried.
    """

    graph: Half
    output: str
    difference: float
    limit: float
    rows: int
    batches: tuple[PositiveInt, ...]

    @property
    def passed(self) -> bool:
        """Whether the difference is within the limit."""
        return self.difference <= self.limit


class Variant(Part):
    """Graphs of another precision that were tried.

    Attributes:
        precision: which.
        kept: whether the bundle holds them.
        bytes: of both graphs, and `float32_bytes` of those that they stand for.
        parity: against the float32 graphs.
        leakage, float32_leakage: mean leakage of moving the factors with either, where a judge was there.
        leakage_limit: how much more is allowed.
        why: in words, why it was kept or refused.
    """

    precision: Precision
    kept: bool
    bytes: int
    float32_bytes: int
    parity: tuple[Parity, ...] = ()
    leakage: float | None = None
    float32_leakage: float | None = None
    leakage_limit: float | None = None
    why: str


class Statement(Part):
    """What only people can say. Empty means that nobody said it.

    Attributes:
        licence: of the model.
        intended_use: what it is for.
        limits: what it is not for, and where it fails.
    """

    licence: str = ""
    intended_use: str = ""
    limits: tuple[str, ...] = ()


class Training(Part):
    """What the model came from.

    Attributes:
        settings: sections `data`, `method`, `net` and `training` of the project file.
        rows: of train, valid and test.
        began: date and time in UTC.
        versions: of libraries.
        git: commit of the project folder.
    """

    settings: dict[str, Any]
    rows: dict[str, int]
    began: str
    versions: dict[str, str]
    git: str | None = None


class BundleCard(Part):
    """All that a bundle says of itself.

    Attributes:
        format: of the bundle; other formats are refused.
        name: of the project.
        run: that it was made of.
        notes: of the project.
        model_hash: of the model that the codes are of.
        data_hash: of the data that it was trained and measured on.
        shape: of one observation, (H, W, C) or (F,).
        latent: columns D of a code.
        groups, categorical: columns that form one unit, see `Codes`.
        binding: labelled factors and their columns, see `Binding.to_json`.
        factors: of the data.
        signatures: of the factors that can be moved.
        scores: on held-out rows, by name.
        gates: of the project when the bundle was made.
        parity: of both graphs with the model.
        variants: of other precisions that were tried.
        reference_rows: rows behind `reference.npz`.
        training: what it came from.
        statement: licence, intended use and limits.
        findings: limits that were found by measuring, in words.
    """

    format: Literal[1] = FORMAT
    name: str
    run: str
    notes: str = ""
    model_hash: str = Field(pattern="^[0-9a-f]{32}$")
    data_hash: str
    shape: tuple[Side, ...] = Field(min_length=1, max_length=3)
    latent: int = Field(ge=1, le=_MOST_LATENT)
    groups: tuple[Group, ...] = ()
    categorical: tuple[Group, ...] = ()
    binding: dict[str, Any] = Field(default_factory=lambda: Binding().to_json())
    factors: tuple[Factor, ...] = ()
    signatures: tuple[SignatureLine, ...] = ()
    scores: dict[str, ScoreLine] = Field(default_factory=dict)
    gates: tuple[GateLine, ...] = ()
    parity: tuple[Parity, ...]
    variants: tuple[Variant, ...] = ()
    reference_rows: int
    training: Training
    statement: Statement = Statement()
    findings: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.shape) == 2 or math.prod(self.shape) > _MOST_VALUES:
            raise ValueError(f"`shape` {self.shape} is none of an image (H, W, C) or a vector (F,), or too large")
        columns = [column for group in (*self.groups, *self.categorical) for column in group]
        if max(columns, default=0) >= self.latent:
            raise ValueError(f"`groups` names column {max(columns)} of {self.latent}")
        bound = [column for one in Binding.from_json(self.binding).bound for column in one.columns]
        if not all(isinstance(column, int) and 0 <= column < self.latent for column in bound):
            raise ValueError(f"`binding` names columns that are none of the {self.latent}")
        return self

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """Precisions of the graphs that the bundle holds."""
        return ("float32", *(v.precision for v in self.variants if v.kept))

    def to_bytes(self) -> bytes:
        """Content of `card.json`; equal cards give equal bytes."""
        return self.model_dump_json(indent=1).encode()


def read_card(content: bytes, where: str) -> BundleCard:
    """The inverse of `BundleCard.to_bytes`.

    Args:
        content: of `card.json`.
        where: its place, for messages.

    Raises:
        DataError: it is damaged, or of another format.
    """
    try:
        found = load_json(content)
        said = found.get("format") if isinstance(found, dict) else None
        if said != FORMAT:
            raise DataError(
                f"{where} is of format {said!r}, and this version reads format {FORMAT}. Export the bundle again, "
                "or use the version of unweave that made it."
            )
        return BundleCard.model_validate(found)
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{where} is damaged: {first_line(error)}. Export the bundle again.") from error
