"""Names of the fields in the integer arrays that describe a model to the kernels: one block of names an array.

Plain integers, because Numba freezes them into the kernels. `sim.program` and `sim.table_arrays` write these arrays,
the kernels read them.
"""

LANES = 4  # draws in one Philox block

# domains[d]: one row a domain, death first where the model has it
STATE = 0  # column of the state; -1 for death
CLOCK = 1  # column of the clock; -1 without
CLOCK_CAP = 2
BLOCKS = 3  # Philox blocks of four draws
STREAM = 4  # first of the domain's streams in `streams`
LANES_USED = 5  # most transitions out of one state
KEYS = 6  # first and last + 1 of its rows in `reads` for the screening cell
KEYS_END = 7
SCREEN = 8  # first screening bound of lane 0 in `screen`
SCREEN_CELLS = 9  # screening cells a lane
STATES = 10  # first of its rows in `state_moves`
IS_DEATH = 11
FIRST_AGE = 12  # ages in which some transition is open
LAST_AGE = 13
KEY_AGE = 14  # stride of the age in the screening cell; a chunk has one age, so it is no read
SOME_CERTAIN = 15  # whether some occasion of the domain is certain
EXACT = 16  # whether the screening bounds are the thresholds themselves
OF_FAMILY = 17  # whether its draws are addressed by the family
TOPS = 18  # first bound of block 0 in `tops`: the largest of a block's lanes, laid out as one lane of `screen`
DOMAIN_FIELDS = 19

# moves[m]: one row a transition; the lane is its place among those out of the state
TO = 0
AGE_FROM = 1
AGE_TO = 2
TABLE = 3
ENTRY = 4  # place within a cell of its table
FACTORS = 5  # first and last + 1 of its rows in `factors`
FACTORS_END = 6
EFFECTS = 7  # first and last + 1 of its rows in `effects`
EFFECTS_END = 8
MOVE_FIELDS = 9

# tables[j]: where a table lies and which columns it reads
START = 0  # cell of age 0 and code 0 in `thresholds` (before its window for tables with a window of ages)
READS = 1
READS_END = 2
WEIGHTS = 3  # START of the weights of its certain cells in `weights`; -1 without
HAS_WEIGHTS = 4
LEVELS = 5  # first and last + 1 of its rows in `levels`: interventions that replace the table
LEVELS_END = 6
LEVEL_SIZE = 7  # entries of one level
MERGED = 8  # first in `merged`: level of each combination of the interventions' own levels
TABLE_FIELDS = 9

# reads[r]: (column, stride)
COLUMN = 0
STRIDE = 1

# levels[v]: (intervention, radix, first in `level_of`)
LEVEL_INTERVENTION = 0
LEVEL_RADIX = 1
LEVEL_COURSE = 2

# effects[e]: (intervention, mechanism, first in `course`)
EFFECT_INTERVENTION = 0
EFFECT_MECHANISM = 1
EFFECT_COURSE = 2

# offers[i]: one row an intervention of the arm, or an offer that is only watched
OFFER_AGE_FROM = 0
OFFER_AGE_TO = 1
ELIGIBLE = 2  # table of eligibility, in `switches`
UPTAKE = 3  # table of uptake thresholds
OFFER_STREAM = 4
DRAWN_YEARLY = 5
YEARS = 6
STOP = 7  # table of `stop_when`, -1 without
CARRY_ALL = 8  # all who are offered carry the effect
COVERAGE = 9  # 32-bit threshold of baseline coverage, -1 where there is none
RECEIVES = 10  # column that is 1 in delivery, -1 where nobody asks
ACTIVE = 11  # first in `active`: which domains the effect acts on in a year
ARMS = 12  # bits set in `reached`: of the arms that make a watched offer, of 1 for an offer made by the arm itself
TO_FAMILY = 13  # whether its uptake is drawn by family
CAPACITY = 14  # places a calendar year in one copy, given out before the year (`sim.queues`); -1 without a limit
RANK = 15  # table of who comes first, in `ranks`; -1 where all are alike
QUEUE_STREAM = 16
WAITING_YEARS = 17  # years that one may wait, -1 without a limit
OFFER_FIELDS = 18

# counters[c]
COUNTER_COLUMN = 0
COUNTER_TABLE = 1
COUNTER_CAP = 2

# margins[g]
MARGIN_START = 0  # in the ledger of one block
MARGIN_CELLS = 1
MARGIN_READS = 2
MARGIN_READS_END = 3
MARGIN_DEATHS = 4  # counts deaths of the step instead of the living after it

# groups[g]: one row a group value that is taken
GROUP_COLUMN = 0
GROUP_TABLE = 1  # condition on the others, in `switches`
GROUP_AGE_FROM = 2
GROUP_AGE_TO = 3
CUTS = 4  # first and last + 1 in `cuts`
CUTS_END = 5
GROUP_FIELDS = 6

# Courses of an effect are tables over (standing, years delivered, year): `sim.intervention`
STANDINGS = 5
YEARS_AXIS = 104  # delivered years 0 … 101 and years 0 … 102 both fit

# Deliveries counted in the ledger, per intervention and step
ELIGIBLE_COUNT = 0
OFFERED_COUNT = 1
START_COUNT = 2
YEAR_COUNT = 3
WAITING_COUNT = 4  # in line at the end of the step, for those offers that have one
WAITED_COUNT = 5  # years that those who start have waited
DELIVERY_COUNTS = 6
