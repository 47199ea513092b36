//! Carries out a change set. Decides nothing.

use crate::google::Google;
use crate::sheet::edit::{Edit, Grid};

use super::outcome::SyncError;

/// What publishing one file came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Published {
    /// Cells written.
    pub cells: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// Write requests sent.
    pub requests: u64,
    /// What the edits kept before they wrote over it.
    pub kept: Option<Grid>,
}

/// Sends the edits of one file as one atomic batch (tab by tab when that would be too large); without
/// edits nothing is sent.
pub async fn publish(google: &Google, file: &str, edits: &[Edit]) -> Result<Published, SyncError> {
    if edits.is_empty() {
        return Ok(Published::default());
    }
    let applied = google.apply(file, edits).await?;
    Ok(Published {
        cells: applied.cells as u64,
        bytes: applied.bytes as u64,
        requests: applied.requests as u64,
        kept: applied.kept,
    })
}
