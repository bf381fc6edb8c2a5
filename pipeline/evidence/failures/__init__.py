"""Which levels make trainings fail: rules, and their verification by flips."""
