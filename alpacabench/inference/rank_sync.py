"""How ranks keep step where each forward pass is a joint effort (ZeRO-3, tensor parallel)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


class Alone:
    """One process, or data parallel: nobody to wait for."""

    joint = False
    """Whether every rank takes part in each forward pass: all must take the same passes, and none can go on alone."""

    def anyone(self, busy: bool) -> bool:
        """Return whether any rank still has work; called by all ranks before each forward pass."""
        return busy

    def agree(self, tokens: Tensor) -> Tensor:
        """Return the tokens that all ranks go on with."""
        return tokens


class Together(Alone):
    """ZeRO-3: ranks decode different rows, but every forward pass gathers weights from all of them."""

    joint = True

    def anyone(self, busy: bool) -> bool:
        """Return whether any rank still has work; an idle rank must then run a forward pass, too."""
        import torch
        import torch.distributed as dist

        flag = torch.tensor([int(busy)])
        dist.all_reduce(flag, op=dist.ReduceOp.MAX)
        return bool(flag.item())


class Mirrored(Alone):
    """Tensor parallel: all ranks decode the same rows, and rank 0 says which tokens were drawn."""

    joint = True

    def agree(self, tokens: Tensor) -> Tensor:
        """Return rank 0's tokens."""
        import torch.distributed as dist

        dist.broadcast(tokens, src=0)
        return tokens
