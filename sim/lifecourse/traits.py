"""What a child is born with: sex, arrival, the parents' education, a neurodevelopmental condition, two latent traits.

Content only: no shares (those stand in the population file) and no effects (those stand with each domain).
"""

from sim.people import Trait

sex = Trait("sex", ("girl", "boy"))

# Born in the country, or when the child came to it; a birth cohort holds the first only.
arrival = Trait("arrival", ("born_here", "before_school", "grade1_5", "grade6_9", "adult"))

# The education of the better educated parent.
parental_education = Trait("parental_education", ("compulsory", "upper_secondary", "tertiary"), keyed="family")

# The condition that weighs most where a child has several, whether or not it has been diagnosed yet.
neuro = Trait("neuro", ("none", "adhd", "autism", "intellectual_disability"))

# Both latent traits are standard normal in the population; a bin's value is the mean of its fifth.
school_ability = Trait("school_ability", bins=(-1.40, -0.53, 0.0, 0.53, 1.40))
behaviour_risk = Trait("behaviour_risk", bins=(-1.40, -0.53, 0.0, 0.53, 1.40))
