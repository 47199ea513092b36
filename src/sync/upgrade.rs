//! Brings a company's files up to the built-in templates of this program (N23).
//!
//! What is done is decided in [`crate::sheet::upgrade`]; here the three editions are read, the batch
//! goes out, and the file is marked. The mark stands inside the batch (developer metadata of the
//! status tab), so that a crash between the batch and Drive's mark does not lay the template twice.

use crate::sheet::audit::{self, Limits, Ownership};
use crate::sheet::edit::Edit;
use crate::sheet::template::{self, EDITION, EDITION_KEY, UPGRADE_KEY};
use crate::sheet::upgrade::{Editions, Upgrade, upgrade};
use crate::sheet::workbook::Workbook;
use crate::store::Binding;

use super::copy::{Job, Lay};
use super::outcome::SyncError;
use super::publish::publish;

/// What bringing one file up to date did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgraded {
    /// The file's role.
    pub role: String,
    /// Whether it is still to be done.
    pub pending: bool,
    /// What changes, one line each.
    pub changes: Vec<String>,
    /// Where the template says something else and the company's stays.
    pub left: Vec<String>,
    /// Cells painted.
    pub cells: u64,
}

impl Upgraded {
    /// What changed, a line each, with the file's role.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        let line = |change| format!("{}: {change}", self.role);
        self.changes.iter().map(line)
    }
}

/// What a file tells of the templates it has had.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// The newest edition.
    edition: u32,
    /// How many upgrades.
    upgrades: u32,
    /// The fingerprint of the last upgrade.
    fingerprint: Option<String>,
}

impl Past {
    /// Whether a newer program made or changed the file.
    pub(super) fn is_newer(&self) -> bool {
        self.edition > EDITION
    }

    pub(super) fn of(file: &Workbook) -> Past {
        let mut past = Past::default();
        for (key, value) in file.tabs.iter().flat_map(|tab| &tab.metadata) {
            if key == EDITION_KEY {
                past.edition = past.edition.max(value.parse().unwrap_or(0));
            }
            let mut parts = value.splitn(3, ':');
            let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok());
            if key == UPGRADE_KEY
                && let (Some(nth), Some(edition)) = (number(), number())
            {
                past.edition = past.edition.max(edition);
                if nth > past.upgrades {
                    past.upgrades = nth;
                    past.fingerprint = value.splitn(3, ':').nth(2).map(str::to_owned);
                }
            }
        }
        past
    }
}

impl Job<'_> {
    /// Lays the built-in template over the company's file when the file was made from another one.
    /// Costs no request when it was not.
    pub(super) async fn bring_up(
        &self,
        binding: &mut Binding,
        lay: Lay,
    ) -> Result<Option<Upgraded>, SyncError> {
        if self.configured().is_some() {
            return Ok(None);
        }
        let fingerprint = self.fingerprint()?;
        if binding.template == fingerprint {
            return Ok(None);
        }
        let now = self.google.read_workbook(&binding.file).await?;
        let past = Past::of(&now);
        if past.is_newer() {
            return Ok(Some(self.newer(binding, past.edition)));
        }
        if past.fingerprint.as_ref() == Some(&fingerprint) {
            // It died between the batch and the marks.
            if lay == Lay::Over {
                self.rebind(binding, &fingerprint).await?;
            }
            return Ok(None);
        }
        let rendered = self.render()?;
        let former = past.fingerprint.clone();
        let former = former.unwrap_or_else(|| binding.template.clone());
        let base = match self.template_file(&former).await? {
            Some(id) => Some(self.google.read_workbook(&id).await?),
            None => None,
        };
        let new = match lay {
            Lay::Look => rendered,
            Lay::Over => {
                let id = self.published(&rendered, &fingerprint).await?;
                self.google.read_workbook(&id).await?
            }
        };
        let mut done = upgrade(Editions {
            base: base.as_ref(),
            now: &now,
            new: &new,
            specs: &template::tables(self.kind, self.year),
        });
        if base.is_none() {
            done.left.push(format!(
                "the template that the file was made from ({former}) is gone from Drive, so only \
                 what is missing is added"
            ));
        }
        let mut cells = 0;
        if lay == Lay::Over {
            cells = self
                .lay(binding, &mut done, &new, &past, &fingerprint)
                .await?;
        }
        Ok(Some(Upgraded {
            role: binding.role.clone(),
            pending: lay == Lay::Look,
            changes: done.changes,
            left: done.left,
            cells,
        }))
    }

    async fn lay(
        &self,
        binding: &mut Binding,
        done: &mut Upgrade,
        new: &Workbook,
        past: &Past,
        fingerprint: &str,
    ) -> Result<u64, SyncError> {
        let status = template::status_table(self.kind);
        let home = new.names.iter().find(|name| name.name == status);
        if let Some(home) = home {
            done.edits.push(Edit::AddMetadata {
                tab: home.area.tab,
                key: UPGRADE_KEY.to_owned(),
                value: format!("{}:{EDITION}:{fingerprint}", past.upgrades + 1),
            });
        }
        let ownership = Ownership {
            tabs: new.tabs.iter().map(|tab| tab.id).collect(),
            names: new.names.iter().map(|name| name.name.clone()).collect(),
            repair: true,
            ..Ownership::default()
        };
        audit::audit(&done.edits, &ownership, Limits::default()).map_err(SyncError::Audit)?;
        let published = publish(self.google, &binding.file, &done.edits).await?;
        self.rebind(binding, fingerprint).await?;
        tracing::info!(company.id = %self.profile.id, file.role = %binding.role,
            changes = done.changes.len(), left = done.left.len(), bytes = published.bytes,
            "a newer template was laid over the spreadsheet");
        Ok(published.cells)
    }

    /// An older program leaves the file of a newer one alone.
    fn newer(&self, binding: &Binding, edition: u32) -> Upgraded {
        tracing::warn!(company.id = %self.profile.id, file.role = %binding.role, edition,
            known = EDITION, "the spreadsheet is of a newer planfact's template and stays as it is");
        Upgraded {
            role: binding.role.clone(),
            pending: false,
            changes: Vec::new(),
            left: vec![format!(
                "the file is of edition {edition} of the template, this program carries {EDITION}: \
                 it stays as it is; run the newer planfact"
            )],
            cells: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::workbook::Tab;

    #[test]
    fn a_file_tells_its_last_upgrade_and_its_newest_edition() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let file = |metadata: Vec<(String, String)>| Workbook {
            tabs: vec![Tab {
                metadata,
                ..Tab::default()
            }],
            ..Workbook::default()
        };
        assert_eq!(Past::of(&file(Vec::new())), Past::default());
        let all = vec![
            pair(UPGRADE_KEY, "2:3:bb"),
            pair(EDITION_KEY, "1"),
            pair(UPGRADE_KEY, "1:5:aa"),
            pair(UPGRADE_KEY, "what"),
            pair("else", "9:9:zz"),
        ];
        let past = Past {
            edition: 5,
            upgrades: 2,
            fingerprint: Some("bb".to_owned()),
        };
        assert_eq!(Past::of(&file(all)), past);
    }
}
