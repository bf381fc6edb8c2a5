"""What is seen of a training: instruments on it, and the symptoms that they tell."""
