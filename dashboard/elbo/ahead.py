"""Has the examples round the one in view measured while nobody waits for them.

In a class thirty students look at thirty examples of one model in the same seconds.
"""

import functools
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from dashboard.ahead import MOST_VIEWS, Ahead, Work
from dashboard.elbo.cached import TOGETHER, measured_together
from dashboard.subject import Split, Subject

FARTHEST: Final = 256
"""Examples before and after the one in view that are measured."""


@dataclass(slots=True)
class _Model:
    """A model, the example of it that was looked at last, and what was measured: the first one of each few.

    Arguments:
        digest: Of the model; a run that goes on has another one at every look.
        subject: None once nothing is left near that example, so that the model is not kept for this.
        index: The example.
        measured: So that what the cache has forgotten is not measured again and again.
    """

    digest: str
    subject: Subject | None = None
    index: int = 0
    measured: set[int] = field(default_factory=set)

    def next_work(self, split: Split) -> Work | None:
        """Measures the few nearest to the example in view; None where all near it are measured."""
        subject = self.subject
        if subject is None:
            return None
        num_examples = len(subject.examples(split)[0])
        first = max(0, self.index - FARTHEST) // TOGETHER * TOGETHER
        near = range(first, min(num_examples, self.index + FARTHEST + 1), TOGETHER)
        left = (number for number in near if number not in self.measured)
        found = min(left, key=lambda number: abs(number - self.index), default=None)
        if found is None:
            self.subject = None
            return None
        self.measured.add(found)
        return functools.partial(measured_together, subject, split, found)


class ExamplesAhead:
    """The models in view.

    Arguments:
        works: What measures their examples.
    """

    def __init__(self, works: Ahead) -> None:
        self.works = works
        self._lock = threading.Lock()
        self._models: OrderedDict[tuple[str, Split], _Model] = OrderedDict()

    def look(self, subject: Subject, split: Split, index: int) -> None:
        """Somebody looks at an example: those round it are measured, before those of other models.

        Arguments:
            subject: The model.
            split: Which part of the data.
            index: The example.
        """
        from vae_core.evidence import MAX_EXACT_DIMS

        if subject.config.model.latent_dim > MAX_EXACT_DIMS:
            return
        key = subject.source, split
        with self._lock:
            model = self._models.get(key)
            if model is None or model.digest != subject.digest:
                model = self._models[key] = _Model(subject.digest)
            self._models.move_to_end(key)
            if len(self._models) > MOST_VIEWS:
                self._models.popitem(last=False)
            model.subject, model.index = subject, index
        self.works.look(("example", *key), iter(functools.partial(model.next_work, split), None))


# Eight examples at once take the time of three.
_examples: Final = ExamplesAhead(Ahead(for_class=True))


def examples_ahead() -> ExamplesAhead:
    """That of this process."""
    return _examples
