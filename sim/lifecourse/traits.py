"""What a child is born with: sex, the parents' education and two latent traits in quintile bins.

Content only: no shares (those stand in the population file) and no effects (those stand with each domain).
"""

from sim.people import Trait

sex = Trait("sex", ("girl", "boy"))

# The education of the better educated parent.
parental_education = Trait("parental_education", ("compulsory", "upper_secondary", "tertiary"))

# Both latent traits are standard normal in the population; a bin's value is the mean of its fifth.
school_ability = Trait("school_ability", bins=(-1.40, -0.53, 0.0, 0.53, 1.40))
behaviour_risk = Trait("behaviour_risk", bins=(-1.40, -0.53, 0.0, 0.53, 1.40))
