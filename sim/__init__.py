"""framsyn: agent-based microsimulation of early interventions and their lifetime public cost."""
