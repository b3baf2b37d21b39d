module processing-operator.dev/dev/cluster/pause

go 1.26.0
