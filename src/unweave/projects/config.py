"""The project file `unweave.yaml`: one file describes a project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator, model_validator

from unweave.bundles.schema import Statement
from unweave.core.factors import Factor
from unweave.data.config import DataConfig
from unweave.methods import BetaVAEConfig, MethodField
from unweave.nets.config import NetConfig
from unweave.training.config import TrainingConfig


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrackingConfig(_Section):
    """Where runs are logged.

    `uri` is an MLflow tracking URI: a SQLite file beside the project file by default, `http://…` for a server,
    `off` for none.
    """

    uri: str = "sqlite:///mlflow.db"
    experiment: str | None = None

    @field_validator("uri", mode="before")
    @classmethod
    def _off(cls, uri: Any) -> Any:  # noqa: ANN401 - whatever stands in the file
        return "off" if uri is False else uri  # what YAML makes of a bare `off`


class Gate(_Section):
    """Bounds that a score must keep; a score without a value fails."""

    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("a gate needs `at_least` or `at_most`")
        return self


class AcceptConfig(_Section):
    """The gates that a model must pass before it may be promoted, on held-out rows."""

    mig: Gate | None = None
    dci: Gate | None = Field(default=None, description="on dci.disentanglement")
    probe_accuracy: dict[str, Gate] = Field(default_factory=dict, description="by factor name")
    leakage: Gate | None = None
    edit_p95_ms: Gate | None = None


class SweepConfig(_Section):
    """The plan for hyperparameter search."""

    share: float = Field(0.2, ge=0, le=1, description="share of the whole training budget spent on the search")


class MonitoringConfig(_Section):
    """The plan for drift monitoring once the model serves."""

    reference_rows: PositiveInt = 2000


class Project(_Section):
    """All settings of one project; `extra` keys are refused."""

    name: str = Field(min_length=1)
    notes: str = Field(default="", description="why these factors and hyperparameters: for whoever comes next")
    data: DataConfig
    factors: tuple[Factor, ...] = ()
    method: MethodField = BetaVAEConfig()
    net: NetConfig = NetConfig()
    training: TrainingConfig = TrainingConfig()
    accept: AcceptConfig | None = None
    sweep: SweepConfig | None = None
    monitoring: MonitoringConfig | None = None
    tracking: TrackingConfig = TrackingConfig()
    card: Statement = Statement()

    @field_validator("method", mode="before")
    @classmethod
    def _default_kind(cls, value: Any) -> Any:  # noqa: ANN401 - whatever the file holds
        """Settings without a `kind` are those of the default method."""
        if isinstance(value, Mapping) and "kind" not in value:
            return {"kind": cls.model_fields["method"].default.kind, **value}
        return value

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [f.name for f in self.factors]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"factors are declared twice: {', '.join(twice)}")
        return self
