"""Our engine, as a program: python -I -S ours.py PATH... SOURCE TARGET ENDPOINT. PROCESSING_ENGINE chooses the engine.

It begins and ends as the agent does in its image (`processing_agent.__main__.start`); each PATH has modules that `-S`
keeps Python from finding.
"""

import gc
import os
import sys

*paths, source, target, endpoint = sys.argv[1:]
sys.path += paths
gc.set_threshold(50_000)

from processing_agent import copy  # noqa: E402 - found only now

move = copy.download if source.startswith("s3://") else copy.upload
summary = move(source, target, endpoint=endpoint, addressing="Path")
if summary.retries or "length" in summary.verified:
    # a run with retries measures something else, one without checksums measures less than what is promised
    sys.exit(f"retries: {summary.retries}, verified: {summary.verified}")
sys.stdout.flush()
os._exit(0)
