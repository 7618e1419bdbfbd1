"""Images of something else than a dataset shows."""

import pytest
import torch
from sklearn.datasets import load_digits, load_sample_images

from spurious.data.elsewhere import CUT, ELSEWHERE, resized
from spurious.seeding import generator
from spurious.vision import resize


@pytest.mark.parametrize("name", ELSEWHERE)
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 12, 10), (1, 8, 8)])
def test_images_have_the_shape_and_the_range_that_was_asked_for(name, shape):
    images = ELSEWHERE[name](5, shape, generator(name))
    assert images.shape == (5, *shape)
    assert images.dtype == torch.float32
    assert 0 <= images.min() < 0.5 < images.max() <= 1
    assert len({tuple(image.flatten().tolist()) for image in images}) == 5


@pytest.mark.parametrize("name", ELSEWHERE)
def test_images_depend_on_the_generator_alone(name):
    first, again, other = (ELSEWHERE[name](4, (1, 9, 9), generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_digits_are_those_of_scikit_learn_each_once():
    images = ELSEWHERE["digits"](3000, (1, 8, 8), generator(0))
    known = torch.from_numpy(load_digits().images).float() / 16
    assert len(images) == len(known)
    order = [sorted(map(tuple, of.flatten(1).tolist())) for of in (images, known)]
    assert torch.allclose(torch.tensor(order[0]), torch.tensor(order[1]), atol=1e-6)


def test_photographs_are_cuts_in_their_own_place():
    """At their own size they are pieces of a photograph, in colour or as the mean of the channels."""
    pages = [torch.from_numpy(page.copy()).movedim(2, 0).float() / 255 for page in load_sample_images().images]
    colour, grey = (ELSEWHERE["photographs"](2, (channels, CUT, CUT), generator(0)) for channels in (3, 1))
    for image in colour:
        places = []
        for page in pages:
            windows = page[0].unfold(0, CUT, 1).unfold(1, CUT, 1)[..., 0, 0]
            tops, lefts = torch.nonzero((windows - image[0, 0, 0]).abs() < 1e-5, as_tuple=True)
            places += [page[:, y : y + CUT, x : x + CUT] for y, x in zip(tops.tolist(), lefts.tolist(), strict=True)]
        assert any(torch.allclose(place, image, atol=1e-5) for place in places)
    torch.testing.assert_close(grey, colour.mean(1, keepdim=True))


def test_images_are_resized_as_those_of_a_dataset():
    images = torch.rand(3, 1, 8, 8, generator=generator(0))
    torch.testing.assert_close(resized(images, (1, 28, 28)), resize(images, 28), rtol=0, atol=0)


def test_one_channel_is_repeated():
    image = torch.rand(1, 1, 6, 6, generator=generator(0))
    assert torch.equal(*resized(image, (3, 4, 4)).squeeze(0)[:2])
    torch.testing.assert_close(resized(image, (1, 6, 6)), image)
