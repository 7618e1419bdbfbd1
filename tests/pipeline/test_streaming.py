import gc
import threading
from itertools import islice

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.files.stores import MappedSource
from spurious.data.splits import InMemory, batches, prefetched, shuffled
from spurious.errors import SpuriousError
from spurious.seeding import generator

IMAGENET = 1_281_167


def epoch(count, batch_size, **how):
    return list(batches(count, batch_size, generator=generator("test"), **how))


@given(
    count=st.integers(1, 300),
    batch_size=st.integers(1, 300),
    block=st.integers(1, 40),
    window=st.none() | st.integers(1, 40),
)
def test_every_image_comes_at_most_once_and_only_a_remainder_is_dropped(count, batch_size, block, window):
    batch_size = min(batch_size, count)
    seen = torch.cat(epoch(count, batch_size, block=block, window=window))
    assert len(seen) == count - count % batch_size
    assert len(seen.unique()) == len(seen)
    assert seen.min() >= 0
    assert seen.max() < count
    assert seen.dtype == torch.int64


def test_all_batches_are_full():
    assert {len(batch) for batch in epoch(1000, 64, block=7, window=3)} == {64}


def test_by_default_the_order_is_a_full_permutation():
    """Every image is anywhere with equal probability: 60 epochs of 20 images, chi-square of positions."""
    positions = torch.zeros(20, 20)
    for seed in range(600):
        order = torch.cat(list(batches(20, 5, generator=generator(seed, "permutation"))))
        positions[torch.arange(20), order] += 1
    statistic = ((positions - 30) ** 2 / 30).sum().item()
    assert 270 < statistic < 460  # 361 degrees of freedom: mean 361, standard deviation 27


def test_the_generator_decides_the_order():
    first, again = (torch.cat(epoch(500, 50, block=4, window=8)) for _ in range(2))
    other = torch.cat(list(batches(500, 50, block=4, window=8, generator=generator("other"))))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_window_is_whole_blocks_and_comes_before_the_next():
    order = torch.cat(epoch(960, 10, block=4, window=24))  # ten windows of 96 images
    windows = order.view(10, 96)
    for images in windows:
        blocks, counts = (images // 4).unique(return_counts=True)
        assert len(blocks) == 24
        assert (counts == 4).all()
    assert not torch.equal(windows[0], windows[0].sort().values)
    assert (windows[0].diff() == 1).float().mean() < 0.2  # consecutive images have been parted


def test_windows_are_about_equal():
    """41 blocks in windows of at most 40 are two of about 20, and not one of 40 and one of a single block."""
    order = torch.cat(epoch(41 * 4, 4, block=4, window=40))
    assert (order[: 21 * 4] // 4).unique().numel() == 21


def distinct_classes(batch_size, **how):
    """Classes in each batch of an epoch over ImageNet's training images, sorted by class as ImageFolder has them."""
    labels = torch.arange(IMAGENET) * 1000 // IMAGENET
    some = islice(batches(IMAGENET, batch_size, generator=generator("mixing"), **how), 0, None, 20)
    return torch.tensor([len(labels[batch].unique()) for batch in some]).double()


def test_batches_of_a_sorted_store_mix_classes_about_as_a_full_permutation():
    """256 draws of 1000 classes show 1000 (1 - .999^256) = 226 of them; blocks alone show 16."""
    mapped = distinct_classes(256, block=MappedSource.block, window=MappedSource.window)
    assert abs(distinct_classes(256).mean() - 1000 * (1 - 0.999**256)) < 1
    assert mapped.mean() > 210
    assert mapped.min() > 180
    assert distinct_classes(256, block=16, window=16).mean() < 20


def test_skipping_reads_nothing_and_resumes():
    class Unread:
        labels, block, window = torch.arange(200), 4, 10

        def __len__(self):
            return 200

        def batch(self, indices):
            raise AssertionError("an image was read")

    source = Unread()
    whole = list(shuffled(source, 16, generator(0, "order")))
    rest = list(islice(shuffled(source, 16, generator(0, "order")), 5, None))
    assert len(whole) == 12
    assert all(torch.equal(a, b) for a, b in zip(whole[5:], rest, strict=True))


@pytest.mark.parametrize(("count", "batch_size"), [(10, 11), (10, 0), (10, -1), (0, 1)])
def test_a_batch_that_cannot_be_is_told(count, batch_size):
    with pytest.raises(SpuriousError, match=rf"^batch_size: {batch_size} of {count} images .* config\.yaml$"):
        epoch(count, batch_size)


def in_memory(count=100):
    images = torch.randint(0, 256, (count, 3, 4, 4), dtype=torch.uint8, generator=generator("images"))
    return InMemory(images, torch.arange(count) % 7)


def test_a_source_in_memory_is_its_tensors():
    source = in_memory()
    indices = torch.tensor([5, 1, 99])
    batch = source.batch(indices)
    assert source.image_shape == (3, 4, 4)
    assert len(source) == 100
    assert torch.equal(batch, source.images[indices])
    batch.zero_()
    assert source.images[indices].any()  # it was a copy


@pytest.mark.parametrize("depth", [1, 2, 1000])
def test_prefetched_batches_are_those_asked_for(depth):
    source = in_memory()
    order = list(shuffled(source, 8, generator("order")))
    read = list(prefetched(source, order, depth=depth))
    assert len(read) == len(order) == 12
    for indices, (images, labels) in zip(order, read, strict=True):
        assert torch.equal(images, source.images[indices])
        assert torch.equal(labels, source.labels[indices])


class Watched(InMemory):
    """Notes the thread of each batch that is read and raises `read`; fails at the batch number `fails_at`."""

    def watch(self, fails_at=None):
        object.__setattr__(self, "reads", [])
        object.__setattr__(self, "read", threading.Semaphore(0))
        object.__setattr__(self, "fails_at", fails_at)
        return self

    def batch(self, indices):
        self.reads.append(threading.current_thread())
        self.read.release()
        if len(self.reads) - 1 == self.fails_at:
            raise SpuriousError("images.npy: cannot be read; fix it")
        return super().batch(indices)


def watched(fails_at=None):
    images = in_memory()
    return Watched(images.images, images.labels).watch(fails_at)


def reading_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("prefetched")]


def test_one_thread_reads_ahead_and_no_further_than_told():
    """What is never asked for cannot be read later: the reading is waited for, the asking is counted."""
    source, asked = watched(), []
    stream = prefetched(source, (asked.append(indices) or indices for indices in torch.arange(100).split(10)), depth=3)
    for taken in range(1, 8):
        next(stream)
        assert source.read.acquire(timeout=600)
        if taken == 1:
            assert all(source.read.acquire(timeout=600) for _ in range(3))
        assert len(asked) == len(source.reads) == taken + 3  # those taken and three ahead
    assert set(source.reads) == set(reading_threads())
    assert threading.current_thread() not in source.reads
    stream.close()


def test_an_error_in_reading_is_raised_when_its_batch_is_due_and_ends_the_thread():
    source = watched(fails_at=3)
    stream = prefetched(source, torch.arange(100).split(10), depth=5)
    assert len(list(islice(stream, 3))) == 3
    with pytest.raises(SpuriousError, match=r"^images\.npy: cannot be read"):
        next(stream)
    assert not reading_threads()
    assert not list(stream)


@pytest.mark.parametrize("leave", ["close", "forget", "exhaust"])
def test_the_thread_ends_with_the_stream(leave):
    source = watched()
    stream = prefetched(source, torch.arange(100).split(10))
    next(stream)
    assert len(reading_threads()) == 1
    if leave == "close":
        stream.close()
    elif leave == "exhaust":
        assert len(list(stream)) == 9
    del stream
    gc.collect()
    assert not reading_threads()
    assert len(source.reads) == 10 if leave == "exhaust" else len(source.reads) <= 3
