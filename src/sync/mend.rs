//! Gives a file back what of the program's own was deleted from it: a data tab, the calculations, a
//! name, and the formulas and charts that point at nothing since.
//!
//! Only what the program needs in order to go on is put back. A visible tab that a person threw out
//! stays out, and people's own numbers are never part of a template: they are in the store.

use crate::sheet::audit::{self, Limits, Ownership};
use crate::sheet::edit::Observed;
use crate::sheet::table::lacking;
use crate::sheet::template::{self, KEEPER_RANGES, TemplateKind};
use crate::sheet::upgrade::{Editions, upgrade};
use crate::store::Binding;

use super::copy::{Files, Job, Lay};
use super::outcome::SyncError;
use super::publish::publish;
use super::reconcile::View;
use super::upgrade::{Past, Upgraded};
use super::{Engine, Profile};

/// Whether what a pass reads of a file lacks something that the program or the visible tabs cannot go on
/// without. Of the calculations it reads no more than a name on them: [`check`] looks closer.
fn is_damaged(observed: &Observed, kind: TemplateKind, year: i32, is_built_in: bool) -> bool {
    let stands = |name: &str| {
        let mut names = observed.names.iter();
        names.any(|known| known.name == name && !known.area.is_nowhere())
    };
    let keeps = kind == TemplateKind::Report || KEEPER_RANGES.iter().all(|(name, _)| stands(name));
    let calculates = stands(template::calculations(kind));
    // A template of the company's own need not have the keeper, nor calculations like ours.
    !lacking(observed, &template::tables(kind, year)).is_empty()
        || (is_built_in && !(keeps && calculates))
}

/// Reads both files whole and puts back whatever of the program's own they lack.
///
/// # Errors
/// Of Google.
pub async fn check(
    engine: &Engine,
    profile: &Profile,
    year: i32,
    files: &mut Files,
) -> Result<(), SyncError> {
    let kinds = [
        (TemplateKind::Report, &files.report),
        (TemplateKind::Plan, &files.plan),
    ];
    let mut told = Vec::new();
    for (kind, binding) in kinds {
        let job = Job::new(engine, profile, kind, binding.role.clone(), year);
        let mended = job.mend(binding, Lay::Over).await?;
        told.extend(mended.iter().flat_map(Upgraded::lines));
    }
    files.repaired.extend(told);
    Ok(())
}

/// Puts back what either file lacks of the program's own, or says what would be put back. Costs no
/// request when nothing is lacking.
///
/// # Errors
/// Of Google; what cannot be put back is told by the pass that misses it.
pub(super) async fn mend(
    engine: &Engine,
    profile: &Profile,
    year: i32,
    lay: Lay,
    files: &Files,
    view: &View,
) -> Result<Vec<Upgraded>, SyncError> {
    let mut mended = Vec::new();
    for (kind, binding, observed) in [
        (TemplateKind::Report, &files.report, &view.report),
        (TemplateKind::Plan, &files.plan, &view.plan),
    ] {
        let job = Job::new(engine, profile, kind, binding.role.clone(), year);
        if is_damaged(observed, kind, year, job.configured().is_none()) {
            mended.extend(job.mend(binding, lay).await?);
        }
    }
    Ok(mended)
}

impl Job<'_> {
    async fn mend(&self, binding: &Binding, lay: Lay) -> Result<Option<Upgraded>, SyncError> {
        let now = self.google.read_workbook(&binding.file).await?;
        if Past::of(&now).is_newer() {
            // Its newer program knows what belongs there.
            return Ok(None);
        }
        let new = match (self.configured(), lay) {
            (Some(id), _) => self.google.read_workbook(id).await?,
            (None, Lay::Look) => self.render()?,
            (None, Lay::Over) => {
                let rendered = self.render()?;
                let id = self.published(&rendered, &self.fingerprint()?).await?;
                self.google.read_workbook(&id).await?
            }
        };
        let done = upgrade(Editions {
            base: Some(&new),
            now: &now,
            new: &new,
            specs: &template::tables(self.kind, self.year),
        });
        if done.edits.is_empty() {
            return Ok(None);
        }
        let mut cells = 0;
        if lay == Lay::Over {
            let ownership = Ownership {
                tabs: new.tabs.iter().map(|tab| tab.id).collect(),
                names: new.names.iter().map(|name| name.name.clone()).collect(),
                repair: true,
                ..Ownership::default()
            };
            audit::audit(&done.edits, &ownership, Limits::default()).map_err(SyncError::Audit)?;
            cells = publish(self.google, &binding.file, &done.edits)
                .await?
                .cells;
            tracing::warn!(company.id = %self.profile.id, file.role = %binding.role,
                changes = %done.changes.join("; "), "something of the program's own had been deleted \
                from the spreadsheet; it was put back");
        }
        Ok(Some(Upgraded {
            role: binding.role.clone(),
            pending: lay == Lay::Look,
            changes: done.changes,
            left: done.left,
            cells,
        }))
    }
}
