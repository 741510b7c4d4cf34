"""Contrastive training: from Catalogs to weights."""

from ofclip.training.loop import Trained, train
from ofclip.training.settings import Training

__all__ = ["Trained", "Training", "train"]
