"""What the sources claim, and what the runs say of it."""
