import numpy as np

from ofclip.images import pixels
from ofclip.sources import load_catalog
from ofclip.sources.atelier import render
from ofclip.tasks.biases.styles import RestyledImages, products


def test_the_same_products_are_drawn_in_another_style():
    images = load_catalog("atelier/phrases", n=5).images
    street = RestyledImages(images, "street")
    assert len(street) == 5 and street.fingerprint != images.fingerprint
    assert street.fingerprint != RestyledImages(images, "studio").fingerprint
    wanted = np.asarray(render(products(images)[3], "street", 64))
    assert (np.asarray(street.open(3, size=64)) == wanted).all()
    assert (pixels(street.subset([3, 1]), 64).array[0] == wanted).all()
    own = RestyledImages(images, "phrases")
    assert (np.asarray(own.open(2, 64)) == np.asarray(images.open(2, 64))).all()
    assert street.name(3).endswith("in the style of street")
