# make demo: the census demo on a real Kubernetes. make test: everything that must hold. make help: the rest.
SHELL := /bin/bash
PJ_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/processing-operator
export PJ_CACHE
PYTHON := .venv/bin/python
PATHS := operator cli containers tests examples

.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.PHONY: env
env: ## the Python environment in .venv
	@requirements/bootstrap.sh

.PHONY: demo
demo: env ## the census demo: cluster, images, S3, data, operator, four jobs, a table
	@$(PYTHON) -m tests.demo

.PHONY: test
test: env ## everything: lint, types, unit, schema, chart, integration, e2e
	@$(PYTHON) -m tests.run

.PHONY: lint types unit chart schema integration e2e
lint types unit chart schema integration e2e: env ## one part of `make test`
	@$(PYTHON) -m tests.run $@

.PHONY: bench
bench: env ## start and end latency beside a bare Pod, operator memory, writes a job
	@$(PYTHON) -m tests.bench

.PHONY: bench-transfer
bench-transfer: env ## our engine beside s5cmd, rclone, obstore, awscrt (BENCH="--scale 0.02 --rounds 1": quick)
	@$(PYTHON) -m tests.bench.transfer $(BENCH)

.PHONY: bounded
bounded: env ## 1,000,000 keys, 200,000 files and 20 GiB within 128 MiB of memory (SCALE=1; an hour, 25 GiB of disk)
	@.venv/bin/pytest -s tests/integration/agent/bounded --bounded-scale $(or $(SCALE),1)

.PHONY: cluster cluster-down
cluster: env ## a Kubernetes to work with (CLUSTER=embedded, kind or current)
	@$(PYTHON) -m tests.cluster up
cluster-down: env ## end it, leaving nothing behind
	@$(PYTHON) -m tests.cluster down

.PHONY: images
images: env ## build the images (docker or buildah) and load them into the cluster
	@$(PYTHON) -m containers.build --load

.PHONY: generate verify
generate: env ## regenerate what is generated: the CRD, the chart's copy of it
	@$(PYTHON) -m tests.generate
verify: env ## fail if a generated file is not what its source gives
	@$(PYTHON) -m tests.generate --check

.PHONY: format
format: env ## format Python and Go
	@.venv/bin/ruff format $(PATHS) && .venv/bin/ruff check --fix $(PATHS) && gofmt -w containers/launcher tests/support/bulk tests/bench/transfer

.PHONY: lock
lock: env ## recompile the locked requirements
	@requirements/lock.sh

.PHONY: clean
clean: ## remove .venv and build/
	rm -rf .venv build
