"""The judge that looks through the model's own encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from unweave.core.factors import Factor, FactorTable
from unweave.core.model import LatentModel, Observations
from unweave.core.observations import as_decoded, at_rest
from unweave.core.scores import Score
from unweave.signatures.leakage.judge import Floats, Judge, Measure, Pictures
from unweave.signatures.leakage.skill import skills
from unweave.signatures.place import PlaceReader
from unweave.signatures.reader import Reader


class CodeJudge(Judge):
    """Probes on the code of the decoded observation.

    It needs no training, and it is partial: what the encoder ignores it does not see, and a change that a probe
    confuses with another is confused here too.
    """

    measure: ClassVar[Measure] = "codes"

    def __init__(self, model: LatentModel, readers: Sequence[Reader | PlaceReader]) -> None:
        self.model, self.readers = model, tuple(readers)
        self.factors: tuple[Factor, ...] = tuple(reader.target.factor for reader in readers)
        self.quality: Mapping[str, Score] = {}

    def see(self, pictures: Pictures) -> tuple[Floats, None]:
        """Values (N, K): encoded again, as they would be stored, and read."""
        codes = self.model.encode(at_rest(pictures)).mean
        return np.stack([reader.read(codes) for reader in self.readers], axis=1), None


def code_judge(
    model: LatentModel,
    readers: Sequence[Reader | PlaceReader],
    observations: Observations,
    table: FactorTable,
    *,
    seed: int = 0,
) -> CodeJudge:
    """The judge, with its quality on held-out observations and their labels.

    Args:
        model: encodes.
        readers: one probe per factor.
        observations: images uint8 (N, H, W, C) or vectors (N, F) that the probes were not learnt from.
        table: their labels.
        seed: of intervals and nulls.
    """
    judge = CodeJudge(model, readers)
    judge.quality = skills(judge, judge(as_decoded(observations)), table, definition="leakage.codes", seed=seed)
    return judge
