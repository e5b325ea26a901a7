"""Try steps one by one in one process, against a sandbox that is starting.

python each_alone.py READY_FILE WORKFLOW.STEP…
"""

import os
import sys
import time
from pathlib import Path

from locustfiles._trial import main

ready = Path(sys.argv[1])
until = time.monotonic() + 30
while not ready.exists() and time.monotonic() < until:
    time.sleep(0.05)
os.environ["BACKEND_URL"] = ready.read_text("utf-8").strip()
for step in sys.argv[2:]:
    main(["--mode", "step", "--step", step, "--target", "sandbox"])
