import pytest
import torch
from training.losses.checks import agree, agree_by_rows, finite, unit

from ofclip.errors import SettingError
from ofclip.training.losses import clip_loss, field_loss, multi_positive_loss

WEIGHTS = torch.tensor([1.0, 0.25, 2.0], dtype=torch.float64)
SCALE = torch.tensor(6.0, dtype=torch.float64)
#: Eight products with title, colour and description: titles of their own, few colours, few descriptions.
KEYS = torch.tensor([[0, 9, 0], [1, 9, 1], [2, 7, 2], [3, 7, 3], [4, 9, 4], [5, 5, 5], [6, 7, 1], [7, 9, 7]])
#: Of eight processes, four have no description at all; of two, the first has one and the second three.
PRESENT = torch.tensor(
    [[1, 1, 0], [1, 1, 1], [1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1]], dtype=torch.bool
)


def slow(images, texts, scale, weights=WEIGHTS, keys=KEYS, present=PRESENT):
    total, weight = 0.0, 0.0
    for field in range(texts.shape[1]):
        have = [i for i in range(len(images)) if present[i, field]]
        if len(have) < 2:
            continue
        losses = []
        for i in have:
            right = [j for j in have if keys[i, field] == keys[j, field]]
            for score in (
                lambda j, i=i, field=field: torch.exp(scale * torch.dot(images[i], texts[j, field])),
                lambda j, i=i, field=field: torch.exp(scale * torch.dot(images[j], texts[i, field])),
            ):
                over = sum(score(j) for j in have)
                losses.append(-sum(torch.log(score(j) / over) for j in right) / len(right))
        total = total + weights[field] * sum(losses) / len(losses)
        weight = weight + weights[field]
    return total / weight


def fast(images, texts, scale, rows=slice(None)):
    return field_loss(images, texts, scale, WEIGHTS, KEYS, PRESENT, rows)


def test_equals_the_slow_obvious_version():
    agree(fast, slow, unit(8, 5, seed=0), unit(8, 3, 5, seed=1), SCALE)


def test_blocks_of_rows_average_to_the_whole_though_they_lack_different_fields():
    agree_by_rows(fast, 8, unit(8, 5, seed=2), unit(8, 3, 5, seed=3), SCALE)


def test_one_field_that_all_have_is_the_loss_of_that_field():
    images, texts, everyone = unit(6, 4), unit(6, 4, seed=1), torch.ones(6, 1, dtype=torch.bool)
    keys = torch.tensor([0, 1, 1, 2, 3, 3])

    def one(images, texts, scale, keys):
        return field_loss(images, texts[:, None], scale, torch.tensor([0.3]), keys[:, None], everyone)

    agree(lambda *x: one(*x, torch.arange(6)), clip_loss, images, texts, SCALE)
    same = keys[:, None] == keys
    agree(lambda *x: one(*x, keys), lambda *x: multi_positive_loss(*x, same), images, texts, SCALE)


def test_an_absent_text_has_no_effect_whatever_it_is():
    images, texts = unit(8, 5, seed=4), unit(8, 3, 5, seed=5)
    spoilt = torch.where(PRESENT[..., None], texts, torch.nan).requires_grad_()
    loss = fast(images, spoilt, SCALE)
    assert loss == fast(images, texts, SCALE)
    loss.backward()
    assert spoilt.grad.isfinite().all()
    assert torch.equal(spoilt.grad.abs().sum(-1) > 0, PRESENT)


@pytest.mark.parametrize("count", [0, 1])
def test_a_field_without_two_products_is_left_out_of_the_mean(count):
    images, texts = unit(8, 5, seed=6), unit(8, 3, 5, seed=7)
    present = PRESENT.clone()
    present[:, 2] = torch.arange(8) < count
    kept = field_loss(images, texts[:, :2], SCALE, WEIGHTS[:2], KEYS[:, :2], present[:, :2])
    assert field_loss(images, texts, SCALE, WEIGHTS, KEYS, present) == kept


def test_no_field_at_all_is_refused_by_every_process():
    images, texts = unit(8, 5), unit(8, 3, 5, seed=1)
    lone = torch.eye(8, 3, dtype=torch.bool)
    for rows in (slice(0, 4), slice(4, 8)):
        with pytest.raises(SettingError, match="fields: no field is there for two products"):
            field_loss(images, texts, SCALE, WEIGHTS, KEYS, lone, rows)


def test_a_batch_of_one_is_refused():
    with pytest.raises(SettingError, match="at least two pairs"):
        field_loss(unit(1, 5), unit(1, 3, 5), SCALE, WEIGHTS, KEYS[:1], PRESENT[:1])


def test_the_largest_scale_stays_finite():
    same = unit(1, 5)
    finite(fast, unit(8, 5), same.expand(8, 3, 5), torch.tensor(100.0))
    finite(fast, same.expand(8, 5), same.expand(8, 3, 5), torch.tensor(100.0))
