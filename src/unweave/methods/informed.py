"""A VAE whose decoder must show the class that it was given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from unweave.functional.information import information_bound
from unweave.methods.autoencoder import SingleLossVAE
from unweave.methods.views import ViewsConfig
from unweave.nets.build import Nets
from unweave.objectives.method import Batch
from unweave.objectives.objective import Losses, Objective


class InformedVAE(SingleLossVAE):
    """A VAE with categorical codes, and a reader Q(c|x) that takes part from the step `begins` on."""

    def __init__(
        self, nets: Nets, objective: Objective, *, weight: float, begins: int, views: ViewsConfig | None
    ) -> None:
        super().__init__(nets, objective)
        self.views = views
        assert nets.categorical is not None
        self.sizes, self.weight, self.stages = nets.categorical.sizes, weight, tuple(sorted({0, begins}))
        self.reader = nets.like_encoder(nets.classes)

    @property
    def players(self) -> Mapping[str, nn.Module]:
        """The VAE and the reader."""
        return {"vae": self.vae, "reader": self.reader}

    def losses(self, batch: Batch) -> Mapping[str, Losses]:
        """The objective; in the second stage minus the weighted bound, which the reader raises too."""
        step = self.vae.step(batch)
        if self.views is not None:
            copies = self.vae.posterior(self.views.copies(batch.x, batch.generator)).classes
            step = replace(step, copies=copies)
        own = self.objective(step)
        if batch.iteration < self.stages[-1]:
            return {"vae": own}
        information = self.information(step.z.detach(), batch.generator)
        return {
            "vae": Losses(own.total - self.weight * information, {**own.parts, "information": information}),
            "reader": Losses(-information, {}),
        }

    def information(self, z: Tensor, generator: torch.Generator | None) -> Tensor:
        """Bound on I(c; x) in nats, at most the sum of log K; x is decoded from Gaussian codes z and random classes.

        The codes are those of the batch, samples of the aggregate posterior, where InfoGAN samples its prior: the
        decoder is asked about what it has learnt to draw.
        """
        drawn = [torch.randint(size, (len(z),), generator=generator, device=z.device) for size in self.sizes]
        shown = [one_hot(classes, size).to(z.dtype) for classes, size in zip(drawn, self.sizes, strict=True)]
        read: Tensor = self.reader(self.decode(torch.cat([z, *shown], -1)))
        bounds = [
            information_bound(logits.log_softmax(-1), classes, math.log(size)).mean()
            for logits, classes, size in zip(torch.split(read, list(self.sizes), -1), drawn, self.sizes, strict=True)
        ]
        return torch.stack(bounds).sum()
