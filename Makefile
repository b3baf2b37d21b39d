# make demo: the census demo on a real Kubernetes. make test: everything that must hold. make help: the rest.
SHELL := /bin/bash
PJ_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/processing-operator
export PJ_CACHE
PYTHON := .venv/bin/python
PATHS := operator cli containers dev tests examples

.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.PHONY: env
env: ## the Python environment in .venv
	@requirements/bootstrap.sh

.PHONY: go
go: # what compiles or formats Go asks for it; Python alone does the rest
	@requirements/go.sh

.PHONY: demo
demo: env go ## the census demo: cluster, images, S3, data, operator, four jobs, a table
	@$(PYTHON) -m dev.demo

.PHONY: test
test: env go ## everything: lint, types, unit, launcher, chart, schema, integration, scale, e2e
	@$(PYTHON) -m dev.run

.PHONY: lint types unit launcher chart schema integration scale e2e
lint launcher schema integration scale e2e: go
lint types unit launcher chart schema integration scale e2e: env ## one part of `make test`
	@$(PYTHON) -m dev.run $@

.PHONY: bench
bench: env go ## start and end latency beside a bare Pod, operator memory, writes a job (BENCH="-n 5": quick)
	@$(PYTHON) -m dev.bench $(BENCH)

.PHONY: bench-scale
bench-scale: env go ## thousands of jobs on fake nodes beside bare Pods; two hours (BENCH="--sizes 100 --runs 1": quick)
	@$(PYTHON) -m dev.bench.scale $(BENCH)

.PHONY: bench-transfer
bench-transfer: env go ## our engine beside s5cmd, rclone, obstore, awscrt (BENCH="--scale 0.02 --rounds 1": quick)
	@$(PYTHON) -m dev.bench.transfer $(BENCH)

.PHONY: bounded
bounded: env go ## 1,000,000 keys, 200,000 files and 20 GiB within 128 MiB of memory (SCALE=1; an hour, 25 GiB of disk)
	@.venv/bin/pytest -s tests/integration/agent/bounded --bounded-scale $(or $(SCALE),1)

.PHONY: cluster cluster-down
cluster: env go ## a Kubernetes to work with (CLUSTER=embedded, kind or current)
	@$(PYTHON) -m dev.cluster up
cluster-down: env ## end it, leaving nothing behind
	@$(PYTHON) -m dev.cluster down

.PHONY: images
images: env go ## build the images (docker or buildah) and load them into the cluster
	@$(PYTHON) -m containers.build --load

.PHONY: images-list
images-list: env ## the images that a registry of your own must hold (VALUES="--values mine.yaml": as you name them)
	@$(PYTHON) -m dev.images_list $(VALUES)

.PHONY: generate verify
generate: env ## regenerate what is generated: the CRD, the chart's copy of it
	@$(PYTHON) -m dev.generate
verify: env ## fail if a generated file is not what its source gives
	@$(PYTHON) -m dev.generate --check

.PHONY: format
format: env go ## format Python and Go
	@.venv/bin/ruff format $(PATHS) && .venv/bin/ruff check --fix $(PATHS) && gofmt -w containers/launcher examples/dev-s3 tests/support/bulk dev/bench/transfer

.PHONY: lock
lock: env ## recompile the locked requirements
	@requirements/lock.sh

.PHONY: clean
clean: ## remove .venv and build/
	rm -rf .venv build
