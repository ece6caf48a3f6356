"""A VAE whose decoder must show the class that it was given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from unweave.core.errors import ConfigError
from unweave.functional.information import information_bound
from unweave.methods.autoencoder import SingleLossVAE
from unweave.methods.views import ViewsConfig
from unweave.nets.build import Nets
from unweave.nets.normalised import batch_normalised
from unweave.objectives.method import Batch, Posterior
from unweave.objectives.objective import Losses, Objective
from unweave.objectives.step import Step


class InformedVAE(SingleLossVAE):
    """A VAE with categorical codes, and a reader Q(c|x) that takes part from the step `begins` on."""

    def __init__(
        self, nets: Nets, objective: Objective, *, weight: float, begins: int, views: ViewsConfig | None
    ) -> None:
        assert nets.categorical is not None
        if views is not None:
            assert isinstance(nets.encoder, nn.Sequential)
            nets = replace(nets, encoder=batch_normalised(nets.encoder))
        super().__init__(nets, objective)
        self.views = views
        self.sizes, self.weight, self.stages = nets.categorical.sizes, weight, tuple(sorted({0, begins}))
        self.reader = nets.like_encoder(nets.classes)

    @property
    def players(self) -> Mapping[str, nn.Module]:
        """The VAE and the reader."""
        return {"vae": self.vae, "reader": self.reader}

    def losses(self, batch: Batch) -> Mapping[str, Losses]:
        """The objective; in the second stage minus the weighted bound, which the reader raises too."""
        step = self.vae.step(batch) if self.views is None else self.beside_copies(self.views, batch)
        own = self.objective(step)
        if batch.iteration < self.stages[-1]:
            return {"vae": own}
        information = self.information(step.z.detach(), batch.generator)
        return {
            "vae": Losses(own.total - self.weight * information, {**own.parts, "information": information}),
            "reader": Losses(-information, {}),
        }

    def beside_copies(self, views: ViewsConfig, batch: Batch) -> Step:
        """One forward pass, and the classes of a changed copy of each row or of a neighbour of it."""
        likes = batch.partner if views.neighbours else batch.x
        if likes is None:
            raise ConfigError("views.neighbours: the batch has no partners. Give it nearest rows, or set it to 0.")
        x = torch.cat([batch.x, views.copies(likes, batch.generator)])  # one pass, so that both have one normalisation
        q, labelled = self.vae.posteriors(x, batch.labelled)
        rows = len(batch.x)
        own = Posterior(q.mean[:rows], q.logvar[:rows], tuple(log_p[:rows] for log_p in q.classes))
        step = self.vae.decoded(own, batch.x, batch, labelled)
        return replace(step, copies=tuple(log_p[rows:] for log_p in q.classes))

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
