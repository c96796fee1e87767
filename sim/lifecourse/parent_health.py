"""The parents' mental health and use of alcohol and drugs while the child grows up: ok, ill, severe.

`ill` is treatment for a common mental disorder or harmful use that touches everyday life; `severe` a psychosis, a
dependence or in-patient care of a parent. Keyed by family.
"""

import numpy as np

from sim.domain import Domain

parent_health = Domain("parent_health", states=("ok", "ill", "severe"), start="ok", keyed="family")


@parent_health.hazard("ok", "ill", ages=(1, "childhood_to"))
def parent_falls_ill(parental_education, previous_family_economy, p):
    """Yearly hazard that a parent falls ill. Per year, assumed."""
    return p.falls_ill * np.exp(p.ill_by_education[parental_education] + p.ill_by_economy[previous_family_economy])


@parent_health.hazard("ill", "ok", ages=(1, "childhood_to"))
def parent_recovers(parental_education, p):
    """Yearly hazard that a parent who is ill recovers. Per year, assumed."""
    return p.recovers * np.exp(-p.ill_by_education[parental_education])


@parent_health.hazard("ill", "severe", ages=(1, "childhood_to"))
def parent_becomes_severely_ill(parental_education, p):
    """Yearly hazard that a parent's illness becomes severe. Per year, assumed."""
    return p.becomes_severe * np.exp(p.severe_by_education[parental_education])


@parent_health.hazard("severe", "ill", ages=(1, "childhood_to"))
def severe_illness_eases(parental_education, p):
    """Yearly hazard that a parent's severe illness eases. Per year, assumed."""
    return p.eases * np.exp(-p.severe_by_education[parental_education])
