#!/usr/bin/env bash
# Fails, with what to do, where there is no Go that is new enough. `make unit` and `make types` need none.
set -euo pipefail
command -v go >/dev/null ||
  { echo "missing: go. Install Go 1.26 or newer from your distribution or the Go project's download page." >&2; exit 1; }
GO=$(go env GOVERSION)
printf 'go1.26\n%s\n' "$GO" | sort -V -C || { echo "go is $GO; 1.26 or newer is needed." >&2; exit 1; }
