"""What FashionCLIP's model card admits, measured: query length, background and place, gendered words, class size."""
