#!/usr/bin/env bash
# Recompiles the locks (*.txt) from what is asked for (*.in). No index address is written.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
compile() { ../.venv/bin/uv pip compile --quiet --generate-hashes --no-header --no-annotate "$@"; }
for image in operator agent sklearn dev-s3; do # installed in images: Python 3.13 of Debian trixie
  compile --python-version 3.13 --python-platform x86_64-manylinux_2_28 "$image.in" -o "$image.txt"
done
compile --universal --python-version 3.11 dev.in -o dev.txt
compile --universal --python-version 3.11 bench.in -o bench.txt
compile --universal --python-version 3.11 checkov.in -o checkov.txt
compile --universal --python-version 3.11 uv.in -o uv.txt
compile --universal --python-version 3.11 --no-deps helm.in -o helm.txt
