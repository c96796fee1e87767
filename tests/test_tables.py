"""Rules become tables: plain values and whole grids go one path; what cannot be a table is refused in a sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sim.domain import Domain
from sim.errors import ModelError, RuleError, ScenarioError
from sim.intervention import Effect
from sim.model import Model
from sim.people import Trait
from sim.plan import bind
from sim.tables import MAX_CELLS, Axis, Column, Parameters, Rule, Table, axes_of, cell_text, isin, tabulate, where
from tests.models import NEWBORN, RISK, SEX, offer, scenario

AGE = Column("age", count=101)
BOYS_AND_GIRLS = SEX.column
CARE = Column("care", ("home", "foster", "institution"))
BINS = RISK.column
BY_AGE = Table("rate", [tuple(str(age) for age in range(18))], np.arange(18) / 100)
BY_LABEL = Table("factor", [("foster", "home", "institution")], np.array([2.0, 1.0, 3.0]))
BY_BOTH = Table("both", [("0", "1", "2"), ("boy", "girl")], np.arange(6.0).reshape(3, 2))
BY_BIN = Table("by_bin", [("1", "2", "3")], np.array([1.0, 3.0, 4.0]))
P = Parameters("care", {"base": 0.1, "rate": BY_AGE, "factor": BY_LABEL, "both": BY_BOTH, "by_bin": BY_BIN})


def table(function: Callable[..., Any], *columns: Column, **settings: Any) -> np.ndarray:
    """Return the table of a rule of one destination over these columns."""
    return tabulate(Rule.of(function), columns, P, **settings)[0]


def refused(function: Callable[..., Any], *columns: Column, **settings: Any) -> tuple[str, str]:
    """Return the sentence and the hint with which a rule is refused."""
    with pytest.raises(RuleError) as caught:
        table(function, *columns, **settings)
    (problem,) = caught.value.problems
    return problem.message, problem.hint or ""


def foster_placement(age, sex, risk, care, p):
    """Use every kind of column, condition and parameter."""
    young = (age >= 3) & (age < 7) | (sex != "boy")
    level = p.base * p.factor[care] + p.rate[age] * np.minimum(age, 5) + 0.01 * p.both[np_age(age), sex]
    return where(young, level, np.clip(level, 0, 0.2)) * np.exp(0.3 * risk) + isin(care, "foster", "institution") / 10


def np_age(age: Axis) -> Axis:
    """Return the age capped at 2, still as an index."""
    return Axis("age", np.minimum(age.numbers, 2), np.minimum(age.positions, 2))


def test_plain_values_and_the_grid_give_the_same_numbers():
    columns = (AGE, BOYS_AND_GIRLS, BINS, CARE)
    grid = table(foster_placement, *columns, ages=(0, 17))
    assert grid.shape == (18, 2, 3, 3)
    rule = Rule.of(foster_placement)
    for age, sex, risk, care in [(0, 0, 0, 0), (3, 1, 2, 1), (7, 1, 1, 2), (17, 0, 2, 2)]:
        labels = {"sex": SEX.labels[sex], "care": CARE.labels[care]}
        plain = rule(age=age, risk=RISK.bins[risk], p=P, **labels)
        assert isinstance(plain, float)
        assert plain == pytest.approx(grid[age, sex, risk, care], rel=1e-15)


def test_a_rule_of_several_destinations_gives_one_table_each():
    rule = Rule.of(lambda age: (age / 200, 0.5, age > 50))
    one, two, three = tabulate(rule, [AGE], P)
    assert one.shape == two.shape == three.shape == (101,)
    assert rule(age=60) == (0.3, 0.5, 1.0)


def test_a_rule_that_reads_nothing_is_a_table_of_one_cell():
    assert table(lambda: 0.25).shape == ()
    assert table(lambda p: p.base) == 0.1


def test_the_age_axis_covers_the_window_only():
    assert table(lambda age: age, AGE, ages=(7, 12)).tolist() == [7, 8, 9, 10, 11, 12]


def test_conditions_are_0_and_1_in_arithmetic():
    grid = table(lambda age, sex: 2 * (age > 1) + (sex == "girl") - ~(age > 1) * 0, AGE, BOYS_AND_GIRLS, ages=(0, 3))
    assert grid.tolist() == [[1, 0], [1, 0], [3, 2], [3, 2]]


def test_labels_know_equality_and_isin():
    assert table(lambda care: care == "foster", CARE).tolist() == [0, 1, 0]
    assert table(lambda care: care != "foster", CARE).tolist() == [1, 0, 1]
    assert table(lambda care: isin(care, "home", "institution"), CARE).tolist() == [1, 0, 1]
    assert table(lambda care: 1 - isin(care, "home"), CARE).tolist() == [0, 1, 1]


def test_a_rule_reads_the_columns_that_its_arguments_name():
    rule = Rule.of(foster_placement)
    assert rule.reads == ("age", "sex", "risk", "care")
    assert rule.takes_parameters
    assert rule.name == "foster_placement"


# Parameters


def test_a_parameter_table_is_indexed_by_age_by_label_and_by_both():
    assert table(lambda age, p: p.rate[age], AGE, ages=(3, 5)).tolist() == [0.03, 0.04, 0.05]
    assert table(lambda care, p: p.factor[care], CARE).tolist() == [1, 2, 3]  # by label, whatever the order of rows
    assert table(lambda age, sex, p: p.both[age, sex], AGE, BOYS_AND_GIRLS, ages=(0, 2)).tolist() == [
        [1, 0],
        [3, 2],
        [5, 4],
    ]


def test_an_age_beyond_a_parameter_table_is_refused():
    message, _ = refused(lambda age, p: p.rate[age], AGE)
    assert message.endswith("parameter 'rate' has no value for age 18; it has 0 to 17")


def test_nothing_wraps_from_the_end_of_a_parameter_table():
    with pytest.raises(RuleError, match="no value for index -1"):
        BY_AGE[-1]


def test_a_label_without_a_parameter_is_refused_with_the_nearest():
    kin = Column("care", ("home", "foster", "institutions"))
    message, hint = refused(lambda care, p: p.factor[care], kin)
    assert message.endswith("parameter 'factor' has no value for 'institutions'")
    assert hint == "did you mean 'institution'?"


def test_a_parameter_is_indexed_by_as_many_columns_as_it_has_dimensions():
    assert "has 2 dimension(s), 1 given" in refused(lambda age, p: p.both[age], AGE)[0]


def test_a_parameter_is_not_indexed_by_an_expression():
    assert "indexed by a column, not by an expression" in refused(lambda age, p: p.rate[age / 2], AGE)[0]


def test_an_unknown_parameter_is_refused_with_the_nearest():
    message, hint = refused(lambda age, p: p.bse * age, AGE)
    assert "domain 'care' has no parameter 'bse'" in message
    assert hint == "did you mean 'base'?"


def test_a_window_may_name_a_whole_number_among_the_parameters():
    own = Parameters("care", {"adult": 18.0, "half": 0.5})
    assert own.window("adult", "'x'") == 18
    assert own.window(7, "'x'") == 7
    with pytest.raises(RuleError, match="names 'half', which is not one whole number"):
        own.window("half", "'x'")


def test_parameters_that_no_rule_reads_are_known():
    own = Parameters("care", {"base": 1.0, "idle": 2.0})
    tabulate(Rule.of(lambda p: p.base), [], own)
    assert own.unread == ("idle",)


# Refusals


def test_an_unknown_column_is_refused_with_the_nearest():
    domain = Domain("care", ("home", "foster"), "home")
    domain.hazard("home", "foster")(lambda agee: 0.1 * agee)
    with pytest.raises(ModelError) as caught:
        Model("small", (domain,), traits=(SEX,))
    assert "reads the unknown column 'agee'" in str(caught.value)
    assert caught.value.problems[0].hint == "did you mean 'age'?"


def test_a_later_domain_has_to_be_read_as_previous():
    first, second = (Domain(name, ("home", "foster"), "home") for name in ("first", "second"))
    first.hazard("home", "foster")(lambda second: 0.1 * (second == "foster"))
    with pytest.raises(ModelError) as caught:
        Model("small", (first, second))
    assert caught.value.problems[0].hint == "write 'previous_second'"


@pytest.mark.parametrize(
    "function",
    [lambda care: care == "fostr", lambda care: care != "fostr", lambda care: isin(care, "home", "fostr")],
    ids=["==", "!=", "isin"],
)
def test_a_mistyped_label_is_refused_with_the_nearest(function):
    message, hint = refused(function, CARE)
    assert "column 'care' has no label 'fostr'" in message
    assert hint == "did you mean 'foster'?"


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda age, sex: 0.1 - 0.2 * (age == 17) * (sex == "boy"), "gives the rate -0.1 at age 17, sex boy"),
        (lambda age, sex: np.log(age) - np.log(age) + 0 * (sex == "boy"), "gives the rate nan at age 0, sex girl"),
        (lambda age, sex: 1 / (age - 17) ** 2 + 0 * (sex == "boy"), "gives the rate inf at age 17, sex girl"),
    ],
    ids=["negative", "not a number", "infinite"],
)
def test_a_rate_that_is_negative_or_not_finite_is_refused_with_its_cell(function, said):
    message, _ = refused(function, AGE, BOYS_AND_GIRLS)
    assert said in message
    assert message.endswith("it must be 0 or more and finite")


def test_a_probability_above_1_is_refused_with_its_cell():
    message, _ = refused(lambda age: age / 10, AGE, ages=(8, 12), upper=1.0, unit="probability")
    assert message.endswith("gives the probability 1.1 at age 11: it must be between 0 and 1")


def test_a_grid_over_the_limit_is_refused_with_columns_and_sizes():
    wide = [Column(name, count=200) for name in ("income", "debt", "rent")]
    message, hint = refused(lambda income, debt, rent: income + debt + rent, *wide)
    assert "8,000,000 cells (income 200 × debt 200 × rent 200)" in message
    assert f"at most {MAX_CELLS:,}" in message
    assert "bin one of them" in hint


def in_a_branch(age):
    if age > 3:
        return 0.1
    return 0.2


def in_a_conditional(age):
    return 0.1 if age > 3 else 0.2


def with_in(care):
    return 0.1 * (care in ("home", "foster"))


def with_and(age, sex):
    return (age > 3) and (sex == "boy")


def with_or(age, sex):
    return (age > 3) or (sex == "boy")


def with_not(age):
    return not (age > 3)


def with_a_chain(age):
    return 0.1 * (3 <= age < 7)


def with_max(age):
    return max(age, 3)


def with_min(age):
    return min(age, 3)


def with_math(age):
    return math.exp(age)


def with_a_loop(age):
    return sum(one for one in age)


@pytest.mark.parametrize(
    ("function", "spelling"),
    [
        (in_a_branch, "np.where(condition, a, b)"),
        (in_a_conditional, "np.where(condition, a, b)"),
        (with_in, "isin(column, 'a', 'b')"),
        (with_and, "(a) & (b)"),
        (with_or, "(a) | (b)"),
        (with_not, "~(a)"),
        (with_a_chain, "(3 <= age) & (age < 7)"),
        (with_max, "np.maximum(a, b)"),
        (with_min, "np.minimum(a, b)"),
        (with_math, "use numpy functions, not math"),
        (with_a_loop, "plain arithmetic"),
    ],
)
def test_what_cannot_broadcast_is_refused_with_the_spelling_to_use(function, spelling):
    columns = {"age": AGE, "sex": BOYS_AND_GIRLS, "care": CARE}
    message, hint = refused(function, *[columns[name] for name in Rule.of(function).reads])
    assert message.startswith(f"rule '{function.__name__}'")
    assert spelling in hint


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda care: care + 1, "'care' is a column of labels: it knows ==, != and isin only"),
        (lambda care: care > "home", "cannot be compared with a text"),
        (lambda care: care == 1, "can be compared with one of its labels only, not 1"),
        (lambda age: age == "home", "'age' is a number and cannot be compared with a text"),
        (lambda age: isin(age, "home"), "isin needs a column of labels, and 'age' is a number"),
        (lambda age: np.sin(age), "the function sin is not available in a rule"),
        (lambda age: np.add.reduce(age), "add.reduce cannot be tabulated"),
        (lambda age: np.sum(age), "the function sum is not available"),
        (lambda age: np.isin(age, [1, 2]), "the function isin is not available in a rule"),
        (lambda age: "high", "returned str, not numbers"),
        (lambda age: np.zeros((2, 3)), "returned an array of its own shape"),
        (lambda age: undefined_by_zero(age), "cannot be tabulated"),
    ],
)
def test_whatever_else_is_no_table_is_refused_in_a_sentence(function, said):
    column = CARE if Rule.of(function).reads == ("care",) else AGE
    assert said in refused(function, column)[0]


def undefined_by_zero(age: Axis) -> Axis:
    raise ValueError("no such thing")


# Traits in bins


def test_a_trait_in_bins_is_seen_as_its_numbers():
    assert table(lambda risk: risk + 2, BINS).tolist() == [0.8, 2.0, 3.2]
    assert Trait("risk", bins=(-1.0, 1.0)).column.labels == ("1", "2")


def test_a_shifted_trait_is_the_number_shifted():
    assert table(lambda risk: risk + 2, BINS, shifts={"risk": -0.4}).tolist() == pytest.approx([0.4, 1.6, 2.8])


def test_a_table_by_bins_interpolates_a_shifted_trait_and_holds_its_ends():
    at = {shift: table(lambda risk, p: p.by_bin[risk], BINS, shifts={"risk": shift}) for shift in (0.0, 0.6, -0.3, 9.0)}
    assert at[0.0].tolist() == [1.0, 3.0, 4.0]
    assert at[0.6].tolist() == pytest.approx([2.0, 3.5, 4.0])
    assert at[-0.3].tolist() == pytest.approx([1.0, 2.5, 3.75])
    assert at[9.0].tolist() == [4.0, 4.0, 4.0]


def test_a_shift_moves_only_its_own_trait():
    other = Trait("ability", bins=(0.0, 1.0)).column
    axes = axes_of([BINS, other], None, {"risk": 0.5})
    assert axes["ability"].numbers.ravel().tolist() == [0.0, 1.0]


def test_a_cell_is_named_in_words():
    assert cell_text([AGE, BOYS_AND_GIRLS, CARE], (3, 1, 2), (14, 17)) == "age 17, sex boy, care institution"
    assert cell_text([], ()) == "every cell"


# Factors


def with_factor(*, reads_risk: bool = False, values: float = 1.0) -> Model:
    domain = Domain("care", ("home", "foster"), "home")
    domain.hazard("home", "foster")(lambda age: 0.05 + 0 * age)
    if reads_risk:
        domain.factor("home", "foster")(lambda risk: np.exp(risk))
    else:
        domain.factor("home", "foster")(lambda sex: values + 0 * (sex == "boy"))
    return Model("factored", (domain,), traits=(SEX, RISK))


def test_a_factor_multiplies_a_hazard_that_is_declared():
    domain = Domain("care", ("home", "foster"), "home")
    with pytest.raises(ModelError, match="no hazard 'care: home -> foster' to multiply by 'by_age'"):

        @domain.factor("home", "foster")
        def by_age(age):
            return age


def test_an_occasion_has_no_factors():
    domain = Domain("care", ("home", "foster"), "home")
    domain.occasion("home", "foster")(lambda: 0.1)
    with pytest.raises(ModelError, match="no hazard 'care: home -> foster'"):
        domain.factor("home", "foster")(lambda age: age)


def test_a_trait_shift_cannot_act_through_a_factor():
    shift = offer("shift", Effect("trait_shift", trait="risk", size=-0.5))
    with pytest.raises(ScenarioError, match="cannot act on the factors of 'care: home -> foster'"):
        bind(scenario((shift,), model=with_factor(reads_risk=True), needs=(), parameters={})).make_tables()


def test_a_negative_factor_is_refused_with_its_cell():
    with pytest.raises(RuleError, match=r"-1 at sex girl"):
        bind(scenario(model=with_factor(values=-1.0), needs=(), parameters={})).make_tables()


def test_the_newborn_of_the_tests_have_every_trait():
    assert [attribute.name for attribute in NEWBORN.attributes] == ["sex", "risk"]
