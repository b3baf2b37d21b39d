print("one, two, three")
