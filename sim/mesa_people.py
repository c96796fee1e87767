"""Mesa's agents over columns: `Person`, a view of one row made on demand, `People`, Mesa's verbs by column. Layer 9.

Nothing here changes a life: what Mesa's verbs would change is refused with a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Never

import mesa
import numpy as np
from numpy.typing import NDArray

from sim.errors import FramsynError, ModelError
from sim.year_by_year import Places

try:
    from mesa.agentset import GroupBy
except ImportError:  # before Mesa 3.5
    from mesa.agent import GroupBy

if TYPE_CHECKING:
    from sim.mesa_model import LifeCourseModel

LIVES_ARE_READ = "lives are lived by the engine and can only be read here"
HOW_TO_CHANGE = "to change lives, give the scenario an arm with an intervention or other parameters"


def refused(what: str) -> FramsynError:
    """Return the refusal of something that would change lives."""
    return FramsynError(f"{what}: {LIVES_ARE_READ}", hint=HOW_TO_CHANGE)


class Person(mesa.Agent):  # type: ignore[misc]
    """A live view of one person: `person.care` is what the column says now, a label or a number.

    Made on demand and as often as one likes; two views of one person are equal. Not registered with the model, as
    `Agent.__init__` would for ever.
    """

    def __init__(self, model: LifeCourseModel, place: int) -> None:
        """place: of the person in the order in which the plan names everyone."""
        self.__dict__.update(model=model, unique_id=int(model.lives.ids[place]), pos=None, _place=int(place))

    @property
    def alive(self) -> bool:
        """Whether the person is alive after the last year lived."""
        return bool(self.model.lives.alive[self._place])

    def __getattr__(self, name: str) -> Any:
        """Return what a column holds; raises AttributeError for an unknown one, or who is no longer alive."""
        if name.startswith("_") or "model" not in self.__dict__:
            raise AttributeError(name)
        try:
            self.model.lives.column(name)
        except ModelError as error:
            raise AttributeError(str(error)) from None
        if not self.alive:
            raise AttributeError(f"person {self.unique_id} is no longer alive and has no '{name}'")
        value = self.model.lives.values(name, self._place)
        return value.item() if isinstance(value, np.generic) else value

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"'{name}' of a person cannot be set: {LIVES_ARE_READ} ({HOW_TO_CHANGE})")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Person) and self.model is other.model and self._place == other._place

    def __hash__(self) -> int:
        return hash((id(self.model), self._place))

    def __repr__(self) -> str:
        return f"Person({self.unique_id}, {f'age {self.age}' if self.alive else 'not alive'})"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.model.lives.columns]

    def step(self) -> Never:
        """Refuse: `model.step()` lives everyone's year."""
        raise refused("a person takes no step alone")

    def advance(self) -> Never:
        """Refuse: `model.step()` lives everyone's year."""
        raise refused("a person takes no step alone")

    def remove(self) -> Never:
        """Refuse: persons leave by death."""
        raise refused("persons leave by death only")


class People(Sequence[Person]):
    """Some persons of a model in some order, who answer the verbs of Mesa's AgentSet by column.

    Whoever has died is no longer among them. Functions of an agent work too, on a view of each person in turn: slow.
    """

    def __init__(self, model: LifeCourseModel, places: Places | None = None) -> None:
        """places: theirs, by default those of everyone alive."""
        self.model = model
        self._chosen = places

    @property
    def random(self) -> Random:
        """Mesa's random numbers, which nobody's life depends on."""
        return self.model.random  # type: ignore[no-any-return]

    @property
    def places(self) -> Places:
        """Places of those alive, (n,), in the order in which the plan names everyone."""
        lives = self.model.lives
        return lives.living if self._chosen is None else self._chosen[lives.alive[self._chosen]]

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Person]:
        return (Person(self.model, place) for place in self.places)

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, slice):
            return [Person(self.model, place) for place in self.places[item]]
        return Person(self.model, self.places[item])

    def __contains__(self, person: object) -> bool:
        return isinstance(person, Person) and person.model is self.model and bool((self.places == person._place).any())

    def __repr__(self) -> str:
        return f"People({len(self)})"

    def __and__(self, other: People) -> People:
        return People(self.model, self.places[self._are_in(other)])

    def __sub__(self, other: People) -> People:
        return People(self.model, self.places[~self._are_in(other)])

    def __or__(self, other: People) -> People:
        return People(self.model, np.concatenate([self.places, (other - self).places]))

    def _are_in(self, other: People) -> NDArray[np.bool_]:
        if other.model is not self.model:
            raise FramsynError("the persons are of two models, each with lives of its own")
        return np.isin(self.places, other.places)

    def copy(self) -> People:
        """Return the same persons, to be narrowed down or reordered apart."""
        return People(self.model, self.places)

    def to_list(self) -> list[Person]:
        """Return a view of each person."""
        return list(self)

    def select(
        self,
        filter_func: Callable[[Person], bool] | str | None = None,
        at_most: float = float("inf"),
        inplace: bool = False,
        agent_type: type | None = None,
        **columns: Any,
    ) -> People:
        """Return those of whom everything holds, at most so many, or as a float up to 1.0 at most such a share.

        filter_func: an expression over columns, as in scenario files ("care == 'foster' and age < 7"), or a function of
        a person (slow); columns: a label or number, or several, that the column is to hold (age=range(7, 13)).
        """
        places = self.places
        if isinstance(at_most, float) and at_most <= 1.0:
            at_most = int(len(places) * at_most)
        if agent_type is not None and not issubclass(Person, agent_type):
            places = places[:0]
        for name, wanted in columns.items():
            places = places[self.model.lives.is_one_of(name, wanted, places)]
        if isinstance(filter_func, str):
            places = places[self.model.lives.holds(filter_func, places)]
        elif filter_func is not None:
            places = places[np.array([bool(filter_func(Person(self.model, p))) for p in places], dtype=bool)]
        return self._some(places[: max(0, int(min(at_most, len(places))))], inplace)

    def shuffle(self, inplace: bool = False) -> People:
        """Return the same persons in an order drawn from Mesa's random numbers."""
        places = self.places.tolist()
        self.random.shuffle(places)
        return self._some(np.array(places, dtype=np.int64), inplace)

    def sort(self, key: Callable[[Person], Any] | str, ascending: bool = False, inplace: bool = False) -> People:
        """Return the same persons ordered by a column or function, the largest first unless `ascending`."""
        keys = self._each(key)
        if ascending:
            order = np.argsort(keys, kind="stable")
        else:  # equals keep their order
            order = len(keys) - 1 - np.argsort(keys[::-1], kind="stable")[::-1]
        return self._some(self.places[order], inplace)

    def get(
        self, attr_names: str | Sequence[str], handle_missing: str = "error", default_value: Any = None
    ) -> NDArray[Any] | list[list[Any]]:
        """Return a column, (n,), or for several names a row a person, as Mesa does.

        handle_missing: "default" puts the default value where there is no such column instead of raising ModelError.
        """
        if handle_missing not in ("error", "default"):
            raise FramsynError(f"handle_missing is 'error' or 'default', not {handle_missing!r}")
        if not isinstance(attr_names, str):
            several = [self._column(name, handle_missing, default_value).tolist() for name in attr_names]
            return [list(row) for row in zip(*several, strict=True)]
        return self._column(attr_names, handle_missing, default_value)

    def agg(self, attribute: str, func: Callable[..., Any] | Iterable[Callable[..., Any]]) -> Any:
        """Return what one function, or each of several, makes of a column."""
        values = self._column(attribute)
        return func(values) if callable(func) else [one(values) for one in func]

    def groupby(self, by: Callable[[Person], Any] | str, result_type: str = "agentset") -> Groups:
        """Return the persons by what a column holds, or a function says: as People, or as lists of persons."""
        places = self.places
        groups: dict[Any, list[int]] = {}
        for key, place in zip(self._each(by).tolist(), places.tolist(), strict=True):
            groups.setdefault(key, []).append(place)
        people = {key: People(self.model, np.array(some)) for key, some in groups.items()}
        return Groups(people if result_type == "agentset" else {key: list(some) for key, some in people.items()})

    def map(self, method: Callable[..., Any] | str, *args: Any, **kwargs: Any) -> list[Any]:
        """Return what a function, or a method by name, gives for each person (slow)."""
        if isinstance(method, str):
            return [getattr(person, method)(*args, **kwargs) for person in self]
        return [method(person, *args, **kwargs) for person in self]

    def do(self, method: Callable[..., Any] | str, *args: Any, **kwargs: Any) -> People:
        """Call a function, or a method by name, with each person (slow); return the same persons."""
        self.map(method, *args, **kwargs)
        return self

    def shuffle_do(self, method: Callable[..., Any] | str, *args: Any, **kwargs: Any) -> People:
        """Call a function with each person in an order drawn from Mesa's random numbers (slow)."""
        self.shuffle().map(method, *args, **kwargs)
        return self

    def set(self, attr_name: str, value: Any) -> Never:
        """Refuse: no column can be set."""
        raise refused(f"'{attr_name}' cannot be set")

    def add(self, agent: Any) -> Never:
        """Refuse: everyone is born by the scenario."""
        raise refused("nobody can be added")

    def remove(self, agent: Any) -> Never:
        """Refuse: persons leave by death."""
        raise refused("nobody can be taken out")

    discard = remove

    def _some(self, places: Places, inplace: bool) -> People:
        if not inplace:
            return People(self.model, places)
        self._chosen = places
        return self

    def _column(self, name: str, handle_missing: str = "error", default_value: Any = None) -> NDArray[Any]:
        if name == "unique_id":
            return np.asarray(self.model.lives.ids[self.places])
        if handle_missing == "default" and name not in self.model.lives.columns:
            return np.full(len(self), default_value, dtype=object)
        return np.asarray(self.model.lives.values(name, self.places))

    def _each(self, by: Callable[[Person], Any] | str) -> NDArray[Any]:
        """Return a column, or what a function says of each person, (n,)."""
        if isinstance(by, str):
            return self._column(by)
        return np.fromiter(map(by, self), dtype=object, count=len(self))


class Groups(GroupBy):  # type: ignore[misc]
    """Persons by group: Mesa's verbs, `agg` by column."""

    def agg(self, attr_name: str, func: Callable[..., Any] | Iterable[Callable[..., Any]]) -> dict[Any, Any]:
        """Return what a function makes of a column, by group."""
        groups = {key: some if isinstance(some, People) else _together(some) for key, some in self.groups.items()}
        return {key: some.agg(attr_name, func) for key, some in groups.items()}


def _together(persons: list[Person]) -> People:
    return People(persons[0].model, np.array([person._place for person in persons]))
