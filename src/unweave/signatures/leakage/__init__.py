"""What else moves when a factor moves, measured through the pixels."""

from unweave.signatures.leakage.code_judge import CodeJudge, code_judge
from unweave.signatures.leakage.compare import Comparison, compare
from unweave.signatures.leakage.exact_judge import ExactJudge, exact_judge
from unweave.signatures.leakage.judge import Judge
from unweave.signatures.leakage.matrix import LeakageMatrix
from unweave.signatures.leakage.measure import leakages, measure_leakage
from unweave.signatures.leakage.measurement import Measurement
from unweave.signatures.leakage.pixel_judge import PixelJudge, pixel_judge

__all__ = [
    "CodeJudge",
    "Comparison",
    "ExactJudge",
    "Judge",
    "LeakageMatrix",
    "Measurement",
    "PixelJudge",
    "code_judge",
    "compare",
    "exact_judge",
    "leakages",
    "measure_leakage",
    "pixel_judge",
]
