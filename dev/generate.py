"""Writes the generated files, or with `--check` says which of them are not what their source gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (ROOT / "crds", ROOT / "charts" / "processing-operator" / "files")
MODULES = {
    "processing-operator.dev_processingjobs.yaml": "processing_operator.api.crd",
    "processing-operator.dev_processingjobs_policy.yaml": "processing_operator.api.policy",
}
GENERATED = {folder / name: [sys.executable, "-m", module] for folder in FOLDERS for name, module in MODULES.items()}


def main(args: list[str]) -> int:
    stale = []
    for path, command in GENERATED.items():
        text = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
        if not path.exists() or path.read_text() != text:
            stale.append(str(path.relative_to(ROOT)))
            if "--check" not in args:
                path.write_text(text)
    if stale:
        print(f"{'not up to date, run `make generate`' if '--check' in args else 'written'}: {', '.join(stale)}")
    return int(bool(stale) and "--check" in args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
