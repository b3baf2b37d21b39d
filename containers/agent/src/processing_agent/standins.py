"""What stands in for the standard library's in a running process; see `light`.

Each does what its original does as far as its docstring says; tests/unit/agent/test_light.py compares them.
"""

from __future__ import annotations

from _operator import attrgetter  # the module in C beneath `operator`

TYPE_CHECKING = False  # see `light`

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


MANY = 50  # objects of a class: by then a compiled `__init__` has paid for itself


class Protocol:
    """A base class that means nothing at run time: no `isinstance`."""

    __slots__ = ()


class Generic:
    """A base class whose parameters mean nothing at run time."""

    __slots__ = ()

    def __class_getitem__(cls, _parameters: object) -> type:
        return cls


def TypeVar(name: str) -> str:  # noqa: N802 - as its original
    """Give something to write between the brackets of `Generic`."""
    return name


class _Members(type):
    __members__: dict[str, Any]

    def __new__(mcs, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> _Members:
        values = {key: space.pop(key) for key in list(space) if bases and not key.startswith("_")}
        made = super().__new__(mcs, name, bases, space)
        made.__members__ = {}
        for key, value in values.items():
            member: Any = made()
            member.name, member.value = key, value
            made.__members__[key] = member
            setattr(made, key, member)
        return made

    def __iter__(cls) -> Iterator[Any]:
        return iter(cls.__members__.values())


class Enum(metaclass=_Members):
    """Members are one of a kind, with `name` and `value`. No methods of their own, and not to be looked up by value."""

    name: str
    value: object

    def __repr__(self) -> str:
        return f"<{type(self).__name__}.{self.name}: {self.value!r}>"


class closing:  # noqa: N801 - as its original
    """See `contextlib.closing`."""

    def __init__(self, thing: Any) -> None:
        self._thing = thing

    def __enter__(self) -> Any:
        return self._thing

    def __exit__(self, *_: object) -> None:
        self._thing.close()


class suppress:  # noqa: N801 - as its original
    """See `contextlib.suppress`."""

    def __init__(self, *errors: type[BaseException]) -> None:
        self._errors = errors

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, self._errors)


class _Factory:
    def __init__(self, make: Callable[[], object]) -> None:
        self.make = make


def field(*, default_factory: Callable[[], object]) -> Any:
    """See `dataclasses.field`."""
    return _Factory(default_factory)


def record(cls: Any = None, *, slots: bool = False, frozen: bool = False) -> Any:
    """See `dataclasses.dataclass`. That nobody assigns to a frozen one, or what there is no slot for, mypy sees to.

    Making slots, and compiling `__init__` before it is worth it, would take 0.2 ms for each class.
    """
    if cls is None:
        return lambda found: record(found, slots=slots, frozen=frozen)
    names = tuple(cls.__annotations__)
    own = vars(cls)
    defaults = {name: own[name] for name in names if name in own}
    cls.__match_args__ = names  # type: ignore[misc]
    cls._values = attrgetter(*names)
    cls.__init__ = _initializer(cls, names, defaults)
    cls.__eq__, cls.__hash__ = _equal, _hashed if frozen else None
    if "__repr__" not in own:
        cls.__repr__ = _shown
    return cls


def _equal(self: Any, other: Any) -> Any:
    return self._values(self) == self._values(other) if type(self) is type(other) else NotImplemented


def _hashed(self: Any) -> int:
    return hash(self._values(self))


def _shown(self: Any) -> str:
    return f"{type(self).__qualname__}({', '.join(f'{key}={value!r}' for key, value in asdict(self).items())})"


def _initializer(cls: Any, names: tuple[str, ...], defaults: dict[str, Any]) -> Any:
    """Give an `__init__` that takes its time, and replaces itself by a compiled one when there are many objects."""
    left = MANY

    def initialize(self: Any, *values: Any, **named: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            cls.__init__ = _compiled(names, defaults)
        given = dict(zip(names, values, strict=False))
        if len(values) > len(names) or not given.keys().isdisjoint(named) or not named.keys() <= set(names):
            raise TypeError(f"{cls.__qualname__} takes {', '.join(names)}")
        given |= named
        for name in names:
            value = given[name] if name in given else defaults.get(name, given)
            if value is given:
                raise TypeError(f"{cls.__qualname__} needs {name}")
            setattr(self, name, value.make() if value.__class__ is _Factory else value)

    return initialize


def _compiled(names: tuple[str, ...], defaults: dict[str, Any]) -> Any:
    arguments = ", ".join(f"{name}=defaults[{name!r}]" if name in defaults else name for name in names)
    lines = [f"def __init__(self, {arguments}):"]
    for name in names:
        is_made = isinstance(defaults.get(name), _Factory)
        value = f"{name}.make() if {name}.__class__ is Factory else {name}" if is_made else name
        lines.append(f" self.{name} = {value}")
    space: dict[str, Any] = {"defaults": defaults, "Factory": _Factory}
    exec("\n".join(lines), space)  # noqa: S102 - nothing but names of our own fields
    return space["__init__"]


def asdict(made: Any) -> dict[str, Any]:
    """Give a record's fields as they are; its original would go into them."""
    return {name: getattr(made, name) for name in made.__match_args__}
