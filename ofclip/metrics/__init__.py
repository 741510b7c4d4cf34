"""Pure functions on arrays: they know nothing of catalogues or models."""
