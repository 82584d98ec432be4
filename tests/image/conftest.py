"""What the tests of the image share: the images, built once. `make image-test` runs them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.databases import running_database
from tests.image.images import Images


@pytest.fixture(scope="session")
def images() -> Iterator[Images]:
    """Buildah, with an image of Debian."""
    images = Images(Path(tempfile.mkdtemp(prefix="proton-images-", dir="/var/tmp")))
    images.folder.chmod(0o755)  # the image's user has to reach what is in it
    try:
        images.make_base()
        yield images
    finally:
        images.remove()


@pytest.fixture(scope="session")
def serve_image(images: Images) -> str:
    return images.build("serve")


@pytest.fixture(scope="session")
def local_image(images: Images) -> str:
    return images.build("local")


@pytest.fixture
def folder_of_user(images: Images, serve_image: str) -> Path:
    """An empty folder of the image's user, as a volume is."""
    folder = Path(tempfile.mkdtemp(dir=images.folder))
    uid, gid = map(int, images.configuration(serve_image)["User"].split(":"))
    os.chown(folder, uid, gid)
    return folder


@pytest.fixture(scope="module")
def database_port() -> Iterator[int]:
    """Where an empty PostgreSQL database is."""
    with running_database() as port:
        yield port
