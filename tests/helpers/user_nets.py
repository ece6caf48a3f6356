"""Modules such as a user has them, for imports by `module:function`; `GIVES` says what the function returns."""

from collections import namedtuple

import torch
from torch import nn

Posterior = namedtuple("Posterior", "mu logvar")


class Encoder(nn.Module):
    def __init__(self, gives="tuple"):
        super().__init__()
        self.gives = gives
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Dropout(0.5))

    def forward(self, x):
        mean, logvar = self.net(x).chunk(2, 1)
        if self.gives == "sample":
            return mean + torch.randn_like(mean)
        if self.gives == "normal":
            return torch.distributions.Normal(mean, (logvar / 2).exp())
        if self.gives == "list of text":
            return ["mean"]
        kinds = {"tuple": (mean, logvar), "named": Posterior(mean, logvar), "dict": {"logvar": logvar, "mean": mean}}
        return kinds[self.gives]


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.net = nn.Sequential(nn.Linear(4, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))

    def forward(self, z):
        return self.net(z)


def load():
    return Encoder(), Decoder()


def named():
    return Encoder("named"), Decoder()


def dictionary():
    return Encoder("dict"), Decoder()


def normal():
    return Encoder("normal"), Decoder()


def sample():
    return Encoder("sample"), Decoder()


def text():
    return Encoder("list of text"), Decoder()


def encoder_alone():
    return Encoder(), None


def one():
    return Encoder()


def strings():
    return "encoder", "decoder"


def fails():
    raise FileNotFoundError("vae.pt")
