"""Tables of automation: rules as they were put in force, runs of them, and the steps of each run. Steps are the truth about
how far a run is; what drives them keeps no other.
"""

from typing import Final

import sqlalchemy as sa

from bss.tables import identifier, index, instant, reference, tenant_table, unique

RULE_SET: Final = tenant_table(
    "automation_rule_set",
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    unique("number"),
)
"""A file of rules that was put in force, by whom; its text never changes. The highest number is in force."""

RUN: Final = tenant_table(
    "automation_run",
    sa.Column("rule", sa.String(64), nullable=False),
    sa.Column("rule_set", sa.Integer, nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("texts", sa.JSON, nullable=False),
    identifier("event_id", nullable=False),
    sa.Column("event_kind", sa.String(80), nullable=False),
    sa.Column("resource", sa.String(64), nullable=False),
    identifier("resource_id", nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("depth", sa.Integer, nullable=False),
    sa.Column("reason", sa.String(500), nullable=False),
    identifier("made_id"),
    instant("ended_ns"),
    unique("event_id", "rule"),
)
"""A rule that an event fired. `texts` are the action's, filled in. `depth`: how many runs led to the event, one after the
other. `reason`: why it was stopped. `made_id`: what the action made."""
index(RUN, "state", "id")
index(RUN, "rule", "resource_id", "id")
index(RUN, "made_id")
sa.Index("ix_automation_run_ended", RUN.c.ended_ns)

RUN_STEP: Final = tenant_table(
    "automation_step",
    identifier("run_id", nullable=False),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("input", sa.JSON, nullable=False),
    sa.Column("outcome", sa.JSON, nullable=False),
    sa.Column("error_code", sa.String(80), nullable=False),
    sa.Column("error", sa.String(1000), nullable=False),
    instant("started_ns"),
    instant("ended_ns"),
    reference("run_id", "automation_run"),
    unique("run_id", "place"),
    is_audited=False,
)
"""`input` is what the step began with, `outcome` what it made; ids and words of the rule's author, no personal data."""

AUTOMATION_TABLES: Final = (RULE_SET, RUN, RUN_STEP)
