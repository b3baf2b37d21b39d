module processing-operator.dev/relay

go 1.26
