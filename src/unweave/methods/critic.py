"""A VAE beside a critic that measures the total correlation of its codes."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn.functional import softplus

from unweave.core.errors import ConfigError
from unweave.functional.groups import Groups, permute_groups
from unweave.methods.autoencoder import SingleLossVAE
from unweave.nets.build import Nets
from unweave.objectives.method import Adam, Batch
from unweave.objectives.objective import Losses, Objective, Schedule


class CriticVAE(SingleLossVAE):
    """Two players: the VAE lowers the critic's estimate, the critic learns to tell q(z) from prod_g q(z_g).

    The critic's logit l(z) estimates log q(z) / prod_g q(z_g), so its mean over codes is the total correlation (Kim &
    Mnih 2018, eq. 3). Codes and shuffled codes come from different rows, as in their algorithm 2: each from one half of
    the batch. The VAE learns from all rows.
    """

    def __init__(
        self, nets: Nets, elbo: Objective, critic: nn.Module, weight: Schedule, groups: Groups | None, *, rate: float
    ) -> None:
        super().__init__(nets, elbo)
        self.critic, self._weight, self._groups, self._rate = critic, weight, groups, rate

    @property
    def players(self) -> Mapping[str, nn.Module]:
        """The VAE and the critic."""
        return {"vae": self.vae, "critic": self.critic}

    def optimiser(self, player: str) -> Adam:
        """The critic learns at a rate of its own (Locatello et al. 2019, table 4)."""
        return Adam(self._rate, (0.5, 0.9)) if player == "critic" else Adam()

    def losses(self, batch: Batch) -> Mapping[str, Losses]:
        """The objective plus the weighted estimate; the critic sees codes without their history.

        Raises:
            ConfigError: the batch has one row only.
        """
        if len(batch.x) < 2:
            raise ConfigError("factor_vae needs two rows in a batch, got one. Raise training.batch.")
        step = self.vae.step(batch)
        elbo = self.objective(step)
        correlation = self.critic(step.z).mean()
        total = elbo.total + self._weight(step.iteration) * correlation
        codes, others = step.z.detach().chunk(2)
        judged = critic_loss(self.critic, codes, permute_groups(others, self._groups, batch.generator))
        return {
            "vae": Losses(total, {**elbo.parts, "total_correlation": correlation}),
            "critic": Losses(judged, {"critic": judged}),
        }


def critic_loss(critic: nn.Module, codes: Tensor, shuffled: Tensor) -> Tensor:
    """Cross-entropy of telling codes from shuffled codes, in nats; log 2 where the critic cannot."""
    loss: Tensor = 0.5 * (softplus(-critic(codes)).mean() + softplus(critic(shuffled)).mean())
    return loss
