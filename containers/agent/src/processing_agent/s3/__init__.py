"""What S3 means, without talking to it: addresses, where objects land, names, checksums, faults."""
