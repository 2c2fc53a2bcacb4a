from .all_families import feature_columns as feature_columns
from .all_families import measure as measure
from .config import Features as Features
from .warm_up import warm_up as warm_up
