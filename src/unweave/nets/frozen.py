"""Nets that measure and are never trained."""

from __future__ import annotations

from torch import nn


def freeze(net: nn.Module) -> None:
    """Turn all parameters into constants, in place: no optimiser finds them, no checkpoint or model folder holds them.

    They still move between devices and precisions with `Module.to`.
    """
    for module in net.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            delattr(module, name)
            module.register_buffer(name, parameter.detach())
        for name, buffer in list(module.named_buffers(recurse=False)):
            module.register_buffer(name, buffer, persistent=False)
    net.eval()
