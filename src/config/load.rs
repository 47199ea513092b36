//! Brings the layers together and reads them table by table.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use config::{Environment, File, FileFormat, Map, Value, ValueKind};

use super::example::EXAMPLE;
use super::problem::{ConfigErrors, of_file};
use super::section::{Demand, Faults, Section, Wrong};
use super::{
    Application, Company, Config, Google, Http, Mapping, Portal, Secret, Share, ShareRole,
    StoreOptions, check,
};
use crate::domain::plan::TargetSeeds;

/// The beginning of our variables' names, and what stands between the names of tables and keys.
const PREFIX: &str = "PLANFACT";
const SEPARATOR: &str = "__";
/// What messages call the environment; the `config` crate's own word for it.
const ENVIRONMENT: &str = "the environment";

type Table = Map<String, Value>;

pub(super) fn config(
    path: &Path,
    environment: &BTreeMap<String, String>,
) -> Result<Config, ConfigErrors> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => of_file(
            &file,
            "there is no such file",
            "make one with `planfact init`, or name another with --config",
        ),
        _ => of_file(
            &file,
            format!("cannot be read ({error})"),
            "let the program's user read it",
        ),
    })?;
    let folder = folder_of(path);
    let environment: BTreeMap<String, String> = environment
        .iter()
        .map(|(name, value)| (name.to_uppercase(), value.clone()))
        .filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty())
        .collect();
    config_of_text(&text, path, &folder, &environment)
}

pub(super) fn company_of_data(
    text: &str,
    file: &str,
    bitrix24: Portal,
) -> Result<Company, ConfigErrors> {
    let mut table = parse(text, file)?;
    let faults = Faults::new(file);
    if table.remove("bitrix24").is_some() {
        let wrong = Wrong::new("does not belong to a folder of data", "take it out");
        faults.add(None, "bitrix24", None, wrong);
    }
    let section = Section::new(
        "company",
        "",
        table,
        default_company(),
        Demand::Data,
        &faults,
    );
    let company = company(&section, |_| Some(bitrix24));
    faults.or(company)
}

/// What a demonstration is made of.
#[derive(Debug, Clone)]
pub struct DemoInput {
    /// Where the store is kept.
    pub folder: PathBuf,
    /// The key file of the simulated service account.
    pub credentials: PathBuf,
    /// The simulated Google.
    pub endpoint: String,
    /// The id of the folder in its shared drive.
    pub drive_folder: String,
    /// The simulated portal.
    pub webhook_url: String,
    /// The company, as in [`Config::company_from_toml`].
    pub company_toml: String,
}

pub(super) fn demo(input: &DemoInput) -> Result<Config, ConfigErrors> {
    let portal = Portal::webhook(Secret::new(input.webhook_url.clone()));
    let mut company = company_of_data(&input.company_toml, "company.toml", portal)?;
    company.id = "demo".to_owned();
    company.folder = Some(input.drive_folder.clone());
    let endpoint = check::endpoint(&Value::new(None, input.endpoint.as_str()))
        .map_err(|wrong| of_file("the simulator's address", wrong.what, wrong.remedy))?;
    Ok(Config {
        file: input.folder.join("planfact.toml"),
        google: Google {
            credentials: input.credentials.clone(),
            endpoint: Some(endpoint),
            subject: None,
        },
        store: StoreOptions {
            path: input.folder.join("planfact.db"),
        },
        http: Http {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        },
        companies: vec![company],
    })
}

/// Reads a whole configuration from text, as if the file stood in `folder`.
pub(super) fn config_of_text(
    text: &str,
    path: &Path,
    folder: &Path,
    environment: &BTreeMap<String, String>,
) -> Result<Config, ConfigErrors> {
    let file = path.display().to_string();
    let faults = Faults::new(&file);
    let mut table = layers(text, &file, environment)?;
    override_companies(&mut table, environment, &faults);
    let root = Section::new("", "", table, defaults(), Demand::Full, &faults);
    let result = read_config(path, folder, &root, &faults);
    faults.or(result)
}

/// The folder from which relative paths count; absolute when the system tells where we are, so
/// that a later change of the working folder does not move the files.
fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new(""));
    std::path::absolute(folder.join(".")).unwrap_or_else(|_| folder.to_owned())
}

/// The file, and over it what the environment says about everything but companies.
fn layers(
    text: &str,
    file: &str,
    environment: &BTreeMap<String, String>,
) -> Result<Table, ConfigErrors> {
    let variables = environment
        .iter()
        .filter(|(name, _)| company_variable(name).is_none())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let environment = Environment::with_prefix(PREFIX)
        .prefix_separator(SEPARATOR)
        .separator(SEPARATOR)
        .ignore_empty(true)
        .source(Some(variables));
    let mut table = parse(text, file)?;
    let over = config::Config::builder()
        .add_source(environment)
        .build()
        .and_then(|config| config.cache.into_table())
        .map_err(|_| {
            let remedy = "name them PLANFACT__<TABLE>__<KEY>";
            of_file(
                ENVIRONMENT,
                "has PLANFACT__ variables that cannot be understood",
                remedy,
            )
        })?;
    for (name, value) in over {
        merge(&mut table, name, value);
    }
    Ok(table)
}

/// Puts a value over another; tables are merged key by key.
fn merge(table: &mut Table, name: String, value: Value) {
    if let ValueKind::Table(inner) = &value.kind
        && let Some(Value {
            kind: ValueKind::Table(below),
            ..
        }) = table.get_mut(&name)
    {
        for (name, value) in inner.clone() {
            merge(below, name, value);
        }
        return;
    }
    table.insert(name, value);
}

/// Reads TOML. A fault of syntax is told by line and column, without the line itself, because a
/// secret may stand in it.
fn parse(text: &str, file: &str) -> Result<Table, ConfigErrors> {
    let place = |span: Option<std::ops::Range<usize>>| {
        let before = span.and_then(|span| text.get(..span.start)).unwrap_or("");
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        format!("{file}:{line}:{column}")
    };
    toml::from_str::<toml::Table>(text).map_err(|error| {
        // Messages may go on to quote what was found; the first line says what was expected.
        let message = error.message().lines().next().unwrap_or_default();
        of_file(
            &place(error.span()),
            format!("is not TOML ({message})"),
            "correct the line",
        )
    })?;
    let source = File::from_str(text, FileFormat::Toml);
    let table = config::Config::builder()
        .add_source(source)
        .build()
        .and_then(|config| config.cache.into_table());
    table.map_err(|_| of_file(file, "is not understood", "compare it with `planfact init`"))
}

fn defaults() -> Table {
    // The compiled-in example is read by a test; it cannot fail here.
    parse(EXAMPLE, "default.toml").unwrap_or_default()
}

fn default_company() -> Table {
    match defaults().remove("company").map(|value| value.kind) {
        Some(ValueKind::Array(mut companies)) if !companies.is_empty() => {
            companies.remove(0).into_table().unwrap_or_default()
        }
        _ => Table::new(),
    }
}

/// `PLANFACT__COMPANY__<ID>__<KEY>` → (`<ID>`, `<KEY>`).
fn company_variable(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix(PREFIX)?
        .strip_prefix(SEPARATOR)?
        .strip_prefix("COMPANY")?
        .strip_prefix(SEPARATOR)?
        .split_once(SEPARATOR)
        .filter(|(_, key)| !key.is_empty())
}

/// Puts what the environment says about a company over its table.
fn override_companies(table: &mut Table, environment: &BTreeMap<String, String>, faults: &Faults) {
    let mut none = Vec::new();
    let companies = match table.get_mut("company").map(|value| &mut value.kind) {
        Some(ValueKind::Array(companies)) => companies,
        _ => &mut none,
    };
    for (name, value) in environment {
        let Some((id, key)) = company_variable(name) else {
            continue;
        };
        let mine = companies
            .iter_mut()
            .find_map(|company| match &mut company.kind {
                ValueKind::Table(table) if variable_id(table).as_deref() == Some(id) => Some(table),
                _ => None,
            });
        let Some(mine) = mine else {
            let wrong = Wrong::new(
                "names no company of the file",
                "write its id in capitals, with `_` for `-`",
            );
            faults.add(Some(ENVIRONMENT), name, None, wrong);
            continue;
        };
        let origin = ENVIRONMENT.to_owned();
        let mut value = Value::new(Some(&origin), value.as_str());
        let mut keys: Vec<String> = key.split(SEPARATOR).map(str::to_lowercase).collect();
        while keys.len() > 1 {
            let inner = keys.pop().unwrap_or_default();
            value = Value::new(Some(&origin), Table::from_iter([(inner, value)]));
        }
        merge(mine, keys.remove(0), value);
    }
}

/// A company's id as it stands in the name of a variable.
fn variable_id(company: &Table) -> Option<String> {
    match &company.get("id")?.kind {
        ValueKind::String(id) => Some(id.to_uppercase().replace('-', "_")),
        _ => None,
    }
}

fn read_config(path: &Path, folder: &Path, root: &Section<'_>, faults: &Faults) -> Option<Config> {
    let google = root.table("google", "google");
    let store = root.table("store", "store");
    let http = root.table("http", "http");
    let credentials = google.need("credentials", |value| check::path(value, folder));
    let endpoint = google.get("endpoint", check::endpoint);
    let subject = google.get("subject", check::email);
    let store = store.get("url", |value| check::store_path(value, folder));
    let listen = http.get("listen", check::listen);
    let companies = companies(root, folder, faults);
    Some(Config {
        file: path.to_owned(),
        google: Google {
            credentials: credentials?,
            endpoint,
            subject,
        },
        store: StoreOptions { path: store? },
        http: Http { listen: listen? },
        companies,
    })
}

fn companies(root: &Section<'_>, folder: &Path, faults: &Faults) -> Vec<Company> {
    let blocks = match root.raw("company").map(|value| &value.kind) {
        Some(ValueKind::Array(blocks)) if !blocks.is_empty() => blocks.as_slice(),
        Some(ValueKind::Table(_)) => {
            let wrong = Wrong::new("is one table", "write it with two brackets: [[company]]");
            faults.add(None, "company", None, wrong);
            return Vec::new();
        }
        _ => {
            let wrong = Wrong::new("is missing", "add a [[company]] block");
            faults.add(None, "company", None, wrong);
            return Vec::new();
        }
    };
    let mut companies: Vec<Company> = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    for (position, block) in blocks.iter().enumerate() {
        let ValueKind::Table(table) = &block.kind else {
            let wrong = Wrong::new("is not a table", "write it as a [[company]] block");
            faults.add(block.origin(), &format!("company[{position}]"), None, wrong);
            continue;
        };
        let name = match table.get("id").map(|id| &id.kind) {
            Some(ValueKind::String(id)) => id.clone(),
            _ => position.to_string(),
        };
        let path = format!("company[{name}]");
        if ids.contains(&name) {
            let wrong = Wrong::new("stands twice", "give each company an id of its own");
            faults.add(block.origin(), &path, None, wrong);
        }
        ids.push(name);
        let table = table.clone();
        let section = Section::new(
            "company",
            &path,
            table,
            default_company(),
            Demand::Full,
            faults,
        );
        companies.extend(company(&section, |section| portal(section, folder)));
    }
    companies
}

/// Reads a company; `portal` says where its portal is.
fn company(
    section: &Section<'_>,
    portal: impl FnOnce(&Section<'_>) -> Option<Portal>,
) -> Option<Company> {
    let id = section.need("id", check::id);
    let name = section.need("name", check::text);
    let time_zone = section.need("time_zone", check::time_zone);
    let currency = section.need("currency", check::currency);
    let locale = section.get("locale", check::locale);
    let refresh = section.get("refresh", check::cron);
    let holidays = section.get("holidays", check::holidays);
    let share_with = shares(section);
    let folder_id = section.get("folder", check::drive_id);
    let report_template = section.get("report_template", check::drive_id);
    let plan_template = section.get("plan_template", check::drive_id);
    let bitrix24 = portal(section);
    let mapping = mapping(&section.table("mapping", "company.mapping"));
    let targets = targets(&section.table("targets", "company.targets"));
    Some(Company {
        id: id?,
        name: name?,
        time_zone: time_zone?,
        locale: locale?,
        currency: currency?,
        refresh: refresh?,
        holidays: holidays?,
        share_with,
        folder: folder_id,
        report_template,
        plan_template,
        bitrix24: bitrix24?,
        mapping: mapping?,
        targets: targets?,
    })
}

fn portal(company: &Section<'_>, folder: &Path) -> Option<Portal> {
    let section = company.table("bitrix24", "company.bitrix24");
    let ca_file = section.get("ca_file", |value| check::path(value, folder));
    // The default is no decision: an application's portal tells its tariff itself.
    let said = section.get("enterprise", check::flag);
    let enterprise = said.filter(|_| section.has("enterprise"));
    if section.has("client_id") {
        let application = application(&section, company, folder)?;
        return Some(Portal {
            application: Some(application),
            ca_file,
            enterprise,
            ..Portal::webhook(Secret::new(String::new()))
        });
    }
    let webhook_url = section.need_secret("webhook_url", |value| check::webhook(value, folder))?;
    Some(Portal {
        ca_file,
        enterprise,
        ..Portal::webhook(webhook_url)
    })
}

/// A local application: its portal, its code and its key are needed, the rest has defaults.
fn application(section: &Section<'_>, company: &Section<'_>, folder: &Path) -> Option<Application> {
    if section.has("webhook_url") {
        let wrong = Wrong::new(
            "stands beside client_id",
            "leave out one of them: a portal is reached in one way",
        );
        section
            .faults
            .add(None, &section.path_of("webhook_url"), None, wrong);
    }
    for key in ["portal", "client_secret"] {
        if !section.has(key) {
            let wrong = Wrong::new(
                "is missing",
                "copy it from the application's form in the portal",
            );
            section.faults.add(None, &section.path_of(key), None, wrong);
        }
    }
    let portal = section.get("portal", check::endpoint);
    let client_id = section.get("client_id", check::text);
    let client_secret = section.need_secret("client_secret", |value| check::secret(value, folder));
    let server = section.get("oauth_server", check::endpoint);
    let token_file = match section.has("token_file") {
        true => section.get("token_file", |value| check::path(value, folder)),
        false => company
            .get("id", check::id)
            .map(|id| folder.join(format!("{id}.tokens.json"))),
    };
    Some(Application {
        portal: portal?,
        client_id: client_id?,
        client_secret: client_secret?,
        token_file: token_file?,
        server: server?,
    })
}

fn mapping(section: &Section<'_>) -> Option<Mapping> {
    let junk_statuses = section.get("junk_statuses", check::texts);
    let pipelines = section.get("pipelines", check::pipelines);
    Some(Mapping {
        junk_statuses: junk_statuses?,
        pipelines,
    })
}

fn targets(section: &Section<'_>) -> Option<TargetSeeds> {
    let break_even = section.get("break_even", check::money);
    let profit = section.get("profit", check::money);
    let margin = section.get("margin", check::margin);
    let avg_check = section.get("avg_check", check::positive_money);
    let conversion = section.get("conversion", check::conversion);
    let growth = section.get("growth", check::growth);
    let seasonality = section.get("seasonality", check::seasonality);
    Some(TargetSeeds {
        break_even,
        profit,
        margin: margin?,
        avg_check,
        conversion,
        growth: growth?,
        seasonality: seasonality?,
    })
}

/// Addresses, or tables of an address and a role.
fn shares(section: &Section<'_>) -> Vec<Share> {
    let reader = |value: &Value| {
        check::email(value).map(|email| Share {
            email,
            role: ShareRole::Reader,
        })
    };
    let Some(Value {
        kind: ValueKind::Array(values),
        ..
    }) = section.raw("share_with")
    else {
        // A text with commas, from the environment.
        return section
            .get("share_with", check::texts)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|email| section.get("share_with", |_| reader(&Value::new(None, email))))
            .collect();
    };
    let mut shares = Vec::new();
    for (position, value) in values.iter().enumerate() {
        let ValueKind::Table(table) = &value.kind else {
            shares.extend(section.get("share_with", |_| reader(value)));
            continue;
        };
        let path = format!("{}[{position}]", section.path_of("share_with"));
        let entry = Section::new(
            "company.share_with",
            &path,
            table.clone(),
            Table::new(),
            Demand::Full,
            section.faults,
        );
        let role = match entry.has("role") {
            true => entry.get("role", check::role),
            false => Some(ShareRole::Reader),
        };
        if !entry.has("email") {
            let wrong = Wrong::new("has no e-mail address", "add email = \"…\"");
            section.faults.add(value.origin(), &path, None, wrong);
        }
        let email = entry.get("email", check::email);
        shares.extend(email.zip(role).map(|(email, role)| Share { email, role }));
    }
    shares
}
