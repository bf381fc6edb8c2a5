"""What is asked of the runs: failure, gain, speed, other numbers."""
