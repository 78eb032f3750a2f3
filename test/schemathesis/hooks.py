"""A check of our own: a valid request is refused only for what no schema can say, never for its form."""

import schemathesis

OF_STATE = {
    "IDEMPOTENCY_KEY_REUSED",
    "PREFERENCES_CHANGED",
    "VERSION_MISMATCH",
    "VERSIONS_DIFFER",
}
BEYOND_SCHEMAS = {
    ("cursor", 'is not a "nextCursor" of this list: begin without a cursor'),
    ("orderId", 'is needed, or else "customerId", but not both'),
}


@schemathesis.check
def refused_for_state_alone(ctx, response, case):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code not in (412, 422):
        return
    problem = response.json()
    faults = {(fault["path"], fault["message"]) for fault in problem.get("errors", [])}
    if problem["code"] not in OF_STATE and not (faults and faults <= BEYOND_SCHEMAS):
        raise AssertionError(f"A valid request was refused with {problem['code']}: {problem}")
