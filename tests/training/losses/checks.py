"""What the tests of all losses share: unit vectors, and comparison in value and gradient."""

import torch


def unit(*shape, seed=0, dtype=torch.float64):
    """Return random unit vectors of a shape."""
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    return torch.nn.functional.normalize(drawn, dim=-1)


def with_gradients(loss, *inputs):
    """Return the value of loss(*inputs) and its gradient by each input (0 where there is none)."""
    inputs = [tensor.detach().clone().requires_grad_() for tensor in inputs]
    value = loss(*inputs)
    value.backward()
    return value.detach(), *(torch.zeros_like(x) if x.grad is None else x.grad for x in inputs)


def agree(one, other, *inputs, rtol=1e-10, atol=1e-12):
    """Assert that two losses have the same value and gradients."""
    torch.testing.assert_close(with_gradients(one, *inputs), with_gradients(other, *inputs), rtol=rtol, atol=atol)


def agree_by_rows(loss, n, *inputs):
    """Assert that the mean over blocks of rows is the whole's loss, as it is over 2, 4 or n processes."""
    for processes in (2, 4, n):
        block = n // processes
        blocks = [slice(i * block, (i + 1) * block) for i in range(processes)]
        agree(loss, lambda *x, blocks=blocks: sum(loss(*x, rows=rows) for rows in blocks) / len(blocks), *inputs)


def finite(loss, *inputs):
    """Assert that value and gradients are finite in single precision; return the value."""
    value, *gradients = with_gradients(loss, *(tensor.float() for tensor in inputs))
    assert value.isfinite() and all(gradient.isfinite().all() for gradient in gradients)
    return float(value)
