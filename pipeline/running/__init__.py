"""What is carried out: plans on Ray or in this process, and the sweep that ties the rooms together."""
