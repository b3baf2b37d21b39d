"""Names of the standard library, for a process that has to be ready within 30 ms.

A bare `python -I -S` takes 11 ms (CPython 3.11); importing `dataclasses` takes 23 more, `typing` 16, `pathlib` 15,
`json` 11, `re` 9, `enum`, `threading` or `contextlib` 6, `functools` 5,
`hashlib` 5, `collections` 3. So whatever runs before the
first byte is fetched takes these names from here: a type checker sees the originals, the process gets stand-ins.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take the name for true wherever it comes from

if TYPE_CHECKING:
    import signal
    from collections import deque
    from contextlib import closing, suppress
    from dataclasses import asdict, field
    from dataclasses import dataclass as record
    from enum import Enum
    from functools import partial
    from hashlib import sha256
    from pathlib import Path
    from typing import Generic, Protocol, TypeVar
else:
    # the modules in C beneath `signal`, `collections`, `functools` and `hashlib`
    import _signal as signal
    from _collections import deque
    from _functools import partial

    try:
        from _sha2 import sha256
    except ImportError:  # CPython 3.11
        from _sha256 import sha256

    from processing_agent.light_path import Path
    from processing_agent.standins import Enum, Generic, Protocol, TypeVar, asdict, closing, field, record, suppress

__all__ = [
    "TYPE_CHECKING",
    "Enum",
    "Generic",
    "Path",
    "Protocol",
    "TypeVar",
    "asdict",
    "closing",
    "deque",
    "field",
    "partial",
    "record",
    "sha256",
    "signal",
    "suppress",
]
