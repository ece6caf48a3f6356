"""What requests and answers hold, as JSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr, model_validator

from unweave.core.factors import FactorKind
from unweave.serving.images.pictures import Format
from unweave.signatures.edit import Change, Edit, Move, Set
from unweave.signatures.edited import Beyond, Over

_MOST_EDITS = 64
_MOST_CODES = 65_536
_LARGEST = 1e6

FactorName = Annotated[str, Field(min_length=1, max_length=200)]
ModelName = Annotated[str, Field(max_length=64)]
Number = Annotated[float, Field(ge=-_LARGEST, le=_LARGEST)]
EditId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
Study = Annotated[str, Field(min_length=1, max_length=200)]
Rater = Annotated[str, Field(max_length=200)]
Text = Annotated[StrictStr, Field(min_length=1, max_length=200)]


class Part(BaseModel):
    """Known keys alone, finite numbers alone."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FactorChange(Part):
    """One factor: moved `by` an amount in its unit, or set `to` a value. Exactly one of the two."""

    factor: FactorName = Field(examples=["x"])
    by: Number | None = Field(None, description="Steps; units of the labels for an angle.", examples=[1.0])
    to: (
        Annotated[StrictInt, Field(ge=-_LARGEST, le=_LARGEST)]
        | Annotated[StrictFloat, Field(ge=-_LARGEST, le=_LARGEST)]
        | Text
        | None
    ) = Field(None, description="Name of a class or level, or a number in the units of the labels.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.by is None) == (self.to is None):
            raise ValueError("expected exactly one of `by` and `to`")
        return self

    def change(self) -> Change:
        """As the signatures take it."""
        if self.by is not None:
            return Move(self.by)
        assert self.to is not None
        return Set(self.to)


class EditOptionsBody(Part):
    """How an edit is made and answered."""

    model: ModelName | None = Field(None, description="Name of the model; the tenant's first one otherwise.")
    format: Format = "png"
    residual: bool = Field(False, description="Add the change to the original pixels, in place of drawing all anew.")


class EditBody(EditOptionsBody):
    """An edit without its image."""

    edits: tuple[FactorChange, ...] = Field(
        min_length=1, max_length=_MOST_EDITS, examples=[[{"factor": "x", "by": 1.0}]]
    )
    budget: Annotated[float, Field(ge=0, le=_LARGEST)] | None = Field(
        None, description="How much the other factors may change, in changes between two random rows."
    )
    over: Over = Field("trim", description="What to do with an edit over the budget.")
    beyond: Beyond = Field("clip", description="What to do with an edit that leaves the data.")

    def edit(self) -> Edit:
        """As the signatures take it."""
        return Edit({one.factor: one.change() for one in self.edits})

    def as_stored(self) -> list[dict[str, Any]]:
        """Factors and amounts, for the edit log."""
        return [one.model_dump(exclude_none=True) for one in self.edits]


class ImageEditBody(EditBody):
    """An edit with its image."""

    image: str = Field(description="A PNG, JPEG or WebP file in base64.")


class ImageBody(Part):
    """An image to be encoded."""

    model: ModelName | None = Field(None, description="Name of the model; the tenant's first one otherwise.")
    image: str = Field(description="A PNG, JPEG or WebP file in base64.")


class EncodeOptionsBody(Part):
    """What is encoded how, without the image."""

    model: ModelName | None = None


class DecodeBody(Part):
    """A code to be drawn."""

    codes: tuple[Number, ...] = Field(min_length=1, max_length=_MOST_CODES, description="One number per dimension.")
    model: ModelName | None = None
    format: Format = "png"


class SwapBody(EditOptionsBody):
    """Factors that one image takes from another."""

    factors: tuple[FactorName, ...] = Field(min_length=1, max_length=_MOST_EDITS, examples=[["x"]])


class FeedbackBody(Part):
    """What somebody said of an edit."""

    edit: EditId = Field(description="From the header X-Unweave-Edit.")
    verdict: Literal["kept", "undone", "adjusted"]
    edits: tuple[FactorChange, ...] | None = Field(
        None, max_length=_MOST_EDITS, description="What it was adjusted to; with `adjusted` alone."
    )


class NaturalnessBody(Part):
    """How natural an edited image looked."""

    kind: Literal["naturalness"]
    study: Study
    score: Annotated[int, Field(ge=1, le=5, strict=True)]
    edit: EditId
    rater: Rater = ""


class ChoiceBody(Part):
    """Which of two edited images a rater took."""

    kind: Literal["ab"]
    study: Study
    left: EditId
    right: EditId
    chosen: Literal["left", "right", "neither"]
    rater: Rater = ""


class ErrorLine(BaseModel):
    """Why a request was refused."""

    code: str = Field(examples=["unknown_factor"])
    message: str = Field(examples=["no signature moves 'z'. There are signatures of: x, y."])
    where: str | None = Field(None, examples=["edits[0].factor"])


class ErrorBody(BaseModel):
    """Every answer above 399."""

    error: ErrorLine


class Reading(BaseModel):
    """What a probe says of a factor."""

    value: float | str
    probabilities: dict[str, float] | None = None


class EditAnswer(BaseModel):
    """An edit, asked for with `Accept: application/json`."""

    id: str
    model: str
    digest: str
    image: str = Field(description="In base64.")
    notes: list[str]
    before: dict[str, Reading]
    after: dict[str, Reading]


class EncodeAnswer(BaseModel):
    """The code of an image."""

    model: str
    digest: str
    mean: list[float]
    logvar: list[float]
    readings: dict[str, Reading]


class ModelLine(BaseModel):
    """A model of the tenant."""

    name: str
    digest: str
    shape: list[int] = Field(description="Height, width, channels.", examples=[[64, 64, 3]])
    latent: int
    default: bool
    run: str


class FactorLine(BaseModel):
    """A factor that can be moved."""

    name: str
    kind: FactorKind
    values: list[str] | None = Field(None, description="That it can be set to.")
    unit: str = Field(description="Of `by` and of the readings.")
    step: float = Field(description="What `by: 1` changes, in the units of the readings; 1 for classes.")
    safe_range: list[float] | None = Field(None, description="Readings between which edits stay within the data.")
    safe_by: list[float] = Field(description="The same as amounts for `by`, from the middle of the data.")
    quality: dict[str, float | None] = Field(description="Scores of the probe on held-out rows.")
    leakage: dict[str, list[float]] = Field(description="Other factor: change per change of this one, low, high.")


class Kept(BaseModel):
    """It is durable."""

    kept: Literal[True] = True


class Health(BaseModel):
    """Whether the process lives."""

    status: Literal["ok"] = "ok"


class ModelState(BaseModel):
    """A model as it stands."""

    name: str
    digest: str
    problem: str | None = Field(None, description="Why a newer version is not served.")


class Readiness(BaseModel):
    """Whether requests should be sent here."""

    status: Literal["ready", "degraded", "restarting", "stopping"]
    models: list[ModelState]
    store: Literal["ok", "unavailable"]
