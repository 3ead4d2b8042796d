"""Runs Schemathesis against a gateway, with valid and invalid requests."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.engine import events
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.generation.case import Case
from schemathesis.hooks import HookContext
from schemathesis.openapi.checks import RejectedPositiveData
from schemathesis.specs.openapi.schemas import OpenApiSchema

# Messages for the rules that the description states in words, since a schema cannot express them.
_BEYOND_THE_SCHEMA = re.compile(
    r"messages\.\d+: `tool_use` ids were found without `tool_result` blocks"
    r"|messages\.\d+\.content\.\d+\.id: `tool_use` ids must be unique"
    r"|messages\.\d+\.content\.\d+: unexpected `tool_use_id` found"
    r"|messages\.\d+\.content\.\d+: each tool_use must have a single result"
    r"|messages(\.\d+\.content)?: text content blocks must be non-empty"
    r"|tools\.\d+\.name: Tool names must be unique"
    r"|tools\.\d+: Input tag '.*' found using 'type' does not match"
    r"|[\w.]+: Extra inputs are not permitted"
    r"|tool_choice: Tool '.*' not found in provided tools"
    r"|A maximum of 4 blocks with cache_control"
    r"|from: Input should be (before `to`|at most \d+ days)"
    r"|to: Input should be a later time"
    r"|cursor: Input should be the `next_cursor` of a page"
    r"|time_zone: Input should be a time zone"
    r"|group_by: .* cannot be combined",
    re.DOTALL,
)


@dataclass
class Findings:
    """The result of a run: the count of each status by operation, and all violations."""

    answers: dict[str, Counter[int]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def add(self, recorder: ScenarioRecorder) -> None:
        """Add the results of a scenario."""
        counts = self.answers.setdefault(recorder.label, Counter())
        for interaction in recorder.interactions.values():
            if interaction.response is not None:
                counts[interaction.response.status_code] += 1
        for case_id, checks in recorder.checks.items():
            response = recorder.find_response(case_id=case_id)
            body = response.content[:500] if response is not None else b""
            self.violations += [
                f"{recorder.label}: {check.failure_info.failure}\n{body!r}\n"
                f"{check.failure_info.code_sample[:2000]}"
                for check in checks
                if check.failure_info is not None
            ]


def fuzz(
    *, url: str, token: str, model: str, mark: str, examples: int, seed: int, is_thorough: bool
) -> Findings:
    """Run every check of Schemathesis; requests that name a model get `model` and `mark`.

    Counting tokens has the same body as a call: its limits are tested only in a thorough run.
    """
    settings = {
        "seed": seed,
        "base-url": url,
        "request-timeout": 30,
        "continue-on-failure": True,
        "auth": {"openapi": {"bearer": {"bearer": token}}},
        "generation": {"max-examples": examples, "no-shrink": True, "database": "none"},
        "phases": {"examples": {"enabled": False}},
        "operations": [
            {
                "include-operation-id": "countTokens",
                "phases": {"coverage": {"enabled": is_thorough}},
            }
        ],
    }
    config = SchemathesisConfig.from_dict(settings)
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json", config=config)

    @schema.hook
    def map_case(context: HookContext, case: Case[Any]) -> Case[Any]:
        if isinstance(case.body, dict) and _is_name(case.body.get("model")):
            case.body = case.body | {
                "model": model,
                "context_management": {"x-mark": mark},
            }
        return case

    @schema.hook
    def filter_failure(
        context: HookContext, failure: Failure, case: Case[Any], response: Response
    ) -> bool:
        return not (isinstance(failure, RejectedPositiveData) and _is_beyond_the_schema(response))

    return _run(schema)


def _run(schema: OpenApiSchema) -> Findings:
    findings = Findings()
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.FatalError):
            raise event.exception
        if isinstance(event, events.NonFatalError):
            raise event.value
        if isinstance(event, events.ScenarioFinished):
            findings.add(event.recorder)
    return findings


def _is_name(model: object) -> bool:
    return isinstance(model, str) and 1 <= len(model) <= 256


def _is_beyond_the_schema(response: Response) -> bool:
    message = response.json()["error"]["message"]
    return response.status_code == 400 and _BEYOND_THE_SCHEMA.match(message) is not None
