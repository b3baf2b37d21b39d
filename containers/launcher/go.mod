module processing-operator.dev/launcher

go 1.26
