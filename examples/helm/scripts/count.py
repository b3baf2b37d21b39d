import sys

print(*range(1, int(sys.argv[1]) + 1))
