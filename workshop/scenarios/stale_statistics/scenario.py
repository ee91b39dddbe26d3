"""The index is there, and the planner believes numbers of another database."""

from workshop.changes.kinds import Change, Data
from workshop.scenarios import whole_table
from workshop.scenarios.model import Population, Proof, Scenario
from workshop.shop import ledger

# Staging's numbers came along with a restore: there, the ledger has two products. PostgreSQL 18 has functions for it.
# Before it nothing does but a superuser's hand in the catalogue: an n_distinct of 2, set at the column, is not believed
# where ANALYZE has found common values (17.12 then expects 1,872 rows, not 2,000,000).
# https://www.postgresql.org/docs/current/functions-admin.html
RESTORED = f"""
DO $$
BEGIN
    IF current_setting('server_version_num')::int < 180000 THEN
        RAISE EXCEPTION 'statistics can be restored since PostgreSQL 18, this is %', current_setting('server_version');
    END IF;
    PERFORM pg_clear_attribute_stats('public', '{ledger.TABLE}', '{ledger.COLUMN}', false);
    PERFORM pg_restore_attribute_stats('schemaname', 'public', 'relname', '{ledger.TABLE}',
                                       'attname', '{ledger.COLUMN}', 'inherited', false,
                                       'null_frac', 0::real, 'avg_width', 9, 'n_distinct', 2::real);
END
$$
"""


def changes() -> list[Change]:
    """Put other numbers in, and have nobody count again: as it is until autovacuum comes round."""
    return [
        Data(
            name="statistics-of-another-database",
            up=[f"ALTER TABLE {ledger.TABLE} SET (autovacuum_enabled = false)", RESTORED],
            down=[f"ALTER TABLE {ledger.TABLE} RESET (autovacuum_enabled)", f"ANALYZE {ledger.TABLE}"],
        )
    ]


def signature(population: Population) -> Proof:
    """The sum of the ledger is most of a checkout's SQL, and its plan expects a hundred times what it finds."""
    slow, scan = whole_table.seen(population)
    if scan is None:
        return slow
    if not scan.misjudged:
        return Proof("the plan's estimate is right")
    told = f"the plan reads the whole table: it expects {scan.expected:,} rows and finds {scan.found:,}"
    return Proof(f"{slow.words}; {told}", slow.spans)


SCENARIO = Scenario(
    name="stale-statistics",
    title="The index is there, and the planner thinks that it does not pay",
    audience="customers",
    page="The checkout is slow since last night's restore; the index is there.",
    over="The checkout's p95 is what it was, and the plan's estimate is right.",
    changes=changes,
    cures=["ANALYZE stock_movement, and let autovacuum see to it again"],
    signature=signature,
    diagnosis="the planner expected",
    diagnosis_of_one="slow statement: inventory SELECT stock_movement",
    look_alikes={"missing-index": "the same trace; there the plan's estimate is right, and the index is missing"},
)
