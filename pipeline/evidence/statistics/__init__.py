"""Linear models, many questions at once, rates: on plain arrays."""
