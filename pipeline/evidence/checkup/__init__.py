"""What a checkup concludes: whether a training learns as written, what is wrong with it, and what mends it."""
