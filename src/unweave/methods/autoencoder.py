"""The machinery of VAEs with one player."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from unweave.core.errors import ShapeError
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
        self.inside, self.latent = nets.inside, nets.latent

    def posterior(self, x: Tensor) -> Posterior:
        """q(z|x)."""
        if tuple(x.shape[1:]) != self.inside:
            want = f"(batch, {', '.join(map(str, self.inside))})"
            hint = "Add a batch axis with x[None]." if tuple(x.shape) == self.inside else ""
            raise ShapeError("x", want=want, got=tuple(x.shape), hint=hint)
        mean, logvar = self.encoder(x).chunk(2, -1)
        return Posterior(mean, logvar)

    def step(self, batch: Batch) -> Step:
        """One forward pass."""
        q, labelled = self.posteriors(batch.x, batch.labelled)
        z = reparameterise(q.mean, q.logvar, batch.generator)
        nll = self.likelihood.nll(self.decoder(z), batch.x)
        return Step(batch.x, nll, q.mean, q.logvar, z, batch.iteration, batch.dataset_size, labelled)

    def posteriors(self, x: Tensor, labelled: Labelled | None) -> tuple[Posterior, LabelledCodes | None]:
        """q(z|x) of the rows, and codes of the labelled rows, from one pass through the encoder."""
        if labelled is None:
            return self.posterior(x), None
        both = self.posterior(torch.cat([x, labelled.x]))
        rows = len(x)
        codes = LabelledCodes(both.mean[rows:], labelled.values, labelled.known, labelled.weights)
        return Posterior(both.mean[:rows], both.logvar[:rows]), codes


class SingleLossVAE(Method):
    """Any VAE whose only player is the autoencoder."""

    def __init__(self, nets: Nets, objective: Objective) -> None:
        super().__init__()
        self.vae, self.objective = Autoencoder(nets), objective
        self.inside, self.latent = nets.inside, nets.latent

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
