"""Building images whose archives in the cache are not made of the present sources."""

import hashlib
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from containers.build import archives
from containers.build.catalog import IMAGES, MEGABYTE, ROOT, Image
from containers.build.engines import Engine
from dev.cluster import locks
from dev.cluster.errors import ClusterError
from dev.cluster.places import cache
from dev.cluster.steps import say, step


@contextmanager
def alone() -> Iterator[None]:
    """Hold the cache's lock: others that build into it wait, and find it done."""
    with locks.hold(cache() / "images" / "lock", "another build of images"):
        yield


def archive_of(image: Image) -> Path:
    return cache() / "images" / f"{image.key}.tar"


def with_bases(keys: list[str]) -> list[Image]:
    """The images of these keys, each after the one it is built from."""
    ordered: dict[str, Image] = {}
    for key in keys:
        image = IMAGES[key]
        chain = [*with_bases([image.base]), image] if image.base else [image]
        ordered |= {link.key: link for link in chain}
    return list(ordered.values())


def prepare(images: list[Image], engine: Engine) -> None:
    """Make the base image and fetch the wheels of images, all at once: both wait for the network much of the time."""
    with ThreadPoolExecutor() as pool:
        tasks = [pool.submit(engine.prepare)]
        tasks += [pool.submit(part.fetch) for image in images for part in image.parts]
    for task in tasks:
        task.result()


def is_built(image: Image, engine: Engine) -> bool:
    """Whether the archive in the cache is made of the present sources."""
    stamp = _stamp(image)
    return archive_of(image).exists() and stamp.exists() and stamp.read_text() == key_of(image, engine)


def build(image: Image, engine: Engine) -> None:
    """Build an image, save it, and check its size."""
    stamp = _stamp(image)
    stamp.unlink(missing_ok=True)
    key = key_of(image, engine)  # before: a source that is changed meanwhile is then built again
    context = _assemble(image)
    with step(f"built {image.name} with {engine.name}"):
        engine.build(image.name, ROOT / image.dockerfile, context)
    with step(f"saved {image.name}"):
        _save(image, engine)
    _check_size(image)
    stamp.write_text(key)


def key_of(image: Image, engine: Engine) -> str:
    """A hash of all that an image is made of, but for the base image and Debian's packages."""
    digest = hashlib.sha256(f"{engine.name} {image.name} ".encode())
    digest.update((ROOT / image.dockerfile).read_bytes())
    for part in image.parts:
        digest.update(part.key().encode())
    if image.base:
        digest.update(key_of(IMAGES[image.base], engine).encode())
    return digest.hexdigest()


def _stamp(image: Image) -> Path:
    return archive_of(image).with_suffix(".key")


def _assemble(image: Image) -> Path:
    context = cache() / "contexts" / image.key
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir(parents=True)
    for part in image.parts:
        part.put(context)
    return context


def _save(image: Image, engine: Engine) -> None:
    """Write the archive. Whoever reads it meanwhile finds the old one or the new one."""
    new = archive_of(image).with_suffix(".new.tar")
    engine.save(image.name, new)
    new.replace(archive_of(image))


def _check_size(image: Image) -> None:
    """Refuse an image whose layers are larger than its limit; without a limit nothing is measured, which takes long."""
    if not image.limit:
        return
    with step(f"measured {image.name}"):
        size = archives.compressed_size(archive_of(image))
    say(f"{image.name}: {size / MEGABYTE:.1f} MB compressed, at most {image.limit / MEGABYTE:.0f} MB")
    if size > image.limit:
        raise ClusterError(f"{image.name} is larger than {image.limit / MEGABYTE:.0f} MB: see what its Dockerfile adds")
