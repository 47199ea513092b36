//! Who calls and what he may see: the webhook's owner or an application's user, scopes, the rows and
//! pipelines that a person's role hides.

use std::collections::BTreeSet;

use crate::company::{Card, Company};

use super::Manners;
use super::answer::Refusal;

/// Which rows someone who is no administrator sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Rights {
    /// Every row.
    #[default]
    All,
    /// Rows of the people of his departments.
    Department,
    /// Rows that he is responsible for.
    Own,
}

impl Rights {
    /// Reads the word of a setting.
    pub(crate) fn read(word: &str) -> Result<Self, String> {
        match word {
            "all" => Ok(Self::All),
            "department" => Ok(Self::Department),
            "own" => Ok(Self::Own),
            _ => Err(format!("rights {word:?}: known are all, department, own")),
        }
    }
}

/// Whoever makes a call.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: u32,
    pub(crate) admin: bool,
    /// True for an application, false for a webhook.
    pub(crate) app: bool,
    pub(crate) scope: Vec<String>,
    /// Under which the operating time is counted.
    pub(crate) key: String,
    /// Which rows he sees.
    pub(crate) sight: Sight,
}

impl Caller {
    /// This user of this portal, by a webhook or an application.
    pub(crate) fn new(company: &Company, manners: &Manners, user: u32, app: bool) -> Self {
        let admin = if user == 1 {
            manners.admin
        } else {
            manners.admins.contains(&user)
        };
        Self {
            user,
            admin,
            app,
            scope: manners.scope.clone(),
            key: if app { "app" } else { "webhook" }.to_owned(),
            sight: Sight::new(company, manners, user, admin),
        }
    }

    /// Refuses who lacks a scope.
    pub(crate) fn need_scope(&self, scope: &str) -> Result<(), Refusal> {
        // Any of the scopes that a method takes will do.
        let granted = |wanted: &str| self.scope.iter().any(|granted| granted == wanted);
        if scope.is_empty() || scope.split('|').any(granted) {
            return Ok(());
        }
        let token = if self.app { "access" } else { "webhook" };
        Err(Refusal::new(
            401,
            "insufficient_scope",
            &format!("The request requires higher privileges than provided by the {token} token"),
        ))
    }

    /// Refuses a webhook where an application is needed.
    pub(crate) fn need_app(&self) -> Result<(), Refusal> {
        if self.app {
            return Ok(());
        }
        let (status, text) = (400, "Access denied! Application context required");
        Err(Refusal::new(status, "ACCESS_DENIED", text))
    }
}

/// The rows that a caller sees.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sight {
    /// Responsible people whose rows he sees; nothing means everybody's.
    pub(crate) users: Option<BTreeSet<u32>>,
    /// Pipelines that he does not see.
    pub(crate) hidden: Vec<u16>,
}

impl Sight {
    fn new(company: &Company, manners: &Manners, user: u32, admin: bool) -> Self {
        if admin {
            return Self::default();
        }
        let users = match manners.rights {
            Rights::All => None,
            Rights::Own => Some(BTreeSet::from([user])),
            Rights::Department => {
                let own = company.users.iter().find(|known| known.id == user);
                let departments = own.map(|own| own.departments.clone()).unwrap_or_default();
                let colleague = |other: &&crate::company::User| {
                    other.id == user
                        || other
                            .departments
                            .iter()
                            .any(|one| departments.contains(one))
                };
                Some(
                    company
                        .users
                        .iter()
                        .filter(colleague)
                        .map(|u| u.id)
                        .collect(),
                )
            }
        };
        Self {
            users,
            hidden: manners.hidden_categories.clone(),
        }
    }

    /// Whether rows of this person are seen.
    pub(crate) fn person(&self, user: u32) -> bool {
        self.users
            .as_ref()
            .is_none_or(|users| users.contains(&user))
    }

    /// Whether this pipeline is seen.
    pub(crate) fn pipeline(&self, category: u16) -> bool {
        !self.hidden.contains(&category)
    }

    /// Whether this lead or deal is seen.
    pub(crate) fn card(&self, card: &Card, deal: bool) -> bool {
        self.person(card.assigned) && (!deal || self.pipeline(card.category))
    }
}
