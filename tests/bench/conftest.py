"""Let the tests of the benchmark find it: it is scripts of the checkout, not a package that is installed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
