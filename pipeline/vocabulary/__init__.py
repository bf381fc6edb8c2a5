"""What is said: factors, spaces, configs, claims, plans, results, outcomes. Pure values; nothing here runs anything."""
