//! What people did: calls and meetings (R61, R63, R68).
//!
//! A call counts when the company called and people spoke: the plan's calls are those to be made. The
//! telephony knows best; where there is none, the CRM's own activities stand in for it, never both,
//! because a call of the telephony leaves an activity too. A meeting counts when it was held, in the
//! month for which it was set. Proposals are counted by nobody: no record of the CRM is one by itself.

use super::row::MetricRow;
use crate::domain::crm::{Activity, ActivityKind, Call, Direction};
use crate::domain::slot::Metric;

/// What an activity is to the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// A call that was made.
    Called,
    /// A meeting that was held.
    Met,
}

/// Whether a call of the telephony was made.
pub(super) fn was_made(call: &Call) -> bool {
    call.took_place && matches!(call.direction, Direction::Out | Direction::Back)
}

/// What an activity is, and when it was (Unix seconds); none for what was not done, or is neither.
pub(super) fn deed(activity: &Activity) -> Option<(Deed, i64)> {
    let deed = match (activity.kind, activity.direction) {
        (ActivityKind::Meeting, _) => Deed::Met,
        (ActivityKind::Call, Direction::Out | Direction::Back) => Deed::Called,
        _ => return None,
    };
    let at = activity.starts.unwrap_or(activity.created);
    activity.completed.then_some((deed, at.timestamp()))
}

/// Which sources of deeds a company has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sources {
    /// The telephony.
    pub(super) calls: bool,
    /// The CRM's activities.
    pub(super) activities: bool,
}

/// Counts of one month (and user).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct DeedTally {
    calls: u32,
    called: u32,
    meetings: u32,
}

impl DeedTally {
    /// A call of the telephony.
    pub(super) fn call(&mut self) {
        self.calls += 1;
    }

    /// An activity.
    pub(super) fn add(&mut self, deed: Deed) {
        match deed {
            Deed::Called => self.called += 1,
            Deed::Met => self.meetings += 1,
        }
    }

    /// Writes the metrics; what a company has no source of stays blank.
    pub(super) fn write(&self, sources: Sources, row: &mut MetricRow) {
        let calls = match sources {
            Sources { calls: true, .. } => Some(self.calls),
            Sources {
                activities: true, ..
            } => Some(self.called),
            _ => None,
        };
        row.set_count(Metric::Calls, calls.map(u64::from));
        let meetings = sources.activities.then_some(self.meetings);
        row.set_count(Metric::Meetings, meetings.map(u64::from));
    }
}
