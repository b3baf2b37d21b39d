"""What a command prints: a line a step, with its seconds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print `text` with the seconds that the block took; nothing if it fails, since the error says more."""
    begin = time.monotonic()
    yield
    say(f"[{time.monotonic() - begin:6.2f} s] {text}")
