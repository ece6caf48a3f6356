"""Which method? A small table of rules from the facts of a project to a method, its settings and the reasons.

A rule is a function that proposes something, or nothing where it does not apply; its docstring names the evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from unweave.data.report import PROBE_LABELS
from unweave.projects.facts import FactorFacts, Facts

FEW_ROWS = 500
"""Training rows below which a second net has too little to learn from."""


@dataclass(frozen=True)
class Proposal:
    """A `method:` section and why.

    Attributes:
        rule: name of the rule that made it.
        method: the section.
        reason: what about the data speaks for it.
        evidence: who measured what.
    """

    rule: str
    method: Mapping[str, Any]
    reason: str
    evidence: str


Rule = Callable[[Facts], Proposal | None]


def labels_of_correlated_factors(facts: Facts) -> Proposal | None:
    """Labels of both factors of a correlated pair: supervision, with rows weighted towards independence.

    Träuble et al. 2021: in 4,260 models, unsupervised methods entangle the correlated pair, and 100 labels resolve it.
    """
    names = {f.name for f in labelled(facts)}
    pairs = [a for a in facts.correlated if {a.a, a.b} <= names]
    if facts.builtin or not pairs:
        return None
    return Proposal(
        "labels_of_correlated_factors",
        {**_supervised(facts), "correlated": {}},
        f"{pairs[0].a} and {pairs[0].b} vary together ({pairs[0].measure} {pairs[0].value:.2f}), and both have "
        f"{PROBE_LABELS} labels or more: these give each its own dimensions, and rows are weighted as if the two were "
        "independent.",
        "Träuble et al. 2021, 4,260 models: without labels a correlated pair stays entangled, 100 labels resolve it.",
    )


def labels(facts: Facts) -> Proposal | None:
    """At least 100 labels of a factor: supervision.

    Locatello et al. 2020 ("few labels"): 100 labels, 0.01 to 0.5 % of the data, are enough for choosing a model and for
    semi-supervised training; 1,000 give nearly diagonal mutual information.
    """
    found = labelled(facts)
    if facts.builtin or not found:
        return None
    return Proposal(
        "labels",
        _supervised(facts),
        f"{listed(found)} {'has' if len(found) == 1 else 'have'} at least {PROBE_LABELS} labels among the training "
        "rows: each gets dimensions of its own, and rows without labels train the rest.",
        "Locatello et al. 2020: 100 labels are enough for semi-supervised training, 1,000 give nearly diagonal mutual "
        "information of factors and dimensions.",
    )


def pairs(facts: Facts) -> Proposal | None:
    """Pairs that share all but a few factors: Ada-GVAE.

    Locatello et al. 2020 ("without compromises"): its section 4.1 averages the posteriors where a pair agrees. Träuble
    et al. 2021: such pairs resolve correlated factors too.
    """
    if not facts.pairs:
        return None
    return Proposal(
        "pairs",
        {"kind": "ada_gvae", "latent": facts.latent},
        "`data.pairs` says which two rows share all but a few factors: what a pair shares needs no label.",
        "Locatello et al. 2020: pairs alone disentangle without labels; Träuble et al. 2021: also where factors are "
        "correlated.",
    )


def vectors(facts: Facts) -> Proposal | None:
    """Vectors: a beta-VAE with beta 1, whose Gaussian likelihood learns its own scale.

    The learned scale balances reconstruction and code by itself (Rybkin et al. 2021, section 3), so that a beta above 1
    would count twice; no published figure compares values of beta on vectors.
    """
    if facts.images:
        return None
    return Proposal(
        "vectors",
        {"kind": "beta_vae", "beta": 1.0, "latent": facts.latent},
        "The data are vectors: their likelihood learns its own scale, which balances the code against the data.",
        "Rybkin et al. 2021: a learned scale takes the place of beta. We know of no published comparison on vectors.",
    )


def images(facts: Facts) -> Proposal | None:
    """Images and nothing to learn from beside them: a beta-VAE whose beta falls.

    docs/results.md, "The demo": beta from 12 to 4 gives a median MIG of 0.36 (0.15 to 0.40 over five seeds) on sprites
    at 32 pixels within minutes.
    """
    if not facts.images:
        return None
    return Proposal(
        "images",
        {"kind": "beta_vae", "beta": 4.0, "start": 12.0, "ramp": max(1, facts.steps * 3 // 4), "latent": facts.latent},
        f"{'A built-in set, whose labels are there to measure with' if facts.builtin else 'Images'}: trained without "
        "labels or pairs. Beta starts high, so that what matters most finds dimensions of its own, and falls to let "
        "detail in.",
        "Our own: median MIG 0.36 on sprites at 32 pixels, 0.15 to 0.40 over five seeds. On photographs nothing of the "
        "kind is proved yet.",
    )


def total_correlation(facts: Facts) -> Proposal | None:
    """Total correlation penalised by itself: beta-TCVAE.

    dSprites: MIG 0.332 ± 0.029 (published re-run in TopDis), beta-VAE 0.107 ± 0.071 (another paper's re-run).
    """
    if not facts.images or facts.pairs:
        return None
    return Proposal(
        "total_correlation",
        {"kind": "tc_vae", "latent": facts.latent},
        "Only the dependence of dimensions is penalised, not what they say about the image.",
        "Published re-runs on dSprites: MIG 0.332 ± 0.029, of beta-VAE 0.107 ± 0.071; the protocols differ.",
    )


def critic(facts: Facts) -> Proposal | None:
    """Total correlation by a critic: FactorVAE.

    dSprites: FactorVAE score 0.82, of the VAE 0.69 (published re-runs); on 3DShapes beta-TCVAE scores a little more
    (0.873 against 0.840) and FactorVAE trains a second net.
    """
    if not facts.images or facts.rows < FEW_ROWS or facts.pairs:
        return None
    return Proposal(
        "critic",
        {"kind": "factor_vae", "latent": facts.latent},
        "The dependence of dimensions is measured by a critic, which needs no large batch but a net more.",
        "Published re-runs: FactorVAE score 0.82 on dSprites, of the VAE 0.69; 0.840 on 3DShapes, of beta-TCVAE 0.873.",
    )


def classes(facts: Facts) -> Proposal | None:
    """A factor of classes without labels to learn it from: categorical codes, sharpened by mutual information.

    Chen et al. 2016 (InfoGAN), section 7.2: one categorical code finds the ten digits of MNIST with 5 % errors.
    """
    found = [f for f in facts.factors if f.kind == "categorical" and f.classes > 2]
    if not facts.images or not found or (labelled(facts) and not facts.builtin):
        return None
    return Proposal(
        "classes",
        {"kind": "hybrid", "latent": facts.latent},
        f"{found[0].name} is a set of {found[0].classes} classes, which a continuous dimension can only line up.",
        "Chen et al. 2016: a categorical code finds the digits of MNIST with 5 % errors, without labels.",
    )


RULES: tuple[Rule, ...] = (labels_of_correlated_factors, labels, pairs, vectors, images)
"""The first that applies is the advice; the others that apply are alternatives."""

ALTERNATIVES: tuple[Rule, ...] = (classes, total_correlation, critic)
"""Never the first choice: nothing that we measured puts them there yet."""


def _supervised(facts: Facts) -> dict[str, Any]:
    """A beta-VAE that learns from labels; factors are named where some of the project have too few."""
    names = [f.name for f in labelled(facts)]
    section = {} if len(names) == facts.declared else {"factors": names}
    beta = 4.0 if facts.images else 1.0
    return {"kind": "beta_vae", "beta": beta, "latent": facts.latent, "supervision": section}


def labelled(facts: Facts) -> list[FactorFacts]:
    """Factors with enough labels to learn from."""
    return [f for f in facts.factors if f.labels >= PROBE_LABELS]


def listed(factors: list[FactorFacts], most: int = 4) -> str:
    """Their names, as words."""
    names = [f.name for f in factors]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
