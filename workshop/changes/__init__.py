"""What an operations team does to a running system, and undoing it; whoever breaks anything breaks it by this.

The shape, for whoever makes changes in code:

    from workshop.changes import edges, jobs, making, patching
    from workshop.changes.kinds import Data, Limit, Release, Setting

    settings = own.system()                                                  # this checkout's system, up
    entry = making.make(settings, Setting(service="payment", values={"PROVIDER_TIMEOUT_SECONDS": "0.03"}), by="me")
    making.make(settings, patching.named("inventory", "n-plus-one"))         # releases/NAME/SERVICE.patch
    making.make(settings, Release(service="order", name="x", patch="path/within/the/checkout.patch"))
    making.make(settings, Data(name="no-index", up=["DROP INDEX ..."], down=["CREATE INDEX IF NOT EXISTS ..."]))
    making.make(settings, edges.between("order", "payment", "proxy"))        # drops traceparent; or "link", delay_ms=40
    making.make(settings, jobs.sql("stocktake"))                             # jobs/NAME.sql; or Job(name, module, ...)
    making.make(settings, Limit(service="payment", cpus=0.2))
    making.undo(settings, lambda each: each.number == entry.number)          # or making.of("payment")
    journal.in_force(settings, "local")                                      # entries: number, change, by, made, state

`make` is whole when it returns, and nothing was changed when it raises StackError; at most one process is started anew.
"""
