//! What a test can change about the portal besides its rows: `POST /_sim/settings`.

use serde_json::Value;

use super::access::Rights;
use super::operating::{Billing, Operating};
use super::{Plan, State, php};

/// Scopes of the webhook and of the application.
const SCOPES: [&str; 6] = ["catalog", "crm", "department", "task", "telephony", "user"];

/// The keys of a settings object.
const KNOWN: &str = "mode, admin, admins, scope, rights, hidden_categories, event_data, plan, \
    billing, operating_limit_s, operating_window_s, operating_ms, renamed_to, expired_licence, \
    https_required, forward_s, time_zone";

/// How the portal behaves.
#[derive(Clone, Debug)]
pub(crate) struct Manners {
    /// crm.settings.mode.get: 1 classic, 2 simple (no leads).
    pub(crate) mode: u8,
    /// Whether user 1, the webhook's owner, is an administrator.
    pub(crate) admin: bool,
    /// Other users who are administrators.
    pub(crate) admins: Vec<u32>,
    /// Scopes of the webhook and the application.
    pub(crate) scope: Vec<String>,
    /// What someone sees who is no administrator.
    pub(crate) rights: Rights,
    /// Pipelines that he does not see.
    pub(crate) hidden_categories: Vec<u16>,
    /// Whether offline events carry the row's id (real rows do, the documented sample does not).
    pub(crate) event_data: bool,
    /// How operating time is counted.
    pub(crate) operating: Operating,
    /// The portal's new address (`http://host:port`): requests to any other host are sent there.
    pub(crate) renamed_to: Option<String>,
    /// A self-hosted portal whose licence has run out sends every call to a page of its own, for ever.
    pub(crate) expired_licence: bool,
    /// Calls in the clear are refused.
    pub(crate) https_required: bool,
}

impl Manners {
    /// A new portal with these rules of operating time.
    pub(crate) fn new(operating: Operating) -> Self {
        Self {
            mode: 1,
            admin: true,
            admins: Vec::new(),
            scope: SCOPES.map(str::to_owned).to_vec(),
            rights: Rights::default(),
            hidden_categories: Vec::new(),
            event_data: true,
            operating,
            renamed_to: None,
            expired_licence: false,
            https_required: false,
        }
    }

    /// Sets one key; false when it is not one of the manners.
    fn set(&mut self, key: &str, value: &Value) -> Result<bool, String> {
        let yes = || {
            value
                .as_bool()
                .ok_or_else(|| format!("{key} is true or false"))
        };
        let seconds = || {
            let number = value.as_f64().filter(|number| *number >= 0.0);
            number.ok_or_else(|| format!("{key} is a number from 0"))
        };
        match key {
            "mode" => {
                let mode = value.as_u64().and_then(|mode| u8::try_from(mode).ok());
                self.mode = mode
                    .filter(|mode| matches!(mode, 1 | 2))
                    .ok_or("mode is 1 or 2")?;
            }
            "admin" => self.admin = yes()?,
            "admins" => self.admins = numbers(value)?,
            "scope" => {
                let scope = php::entries(value).into_iter();
                self.scope = scope.filter_map(|(_, v)| php::scalar(v)).collect();
            }
            "rights" => self.rights = Rights::read(value.as_str().unwrap_or_default())?,
            "hidden_categories" => self.hidden_categories = numbers(value)?,
            "event_data" => self.event_data = yes()?,
            "billing" => {
                self.operating.billing = match value.as_str() {
                    Some("methods") => Billing::Methods,
                    Some("batch") => Billing::Batch,
                    Some("off") => Billing::Off,
                    _ => return Err("billing is methods, batch or off".to_owned()),
                };
            }
            "operating_limit_s" => self.operating.limit_s = seconds()?,
            "operating_window_s" => self.operating.window_s = seconds()?,
            "operating_ms" => {
                let number = value.as_u64().ok_or("operating_ms is a whole number")?;
                self.operating.extra_ms = number;
            }
            "renamed_to" => {
                self.renamed_to = value
                    .as_str()
                    .map(|text| text.trim_end_matches('/').to_owned());
            }
            "expired_licence" => self.expired_licence = yes()?,
            "https_required" => self.https_required = yes()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn numbers<N: TryFrom<u64>>(value: &Value) -> Result<Vec<N>, String> {
    let read = |(_, item): (String, &Value)| {
        let number = item.as_u64().and_then(|number| N::try_from(number).ok());
        number.ok_or_else(|| format!("{item} is no number"))
    };
    php::entries(value).into_iter().map(read).collect()
}

/// Applies a settings object; nothing of it when a key is unknown or a value wrong.
pub(crate) fn apply(state: &State, given: &Value) -> Result<(), String> {
    let map = given.as_object().ok_or("settings are an object")?;
    let mut manners = state.manners();
    let (mut plan, mut forward, mut zone) = (None, 0, None);
    for (key, value) in map {
        match key.as_str() {
            "plan" => {
                plan = Some(match value.as_str() {
                    Some("standard") => Plan::Standard,
                    Some("enterprise") => Plan::Enterprise,
                    Some("unlimited") => Plan::Unlimited,
                    _ => return Err("plan is standard, enterprise or unlimited".to_owned()),
                });
            }
            "time_zone" => {
                let name = value.as_str().unwrap_or_default();
                let known = name.parse::<chrono_tz::Tz>();
                zone = Some(known.map_err(|_| format!("time_zone: {name:?} is no IANA name"))?);
            }
            "forward_s" => {
                let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
                forward = number.ok_or("forward_s is a whole number of seconds")?;
            }
            _ if manners.set(key, value)? => {}
            _ => return Err(format!("{key}: unknown; known are {KNOWN}")),
        }
    }
    state.set_manners(manners);
    if let Some(plan) = plan {
        state.set_plan(plan);
    }
    if let Some(zone) = zone {
        state.company_mut().set_zone(zone);
    }
    state.forward(forward);
    Ok(())
}
