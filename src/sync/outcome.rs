//! What an error means for the program: try again, wait for the next pass, or ask a human.
//!
//! The only place that decides it. Adapters say what kind of error they met; this table says what
//! follows and which exit code a verb ends with.

use crate::bitrix24::{BitrixError, Kind as PortalKind};
use crate::google::{GoogleError, Kind as GoogleKind};
use crate::sheet::audit::AuditError;
use crate::sheet::template::TemplateError;
use crate::store::StoreError;

use super::pull::PullError;

/// Why a pass did not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The portal.
    #[error(transparent)]
    Portal(#[from] BitrixError),
    /// Google.
    #[error(transparent)]
    Google(#[from] GoogleError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A template cannot be rendered.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The audit refused the change set; nothing was written.
    #[error("the change set was refused, nothing was written")]
    Audit(#[source] AuditError),
    /// A spreadsheet lacks something that the daemon needs.
    #[error("{file}: {what}")]
    Sheet {
        /// Title or role of the file.
        file: String,
        /// What is wrong.
        what: String,
        /// What to do about it.
        remedy: String,
    },
}

/// What follows from an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Passing trouble: the next pass is the retry, the schedule goes on.
    NextPass,
    /// A human has to do something; told once, with the remedy.
    Human(String),
    /// A defect or a damaged file: reported, the schedule goes on.
    Failed,
}

impl From<PullError> for SyncError {
    fn from(error: PullError) -> SyncError {
        match error {
            PullError::Portal(error) => SyncError::Portal(error),
            PullError::Store(error) => SyncError::Store(error),
        }
    }
}

impl SyncError {
    /// What follows from this error.
    pub fn outcome(&self) -> Outcome {
        match self {
            SyncError::Portal(error) => match error.kind {
                PortalKind::Transient
                | PortalKind::RateLimited
                | PortalKind::OperationTime { .. } => Outcome::NextPass,
                PortalKind::NeedsHuman | PortalKind::NotFound => {
                    Outcome::Human(error.remedy().to_owned())
                }
                _ => Outcome::Failed,
            },
            SyncError::Google(error) => match error.kind {
                GoogleKind::Transient | GoogleKind::RateLimited | GoogleKind::UnknownOutcome => {
                    Outcome::NextPass
                }
                GoogleKind::SignIn | GoogleKind::NeedsHuman | GoogleKind::NotFound => {
                    Outcome::Human(error.remedy())
                }
                _ => Outcome::Failed,
            },
            SyncError::Store(StoreError::InUse { .. } | StoreError::TooNew { .. }) => {
                Outcome::Human("Stop the other process or use the newer program.".to_owned())
            }
            SyncError::Sheet { remedy, .. } => Outcome::Human(remedy.clone()),
            _ => Outcome::Failed,
        }
    }

    /// The sentence that tells a person what to do, when there is one.
    pub fn remedy(&self) -> Option<String> {
        match (self.outcome(), self) {
            (Outcome::Human(remedy), _) => Some(remedy),
            (_, SyncError::Google(error)) => Some(error.remedy()),
            (_, SyncError::Portal(error)) => Some(error.remedy().to_owned()),
            _ => None,
        }
    }

    /// The whole chain of causes as one line, printed once where the error is handled.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
