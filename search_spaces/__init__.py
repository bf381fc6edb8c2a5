"""The tricks: one file a family, each with its implementation, its factors with levels, and its claims.

A task takes factors from here and calls their implementations; nothing here knows the pipeline that runs them.
"""

SQUIRREL = "When the ML devil is a cute squirrel"
XMAS_GIFT = "PyTorch 0.3 - an early Xmas gift"
DECAY = "PyTorch - weight decay made easy"
WINNERS = "Flaming winners"
OPPOSITE = "The opposite of something"
ROAD = "IdeaPad 720s - machine learning for the road"
