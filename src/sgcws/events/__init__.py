"""Events: what an application hears of (`Fact`) and is asked (`Question`), and the list of them all (`Events`)."""

from sgcws.events.catalog import Events
from sgcws.events.fact import Fact
from sgcws.events.question import Question

__all__ = ["Events", "Fact", "Question"]
