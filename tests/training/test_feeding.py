import contextlib
import threading

import numpy as np
import pytest
import torch

from ofclip.errors import DataError
from ofclip.training import feeding
from ofclip.training.augment import apply, draw
from ofclip.training.feeding import Batch, CudaLane, feed
from ofclip.training.sampling import generator
from ofclip.training.settings import Augmentation

N, SIZE = 8, 12
HOW = Augmentation(ground=0.5, grey=0.5, light=0.1)
WAIT = 20  # seconds until a test that waits for a thread gives up


class Steps:
    """A source of small batches that notes what was asked for and can fail at one step."""

    def __init__(self, fails_at=None, how=HOW):
        self.fails_at, self.how, self.asked = fails_at, how, []
        self.changed = threading.Condition()

    def whole(self, step):
        rng = generator(1, step)
        pixels = rng.integers(0, 256, (N, SIZE, SIZE, 3), dtype=np.uint8)
        tokens, keys = rng.integers(0, 99, (N, 2, 5)), rng.integers(0, 4, (N, 2))
        plan = draw(rng, N, SIZE, self.how) if self.how else None
        return Batch(pixels, tokens, keys, np.arange(N) % 3, rng.random((N, 2)) < 0.5, plan)

    def rows(self, step, rank):
        with self.changed:
            self.asked.append(step)
            self.changed.notify_all()
        if step == self.fails_at:
            raise DataError("picture 7: damaged")
        batch = self.whole(step)
        plan = batch.plan and batch.plan.take(rank, N)
        return batch._replace(pixels=batch.pixels[rank], tokens=batch.tokens[rank], plan=plan)

    def wait_for(self, asked):
        with self.changed:
            return self.changed.wait_for(lambda: self.asked == asked, WAIT)


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith(feeding.THREAD)]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert not threads()


@pytest.mark.parametrize("rank", [slice(None), slice(0, 4), slice(4, 8), slice(1, None, 2)])
def test_a_rank_gets_its_rows_augmented_and_all_that_tells_who_belongs_together(rank):
    source = Steps()
    fed = list(feed(source, 3, 6, "cpu", rank))
    assert [step for step, _ in fed] == [3, 4, 5] == source.asked
    for step, batch in fed:
        whole = source.whole(step)
        np.testing.assert_array_equal(batch.pixels.numpy(), apply(whole.pixels, whole.plan)[rank])
        np.testing.assert_array_equal(batch.tokens.numpy(), whole.tokens[rank])
        for name in ("keys", "groups", "present"):
            np.testing.assert_array_equal(getattr(batch, name).numpy(), getattr(whole, name))
        assert batch.plan is None and batch.pixels.dtype == torch.uint8 and batch.tokens.dtype == torch.int64


def test_without_a_plan_pictures_stay_as_they_are():
    source = Steps(how=None)
    ((_, batch),) = feed(source, 0, 1, "cpu", slice(None))
    np.testing.assert_array_equal(batch.pixels.numpy(), source.whole(0).pixels)


@pytest.mark.parametrize("start, stop", [(0, 0), (5, 5), (6, 5)])
def test_no_steps_ask_for_nothing(start, stop):
    source = Steps()
    assert list(feed(source, start, stop, "cpu", slice(None))) == [] == source.asked


def test_one_batch_is_made_ahead_and_no_more():
    source = Steps()
    with contextlib.closing(feed(source, 0, 9, "cpu", slice(None))) as fed:
        assert not source.asked  # nothing before the first is asked for
        next(fed)
        assert source.wait_for([0, 1])
        next(fed)
        assert source.wait_for([0, 1, 2])


def test_an_error_of_the_thread_is_raised_at_its_step_with_its_own_type():
    source, seen = Steps(fails_at=2), []
    with pytest.raises(DataError, match="picture 7: damaged"):
        seen.extend(step for step, _ in feed(source, 0, 9, "cpu", slice(None)))
    assert seen == [0, 1] and source.asked == [0, 1, 2]


def test_leaving_the_loop_ends_the_thread():
    source = Steps()
    for step, _ in feed(source, 0, 9, "cpu", slice(None)):
        assert len(threads()) == 1
        if step == 1:
            break
    assert not threads() and source.asked in ([0, 1], [0, 1, 2])


def test_an_error_in_the_loop_ends_the_thread_and_stays():
    with pytest.raises(ZeroDivisionError), contextlib.closing(feed(Steps(), 0, 9, "cpu", slice(None))) as fed:
        for _ in fed:
            raise ZeroDivisionError
    assert not threads()


def test_an_error_that_comes_after_the_loop_was_left_hides_nothing():
    source = Steps(fails_at=1)
    with contextlib.closing(feed(source, 0, 9, "cpu", slice(None))) as fed:
        assert next(fed)[0] == 0
        assert source.wait_for([0, 1])


class FakeCuda:
    """Stands for torch.cuda and notes, thread by thread, what is called under which stream."""

    def __init__(self):
        self.calls, self.under, self.main = [], threading.local(), threading.get_ident()

    def note(self, name):
        where = "loop" if threading.get_ident() == self.main else "thread"
        self.calls.append((where, getattr(self.under, "stream", "model"), name))

    def set_device(self, device):
        self.note(f"device {device}")

    def Stream(self, device):  # noqa: N802 - torch's name
        return FakeStream(self, "side")

    def current_stream(self, device):
        return FakeStream(self, "model")

    @contextlib.contextmanager
    def stream(self, stream):
        self.under.stream = stream.name
        yield
        del self.under.stream


class FakeStream:
    def __init__(self, cuda, name):
        self.cuda, self.name, self.device = cuda, name, torch.device("cpu")

    def record_event(self):
        self.cuda.note("event")
        return f"event of {self.name}"

    def wait_event(self, event):
        self.cuda.note(f"wait for {event}")


def test_a_gpu_is_fed_on_a_stream_of_its_own(monkeypatch):
    fake, real = FakeCuda(), torch.Tensor.to

    def to(tensor, *args, **kwargs):
        if "non_blocking" in kwargs:
            fake.note(f"copy, non_blocking={kwargs.pop('non_blocking')}")
        return real(tensor, *args, **kwargs)

    def augmenting(pixels, plan):
        assert isinstance(pixels, torch.Tensor) and isinstance(plan.rows, torch.Tensor)
        fake.note("augment")
        return apply(pixels, plan)

    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: fake.note("pin") or tensor)
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda tensor, stream: fake.note(f"keep for {stream.name}"))
    monkeypatch.setattr(torch.Tensor, "to", to)
    monkeypatch.setattr(feeding, "apply", augmenting)
    monkeypatch.setattr(feeding, "CudaLane", lambda device: CudaLane(device, fake))
    source = Steps(how=Augmentation())
    ((step, batch),) = feed(source, 4, 5, "cuda", slice(2, 4))
    whole = source.whole(step)
    np.testing.assert_array_equal(batch.pixels.numpy(), apply(whole.pixels, whole.plan)[2:4])
    assert batch.plan is None

    arrays = 5 + 6  # those of the batch, and of its plan: rows, columns, painted, two of patches, greyed
    expected = [("thread", "model", "device cpu")]
    expected += [("thread", "side", "pin"), ("thread", "side", "copy, non_blocking=True")] * arrays
    expected += [("thread", "side", "augment"), ("thread", "side", "event")]
    expected += [("loop", "model", "wait for event of side")] + [("loop", "model", "keep for model")] * 5
    assert fake.calls == expected


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_real_gpu_gets_the_same_as_the_cpu():
    source = Steps()
    pairs = zip(feed(source, 0, 20, "cuda", slice(0, 5)), feed(source, 0, 20, "cpu", slice(0, 5)), strict=True)
    for (_, there), (_, here) in pairs:
        for name in ("pixels", "tokens", "keys", "groups", "present"):
            assert torch.equal(getattr(there, name).cpu(), getattr(here, name))
