"""What a comparison or a review hands to the writers of reports."""

from __future__ import annotations

from dataclasses import dataclass, field

from virtspec.diff.change import Change, Comparison, Threshold, Verdict
from virtspec.report.findings import Finding
from virtspec.review.apply import Moved, Rejected
from virtspec.review.mail import PatchMail


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """A finding that a suppression file answers, and the reason it gives."""

    change: Change
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One comparison with everything around it: a pair of inputs, one patch, or a whole series.

    `missing` says which patches of the series are not there. `ignored` are files of a patch that are no source of the
    text, `prose` those in which no fact has changed. `lines` and `removed` lead from the lines of the new and of the
    old text to those of the message, for each file.
    """

    title: str
    comparison: Comparison
    mail: PatchMail | None = None
    rejected: tuple[Rejected, ...] = ()
    moved: tuple[Moved, ...] = ()
    ignored: tuple[str, ...] = ()
    prose: tuple[str, ...] = ()
    cut: tuple[Rejected, ...] = ()
    missing: tuple[str, ...] = ()
    introduced: tuple[Finding, ...] = ()
    mended: tuple[Finding, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    lines: dict[str, dict[int, int]] = field(default_factory=dict)
    removed: dict[str, dict[int, int]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether everything was applied and compared."""
        return not (self.rejected or self.cut or self.missing) and self.comparison.complete


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of `diff` or `review`. `total` compares the first with the last text; `steps` are the patches of a
    series, where there are several. `status` says of a finding's fingerprint whether it is `new` or `discussed`; `gone`
    are findings of the earlier report that are no more; `stale` are suppressions that answered nothing."""

    total: Step
    steps: tuple[Step, ...] = ()
    status: dict[str, str] = field(default_factory=dict)
    gone: tuple[dict[str, str], ...] = ()
    stale: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return self.total.comparison.verdict

    @property
    def complete(self) -> bool:
        return self.total.complete and all(step.complete for step in self.steps)

    def exit_code(self, threshold: Threshold) -> int:
        """0 clean, 1 a finding at or above the threshold, 2 something was not applied or not compared.

        A patch that breaks something which a later one of its series mends is still told; only the sum decides.
        """
        if not self.complete:
            return 2
        return 1 if self.total.comparison.exceeds(threshold) else 0
