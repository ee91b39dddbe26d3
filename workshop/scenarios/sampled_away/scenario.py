"""One service decides for itself which traces it keeps, without regard to what its caller has decided."""

from workshop.changes.kinds import Setting
from workshop.scenarios.model import Population, Proof, Scenario, Traffic
from workshop.scenarios.reading import LEAST, calls, is_top


def signature(population: Population) -> Proof:
    """Calls that were answered well and have no callee anywhere, beside others of the same kind that have one."""
    made = [(trace, span) for trace, span in calls(population, "gateway", "/orders") if not span.is_error]
    whole = [at for at, (trace, span) in enumerate(made) if trace.children(span)]
    cut = [at for at, (trace, span) in enumerate(made) if not trace.children(span)]
    elsewhere = [
        each for each in population.traces if is_top(each) and each.root.service in ("order", "inventory", "payment")
    ]
    if len(cut) < LEAST or not whole or elsewhere:
        return Proof(
            f"{len(cut)} of {len(made)} calls have no callee, and {len(elsewhere)} traces begin in the middle: "
            "some calls should have one, some not, and no trace should"
        )
    # The one that is shown is next to one that is whole.
    cut.sort(key=lambda at: min(abs(at - each) for each in whole))
    return Proof(
        f"{len(cut)} of {len(made)} calls of the gateway were answered by an order service that left no span, here or "
        "in another trace; the others are whole",
        [made[at][1] for at in cut],
    )


SCENARIO = Scenario(
    name="sampled-away",
    title="Order samples one trace in ten by itself, and the gateway keeps all",
    audience="on-call",
    page="Nothing is slow. Nine of ten traces end at the gateway, and it is never the ones that we need.",
    over="Every trace that is kept is whole.",
    changes=lambda: [
        Setting(service="order", values={"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"})
    ],
    cures=[
        "take the setting back",
        "OTEL_TRACES_SAMPLER=parentbased_traceidratio: whoever has a parent does as the parent does",
    ],
    signature=signature,
    diagnosis="spans are missing",
    traffic=Traffic(users=2, seconds=5.0),
    look_alikes={
        "lost-header": "there the callee's spans are in a trace of their own, here they are nowhere",
        "killed-callee": "there the call has failed, here it was answered",
    },
)
