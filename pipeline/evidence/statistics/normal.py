"""The normal distribution's one number that everybody knows."""

# Half the width of a 95 % interval, in standard errors.
NORMAL_95 = 1.96
