//! What is read from good configurations, and what is told about bad ones.

use super::*;
use crate::domain::money::Money;
use crate::domain::plan::Seasonality;
use rust_decimal::Decimal;

/// The least that a configuration must have.
const LEAST: &str = r#"
[google]
credentials = "keys/google.json"

[[company]]
id = "main"
name = "Ромашка"
time_zone = "Asia/Yekaterinburg"
currency = "RUB"

[company.bitrix24]
webhook_url = "https://romashka.bitrix24.ru/rest/17/s3cr3ttoken/"
"#;

struct World {
    folder: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

impl World {
    fn new() -> World {
        World {
            folder: tempfile::tempdir().expect("a folder"),
            environment: BTreeMap::new(),
        }
    }

    fn with(mut self, name: &str, value: &str) -> World {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn file(self, name: &str, content: &str) -> World {
        std::fs::write(self.folder.path().join(name), content).expect("writes");
        self
    }

    fn load(&self, text: &str) -> Result<Config, ConfigErrors> {
        let path = self.folder.path().join("planfact.toml");
        std::fs::write(&path, text).expect("writes");
        Config::load_with(&path, &self.environment)
    }

    /// The faults, one a line, with the file's folder left out.
    fn faults(&self, text: &str) -> String {
        let error = self.load(text).expect_err("is faulty");
        let folder = format!("{}/", self.folder.path().display());
        error.to_string().replace(&folder, "")
    }
}

/// [`LEAST`] with one line replaced or, with an empty `old`, one added to the company.
fn changed(old: &str, new: &str) -> String {
    let (old, new) = match old {
        "" => ("currency = \"RUB\"", format!("currency = \"RUB\"\n{new}")),
        old => (old, new.to_owned()),
    };
    assert!(LEAST.contains(old), "{old}");
    LEAST.replace(old, &new)
}

#[test]
fn the_least_configuration_has_the_documented_defaults() {
    let world = World::new();
    let config = world.load(LEAST).expect("is right");
    assert_eq!(
        config.google.credentials,
        world.folder.path().join("keys/google.json")
    );
    assert_eq!(config.google.endpoint, None);
    assert_eq!(config.store.path, world.folder.path().join("planfact.db"));
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8480");
    let company = config.company("main").expect("is there");
    assert_eq!(company.name, "Ромашка");
    assert_eq!(company.calendar().zone, chrono_tz::Asia::Yekaterinburg);
    assert_eq!(
        (company.locale.as_str(), company.is_russian()),
        ("ru_RU", true)
    );
    assert_eq!(company.refresh, "0 3 * * *");
    assert_eq!(company.mapping.junk_statuses, ["JUNK"]);
    assert_eq!(company.mapping.pipelines, None);
    assert!(company.holidays.is_empty() && company.share_with.is_empty());
    assert_eq!((&company.folder, &company.report_template), (&None, &None));
    let seeds = company.seeds();
    assert_eq!((seeds.margin, seeds.growth), (Decimal::ONE, Decimal::ZERO));
    assert_eq!((seeds.break_even, seeds.conversion), (None, None));
    assert_eq!(seeds.seasonality, Seasonality::History);
    assert!(config.company("other").is_none());
}

#[test]
fn everything_that_can_be_set_is_read() {
    let text = r#"
        google = { credentials = "/etc/planfact/google.json", endpoint = "http://127.0.0.1:9/x" }
        store.url = "sqlite:///var/lib/planfact/store.db"
        http.listen = "[::1]:80"
        [[company]]
        id = "one-2_b"
        name = "One"
        time_zone = "UTC"
        locale = "en"
        currency = "USD"
        refresh = "*/15 8-20 * * 1-5"
        holidays = [2026-11-04, "2026-12-31"]
        share_with = ["a@example.com", { email = "b@example.com", role = "writer" }]
        folder = "https://drive.google.com/drive/u/0/folders/0AFol_der-1?usp=sharing"
        report_template = "https://docs.google.com/spreadsheets/d/1Rep/edit#gid=0"
        plan_template = "1Plan"
        bitrix24.webhook_url = "http://127.0.0.1:8090/rest/1/token?x=1"
        mapping = { junk_statuses = ["JUNK", "UC_1"], pipelines = [0, 7] }
        [company.targets]
        break_even = 400000
        profit = "200000.50"
        margin = 0.35
        avg_check = 12345.67
        conversion = "5/100"
        growth = -0.015
        seasonality = [1, 1, 1, 1.5, 1, 1, 1, 1, 1, 1, 1, 0.5]
        [[company]]
        id = "two"
        name = "Two"
        time_zone = "Europe/Kyiv"
        currency = "UAH"
        bitrix24.webhook_url = "https://two.bitrix24.ua/rest/1/token"
    "#;
    let config = World::new().load(text).expect("is right");
    assert_eq!(
        config.google.credentials,
        Path::new("/etc/planfact/google.json")
    );
    assert_eq!(
        config.google.endpoint.map(String::from).as_deref(),
        Some("http://127.0.0.1:9/x/")
    );
    assert_eq!(config.store.path, Path::new("/var/lib/planfact/store.db"));
    assert_eq!(config.http.listen.to_string(), "[::1]:80");
    let ids: Vec<_> = config
        .companies
        .iter()
        .map(|company| company.id.as_str())
        .collect();
    assert_eq!(ids, ["one-2_b", "two"]);
    let one = &config.companies[0];
    assert!(!one.is_russian());
    let day = |month, day| Day::from_ymd_opt(2026, month, day).expect("a day");
    assert_eq!(
        one.calendar().holidays,
        BTreeSet::from([day(11, 4), day(12, 31)])
    );
    let shares: Vec<_> = one
        .share_with
        .iter()
        .map(|share| (share.email.as_str(), share.role.as_str()))
        .collect();
    assert_eq!(
        shares,
        [("a@example.com", "reader"), ("b@example.com", "writer")]
    );
    assert_eq!(one.folder.as_deref(), Some("0AFol_der-1"));
    assert_eq!(one.report_template.as_deref(), Some("1Rep"));
    assert_eq!(one.plan_template.as_deref(), Some("1Plan"));
    let webhook = one.bitrix24.webhook_url.expose();
    assert_eq!(webhook, "http://127.0.0.1:8090/rest/1/token/");
    assert_eq!(one.mapping.pipelines, Some(vec![0, 7]));
    let seeds = one.seeds();
    let units = |money: Option<Money>| money.map(Money::units);
    assert_eq!(units(seeds.break_even), Some(4_000_000_000));
    assert_eq!(units(seeds.profit), Some(2_000_005_000));
    assert_eq!(units(seeds.avg_check), Some(123_456_700));
    assert_eq!(
        (seeds.margin, seeds.growth),
        (Decimal::new(35, 2), Decimal::new(-15, 3))
    );
    assert_eq!(seeds.conversion, Some((5, 100)));
    let Seasonality::Months(months) = seeds.seasonality else {
        panic!("{:?}", seeds.seasonality);
    };
    assert_eq!(
        (months[3], months[11]),
        (Decimal::new(15, 1), Decimal::new(5, 1))
    );
}

#[test]
fn the_environment_stands_over_the_file() {
    let second = LEAST.replace("[google]\ncredentials = \"keys/google.json\"", "");
    let text = format!("{LEAST}{}", second.replace("\"main\"", "\"two-b\""));
    let config = World::new()
        .with("PLANFACT__GOOGLE__CREDENTIALS", "/run/google.json")
        .with("PLANFACT__HTTP__LISTEN", "0.0.0.0:1")
        .with("PLANFACT__COMPANY__MAIN__TIME_ZONE", "UTC")
        .with(
            "PLANFACT__COMPANY__MAIN__SHARE_WITH",
            "a@example.com, b@example.com",
        )
        .with("PLANFACT__COMPANY__MAIN__TARGETS__BREAK_EVEN", "1000000")
        .with("PLANFACT__COMPANY__MAIN__TARGETS__GROWTH", "0.02")
        .with("PLANFACT__COMPANY__MAIN__MAPPING__PIPELINES", "1,2")
        .with(
            "PLANFACT__COMPANY__TWO_B__BITRIX24__WEBHOOK_URL",
            "https://b.example/rest/2/other/",
        )
        .with("PLANFACT__STORE__URL", "")
        .with("PLANFACT_SHARED", "not ours")
        .with("PATH", "/bin")
        .load(&text)
        .expect("is right");
    assert_eq!(config.google.credentials, Path::new("/run/google.json"));
    assert_eq!(config.http.listen.to_string(), "0.0.0.0:1");
    let [main, two] = config.companies.as_slice() else {
        panic!("{}", config.companies.len());
    };
    assert_eq!(
        (main.time_zone, two.time_zone),
        (Tz::UTC, Tz::Asia__Yekaterinburg)
    );
    assert_eq!(main.share_with.len(), 2);
    assert_eq!(
        main.targets.break_even.map(Money::units),
        Some(10_000_000_000)
    );
    assert_eq!(main.targets.growth, Decimal::new(2, 2));
    assert_eq!(main.mapping.pipelines, Some(vec![1, 2]));
    let webhook = |company: &Company| company.bitrix24.webhook_url.clone();
    assert_eq!(webhook(two).expose(), "https://b.example/rest/2/other/");
    assert!(webhook(main).expose().contains("s3cr3ttoken"));
}

#[test]
fn faults_of_the_environment_are_told_as_such() {
    let faults = World::new()
        .with("PLANFACT__GOOGLE__CREDENTAILS", "x")
        .with("PLANFACT__GOGLE__ENDPOINT", "x")
        .with("PLANFACT__COMPANY__MIAN__NAME", "x")
        .with("PLANFACT__COMPANY__MAIN__CURRENCY", "RUR")
        .faults(LEAST);
    let lines: Vec<&str> = faults.lines().collect();
    let expected = [
        "the environment: PLANFACT__COMPANY__MIAN__NAME names no company of the file; \
         write its id in capitals, with `_` for `-`",
        "the environment: gogle is not a known key; did you mean `google`?",
        "the environment: google.credentails is not a known key; did you mean `credentials`?",
        "the environment: company[main].currency = \"RUR\" is not a currency code of ISO 4217; \
         did you mean",
    ];
    assert_eq!(lines.len(), expected.len(), "{faults}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\n{expected}");
    }
}

#[test]
fn a_secret_may_be_in_a_file_of_its_own() {
    let url = "https://x.bitrix24.ru/rest/1/abc/";
    let world = World::new().file("hook", &format!("  {url}\n"));
    let absolute = world.folder.path().join("hook").display().to_string();
    for spelling in ["./hook", "file:hook", &absolute] {
        let text = changed(
            "https://romashka.bitrix24.ru/rest/17/s3cr3ttoken/",
            spelling,
        );
        let config = world.load(&text).expect("is right");
        let portal = &config.companies[0].bitrix24;
        assert_eq!(portal.webhook_url.expose(), url, "{spelling}");
    }
}

#[test]
fn secrets_are_not_seen() {
    let config = World::new().load(LEAST).expect("is right");
    let debug = format!("{config:?}");
    assert!(
        !debug.contains("s3cr3ttoken") && debug.contains("(hidden)"),
        "{debug}"
    );
    let cases = [
        // In a wrong place, of a wrong form, in a line that is not TOML.
        changed("[company.bitrix24]\nwebhook_url", "webhook_url"),
        changed(
            "https://romashka.bitrix24.ru/rest/17",
            "https://romashka.bitrix24.ru/rset/17",
        ),
        changed("https://romashka", "ftp://romashka"),
        changed(
            "https://romashka.bitrix24.ru/rest/17/",
            "romashka.bitrix24.ru/",
        ),
        changed("s3cr3ttoken/\"", "s3cr3ttoken/"),
        changed("s3cr3ttoken/\"", "s3cr3ttoken/profile.json\""),
        changed("https://romashka", "http://romashka"),
    ];
    for text in cases {
        let faults = World::new().faults(&text);
        assert!(!faults.contains("s3cr3ttoken"), "{faults}");
        assert!(faults.contains("planfact.toml"), "{faults}");
    }
}

/// Each case: what of [`LEAST`] is replaced, by what, and what is told.
#[test]
fn each_fault_is_told_with_place_and_remedy() {
    let cases = [
        (
            "",
            "curency = \"USD\"",
            "company[main].curency is not a known key; did you mean `currency`?",
        ),
        (
            "",
            "webhook_url = \"x\"",
            "company[main].webhook_url is not a known key; it belongs to [company.bitrix24]",
        ),
        (
            "",
            "xyzzy = 1",
            "company[main].xyzzy is not a known key; the keys here are id, name,",
        ),
        (
            "Asia/Yekaterinburg",
            "Asia/Ekaterinburg",
            "company[main].time_zone = \"Asia/Ekaterinburg\" is not the name of an IANA time zone; did you mean \"Asia/Yekaterinburg\"?",
        ),
        (
            "Asia/Yekaterinburg",
            "Moscow",
            "is not the name of an IANA time zone; did you mean \"Europe/Moscow\"?",
        ),
        (
            "\"RUB\"",
            "\"rub\"",
            "company[main].currency = \"rub\" is not a currency code of ISO 4217; did you mean \"RUB\"?",
        ),
        (
            "\"RUB\"",
            "5",
            "company[main].currency = 5 is not a text; put it in quotation marks",
        ),
        (
            "currency = \"RUB\"",
            "",
            "company[main].currency is missing; add it, such as currency = \"RUB\"",
        ),
        (
            "\"keys/google.json\"",
            "\" \"",
            "google.credentials = \" \" is empty;",
        ),
        (
            "[google]\ncredentials = \"keys/google.json\"",
            "google = 5",
            "google is not a table; write it as [google]",
        ),
        (
            "\"main\"",
            "\"Main!\"",
            "company[Main!].id = \"Main!\" is not fit for an id;",
        ),
        (
            "",
            "locale = \"russian\"",
            "company[main].locale = \"russian\" is not a locale;",
        ),
        (
            "",
            "refresh = \"0 3 * *\"",
            "company[main].refresh = \"0 3 * *\" is not a schedule (",
        ),
        ("", "refresh = \"0 0 3 * * *\"", "is not a schedule ("),
        (
            "",
            "refresh = \"0 3 30 2 *\"",
            "is a schedule that never comes;",
        ),
        (
            "",
            "holidays = [\"04.11.2026\"]",
            "company[main].holidays = [\"04.11.2026\"] has \"04.11.2026\", which is not a day; write year, month, day",
        ),
        (
            "",
            "holidays = 5",
            "company[main].holidays = 5 is not a list;",
        ),
        (
            "",
            "share_with = [\"anna\"]",
            "has \"anna\", which is not an e-mail address;",
        ),
        (
            "",
            "share_with = [{ email = \"a@b.c\", role = \"owner\" }]",
            "company[main].share_with[0].role = \"owner\" is not a role;",
        ),
        (
            "",
            "share_with = [{ mail = \"a@b.c\" }]",
            "company[main].share_with[0].mail is not a known key; did you mean `email`?",
        ),
        (
            "",
            "folder = \"https://example.com/x\"",
            "is neither a Drive id nor the address of a file or folder;",
        ),
        (
            "",
            "targets.margin = 30",
            "company[main].targets.margin = 30 is not a share; give a number above 0 up to 1",
        ),
        ("", "targets.margin = 0", "is not a share;"),
        (
            "",
            "targets.growth = 2.5",
            "company[main].targets.growth = 2.5 is not a growth a month;",
        ),
        (
            "",
            "targets.break_even = -1",
            "company[main].targets.break_even = -1 is below zero;",
        ),
        (
            "",
            "targets.profit = \"1 000\"",
            "company[main].targets.profit = \"1 000\" is not a number;",
        ),
        ("", "targets.profit = 0.00001", "is not an amount ("),
        (
            "",
            "targets.avg_check = 0",
            "company[main].targets.avg_check = 0 is zero;",
        ),
        (
            "",
            "targets.conversion = \"5%\"",
            "company[main].targets.conversion = \"5%\" is not a conversion; write deals of leads",
        ),
        (
            "",
            "targets.conversion = \"0/9\"",
            "is zero, from which no plan follows;",
        ),
        ("", "targets.conversion = \"9/5\"", "is above one;"),
        (
            "",
            "targets.seasonality = [1, 2]",
            "company[main].targets.seasonality = [1, 2] has 2 numbers;",
        ),
        (
            "",
            "targets.seasonality = \"hot\"",
            "is not a seasonality; use \"history\", \"flat\" or twelve numbers",
        ),
        (
            "",
            "targets.seasonality = [0,0,0,0,0,0,0,0,0,0,0,0]",
            "nothing but zeros;",
        ),
        (
            "",
            "mapping.pipelines = []",
            "company[main].mapping.pipelines = [] is empty; leave it out",
        ),
        (
            "",
            "mapping.pipelines = [-1]",
            "has -1, which is not the id of a pipeline;",
        ),
        (
            "https://romashka.bitrix24.ru/rest/17/s3cr3ttoken/",
            "/nowhere/hook",
            "company[main].bitrix24.webhook_url = (hidden) names the file /nowhere/hook, which cannot be read (",
        ),
        (
            "https://romashka.bitrix24.ru/rest/17/s3cr3ttoken/",
            "https://romashka.bitrix24.ru/",
            "webhook_url = (hidden) is not the address of an inbound webhook; copy it from the portal",
        ),
        (
            "[google]",
            "[store]\nurl = \"postgres://u:p@h/d\"\n[google]",
            "which this version does not support yet; use sqlite:planfact.db",
        ),
        (
            "[google]",
            "[store]\nurl = \"file.db\"\n[google]",
            "store.url = \"file.db\" is not the address of a store;",
        ),
        (
            "[google]",
            "[http]\nlisten = \"localhost\"\n[google]",
            "http.listen = \"localhost\" is not an address with a port;",
        ),
        (
            "[google]",
            "[google]\nendpoint = \"http://example.com/\"",
            "google.endpoint = \"http://example.com/\" would send secrets over an open connection;",
        ),
        (
            "[[company]]",
            "[company]",
            "company is one table; write it with two brackets: [[company]]",
        ),
        ("[google]", "[google", "planfact.toml:2:8: is not TOML ("),
    ];
    for (old, new, expected) in cases {
        let faults = World::new().faults(&changed(old, new));
        let told: Vec<&str> = faults
            .lines()
            .filter(|line| line.contains(expected))
            .collect();
        assert_eq!(told.len(), 1, "{new}\n{faults}\n{expected}");
        assert!(told[0].starts_with("planfact.toml"), "{faults}");
    }
}

#[test]
fn several_faults_are_told_together() {
    let text = changed("Asia/Yekaterinburg", "Nowhere").replace("\"RUB\"", "\"XYZ\"");
    let text = text.replace("[google]", "[gogle]\n[google]") + "[company.targets]\nmargin = 5\n";
    let faults = World::new().faults(&text);
    assert_eq!(faults.lines().count(), 4, "{faults}");
}

#[test]
fn companies_need_to_be_there_and_to_differ() {
    let none = "google.credentials = \"g.json\"";
    assert!(
        World::new()
            .faults(none)
            .contains("company is missing; add a [[company]] block")
    );
    let second = LEAST.replace("[google]\ncredentials = \"keys/google.json\"", "");
    let twice = format!("{LEAST}{second}");
    assert!(
        World::new()
            .faults(&twice)
            .contains("company[main] stands twice;")
    );
}

#[test]
fn an_absent_file_is_told_with_its_remedy() {
    let error = Config::load_with(Path::new("/nowhere/planfact.toml"), &BTreeMap::new());
    let told = error.expect_err("is absent").to_string();
    assert!(
        told.starts_with("/nowhere/planfact.toml: there is no such file;"),
        "{told}"
    );
    assert!(told.contains("planfact init"), "{told}");
}

fn of_data(text: &str) -> Result<Company, ConfigErrors> {
    let webhook_url = Secret::new("http://127.0.0.1:1/rest/1/x/".to_owned());
    Config::company_from_toml(text, "data/company.toml", Portal::webhook(webhook_url))
}

#[test]
fn the_company_of_a_data_folder_needs_few_keys() {
    let text = "name = \"Shop\"\ntime_zone = \"America/Sao_Paulo\"\ncurrency = \"BRL\"\n\
                locale = \"en_US\"\n[targets]\nbreak_even = 100\n[mapping]\njunk_statuses = []";
    let company = of_data(text).expect("is right");
    assert_eq!(
        (company.name.as_str(), company.currency.as_str()),
        ("Shop", "BRL")
    );
    assert_eq!(company.time_zone, Tz::America__Sao_Paulo);
    assert_eq!(
        company.targets.break_even.map(Money::units),
        Some(1_000_000)
    );
    assert!(company.mapping.junk_statuses.is_empty());
    let company = of_data("").expect("is right");
    assert_eq!(
        (company.id.as_str(), company.currency.as_str()),
        ("main", "RUB")
    );
    let told = of_data("time_zone = 5\nnmae = \"x\"")
        .expect_err("is faulty")
        .to_string();
    let expected = "data/company.toml: nmae is not a known key; did you mean `name`?\n\
                    data/company.toml: time_zone = 5 is not a text; put it in quotation marks";
    assert_eq!(told, expected);
    let told = of_data("bitrix24.webhook_url = \"x\"")
        .expect_err("is faulty")
        .to_string();
    assert!(
        told.contains("does not belong to a folder of data"),
        "{told}"
    );
}

#[test]
fn a_demonstration_has_one_company_between_simulators() {
    let input = DemoInput {
        folder: PathBuf::from("/tmp/demo"),
        credentials: PathBuf::from("/tmp/demo/key.json"),
        endpoint: "http://127.0.0.1:8081".to_owned(),
        drive_folder: "0Folder".to_owned(),
        webhook_url: "http://127.0.0.1:8090/rest/1/token/".to_owned(),
        company_toml: "name = \"Shop\"\ntime_zone = \"UTC\"".to_owned(),
    };
    let config = Config::for_demo(&input).expect("is right");
    let company = config.company("demo").expect("is there");
    assert_eq!(
        (company.name.as_str(), company.folder.as_deref()),
        ("Shop", Some("0Folder"))
    );
    assert_eq!(company.bitrix24.webhook_url.expose(), input.webhook_url);
    let endpoint = config.google.endpoint.map(String::from);
    assert_eq!(endpoint.as_deref(), Some("http://127.0.0.1:8081/"));
    assert!(config.http.listen.ip().is_loopback());
    let company_toml = "time_zone = \"Nowhere\"".to_owned();
    let told = Config::for_demo(&DemoInput {
        company_toml,
        ..input
    })
    .expect_err("is faulty");
    assert!(
        told.to_string().starts_with("company.toml: time_zone"),
        "{told}"
    );
}

#[test]
fn the_example_is_read_and_shows_every_key() {
    let config = World::new().load(EXAMPLE).expect("is right");
    assert_eq!(config.companies.len(), 1);
    let shown: BTreeSet<&str> = EXAMPLE.lines().filter_map(example::key).collect();
    for (section, keys) in keys::ALL {
        for key in keys.iter().filter(|_| *section != "company.share_with") {
            let table = format!("[{section}.{key}]").replace("[.", "[");
            let is_table = EXAMPLE.contains(&table) || *key == "company";
            assert!(
                shown.contains(key) || is_table,
                "{section}.{key} is not shown"
            );
        }
    }
    // What is commented out is right, too; an application stands in for the webhook.
    let all: String = EXAMPLE
        .lines()
        .filter(|line| !line.starts_with("webhook_url"))
        .map(|line| match example::key(line) {
            Some(_) => line.strip_prefix("# ").unwrap_or(line),
            None => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    assert_ne!(all, EXAMPLE);
    World::new().load(&all).expect("is right");
}

#[test]
fn init_writes_the_example_with_given_values() {
    let answer = |key: &'static str, text: &str| (key, text.to_owned());
    let answers = [
        answer("id", "shop"),
        answer("credentials", "g.json"),
        answer("company.name", "ООО \"Ромашка\""),
        answer("folder", "1Fol"),
        answer("report_template", " "),
        answer("share_with", "a@example.com, b@example.com"),
        answer("break_even", "400000"),
        answer("conversion", "5/100"),
        answer("pipelines", "0, 2"),
        answer("webhook_url", "credentials/hook"),
    ];
    let text = render_example(&answers).expect("is right");
    assert!(text.contains("\nbreak_even = 400000\n"), "{text}");
    assert!(
        text.contains("\nwebhook_url = \"./credentials/hook\"\n"),
        "{text}"
    );
    let world = World::new();
    std::fs::create_dir(world.folder.path().join("credentials")).expect("makes");
    let config = world
        .file("credentials/hook", "https://x.bitrix24.ru/rest/1/abc/")
        .load(&text)
        .expect("is right");
    let company = config.company("shop").expect("is there");
    assert_eq!(company.name, "ООО \"Ромашка\"");
    assert_eq!(
        (company.folder.as_deref(), &company.report_template),
        (Some("1Fol"), &None)
    );
    assert_eq!(company.share_with.len(), 2);
    assert_eq!(company.mapping.pipelines, Some(vec![0, 2]));
    assert_eq!(
        company.targets.break_even.map(Money::units),
        Some(4_000_000_000)
    );
    assert_eq!(company.targets.conversion, Some((5, 100)));
    assert_eq!(text.lines().count(), EXAMPLE.lines().count());
    assert_eq!(render_example(&[]).as_deref(), Ok(EXAMPLE));
}

#[test]
fn answers_that_make_no_configuration_are_refused() {
    let cases = [
        (
            "nmae",
            "x",
            "the answers: nmae is not a known key; did you mean `name`?",
        ),
        (
            "time_zone",
            "Moscow",
            "the answers: company[main].time_zone = \"Moscow\" is not",
        ),
        (
            "profit",
            "a lot",
            "the answers: company[main].targets.profit = \"a lot\" is not a number",
        ),
        (
            "webhook_url",
            "https://x.bitrix24.ru/",
            "webhook_url = (hidden) is not the address",
        ),
    ];
    for (key, text, expected) in cases {
        let told = render_example(&[(key, text.to_owned())]).expect_err("is refused");
        assert!(told.to_string().contains(expected), "{told}");
    }
}

/// [`LEAST`] with an application instead of the webhook.
fn with_application(lines: &str) -> String {
    changed(
        "webhook_url = \"https://romashka.bitrix24.ru/rest/17/s3cr3ttoken/\"",
        lines,
    )
}

const APPLICATION: &str = "portal = \"https://romashka.bitrix24.ru\"\nclient_id = \"local.1\"\n\
    client_secret = \"s3cr3tkey\"";

#[test]
fn a_local_application_stands_in_for_a_webhook() {
    let world = World::new();
    let config = world.load(&with_application(APPLICATION)).expect("good");
    let portal = &config.companies[0].bitrix24;
    let application = portal.application.as_ref().expect("an application");
    assert_eq!(application.portal.as_str(), "https://romashka.bitrix24.ru/");
    assert_eq!(application.server.as_str(), "https://oauth.bitrix.info/");
    assert_eq!(application.client_secret.expose(), "s3cr3tkey");
    let id = &config.companies[0].id;
    let file = world.folder.path().join(format!("{id}.tokens.json"));
    assert_eq!(application.token_file, file);
    assert_eq!((portal.enterprise, portal.ca_file.clone()), (None, None));
    assert!(!format!("{config:?}").contains("s3cr3t"));

    let more = "\ntoken_file = \"t.json\"\noauth_server = \"https://oauth.example/x\"\n\
        ca_file = \"ca.pem\"\nenterprise = true";
    let config = world
        .load(&with_application(&format!("{APPLICATION}{more}")))
        .expect("good");
    let portal = &config.companies[0].bitrix24;
    let application = portal.application.as_ref().expect("an application");
    assert_eq!(application.server.as_str(), "https://oauth.example/x/");
    assert_eq!(application.token_file, world.folder.path().join("t.json"));
    assert_eq!(portal.ca_file, Some(world.folder.path().join("ca.pem")));
    assert_eq!(portal.enterprise, Some(true));
}

#[test]
fn what_an_application_lacks_is_named() {
    for (lines, told) in [
        (
            "client_id = \"local.1\"\nclient_secret = \"x\"",
            "bitrix24.portal is missing",
        ),
        (
            "client_id = \"local.1\"\nportal = \"https://a.bitrix24.ru\"",
            "bitrix24.client_secret is missing",
        ),
        (
            "webhook_url = \"https://a.bitrix24.ru/rest/1/x/\"\nclient_id = \"local.1\"",
            "bitrix24.webhook_url stands beside client_id",
        ),
        (
            "portal = \"http://a.bitrix24.ru\"\nclient_id = \"local.1\"\nclient_secret = \"x\"",
            "open connection",
        ),
        (
            "webhook_url = \"https://a.bitrix24.ru/rest/1/x/\"\nenterprise = \"perhaps\"",
            "neither true nor false",
        ),
    ] {
        let faults = World::new().faults(&with_application(lines));
        assert!(faults.contains(told), "{told}: {faults}");
    }
}
