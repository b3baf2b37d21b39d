module processing-operator.dev/tests/bulk

go 1.26
