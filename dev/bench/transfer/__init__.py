"""`make bench-transfer`: the data path beside other tools, in one run on this machine's loopback device."""
