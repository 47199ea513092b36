//! Readers of single values: from what TOML holds to what the program means.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use chrono::{DateTime, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use config::{Value, ValueKind};
use croner::parser::{CronParser, Seconds, Year};
use rust_decimal::Decimal;
use url::{Host, Url};

use super::problem::nearest;
use super::section::Wrong;
use super::{Secret, ShareRole};
use crate::domain::calendar::Day;
use crate::domain::money::Money;
use crate::domain::plan::Seasonality;

/// Currencies of ISO 4217 that are in use.
const CURRENCIES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND \
    BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN \
    ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD \
    JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT \
    MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR \
    RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND \
    TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

/// The longest id of a company, characters.
const ID_LENGTH_MAX: usize = 40;
/// The longest secret that a file may hold, bytes; more is surely the wrong file.
const SECRET_FILE_BYTES_MAX: u64 = 64 * 1024;

pub(super) fn text(value: &Value) -> Result<String, Wrong> {
    match &value.kind {
        ValueKind::String(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        ValueKind::String(_) => Err(Wrong::new("is empty", "give it a value, or leave it out")),
        _ => Err(Wrong::new("is not a text", "put it in quotation marks")),
    }
}

/// An array, or a text with commas as the environment has it.
fn list<T>(value: &Value, read: impl Fn(&Value) -> Result<T, Wrong>) -> Result<Vec<T>, Wrong> {
    match &value.kind {
        ValueKind::Array(values) => values.iter().map(read).collect(),
        ValueKind::String(text) => text
            .split(',')
            .filter(|part| !part.trim().is_empty())
            .map(|part| read(&Value::new(None, part.trim())))
            .collect(),
        _ => Err(Wrong::new(
            "is not a list",
            "write it in square brackets: [a, b]",
        )),
    }
}

pub(super) fn id(value: &Value) -> Result<String, Wrong> {
    let id = text(value)?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let fine = id.chars().all(plain) && id.len() <= ID_LENGTH_MAX && !id.contains("__");
    if fine && id.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Ok(id);
    }
    let remedy = format!(
        "use small Latin letters, digits, single `-` and `_`, at most {ID_LENGTH_MAX} of them"
    );
    Err(Wrong::new("is not fit for an id", remedy))
}

pub(super) fn time_zone(value: &Value) -> Result<Tz, Wrong> {
    let name = text(value)?;
    Tz::from_str(&name).map_err(|_| {
        // People give the city without the continent, too.
        let city = |zone: &&Tz| zone.name().rsplit('/').next().map(str::to_lowercase);
        let wanted = Some(name.to_lowercase().replace(' ', "_"));
        let remedy = TZ_VARIANTS
            .iter()
            .find(|zone| city(zone) == wanted)
            .map(|zone| zone.name())
            .or_else(|| nearest(&name, TZ_VARIANTS.iter().map(|zone| zone.name())))
            .map_or("such as \"Europe/Moscow\"".to_owned(), |zone| {
                format!("did you mean \"{zone}\"?")
            });
        Wrong::new("is not the name of an IANA time zone", remedy)
    })
}

pub(super) fn currency(value: &Value) -> Result<String, Wrong> {
    let code = text(value)?;
    if CURRENCIES
        .split_ascii_whitespace()
        .any(|known| known == code)
    {
        return Ok(code);
    }
    let upper = code.to_uppercase();
    let known = CURRENCIES.split_ascii_whitespace();
    let remedy = match nearest(&upper, known) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "such as \"RUB\" or \"USD\"".to_owned(),
    };
    Err(Wrong::new("is not a currency code of ISO 4217", remedy))
}

pub(super) fn locale(value: &Value) -> Result<String, Wrong> {
    let locale = text(value)?;
    let (language, country) = locale.split_once('_').unwrap_or((&locale, "XX"));
    let language_fits = language.len() == 2 && language.bytes().all(|b| b.is_ascii_lowercase());
    let country_fits = country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase());
    if language_fits && country_fits {
        return Ok(locale);
    }
    Err(Wrong::new(
        "is not a locale",
        "write language and country, such as \"ru_RU\"",
    ))
}

pub(super) fn cron(value: &Value) -> Result<String, Wrong> {
    let pattern = text(value)?;
    let cron = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
        .parse(&pattern)
        .map_err(|error| {
            let what = format!("is not a schedule ({error})");
            let remedy = "write minute, hour, day, month, weekday, such as \"0 3 * * *\"";
            Wrong::new(what, remedy)
        })?;
    // Any day will do to ask whether there is a next time at all.
    let from: DateTime<Utc> = DateTime::UNIX_EPOCH;
    match cron.find_next_occurrence(&from, false) {
        Ok(_) => Ok(pattern),
        Err(_) => Err(Wrong::new(
            "is a schedule that never comes",
            "check its day and month",
        )),
    }
}

pub(super) fn holidays(value: &Value) -> Result<BTreeSet<Day>, Wrong> {
    let day = |value: &Value| {
        let text = text(value)?;
        Day::parse_from_str(&text, "%Y-%m-%d").map_err(|_| {
            let what = format!("has {text:?}, which is not a day");
            Wrong::new(what, "write year, month, day, such as \"2026-11-04\"")
        })
    };
    Ok(list(value, day)?.into_iter().collect())
}

pub(super) fn texts(value: &Value) -> Result<Vec<String>, Wrong> {
    list(value, text)
}

pub(super) fn pipelines(value: &Value) -> Result<Vec<u64>, Wrong> {
    let pipelines = list(value, |value| {
        let id = number(value)?;
        let whole = id.is_integer().then(|| u64::try_from(id).ok()).flatten();
        whole.ok_or_else(|| {
            let what = format!("has {id}, which is not the id of a pipeline");
            Wrong::new(what, "write ids as the portal shows them, such as [0, 2]")
        })
    })?;
    if pipelines.is_empty() {
        return Err(Wrong::new(
            "is empty",
            "leave it out to count all pipelines",
        ));
    }
    Ok(pipelines)
}

pub(super) fn email(value: &Value) -> Result<String, Wrong> {
    let email = text(value)?;
    let fits = email
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'));
    if fits && !email.contains(char::is_whitespace) {
        return Ok(email);
    }
    Err(Wrong::new(
        format!("has {email:?}, which is not an e-mail address"),
        "correct it",
    ))
}

pub(super) fn role(value: &Value) -> Result<ShareRole, Wrong> {
    match text(value)?.as_str() {
        "reader" => Ok(ShareRole::Reader),
        "commenter" => Ok(ShareRole::Commenter),
        "writer" => Ok(ShareRole::Writer),
        _ => Err(Wrong::new(
            "is not a role",
            "use \"reader\", \"commenter\" or \"writer\"",
        )),
    }
}

/// The id of a file or folder, taken out of its address when that was given.
pub(super) fn drive_id(value: &Value) -> Result<String, Wrong> {
    let given = text(value)?;
    let mut parts = given.split(['/', '?', '#', '&']);
    let id = match given.starts_with("http") {
        true => parts
            .find(|part| matches!(*part, "d" | "folders"))
            .and(parts.next()),
        false => Some(given.as_str()),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match id {
        Some(id) if !id.is_empty() && id.chars().all(plain) => Ok(id.to_owned()),
        _ => {
            let remedy = "copy the address from the browser when the file or folder is open";
            Err(Wrong::new(
                "is neither a Drive id nor the address of a file or folder",
                remedy,
            ))
        }
    }
}

pub(super) fn path(value: &Value, folder: &Path) -> Result<PathBuf, Wrong> {
    let text = text(value)?;
    Ok(folder.join(text.strip_prefix("file:").unwrap_or(&text)))
}

pub(super) fn store_path(value: &Value, folder: &Path) -> Result<PathBuf, Wrong> {
    let url = text(value)?;
    if url.starts_with("postgres") {
        let what = "is a PostgreSQL address, which this version does not support yet";
        return Err(Wrong::new(what, "use sqlite:planfact.db"));
    }
    let path = url
        .strip_prefix("sqlite:")
        .map(|path| match path.strip_prefix("//") {
            // sqlite:///absolute: an empty host and an absolute path.
            Some(absolute) if absolute.starts_with('/') => absolute,
            Some(_) => "",
            None => path,
        });
    match path {
        Some(path) if !path.is_empty() => Ok(folder.join(path)),
        _ => {
            let remedy = "write sqlite:relative/path.db or sqlite:///absolute/path.db";
            Err(Wrong::new("is not the address of a store", remedy))
        }
    }
}

pub(super) fn listen(value: &Value) -> Result<SocketAddr, Wrong> {
    text(value)?.parse().map_err(|_| {
        let what = "is not an address with a port";
        Wrong::new(
            what,
            "write numbers, such as \"127.0.0.1:8480\" or \"[::1]:8480\"",
        )
    })
}

/// The base address of Google's interfaces; it ends with a slash.
pub(super) fn endpoint(value: &Value) -> Result<Url, Wrong> {
    let mut url = web_address(&text(value)?)?;
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// An address with https, or with http on this computer.
fn web_address(text: &str) -> Result<Url, Wrong> {
    let remedy = "write it in full, beginning with https://";
    let url = Url::parse(text)
        .map_err(|error| Wrong::new(format!("is not a web address ({error})"), remedy))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => {
            let what = "would send secrets over an open connection";
            Err(Wrong::new(
                what,
                "use https:// (http:// serves only for this computer)",
            ))
        }
        _ => Err(Wrong::new("is not a web address", remedy)),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether a secret is given as the path of a file: what begins with `/`, `./`, `../` or `file:`.
pub(super) fn is_file_path(given: &str) -> bool {
    ["/", "./", "../", "file:"]
        .iter()
        .any(|start| given.starts_with(start))
}

/// Yes or no; the environment has it as a text.
pub(super) fn flag(value: &Value) -> Result<bool, Wrong> {
    match &value.kind {
        ValueKind::Boolean(flag) => Ok(*flag),
        ValueKind::String(text) if text == "true" => Ok(true),
        ValueKind::String(text) if text == "false" => Ok(false),
        _ => Err(Wrong::new(
            "is neither true nor false",
            "write true or false",
        )),
    }
}

/// A secret, or the path of the file that holds it.
pub(super) fn secret(value: &Value, folder: &Path) -> Result<Secret, Wrong> {
    let given = text(value)?;
    let named = given.strip_prefix("file:");
    if !is_file_path(&given) {
        return Ok(Secret::new(given));
    }
    let path = folder.join(named.unwrap_or(&given));
    let place = path.display();
    let cannot = |error: std::io::Error| {
        let what = format!("names the file {place}, which cannot be read ({error})");
        Wrong::new(what, "correct the path, or let the program's user read it")
    };
    let length = std::fs::metadata(&path).map_err(cannot)?.len();
    if length > SECRET_FILE_BYTES_MAX {
        let what = format!("names the file {place}, which is too large for a secret");
        return Err(Wrong::new(
            what,
            "name the file that holds nothing but the secret",
        ));
    }
    let content = std::fs::read_to_string(&path).map_err(cannot)?;
    match content.trim() {
        "" => Err(Wrong::new(
            format!("names the file {place}, which is empty"),
            "fill it",
        )),
        secret => Ok(Secret::new(secret.to_owned())),
    }
}

/// An inbound webhook; it ends with a slash.
pub(super) fn webhook(value: &Value, folder: &Path) -> Result<Secret, Wrong> {
    const REMEDY: &str =
        "copy it from the portal: https://<portal>/rest/<number>/<secret>/ and nothing after that";
    let secret = secret(value, folder)?;
    // The parser's own words could repeat parts of the secret.
    let url = web_address(secret.expose()).map_err(|wrong| Wrong {
        what: wrong.what,
        remedy: REMEDY.to_owned(),
    })?;
    let parts: Vec<&str> = url.path().trim_matches('/').split('/').collect();
    match parts.as_slice() {
        [.., "rest", user, token]
            if user.bytes().all(|b| b.is_ascii_digit())
                && !user.is_empty()
                && !token.is_empty() =>
        {
            let mut url = url.clone();
            url.set_query(None);
            url.set_fragment(None);
            url.set_path(&format!("/{}/", parts.join("/")));
            Ok(Secret::new(url.into()))
        }
        _ => Err(Wrong::new(
            "is not the address of an inbound webhook",
            REMEDY,
        )),
    }
}

/// A number exactly as written, in TOML or as text.
fn number(value: &Value) -> Result<Decimal, Wrong> {
    let text = match &value.kind {
        ValueKind::I64(number) => number.to_string(),
        // The shortest text that reads as the same double is what was written.
        ValueKind::Float(number) => number.to_string(),
        ValueKind::String(text) => text.trim().to_owned(),
        _ => String::new(),
    };
    Decimal::from_str_exact(&text).map_err(|_| {
        Wrong::new(
            "is not a number",
            "write digits with a point, such as 1000000.50",
        )
    })
}

pub(super) fn money(value: &Value) -> Result<Money, Wrong> {
    let amount = number(value)?;
    if amount.is_sign_negative() && !amount.is_zero() {
        return Err(Wrong::new(
            "is below zero",
            "give an amount of zero or more",
        ));
    }
    Money::from_decimal(amount)
        .map_err(|error| Wrong::new(format!("is not an amount ({error})"), "correct it"))
}

pub(super) fn positive_money(value: &Value) -> Result<Money, Wrong> {
    match money(value)? {
        Money::ZERO => Err(Wrong::new(
            "is zero",
            "give an amount above zero, or leave it out",
        )),
        amount => Ok(amount),
    }
}

pub(super) fn margin(value: &Value) -> Result<Decimal, Wrong> {
    let margin = number(value)?;
    if margin > Decimal::ZERO && margin <= Decimal::ONE {
        return Ok(margin);
    }
    Err(Wrong::new(
        "is not a share",
        "give a number above 0 up to 1: thirty per cent is 0.3",
    ))
}

pub(super) fn growth(value: &Value) -> Result<Decimal, Wrong> {
    let growth = number(value)?;
    if growth > -Decimal::ONE && growth <= Decimal::ONE {
        return Ok(growth);
    }
    let what = "is not a growth a month";
    Err(Wrong::new(
        what,
        "give a number above -1 up to 1: two per cent is 0.02",
    ))
}

/// A pair such as `5/100`.
pub(super) fn conversion(value: &Value) -> Result<(u64, u64), Wrong> {
    let wrong = |what: &str| Wrong::new(what, "write deals of leads, such as \"5/100\"");
    let text = text(value).map_err(|_| wrong("is not a conversion"))?;
    let whole = |part: &str| part.trim().parse::<u64>().ok();
    match text
        .split_once('/')
        .map(|(won, of)| (whole(won), whole(of)))
    {
        Some((Some(won), Some(of))) if won > 0 && won <= of => Ok((won, of)),
        Some((Some(0), Some(_))) => Err(wrong("is zero, from which no plan follows")),
        Some((Some(_), Some(_))) => Err(wrong("is above one")),
        _ => Err(wrong("is not a conversion")),
    }
}

pub(super) fn seasonality(value: &Value) -> Result<Seasonality, Wrong> {
    let wrong = |what: String| Wrong::new(what, "use \"history\", \"flat\" or twelve numbers");
    match &value.kind {
        ValueKind::String(text) if text == "history" => return Ok(Seasonality::History),
        ValueKind::String(text) if text == "flat" => return Ok(Seasonality::Flat),
        ValueKind::String(text) if !text.contains(',') => {
            return Err(wrong("is not a seasonality".to_owned()));
        }
        _ => {}
    }
    let numbers = list(value, number)?;
    if numbers.iter().any(Decimal::is_sign_negative) || numbers.iter().all(Decimal::is_zero) {
        let what = "has a negative number, or nothing but zeros".to_owned();
        return Err(wrong(what));
    }
    let count = numbers.len();
    <[Decimal; 12]>::try_from(numbers)
        .map(Seasonality::Months)
        .map_err(|_| wrong(format!("has {count} numbers")))
}
