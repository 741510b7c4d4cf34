"""Losses, one per file: plain functions of unit vectors, exact on any number of processes.

All of them take the features of the whole batch, gathered from every process (rank after rank, with gradients),
and `rows`, those of this process. Each process computes the mean over its own rows against all columns. If every
process has as many rows as the next, the mean over processes is the loss of the whole batch; and since the
backward pass of gathering adds up over processes and data-parallel training takes the mean of the parameters'
gradients, these are the gradients that one process would get from the whole batch.
"""

from ofclip.training.losses.clip import clip_loss
from ofclip.training.losses.distillation import distillation_loss
from ofclip.training.losses.fields import field_loss
from ofclip.training.losses.multi_positive import multi_positive_loss, shared
from ofclip.training.losses.siglip import siglip_loss

__all__ = ["clip_loss", "distillation_loss", "field_loss", "multi_positive_loss", "shared", "siglip_loss"]
