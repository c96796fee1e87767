"""Places, pupils, students and diplomas, from preschool to higher education."""

from sim.domain import Quantities
from sim.tables import isin

quantities = Quantities()


@quantities.quantity(basis="on_date", unit="child-years")
def preschool_places(preschool, p):
    """Places in preschool in units of the mean place: a part-time place is less of one. Assumed."""
    return p.preschool_place_by_state[preschool]


@quantities.quantity(basis="on_date", unit="child-years")
def in_preschool(preschool):
    """Children enrolled in preschool, part and full: a definition."""
    return isin(preschool, "part", "full")


@quantities.quantity(basis="on_date", unit="child-years")
def in_full_preschool(preschool):
    """Children enrolled in preschool for more than 15 hours a week: a definition."""
    return preschool == "full"


@quantities.quantity(basis="on_date", unit="child-years")
def preschool_class_places(age, p):
    """Places in the preschool class at six (Skolverket 2021)."""
    return p.preschool_class_share[age]


@quantities.quantity(basis="on_date", unit="pupil-years")
def compulsory_pupils(school):
    """Pupils in grades 1 to 9 in the autumn, adapted compulsory school apart: a definition."""
    return isin(school, "on_track", "struggling", "special_support")


@quantities.quantity(basis="on_date", unit="pupil-years")
def special_support(school):
    """Pupils with an action programme in the autumn, over and above their place: a definition."""
    return school == "special_support"


@quantities.quantity(basis="on_date", unit="pupil-years")
def adapted_pupils(age, school, p):
    """Pupils in adapted compulsory school in the autumn; the state stays after grade 9 and the pupil does not."""
    return (school == "adapted") & (age <= p.compulsory_to)


@quantities.quantity(basis="event", unit="pupils")
def eligible_at_16(school):
    """Pupils who become eligible for a national programme: a definition."""
    return school == "eligible"


@quantities.quantity(basis="event", unit="pupils")
def not_eligible_at_16(school):
    """Pupils who leave grade 9 without eligibility: a definition."""
    return school == "not_eligible"


@quantities.quantity(basis="on_date", unit="pupil-years")
def academic_pupils(upper_secondary):
    """Pupils on academic programmes in the autumn: a definition."""
    return upper_secondary == "academic"


@quantities.quantity(basis="on_date", unit="pupil-years")
def vocational_pupils(upper_secondary):
    """Pupils on vocational programmes in the autumn: a definition."""
    return upper_secondary == "vocational"


@quantities.quantity(basis="on_date", unit="pupil-years")
def introductory_pupils(upper_secondary):
    """Pupils on introductory programmes in the autumn: a definition."""
    return upper_secondary == "introductory"


@quantities.quantity(basis="on_date", unit="pupil-years")
def adapted_upper_secondary_pupils(upper_secondary):
    """Pupils in adapted upper secondary school in the autumn: a definition."""
    return upper_secondary == "adapted"


@quantities.quantity(basis="on_date", unit="pupil-years")
def upper_secondary_pupils(upper_secondary):
    """Pupils in any upper secondary school in the autumn: those whom the pupil grant is paid for."""
    return isin(upper_secondary, "academic", "vocational", "introductory", "adapted")


@quantities.quantity(basis="event", unit="diplomas")
def diplomas(upper_secondary):
    """Upper secondary diplomas, at school or in adult education: a definition."""
    return upper_secondary == "diploma"


@quantities.quantity(basis="on_date", unit="pupils")
def national_programmes_begun(age, upper_secondary, p):
    """Pupils who begin a national programme in the year of 16: what the shares with a diploma are of."""
    return isin(upper_secondary, "academic", "vocational") & (age == p.programme_begins)


@quantities.quantity(basis="on_date", unit="diplomas")
def diplomas_within_3_years(age, upper_secondary, p):
    """Diplomas held at the end of the third school year; none comes by way of an introductory programme so early."""
    return isin(upper_secondary, "diploma", "tertiary") & (age == p.diploma_3_years)


@quantities.quantity(basis="on_date", unit="diplomas")
def diplomas_within_4_years(age, upper_secondary, p):
    """Diplomas held a year later; counts the few who came from an introductory programme too."""
    return isin(upper_secondary, "diploma", "tertiary") & (age == p.diploma_4_years)


@quantities.quantity(basis="event", unit="degrees")
def tertiary_degrees(upper_secondary):
    """Degrees of three years or more: a definition."""
    return upper_secondary == "tertiary"


@quantities.quantity(basis="any_in_year", unit="person-years")
def activity_responsibility(upper_secondary):
    """Young people under the municipality's activity responsibility (KAA) at some time in the year."""
    return upper_secondary == "kaa"


@quantities.quantity(basis="on_date", unit="person-years")
def activity_responsibility_stock(upper_secondary):
    """Young people under the municipality's activity responsibility (KAA) in the autumn: a definition."""
    return upper_secondary == "kaa"


@quantities.quantity(basis="on_date", unit="student-years")
def adult_students(activity, upper_secondary):
    """Students in municipal adult education: those who study after leaving school without a diploma."""
    return (activity == "study") & (upper_secondary == "left")


@quantities.quantity(basis="on_date", unit="student-years")
def higher_students(activity, upper_secondary):
    """Students in higher education: those who study with a diploma or a degree."""
    return (activity == "study") & isin(upper_secondary, "diploma", "tertiary")
