//! The Sheets quotas: requests a minute, by user and by project, reads and writes apart.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use super::http::ApiError;

/// Requests a minute for one user.
pub(crate) const PER_USER: usize = 60;
/// Requests a minute for the whole project.
pub(crate) const PER_PROJECT: usize = 300;

/// Instants of the last minute's requests.
type Window = VecDeque<DateTime<Utc>>;

/// The sliding windows of the last minute.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    users: HashMap<(String, bool), Window>,
    project: HashMap<bool, Window>,
}

fn used(window: &mut Window, now: DateTime<Utc>) -> usize {
    let horizon = now - TimeDelta::seconds(60);
    while window.front().is_some_and(|t| *t <= horizon) {
        window.pop_front();
    }
    window.len()
}

impl Quotas {
    /// Counts one request of `user`.
    ///
    /// # Errors
    /// A quota is used up: Google's 429. A refused request is not counted.
    pub(crate) fn spend(
        &mut self,
        user: &str,
        reads: bool,
        now: DateTime<Utc>,
        project: u64,
    ) -> Result<(), ApiError> {
        let mine = self.users.entry((user.to_owned(), reads)).or_default();
        if used(mine, now) >= PER_USER {
            return Err(ApiError::quota(reads, true, PER_USER, project));
        }
        let all = self.project.entry(reads).or_default();
        if used(all, now) >= PER_PROJECT {
            return Err(ApiError::quota(reads, false, PER_PROJECT, project));
        }
        mine.push_back(now);
        all.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixty_first_request_of_a_minute_is_refused_and_a_minute_later_served() {
        let mut quotas = Quotas::default();
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for i in 0..60 {
            let at = start + TimeDelta::milliseconds(i * 100);
            assert!(quotas.spend("a", true, at, 1).is_ok());
        }
        let refused = quotas
            .spend("a", true, start + TimeDelta::seconds(30), 1)
            .unwrap_err();
        assert_eq!((refused.code, refused.status), (429, "RESOURCE_EXHAUSTED"));
        assert!(
            refused
                .message
                .contains("'Read requests per minute per user'")
        );
        assert!(
            quotas
                .spend("a", false, start + TimeDelta::seconds(30), 1)
                .is_ok()
        );
        assert!(
            quotas
                .spend("b", true, start + TimeDelta::seconds(30), 1)
                .is_ok()
        );
        assert!(
            quotas
                .spend("a", true, start + TimeDelta::seconds(61), 1)
                .is_ok()
        );
    }

    #[test]
    fn the_project_has_its_own_limit() {
        let mut quotas = Quotas::default();
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for i in 0..300 {
            assert!(
                quotas
                    .spend(&format!("user{}", i / 60), false, now, 1)
                    .is_ok()
            );
        }
        let refused = quotas.spend("another", false, now, 7).unwrap_err();
        assert!(refused.message.ends_with("'project_number:7'."));
        assert!(
            refused
                .message
                .contains("limit 'Write requests per minute' ")
        );
    }
}
