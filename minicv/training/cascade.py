"""The stages of a cascade, trained one after another: each learns from what those before do wrong.

    1. stage 1    learns for its steps, from the pictures
    2. measure    how far off is it, on the pictures it learnt from?
    3. stage 2    learns for its steps, from predictions that are simulated with these errors
    2. and 3. again for each further stage; the stages before stay as they are

Source: Toshev & Szegedy, DeepPose, 2014, section 3.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from minicv.backend import Array
from minicv.data import DataLoader
from minicv.models.pose.deep_pose import DeepPose
from minicv.models.pose.displacements import ErrorsOfJoints
from minicv.training.divergence import Images, Targets
from minicv.training.step import GradientStep

StepOfStage = Callable[[int, int], GradientStep]
_PLAN = "steps of stages"


class CascadeStep:
    """A step that trains the stages of a `DeepPose` in turn.

    Args:
        model: with all of its stages.
        steps_of_stages: how many steps each stage learns for; the last one goes on to the end.
        step_of: from the number of a stage and its steps to what trains it, with an optimizer of
            its own: of the parameters of ``model.part(stage)``, by ``model.loss``.
        measured_on: from the number of a stage to the batches on which the stages before it are
            measured; it can also be set later, before stage 2 begins.

    Raises:
        ValueError: other numbers of steps than stages, or a stage without a step.

    The state holds the optimizer of the stage that learns; the stages before are in the model. A
    training can go on only with the same steps of each stage.
    """

    def __init__(
        self,
        model: DeepPose,
        steps_of_stages: Sequence[int],
        step_of: StepOfStage,
        measured_on: Callable[[int], DataLoader] | None = None,
    ) -> None:
        if len(steps_of_stages) != model.settings.stages or min(steps_of_stages) < 1:
            raise ValueError(
                f"CascadeStep: steps_of_stages={tuple(steps_of_stages)}; expected one step or more "
                f"for each of {model.settings.stages} stages"
            )
        self.model = model
        self.steps_of_stages = tuple(steps_of_stages)
        self.step_of = step_of
        self.measured_on = measured_on
        self.stage = 1
        self.learner = self._learner()

    @property
    def steps(self) -> int:
        """Of all stages together."""
        return sum(self.steps_of_stages[: self.stage - 1]) + self.learner.steps

    @property
    def learning_rate(self) -> float:
        """Of the step before, or of a stage's first one."""
        return self.learner.learning_rate

    def __call__(
        self, images: Images, targets: Targets, rng: np.random.Generator
    ) -> dict[str, float]:
        done = self.learner.steps >= self.steps_of_stages[self.stage - 1]
        if done and self.stage < self.model.settings.stages:
            self._begin(self.stage + 1)
        return self.learner(images, targets, rng)

    def _begin(self, stage: int) -> None:
        """Measure the stages before ``stage``, then let it learn."""
        if self.measured_on is None:
            raise ValueError("CascadeStep: measured_on is not set; expected what gives batches")
        measured = [
            self.model.displacements(images, targets) for images, targets in self.measured_on(stage)
        ]
        self.model.begin_stage(stage, ErrorsOfJoints.of(np.concatenate(measured)))
        self.stage = stage
        self.learner = self._learner()

    def _learner(self) -> GradientStep:
        return self.step_of(self.stage, self.steps_of_stages[self.stage - 1])

    def state_dict(self) -> dict[str, Array]:
        """The state of the stage's optimizer, its number, and the steps of all stages."""
        return {
            **self.learner.state_dict(),
            "stage": np.array(self.stage),
            _PLAN: np.array(self.steps_of_stages),
        }

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue where `state_dict` was taken.

        Raises:
            ValueError: the stages were trained for other numbers of steps, as with another number
                of epochs; or the state of another optimizer.
        """
        plan = tuple(np.asarray(state[_PLAN]).tolist())
        if plan != self.steps_of_stages:
            raise ValueError(
                f"its stages learn for {plan} steps but this run's for {self.steps_of_stages}; a "
                "cascade goes on only with the number of epochs that it began with"
            )
        stage = int(state["stage"])
        if not 1 <= stage <= len(plan):
            raise ValueError(f"it is in stage {stage} of {len(plan)}")
        rest = {name: array for name, array in state.items() if name not in ("stage", _PLAN)}
        self.stage = stage
        self.learner = self._learner()
        self.learner.load_state_dict(rest)
