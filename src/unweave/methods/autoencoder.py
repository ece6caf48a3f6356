"""The machinery of VAEs with one player."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn

from unweave.core.errors import ShapeError
from unweave.functional.categorical import gumbel_softmax
from unweave.functional.gaussian import reparameterise
from unweave.nets.build import Nets
from unweave.objectives.method import Batch, Labelled, Method, Posterior
from unweave.objectives.objective import Losses, Objective
from unweave.objectives.step import LabelledCodes, Step


class Autoencoder(nn.Module):
    """Encoder to q(z|x), sample, decoder to p(x|z): the shared body of the VAE family."""

    def __init__(self, nets: Nets) -> None:
        super().__init__()
        self.encoder, self.decoder, self.likelihood = nets.encoder, nets.decoder, nets.likelihood
        self.inside, self.latent, self.categorical = nets.inside, nets.latent, nets.categorical

    def posterior(self, x: Tensor) -> Posterior:
        """q(z|x)."""
        if tuple(x.shape[1:]) != self.inside:
            want = f"(batch, {', '.join(map(str, self.inside))})"
            hint = "Add a batch axis with x[None]." if tuple(x.shape) == self.inside else ""
            raise ShapeError("x", want=want, got=tuple(x.shape), hint=hint)
        sizes = self.categorical.sizes if self.categorical else ()
        mean, logvar, *logits = self.encoder(x).split((self.latent, self.latent, *sizes), -1)
        return Posterior(mean, logvar, tuple(part.log_softmax(-1) for part in logits))

    def classes(self, q: Posterior, batch: Batch) -> list[Tensor]:
        """Samples of the categorical codes, (batch, classes) each: one-hot, or near it."""
        if self.categorical is None:
            return []
        hard = self.categorical.sample == "straight_through"
        temperature = self.categorical.temperature_at(batch.iteration)
        return [gumbel_softmax(log_p, temperature, hard=hard, generator=batch.generator) for log_p in q.classes]

    def step(self, batch: Batch) -> Step:
        """One forward pass."""
        q, labelled = self.posteriors(batch.x, batch.labelled)
        return self.decoded(q, batch.x, batch, labelled)

    def decoded(self, q: Posterior, x: Tensor, batch: Batch, labelled: LabelledCodes | None) -> Step:
        """The step with a sample of q(z|x), and of q(c|x) where there are categorical codes, through the decoder."""
        z = reparameterise(q.mean, q.logvar, batch.generator)
        code = torch.cat([z, *self.classes(q, batch)], -1)
        output = self.decoder(code)
        return Step(
            x,
            self.likelihood.nll(output, x),
            q.mean,
            q.logvar,
            z,
            batch.iteration,
            batch.dataset_size,
            labelled=labelled,
            classes=q.classes,
            expected=partial(self.likelihood.mean, output),
        )

    def posteriors(self, x: Tensor, labelled: Labelled | None) -> tuple[Posterior, LabelledCodes | None]:
        """q(z|x) of the rows, and codes of the labelled rows, from one pass through the encoder."""
        if labelled is None:
            return self.posterior(x), None
        both = self.posterior(torch.cat([x, labelled.x]))
        rows = len(x)
        codes = LabelledCodes(both.mean[rows:], labelled.values, labelled.known, labelled.weights)
        classes = tuple(log_p[:rows] for log_p in both.classes)
        return Posterior(both.mean[:rows], both.logvar[:rows], classes), codes


class SingleLossVAE(Method):
    """Any VAE whose only player is the autoencoder."""

    def __init__(self, nets: Nets, objective: Objective) -> None:
        super().__init__()
        self.vae, self.objective = Autoencoder(nets), objective
        self.inside, self.latent = nets.inside, nets.latent + nets.classes

    @property
    def players(self) -> Mapping[str, nn.Module]:
        """One player."""
        return {"vae": self.vae}

    def losses(self, batch: Batch) -> Mapping[str, Losses]:
        """The objective of the autoencoder."""
        return {"vae": self.objective(self.vae.step(batch))}

    def encode(self, x: Tensor) -> Posterior:
        """q(z|x)."""
        return self.vae.posterior(x)

    def decode(self, z: Tensor) -> Tensor:
        """E[x|z]."""
        mean: Tensor = self.vae.likelihood.mean(self.vae.decoder(z))
        return mean

    def distortion(self, x: Tensor, z: Tensor) -> Tensor:
        """-log p(x|z) per observation, in nats."""
        return self.vae.likelihood.nll(self.vae.decoder(z), x)
