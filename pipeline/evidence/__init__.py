"""What is concluded: from the table of trials to effects, interactions, causes and verdicts. Pure functions."""
