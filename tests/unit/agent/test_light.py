"""The stand-ins do what the standard library's do, so that a type checker that sees those is right."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
from types import SimpleNamespace
from typing import Any

import pytest

from processing_agent import standins

ORIGINALS = SimpleNamespace(
    record=dataclasses.dataclass,
    field=dataclasses.field,
    asdict=dataclasses.asdict,
    Enum=enum.Enum,
    closing=contextlib.closing,
    suppress=contextlib.suppress,
)
both = pytest.mark.parametrize("of", [standins, ORIGINALS], ids=["ours", "original"])
Names = Any  # a module or what stands for one: its names are looked up at run time


def made(of: Names, **how: bool) -> Any:
    @of.record(**how)
    class Made:
        """A record."""

        first: int
        second: str = "2"
        third: list[int] = of.field(default_factory=list)

        def doubled(self) -> int:
            return 2 * self.first

        @property
        def is_odd(self) -> bool:
            return self.first % 2 == 1

    return Made


@both
@pytest.mark.parametrize("how", [{}, {"slots": True}, {"slots": True, "frozen": True}], ids=str)
@pytest.mark.parametrize("before", [0, standins.MANY], ids=["few", "many"])
def test_records(of: Names, how: dict[str, bool], before: int) -> None:
    make = made(of, **how)
    for number in range(before):
        assert make(number).first == number
    one = make(1)
    assert (one.first, one.second, one.third) == (1, "2", [])
    assert (one.doubled(), one.is_odd, make.__doc__) == (2, True, "A record.")
    assert make.__match_args__ == ("first", "second", "third")
    assert one.third is not make(1).third
    assert make(1, "b", third=[3]) == make(first=1, second="b", third=[3])
    assert make(1) != make(2)
    assert make(1) != (1, "2", [])
    assert repr(one).endswith("Made(first=1, second='2', third=[])")
    assert of.asdict(make(1, "b", [3])) == {"first": 1, "second": "b", "third": [3]}
    for wrong in (
        make,
        lambda: make(1, nothing=2),
        lambda: make(1, "2", [], 4),
        lambda: make(1, first=1),
        lambda: make(second="2"),
    ):
        with pytest.raises(TypeError):
            wrong()


@both
def test_only_records_that_stay_the_same_are_keys_of_mappings(of: Names) -> None:
    frozen = made(of, frozen=True, slots=True)
    assert {frozen(1, third=()): 1}[frozen(1, third=())] == 1
    with pytest.raises(TypeError):
        hash(made(of, slots=True)(1))


@both
def test_what_a_record_says_itself_stays(of: Names) -> None:
    @of.record(frozen=True, slots=True)
    class Secret:
        value: str

        def __repr__(self) -> str:
            return "Secret(...)"

        def __str__(self) -> str:
            return "secret"

    @of.record
    class FaultError(Exception):
        detail: str
        status: int = 0

    secret: Any = Secret
    fault: Any = FaultError
    assert (repr(secret("x")), str(secret("x"))) == ("Secret(...)", "secret")
    with pytest.raises(FaultError) as error:
        raise fault("d", status=404)
    assert error.value == fault("d", 404)
    assert (error.value.detail, error.value.status) == ("d", 404)


@both
def test_enumerations(of: Names) -> None:
    class Kind(of.Enum):  # type: ignore[misc]
        """Of two."""

        ONE = "one"
        TWO = 2

    kind: Any = Kind
    assert kind.ONE is kind.ONE
    assert kind.ONE != kind.TWO
    assert isinstance(kind.ONE, Kind)
    assert (kind.ONE.name, kind.ONE.value, kind.TWO.value) == ("ONE", "one", 2)
    assert list(kind) == [kind.ONE, kind.TWO]
    assert {kind.ONE: 1}[kind.ONE] == 1
    assert repr(kind.ONE) == "<Kind.ONE: 'one'>"


@both
def test_suppress(of: Names) -> None:
    with of.suppress(FileNotFoundError, ValueError):
        raise FileNotFoundError
    with of.suppress(OSError):
        pass
    with pytest.raises(KeyError), of.suppress(ValueError):
        raise KeyError


@both
@pytest.mark.parametrize("error", [None, ValueError])
def test_closing(of: Names, error: type[Exception] | None) -> None:
    closed: list[bool] = []
    thing = SimpleNamespace(close=lambda: closed.append(True))
    with pytest.raises(error) if error else contextlib.nullcontext(), of.closing(thing) as given:
        assert given is thing
        assert not closed
        if error:
            raise error
    assert closed == [True]


def test_base_classes_mean_nothing() -> None:
    ours: Any = standins
    parameter = ours.TypeVar("T")

    class Later(ours.Generic[parameter]):  # type: ignore[misc]
        pass

    class Source(ours.Protocol):  # type: ignore[misc]
        pass

    later: Any = Later
    assert type(later[int]()) is Later
    assert type(Source()) is Source
