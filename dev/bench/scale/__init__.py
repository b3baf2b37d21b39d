"""`make bench-scale`: thousands of jobs on fake nodes, beside as many bare Pods in the same run."""
