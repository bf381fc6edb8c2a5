"""topics: whose negatives help whom? One topic's kinds as the only negatives, judged on every topic.

The post "The opposite of something" asks whether "cars" are better opposites for "cooking" than "news". Here: are the
kinds of `artifact` better negatives for `food` than those of `communication`? Each level draws all negatives from one
topic; the metric of each topic's own definitions is reported as `mrr/TOPIC`, and the report shows them as a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from backtrack.search_spaces import OPPOSITE
from backtrack.task import FunctionTask
from backtrack.tasks.opposite import DEFAULTS, train
from backtrack.vocabulary.factors import Categorical, Claim

# The topics with the most kinds, and the post's own three: food (cooking), artifact (cars), communication (news).
TOPICS = ["any", "act", "animal", "artifact", "attribute", "body", "communication", "food", "group", "person", "plant",
          "substance"]  # fmt: skip

NEGATIVE_TOPIC = Categorical(
    "negative_topic",
    TOPICS,
    description=f"the topic that all negatives come from ({OPPOSITE}); any: uniformly",
    claims=(
        Claim("cars (artifact) are better negatives for cooking (food) than news (communication)", OPPOSITE,
              level="artifact", against="communication", of="mrr/food"),
    ),
)  # fmt: skip
NUMBER = Categorical("number", [5, 20], description="negatives for each example")

# Everything else as in the best config of a sweep of `opposite`.
FIXED = {"loss": "margin", "negatives": "uniform", "margin": 0.2, "norm": "sphere", "lr": 0.01}


def run(config: Mapping[str, Any], seed: int, options: Mapping[str, Any]) -> Iterator[dict[str, float]]:
    """One training with the negatives of one topic."""
    topic = str(config["negative_topic"])
    yield from train(
        {**FIXED, **config}, seed, options, only_topic=None if topic == "any" else topic, judged_topics=TOPICS[1:]
    )


task = FunctionTask(
    name="topics",
    run=run,
    metric="mrr",
    mode="max",
    factors=[NEGATIVE_TOPIC, NUMBER],
    chance=0.02,
    noise=0.004,
    defaults=DEFAULTS,
    description="whose negatives help whom? Definitions of each topic against negatives of each other",
)
