//! Makes a company's spreadsheets: publishes the built-in template once, copies it, verifies the
//! copy and repairs what it lost.
//!
//! Idempotent: a file is found by the marks that Drive keeps on it, so that a lost store, a second
//! press or a crash between two requests never makes a second copy.

use chrono::Datelike;

use crate::domain::calendar::Day;
use crate::google::{DriveFile, Google, Kind as GoogleKind};
use crate::sheet::edit::Edit;
use crate::sheet::template::{self, TemplateInput, TemplateKind};
use crate::sheet::workbook::{NamedRange, Tab, Workbook};
use crate::store::{Binding, Store};

use super::outcome::SyncError;
use super::publish::publish;
use super::upgrade::Upgraded;
use super::words::Words;
use super::{Engine, Profile};

/// Mark on Drive files: `template` or `company`.
const MARK_KIND: &str = "planfact_kind";
/// Mark on Drive files: the company's id.
const MARK_COMPANY: &str = "planfact_company";
/// Mark on Drive files: `report` or `plan:2026`.
const MARK_ROLE: &str = "planfact_role";
/// Mark on Drive files: fingerprint of the template.
const MARK_TEMPLATE: &str = "planfact_template";

/// The company's two spreadsheets of a year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The report.
    pub report: Binding,
    /// The plan of the year.
    pub plan: Binding,
    /// Roles of the files that were made just now.
    pub made: Vec<String>,
    /// What the copies had lost and got back.
    pub repaired: Vec<String>,
    /// Files that a newer built-in template is laid over, or would be.
    pub upgraded: Vec<Upgraded>,
}

impl Files {
    /// Whether a newer template was looked at and not laid: what a pass does afterwards depends on it.
    pub fn is_upgrade_pending(&self) -> bool {
        self.upgraded.iter().any(|upgraded| upgraded.pending)
    }
}

/// Whether a newer template is laid over the files, or only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lay {
    /// Lay it.
    Over,
    /// Only say what it would do.
    Look,
}

/// Which year's plan a pass works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlanYear {
    /// The year of today.
    #[default]
    This,
    /// The one after it, planned before it begins.
    Next,
}

impl PlanYear {
    /// The year, as of a day.
    pub fn on(self, today: Day) -> i32 {
        match self {
            PlanYear::This => today.year(),
            PlanYear::Next => today.year() + 1,
        }
    }
}

/// The role of a plan file.
pub fn plan_role(year: i32) -> String {
    format!("plan:{year}")
}

/// The company's files, made where they do not exist yet, and brought up to the built-in templates.
/// Costs no request when they are known and up to date.
pub async fn ensure(
    engine: &Engine,
    profile: &Profile,
    year: i32,
    lay: Lay,
) -> Result<Files, SyncError> {
    let known = engine.store.bindings(&profile.id)?;
    let mut made = Vec::new();
    let mut repaired = Vec::new();
    let mut bound = Vec::new();
    let mut upgraded = Vec::new();
    for (kind, role) in [
        (TemplateKind::Report, "report".to_owned()),
        (TemplateKind::Plan, plan_role(year)),
    ] {
        let job = Job::new(engine, profile, kind, role, year);
        let mut binding = match known.iter().find(|binding| binding.role == job.role) {
            Some(binding) => binding.clone(),
            None => {
                let (binding, fresh, mended) = job.make().await?;
                if fresh {
                    made.push(binding.role.clone());
                }
                repaired.extend(mended);
                binding
            }
        };
        upgraded.extend(job.bring_up(&mut binding, lay).await?);
        bound.push(binding);
    }
    let plan = bound.pop();
    let report = bound.pop();
    match (report, plan) {
        (Some(report), Some(plan)) => Ok(Files {
            report,
            plan,
            made,
            repaired,
            upgraded,
        }),
        _ => Err(SyncError::Sheet {
            file: profile.name.clone(),
            what: "no report or plan could be made".to_owned(),
            remedy: "Report this as a defect.".to_owned(),
        }),
    }
}

/// Lets go of a file that was deleted, so that [`ensure`] makes another; the store's memory of its
/// cells stays, and the next pass writes people's numbers into the new one.
///
/// # Errors
/// Refused while the file stands: two reports or plans would be worse than none.
pub async fn let_go(engine: &Engine, profile: &Profile, role: &str) -> Result<(), SyncError> {
    let known = engine.store.bindings(&profile.id)?;
    let Some(binding) = known.into_iter().find(|binding| binding.role == role) else {
        return Ok(());
    };
    match engine.google.file(&binding.file).await {
        Ok(file) if !file.trashed => Err(SyncError::Sheet {
            file: file.name,
            what: format!("it is not deleted, it stands at {}", binding.url),
            remedy:
                "Leave out `--anew`; or, if you want a fresh file, put this one into the bin in \
                     Drive first."
                    .to_owned(),
        }),
        Ok(_) => Ok(engine.store.drop_binding(&profile.id, role)?),
        Err(error) if error.kind == GoogleKind::NotFound => {
            Ok(engine.store.drop_binding(&profile.id, role)?)
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) struct Job<'a> {
    pub(super) google: &'a Google,
    pub(super) store: &'a dyn Store,
    pub(super) profile: &'a Profile,
    pub(super) kind: TemplateKind,
    role: String,
    pub(super) year: i32,
}

impl<'a> Job<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        profile: &'a Profile,
        kind: TemplateKind,
        role: String,
        year: i32,
    ) -> Job<'a> {
        Job {
            google: &engine.google,
            store: &*engine.store,
            profile,
            kind,
            role,
            year,
        }
    }
}

impl Job<'_> {
    async fn make(&self) -> Result<(Binding, bool, Vec<String>), SyncError> {
        let workbook = self.render()?;
        let fingerprint = template::fingerprint(&workbook);
        let folder = self.profile.folder.as_deref();
        let marks = [
            (MARK_KIND, "company"),
            (MARK_COMPANY, self.profile.id.as_str()),
            (MARK_ROLE, self.role.as_str()),
            (MARK_TEMPLATE, fingerprint.as_str()),
        ];
        let (file, fresh) = match self
            .google
            .find(&marks[..3], folder)
            .await?
            .into_iter()
            .next()
        {
            Some(file) => (file, false),
            None => {
                let source = self.source(&workbook, &fingerprint).await?;
                let title = self.title();
                (
                    self.google.copy(&source, &title, folder, &marks).await?,
                    true,
                )
            }
        };
        let template = file.properties.get(MARK_TEMPLATE);
        let template = template.unwrap_or(&fingerprint).clone();
        // A file of an older template is brought up to date instead.
        let repaired = if template == fingerprint {
            self.verify(&file, &workbook).await?
        } else {
            Vec::new()
        };
        self.google.share(&file.id, &self.profile.grants).await?;
        let binding = Binding {
            role: self.role.clone(),
            file: file.id,
            template,
            url: file.url,
        };
        self.store.save_binding(&self.profile.id, &binding)?;
        tracing::info!(company.id = %self.profile.id, file.role = %binding.role, file.fresh = fresh,
            "spreadsheet is ready");
        Ok((binding, fresh, repaired))
    }

    /// The built-in template for this company.
    fn input(&self) -> TemplateInput {
        TemplateInput {
            locale: self.profile.locale.clone(),
            currency: self.profile.currency.clone(),
            time_zone: self.profile.calendar.zone.name().to_owned(),
            year: self.year,
        }
    }

    pub(super) fn render(&self) -> Result<Workbook, SyncError> {
        Ok(template::render(self.kind, &self.input())?)
    }

    /// The fingerprint of what [`Job::render`] gives.
    pub(super) fn fingerprint(&self) -> Result<String, SyncError> {
        Ok(template::fingerprint_for(self.kind, &self.input())?)
    }

    /// The spreadsheet that the configuration names instead of the built-in template.
    pub(super) fn configured(&self) -> Option<&String> {
        match self.kind {
            TemplateKind::Report => self.profile.report_template.as_ref(),
            TemplateKind::Plan => self.profile.plan_template.as_ref(),
        }
    }

    /// The spreadsheet to copy: the configured one, else the built-in template's file, which is
    /// published at the first need.
    async fn source(&self, workbook: &Workbook, fingerprint: &str) -> Result<String, SyncError> {
        if let Some(id) = self.configured() {
            self.check_configured(id).await?;
            return Ok(id.clone());
        }
        self.published(workbook, fingerprint).await
    }

    /// The built-in template's file, made at the first need.
    pub(super) async fn published(
        &self,
        workbook: &Workbook,
        fingerprint: &str,
    ) -> Result<String, SyncError> {
        let folder = self.profile.folder.as_deref();
        let marks = [(MARK_KIND, "template"), (MARK_TEMPLATE, fingerprint)];
        match self.template_file(fingerprint).await? {
            Some(id) => Ok(id),
            None => {
                let google = self.google;
                let file = google.publish_workbook(workbook, folder, &marks).await?;
                Ok(file.id)
            }
        }
    }

    /// The file of a built-in template that was published before.
    pub(super) async fn template_file(
        &self,
        fingerprint: &str,
    ) -> Result<Option<String>, SyncError> {
        let marks = [(MARK_KIND, "template"), (MARK_TEMPLATE, fingerprint)];
        let folder = self.profile.folder.as_deref();
        let found = self.google.find(&marks, folder).await?;
        Ok(found.into_iter().next().map(|file| file.id))
    }

    /// Marks a company's file as made from a template, in Drive and in the store.
    pub(super) async fn rebind(
        &self,
        binding: &mut Binding,
        fingerprint: &str,
    ) -> Result<(), SyncError> {
        let mark = [(MARK_TEMPLATE, fingerprint)];
        self.google.mark(&binding.file, &mark).await?;
        fingerprint.clone_into(&mut binding.template);
        Ok(self.store.save_binding(&self.profile.id, binding)?)
    }

    /// A template that lacks a table is refused before anything is copied.
    async fn check_configured(&self, id: &str) -> Result<(), SyncError> {
        let specs = template::tables(self.kind, self.year);
        let wanted: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let observed = self.google.observe(id, &wanted).await?;
        let missing: Vec<&str> = wanted
            .into_iter()
            .filter(|name| !observed.blocks.contains_key(*name))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(SyncError::Sheet {
            file: format!("template {id}"),
            what: format!("the named ranges {} are missing", missing.join(", ")),
            remedy: "Add them to the template (Data → Named ranges), or remove the template's id \
                     from the configuration to use the built-in one."
                .to_owned(),
        })
    }

    fn title(&self) -> String {
        let words = Words::of(&self.profile.locale);
        match self.kind {
            TemplateKind::Report => words.report_title(&self.profile.name),
            TemplateKind::Plan => words.plan_title(&self.profile.name, self.year),
        }
    }

    /// Compares the copy with what the template promises and gives back what it lost.
    async fn verify(
        &self,
        file: &DriveFile,
        promised: &Workbook,
    ) -> Result<Vec<String>, SyncError> {
        if self.configured().is_some() {
            return Ok(Vec::new());
        }
        let found = self.google.read_workbook(&file.id).await?;
        let (edits, lost) = lost(promised, &found);
        publish(self.google, &file.id, &edits).await?;
        Ok(lost)
    }
}

/// What `found` lacks of `promised`, as edits and as words.
fn lost(promised: &Workbook, found: &Workbook) -> (Vec<Edit>, Vec<String>) {
    let mut edits = Vec::new();
    let mut words = Vec::new();
    for tab in &promised.tabs {
        match found.tabs.iter().find(|other| other.id == tab.id) {
            None => {
                words.push(format!("tab {}", tab.title));
                edits.push(Edit::AddTab(Box::new(tab.clone())));
            }
            Some(other) => lost_on_tab(tab, other, &mut edits, &mut words),
        }
    }
    for name in &promised.names {
        let known = found.names.iter().find(|other| other.name == name.name);
        if known.is_none_or(|known| known.area.is_nowhere()) {
            words.push(format!("named range {}", name.name));
            edits.push(Edit::SetName(NamedRange {
                id: known.map(|known| known.id.clone()).unwrap_or_default(),
                ..name.clone()
            }));
        }
    }
    (edits, words)
}

fn lost_on_tab(promised: &Tab, found: &Tab, edits: &mut Vec<Edit>, words: &mut Vec<String>) {
    for chart in &promised.charts {
        if !found.charts.iter().any(|other| other.title == chart.title) {
            words.push(format!("chart {}", chart.title));
            edits.push(Edit::AddChart {
                tab: promised.id,
                chart: Box::new(chart.clone()),
            });
        }
    }
    for protection in &promised.protections {
        let same = |other: &&crate::sheet::workbook::Protection| {
            other.description == protection.description
        };
        if found.protections.iter().find(same).is_none() {
            words.push(format!("protection of {}", promised.title));
            edits.push(Edit::AddProtection {
                tab: promised.id,
                protection: protection.clone(),
            });
        }
    }
    for conditional in &promised.conditional {
        if !found
            .conditional
            .iter()
            .any(|other| other.formula == conditional.formula)
        {
            words.push(format!("conditional format on {}", promised.title));
            edits.push(Edit::AddConditional {
                tab: promised.id,
                conditional: conditional.clone(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::workbook::{Area, Color, Conditional, Format, Protection, Rect};

    fn book() -> Workbook {
        let rect = Rect {
            row_start: 0,
            row_end: 2,
            column_start: 0,
            column_end: 1,
        };
        let tab = Tab {
            id: 7,
            title: "Данные".to_owned(),
            protections: vec![Protection {
                id: 0,
                rect: None,
                description: "data".to_owned(),
                warning_only: false,
            }],
            conditional: vec![Conditional {
                ranges: vec![rect],
                formula: "=A1>1".to_owned(),
                format: Format {
                    color: Some(Color(1, 2, 3)),
                    ..Format::default()
                },
            }],
            ..Tab::default()
        };
        let name = NamedRange {
            id: "n1".to_owned(),
            name: "months".to_owned(),
            area: Area { tab: 7, rect },
        };
        Workbook {
            tabs: vec![tab],
            names: vec![name],
            ..Workbook::default()
        }
    }

    #[test]
    fn a_whole_copy_needs_nothing() {
        assert_eq!(lost(&book(), &book()), (Vec::new(), Vec::new()));
    }

    #[test]
    fn what_a_copy_lost_comes_back() {
        let mut found = book();
        found.names.clear();
        found.tabs[0].protections.clear();
        found.tabs[0].conditional.clear();
        let (edits, words) = lost(&book(), &found);
        assert_eq!(edits.len(), 3);
        assert_eq!(
            words,
            [
                "protection of Данные",
                "conditional format on Данные",
                "named range months"
            ]
        );
        found.tabs.clear();
        let (edits, _) = lost(&book(), &found);
        assert!(matches!(&edits[0], Edit::AddTab(tab) if tab.id == 7));
    }
}
