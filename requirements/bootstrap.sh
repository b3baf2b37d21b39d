#!/usr/bin/env bash
# Makes .venv: uv from PyPI by hash, every package by hash, our distributions editable. Quick when nothing changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${PJ_CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/processing-operator}"

need() { # program, how to get it
  command -v "$1" >/dev/null || { echo "missing: $1. $2" >&2; exit 1; }
}
need python3 "Install Python 3.11 or newer (Debian: apt-get install python3 python3-venv)."
need git "Install git (Debian: apt-get install git)."
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  { echo "python3 is $(python3 -V | cut -d' ' -f2); 3.11 or newer is needed." >&2; exit 1; }
python3 -c 'import ensurepip' 2>/dev/null ||
  { echo "missing: Python's venv module (Debian: apt-get install python3-venv)." >&2; exit 1; }

SUM=$(cat requirements/dev.txt requirements/uv.txt {operator,cli,containers/agent}/pyproject.toml | sha256sum | cut -c1-16)
[ "$(cat .venv/ready 2>/dev/null)" = "$SUM $PWD" ] && exit 0

START=$(date +%s)
UV_HOME=$PJ_CACHE/uv-$(sha256sum requirements/uv.txt | cut -c1-8)
if [ ! -x "$UV_HOME/bin/uv" ]; then
  python3 -m venv "$UV_HOME"
  "$UV_HOME/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
fi
UV=$UV_HOME/bin/uv
export VIRTUAL_ENV=$PWD/.venv
[ -x .venv/bin/python ] || "$UV" venv --quiet --python "$(command -v python3)" .venv
"$UV" pip sync --quiet --require-hashes requirements/dev.txt
"$UV" pip install --quiet --no-deps --no-build-isolation -e operator -e containers/agent -e cli
ln -sf "$UV" .venv/bin/uv
echo "$SUM $PWD" > .venv/ready
echo "Python environment in .venv: $(($(date +%s) - START)) s"
