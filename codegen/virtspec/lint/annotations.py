"""Pages of the diagnostics about `spec/annotations.toml`: reviewed facts of our own, not defects of a document."""

from __future__ import annotations

from virtspec.diagnostics import Severity
from virtspec.lint.registry import given


@given("VS260", Severity.WARNING)
def stale_annotation() -> None:
    r"""A fact in `spec/annotations.toml` is tied to a paragraph that still reads as it did when it was reviewed.

    Reading reports it, lint does not: it is for those who keep the annotations.

    Bad:
        [[fact]]
        key = "port/struct/port_list/ports"
        length = "last_port + 1"
        section = "sec:Port / List"
        digest = ["0000000000000000"]   # of a paragraph that has changed since

    Good:
        [[fact]]
        key = "port/struct/port_list/ports"
        length = "last_port + 1"
        section = "sec:Port / List"
        digest = ["5feceb66ffc86f38"]   # of the paragraph as it reads now
    """


@given("VS261", Severity.WARNING)
def unused_annotation() -> None:
    r"""A fact in `spec/annotations.toml` is about a member, registry or entry that the specification has.

    Reading reports it, lint does not: it is for those who keep the annotations.

    Bad:
        [[fact]]
        key = "port/struct/port_list/prots"
        length = "last_port + 1"
        section = "sec:Port / List"
        digest = ["5feceb66ffc86f38"]

    Good:
        [[fact]]
        key = "port/struct/port_list/ports"
        length = "last_port + 1"
        section = "sec:Port / List"
        digest = ["5feceb66ffc86f38"]
    """
