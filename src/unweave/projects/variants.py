"""Whether graphs of another precision move other factors more than those of float32 do."""

from __future__ import annotations

import numpy as np

from unweave.bundles.precision import Judge
from unweave.core.model import LatentModel
from unweave.core.seeds import generator
from unweave.data.dataset import Dataset
from unweave.projects.data import held_out
from unweave.projects.judging import EDITED_ROWS
from unweave.signatures.leakage.code_judge import code_judge
from unweave.signatures.leakage.measure import FEWEST_DRAWS, leakages, measure_leakage
from unweave.signatures.signatures import Signatures


def leakage_judge(model: LatentModel, signatures: Signatures, dataset: Dataset) -> Judge:
    """A judge of variants of a model: probes on the codes that `model` itself gives to what a variant decodes.

    It needs no training and no labels but those of held-out rows. That it sees less than judges of pixels do matters
    little where two versions of one model are compared.

    Args:
        model: the one that the variants are to equal.
        signatures: of its factors.
        dataset: the data of the run.
    """
    rows = np.sort(generator(0, "bundle", "judge").permutation(held_out(dataset))[:EDITED_ROWS])
    pictures, table = dataset.observations(rows), dataset.table.take(rows).select(signatures.names)
    looks = code_judge(model, [s.reader for s in signatures.signatures], pictures, table, seed=0)

    def judge(variant: LatentModel) -> float | None:
        measured = measure_leakage(variant, signatures, pictures, table, [looks], bootstrap=FEWEST_DRAWS)
        found = [rows[0].mean for rows in leakages(measured).values()]
        return float(np.mean(found)) if found else None

    return judge
