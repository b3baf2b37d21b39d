"""CRC64NVME and CRC32C without their library, for as long as there is little to sum.

Loading it takes 40 ms, a whole fetch of a small object 20; in those 40 ms this here sums some 400 KiB. It is the C part
of `awscrt` alone: `awscrt.checksums` does no more than pass on to it, and would bring `typing` and `re`, 20 ms more.
"""

from __future__ import annotations

from processing_agent.light import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from mmap import mmap

    Bytes = bytes | memoryview | mmap

LITTLE = 128 << 10  # bytes summed in a process before the library is loaded


def of_library(name: str) -> Callable[..., int]:
    """Give a function of the library: a checksum by its name, or with `_combine` what joins two."""
    import _awscrt  # noqa: PLC0415 - loaded only when it is needed: starting fast counts

    function: Callable[..., int] = getattr(_awscrt, f"checksums_{name}")
    return function


class Crc:
    """One algorithm. Called with bytes and the sum of what was before them, as the library's functions are."""

    def __init__(self, name: str, width: int, polynomial: int) -> None:
        """`name`: the library's function; `width` in bytes; `polynomial` with its highest power in the lowest bit."""
        self._name, self._polynomial = name, polynomial
        self._ones = (1 << 8 * width) - 1
        self._table: list[int] = []
        self._left = LITTLE
        self._library: Callable[[Bytes, int], int] | None = None

    def __call__(self, data: Bytes, value: int = 0) -> int:
        """Give the checksum as a number."""
        if self._library is not None:
            return self._library(data, value)
        if len(data) > self._left:
            self.load()
            return self(data, value)
        self._left -= len(data)
        return self._summed(data, value)

    def load(self) -> None:
        """Use the library from now on."""
        self._library = of_library(self._name)

    def _summed(self, data: Bytes, value: int) -> int:
        """Go byte by byte: Williams, "A painless guide to CRC error detection algorithms", section 10."""
        table = self._table = self._table or [self._shifted(byte) for byte in range(256)]
        value ^= self._ones
        for byte in memoryview(data):
            value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
        return value ^ self._ones

    def _shifted(self, value: int) -> int:
        for _ in range(8):
            value = (value >> 1) ^ (self._polynomial if value & 1 else 0)
        return value


crc64nvme = Crc("crc64nvme", 8, 0x9A6C9329AC4BC9B5)  # NVM Express NVM command set specification, 5.2.1.3.4
crc32c = Crc("crc32c", 4, 0x82F63B78)  # RFC 3720, 12.1
