"""A check of our own: a valid request is refused only for what is stored, never for its form."""

import schemathesis

OF_STATE = {"IDEMPOTENCY_KEY_REUSED", "VERSION_MISMATCH", "VERSIONS_DIFFER"}


@schemathesis.check
def refused_for_state_alone(ctx, response, case):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code not in (412, 422):
        return
    problem = response.json()
    faults = {fault["path"] for fault in problem.get("errors", [])}
    if problem["code"] not in OF_STATE and faults != {"cursor"}:
        raise AssertionError(f"A valid request was refused with {problem['code']}: {problem}")
