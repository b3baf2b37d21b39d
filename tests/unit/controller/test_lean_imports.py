from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import json, sys
from processing_operator.lean_imports import skip_generated_models
skip_generated_models()
import processing_operator.app
print(json.dumps([name for name in sys.modules if name.startswith("kubernetes")]))
"""


def test_the_operator_starts_without_the_generated_models() -> None:
    """Were the client laid out otherwise, this would tell: the operator would not start, or be big again."""
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    modules = json.loads(ran.stdout)
    assert "kubernetes.aio.client.api_client" in modules
    assert not [name for name in modules if ".models." in name or ".api." in name]
    assert len(modules) < 40
