"""A trained model as two ONNX graphs that take and give observations at rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from unweave.methods.model import TrainedModel
from unweave.methods.onnx_export import write_graph

_ROWS = 4  # of the example; with one row the exporter would take the number for fixed


def write_graphs(model: TrainedModel, encoder: Path, decoder: Path) -> None:
    """Write encoder and decoder, with all that stands between observations at rest and the nets inside the graphs.

    The encoder takes `observations`, images uint8 (N, H, W, C) or vectors float32 (N, F), and gives `mean` and `logvar`
    (N, D), the columns of `Codes`. The decoder takes `codes` (N, D) and gives `observations`: images float32
    (N, H, W, C) cut to [0, 1], or vectors (N, F) in their units. N is free.

    Raises:
        MissingExtraError, ConfigError: see `write_graph`.
    """
    images = model.transform.images
    shape, kind = (_ROWS, *model.shape), torch.uint8 if images else torch.float32
    example = torch.zeros(shape, dtype=kind, device=model.device)
    write_graph(_Encoder(model).eval(), example, encoder, takes="observations", gives=("mean", "logvar"))
    codes = torch.from_numpy(np.zeros((_ROWS, model.latent), np.float32)).to(model.device)
    write_graph(_Decoder(model).eval(), codes, decoder, takes="codes", gives=("observations",))


class _Half(nn.Module):
    def __init__(self, model: TrainedModel) -> None:
        super().__init__()
        self.method, self.transform = model.method, model.transform


class _Encoder(_Half):
    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        """Observations at rest to the columns of `Codes`."""
        q = self.method.encode(self.transform.inside(observations))
        return q.code, q.code_logvar


class _Decoder(_Half):
    def forward(self, codes: Tensor) -> Tensor:
        """Codes to observations at rest."""
        return self.transform.at_rest(self.method.decode(codes))
