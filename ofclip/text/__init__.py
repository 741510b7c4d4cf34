"""What becomes of a caption before a model reads it: prompt templates and tokens."""
