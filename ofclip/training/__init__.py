"""Contrastive training: from Catalogs to weights."""
