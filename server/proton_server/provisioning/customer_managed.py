"""Customer-managed environments: Proton deploys nothing, and the spec's values are the environment's outputs.

https://docs.aws.amazon.com/proton/latest/userguide/ag-env-customer-managed.html
No calls to AWS here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proton_server.provisioning import Progress, State

if TYPE_CHECKING:
    from proton_server.provisioning import Work


class CustomerManaged:
    """The verbs of `Provisioner`; each deployment is done at once."""

    def start(self, work: Work) -> Progress:
        """Takes the spec's values as outputs."""
        outputs = [{"key": key, "valueString": str(value)} for key, value in work.read_inputs().items()]
        return Progress(State.SUCCEEDED, outputs=outputs)

    def observe(self, work: Work) -> Progress:
        """The same again."""
        return self.start(work)

    def cancel(self, work: Work) -> Progress:
        """Has no effect: the deployment is done already."""
        return self.start(work)

    def resume(self, work: Work) -> Progress:
        """The same again: nothing outside the database can have changed."""
        return self.start(work)

    def remove(self, work: Work) -> Progress:
        """Nothing was deployed."""
        del work
        return Progress(State.SUCCEEDED)

    def observe_removal(self, work: Work) -> Progress:
        """Nothing was deployed."""
        return self.remove(work)

    def resume_removal(self, work: Work) -> Progress:
        """Nothing was deployed."""
        return self.remove(work)
