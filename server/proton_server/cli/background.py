"""What a server does in the background: its workers and threads, begun and ended together."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from proton_server.engine.cleaning import Cleaning
from proton_server.engine.deployments import DeploymentHandler
from proton_server.engine.evaluation import Evaluator
from proton_server.engine.reconciler import Reconciler
from proton_server.engine.registrations import RegistrationHandler
from proton_server.engine.template_objects import TemplateObjects
from proton_server.provisioning.cloudformation.template_buckets import TemplateBuckets
from proton_server.provisioning.cloudformation.watch import StackWatch
from proton_server.provisioning.methods import METHODS, manifest_engines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from proton_server.observability.measures import Measures
    from proton_server.persistence.retention import Retention
    from proton_server.persistence.store import Store
    from proton_server.provisioning.methods import Outside

_REGISTERS = "CreateEnvironmentTemplateVersion"
"""The operation that leaves a registration; all others that leave work leave a deployment."""
_LAST_SECOND = 1.0
"""Of the time in which the server has to end, what is left for it when steps in progress have had theirs."""


class Background:
    """The reconcilers, what watches and evaluates for them, and what deletes what is no longer needed.

    Args:
        store: the server's state.
        outside: what environments are provisioned with.
        retention: what is deleted when it is old.
        measures: where is counted what is done.

    """

    def __init__(self, store: Store, outside: Outside, retention: Retention, measures: Measures) -> None:
        self.evaluate = Evaluator(measures=measures)
        self.buckets = outside.template_buckets or TemplateBuckets(outside.aws)
        self._watch = StackWatch(outside.aws)
        self._template_objects = TemplateObjects(store, self.buckets)
        self._cleaning = Cleaning(store, retention)
        outside = outside._replace(stack_watch=self._watch)
        self.deployments = Reconciler(
            store,
            DeploymentHandler(store, METHODS, outside, self.evaluate, measures),
            ended=self._template_objects.after,
            measures=measures,
        )
        engines = manifest_engines(METHODS)
        self.registrations = Reconciler(
            store,
            RegistrationHandler(store, outside.aws.read_object, self.evaluate, engines),
            measures=measures,
        )
        self._reconcilers = (self.deployments, self.registrations)

    def start(self) -> None:
        """Starts all of it."""
        self.evaluate.start()
        for reconciler in self._reconcilers:
            reconciler.start()
        self._watch.start(self.deployments)
        self._cleaning.start()
        self._template_objects.start()

    def wake(self, operation: str) -> None:
        """Looks at once for the work that an operation may have left, instead of after a pause."""
        (self.registrations if operation == _REGISTERS else self.deployments).wake()

    def fault(self) -> str | None:
        """Why nothing moves at present, as a sentence; None if it does."""
        return _first(reconciler.fault() for reconciler in self._reconcilers)

    def end(self) -> str | None:
        """What has ended and only a restart can begin again, as a sentence, if there is something."""
        return _first((*(reconciler.end() for reconciler in self._reconcilers), self.evaluate.end()))

    def stop_claiming(self) -> None:
        """Begins nothing new, while requests are still taken."""
        for reconciler in self._reconcilers:
            reconciler.stop_claiming()
        # Beside the rest: AWS may not answer.
        threading.Thread(target=self._watch.stop, name="stack-watch-end", daemon=True).start()

    async def stop(self, seconds_left: Callable[[], float]) -> None:
        """Ends all of it, and waits for the steps in progress as long as there is time."""
        await asyncio.to_thread(self._cleaning.stop)
        for reconciler in self._reconcilers:
            await asyncio.to_thread(reconciler.stop, seconds_left() - _LAST_SECOND)
        self._template_objects.stop()
        self.evaluate.close()


def _first(faults: Iterable[str | None]) -> str | None:
    return next(filter(None, faults), None)
