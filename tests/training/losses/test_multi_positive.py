import math

import pytest
import torch
from training.losses.checks import agree, agree_by_rows, finite, unit

from ofclip.errors import SettingError
from ofclip.training.losses import clip_loss, multi_positive_loss, shared

SCALE = torch.tensor(6.0, dtype=torch.float64)


def slow(images, texts, scale, positives):
    n, total = len(images), 0.0
    for i in range(n):
        to_texts = [torch.exp(scale * torch.dot(images[i], texts[j])) for j in range(n)]
        to_images = [torch.exp(scale * torch.dot(texts[i], images[j])) for j in range(n)]
        for scores, right in (
            (to_texts, [j for j in range(n) if positives[i, j]]),
            (to_images, [j for j in range(n) if positives[j, i]]),
        ):
            total = total - sum(torch.log(scores[j] / sum(scores)) for j in right) / len(right)
    return total / (2 * n)


def some(n, seed):
    """Random positives, not symmetric, with the diagonal."""
    drawn = torch.rand(n, n, generator=torch.Generator().manual_seed(seed)) < 0.3
    return drawn | torch.eye(n, dtype=torch.bool)


@pytest.mark.parametrize("seed", range(3))
def test_equals_the_slow_obvious_version(seed):
    positives = some(7, seed)
    assert not torch.equal(positives, positives.T)
    agree(
        lambda *x: multi_positive_loss(*x, positives),
        lambda *x: slow(*x, positives),
        unit(7, 5, seed=seed), unit(7, 5, seed=seed + 10), SCALE,
    )  # fmt: skip


def test_equals_clips_loss_when_only_the_own_pair_is_positive():
    identity = torch.eye(6, dtype=torch.bool)
    agree(lambda *x: multi_positive_loss(*x, identity), clip_loss, unit(6, 4), unit(6, 4, seed=1), SCALE)


def test_blocks_of_rows_average_to_the_whole():
    positives = some(8, 3)

    def loss(*x, rows=slice(None)):
        return multi_positive_loss(*x, positives, rows)

    agree_by_rows(loss, 8, unit(8, 5, seed=4), unit(8, 5, seed=5), SCALE)


def test_exact_values():
    # products 0 and 1 have the same caption, text 2 is another: logits 1 for the same axis, 0 otherwise
    vectors = torch.eye(2)[[0, 0, 1]]
    positives = shared(torch.tensor([4, 4, 9]), torch.arange(3))
    twins = math.log(2 * math.e + 1) - 1
    single = math.log(math.e + 2) - 1
    found = float(multi_positive_loss(vectors, vectors, torch.tensor(1.0), positives))
    assert found == pytest.approx((2 * twins + single) / 3)
    # CLIP's loss would ask to tell the twins apart: there the best possible is log 2 for each of them
    sharp = torch.tensor(100.0)
    assert float(multi_positive_loss(vectors, vectors, sharp, positives)) == pytest.approx(2 / 3 * math.log(2))


def test_the_target_is_outside_of_the_logarithm():
    # one positive is certain, the other hopeless: inside of the logarithm this would cost log 2 and no more
    images, texts = torch.eye(2)[[0, 0]], torch.eye(2)
    everything = torch.ones(2, 2, dtype=torch.bool)
    found = float(multi_positive_loss(images, texts, torch.tensor(50.0), everything, rows=slice(0, 1)))
    assert found == pytest.approx((25 + math.log(2)) / 2)  # image to texts: (0 + 50) / 2; text to images: log 2


def test_twins_are_not_pushed_apart():
    vectors = torch.eye(2, dtype=torch.float64)[[0, 0]].requires_grad_()
    multi_positive_loss(vectors, vectors.detach(), SCALE, torch.ones(2, 2, dtype=torch.bool)).backward()
    assert vectors.grad.abs().max() < 1e-12


def test_the_largest_scale_stays_finite():
    same, scale = unit(1, 6).expand(5, 6), torch.tensor(100.0)
    for positives in (torch.ones(5, 5, dtype=torch.bool), some(5, 0)):
        assert finite(lambda *x, p=positives: multi_positive_loss(*x, p), same, same, scale) == pytest.approx(
            math.log(5)
        )


@pytest.mark.parametrize("lacking", ["image", "text"])
@pytest.mark.parametrize("rows", [slice(None), slice(0, 1)])
def test_no_positive_is_refused_by_every_process(lacking, rows):
    positives = torch.ones(3, 3, dtype=torch.bool)
    (positives if lacking == "image" else positives.T)[2] = False
    with pytest.raises(SettingError, match="positives: an image or a text has none"):
        multi_positive_loss(torch.eye(3), torch.eye(3), torch.tensor(1.0), positives, rows)


def test_a_batch_of_one_is_refused():
    with pytest.raises(SettingError, match="at least two pairs"):
        multi_positive_loss(torch.eye(1), torch.eye(1), torch.tensor(1.0), torch.ones(1, 1, dtype=torch.bool))


def test_shared_is_the_same_caption_or_the_same_group():
    captions, groups = torch.tensor([3, 3, 5, 6, 3]), torch.tensor([0, 1, 1, 2, 0])
    expected = [[c == d or g == h for d, h in zip(captions, groups, strict=True)]
                for c, g in zip(captions, groups, strict=True)]  # fmt: skip
    assert shared(captions, groups).tolist() == torch.tensor(expected).tolist()
    assert not shared(captions, groups)[0, 2]  # 0 and 1 share a caption, 1 and 2 a group: it does not carry over
