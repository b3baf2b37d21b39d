"""A Kubernetes cluster for the demo and the end-to-end tests: `python -m dev.cluster up`.

`CLUSTER` chooses it: `embedded` (one real node built from Go modules, needs root and neither Docker nor a registry),
`kind`, or `current` (the kubeconfig in use). The standard library is all that this package needs.
"""
