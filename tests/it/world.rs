//! The world of a story: both simulators, a company, a configuration, and the binary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use planfact_sim::company::Company;
use planfact_sim::{google, portal};

/// A month of leads and deals that is small enough to check by hand: see [`LEADS`] and [`DEALS`].
pub(crate) const LEADS: &str = "\
ID,TITLE,STATUS_ID,STATUS_SEMANTIC_ID,SOURCE_ID,OPPORTUNITY,CURRENCY_ID,ASSIGNED_BY_ID,DATE_CREATE,DATE_MODIFY,DATE_CLOSED
1,a,CONVERTED,S,WEB,1000.00,RUB,10,2026-01-05T10:00:00+03:00,2026-01-20T10:00:00+03:00,2026-01-20T10:00:00+03:00
2,b,JUNK,F,WEB,,RUB,10,2026-01-06T10:00:00+03:00,2026-01-07T10:00:00+03:00,2026-01-07T10:00:00+03:00
3,c,NEW,P,CALL,500.50,RUB,11,2026-01-31T23:59:59+03:00,2026-01-31T23:59:59+03:00,
4,d,LOST,F,,0.00,RUB,11,2026-02-01T00:00:00+03:00,2026-02-10T10:00:00+03:00,2026-02-10T10:00:00+03:00
5,\"=1+1, really\",NEW,P,CALL,250.00,RUB,10,2026-03-02T10:00:00+03:00,2026-03-02T10:00:00+03:00,
";
/// Deals of the same company.
pub(crate) const DEALS: &str = "\
ID,TITLE,LEAD_ID,CATEGORY_ID,STAGE_ID,STAGE_SEMANTIC_ID,OPPORTUNITY,CURRENCY_ID,ASSIGNED_BY_ID,SOURCE_ID,DATE_CREATE,DATE_MODIFY,CLOSEDATE,CLOSED
1,x,1,0,WON,S,1200.00,RUB,10,WEB,2026-01-20T10:00:00+03:00,2026-02-28T23:30:00+03:00,2026-02-28T23:30:00+03:00,Y
2,y,,0,LOSE,F,300.00,RUB,11,,2026-02-02T10:00:00+03:00,2026-02-20T10:00:00+03:00,2026-02-20T10:00:00+03:00,Y
3,z,,0,WON,S,99.99,RUB,11,CALL,2026-02-03T10:00:00+03:00,2026-03-01T00:00:00+03:00,2026-03-01T00:00:00+03:00,Y
";
/// Its people.
pub(crate) const USERS: &str =
    "ID,NAME,LAST_NAME,ACTIVE,UF_DEPARTMENT\n10,Анна,Иванова,true,1\n11,Борис,Петров,true,1\n";
const STATUSES: &str = "ENTITY_ID,STATUS_ID,NAME,SORT,SEMANTICS\nSTATUS,NEW,Новый,10,\nSTATUS,CONVERTED,Успех,20,S\nSTATUS,JUNK,Брак,30,F\nSTATUS,LOST,Отказ,40,F\nSOURCE,WEB,Сайт,10,\nSOURCE,CALL,Звонок,20,\n";
/// "Today" of the stories.
pub(crate) const AS_OF: &str = "2026-03-15";

/// The small company with these users and departments.
pub(crate) fn company(users: &str, departments: Option<&str>) -> Company {
    let data = tempfile::tempdir().unwrap();
    let company = "time_zone = \"Europe/Moscow\"\ncurrency = \"RUB\"\n";
    let files = [
        ("leads.csv", Some(LEADS)),
        ("deals.csv", Some(DEALS)),
        ("users.csv", Some(users)),
        ("statuses.csv", Some(STATUSES)),
        ("departments.csv", departments),
        ("company.toml", Some(company)),
    ];
    for (name, text) in files {
        if let Some(text) = text {
            std::fs::write(data.path().join(name), text).unwrap();
        }
    }
    Company::load(data.path()).unwrap()
}

/// A portal of any company.
async fn serve(company: Company) -> portal::Portal {
    let options = portal::Options {
        plan: portal::Plan::Unlimited,
        ..portal::Options::default()
    };
    portal::Portal::start(company, options).await.unwrap()
}

/// Both simulators, a folder with a configuration, and the binary.
pub(crate) struct World {
    pub(crate) google: google::Google,
    pub(crate) portal: portal::Portal,
    pub(crate) folder: tempfile::TempDir,
    /// Where the program finds Google: the simulator's own address, or a relay's.
    pub(crate) endpoint: String,
}

impl World {
    /// The small company.
    pub(crate) async fn small() -> World {
        World::of(company(USERS, None)).await
    }

    /// Any company.
    pub(crate) async fn of(company: Company) -> World {
        let portal = serve(company).await;
        let google = google::Google::start(google::Options {
            quotas: false,
            ..google::Options::default()
        })
        .await
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("key.json"),
            google.credentials.to_string(),
        )
        .unwrap();
        let endpoint = crate::relay::endpoint(&google.endpoint).await;
        let world = World {
            google,
            portal,
            folder,
            endpoint,
        };
        world.configure("planfact.toml", "romashka", "");
        world
    }

    /// The CRM as it is some time later; the program's store and files stay.
    pub(crate) async fn later(&mut self, company: Company) {
        self.portal = serve(company).await;
        self.configure("planfact.toml", "romashka", "");
    }

    /// Writes a configuration with its own store; `more` is added to the company.
    pub(crate) fn configure(&self, file: &str, id: &str, more: &str) {
        let text = format!(
            "[google]\ncredentials = \"key.json\"\nendpoint = \"{}\"\n\n[store]\nurl = \"sqlite:{id}.db\"\n\n\
             [[company]]\nid = \"{id}\"\nname = \"Ромашка\"\ntime_zone = \"Europe/Moscow\"\nlocale = \"ru_RU\"\n\
             currency = \"RUB\"\nfolder = \"{}\"\n{more}\n[company.bitrix24]\nwebhook_url = \"{}\"\n\n\
             [company.targets]\nbreak_even = 1000000\nprofit = 0\navg_check = 25000\nconversion = \"5/100\"\nseasonality = \"flat\"\n",
            self.endpoint, self.google.folder, self.portal.webhook_url
        );
        std::fs::write(self.folder.path().join(file), text).unwrap();
    }

    /// The binary, ready to run in the world's folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_planfact"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command.env_remove("RUST_LOG");
        command
    }

    /// Runs a verb to its end, off the simulators' threads.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap()
    }

    /// Runs a verb that must end well and gives its JSON document.
    pub(crate) async fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        let output = self.run(&all).await;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {stderr}"))
    }

    /// One refresh as of [`AS_OF`].
    pub(crate) async fn refresh(&self) -> serde_json::Value {
        self.json(&["refresh", "--as-of", AS_OF]).await[0].clone()
    }

    /// The exported data tables by name: rows of fields, the header first.
    pub(crate) async fn tables(&self, config: &str) -> BTreeMap<String, Vec<Vec<String>>> {
        let out = self.folder.path().join(format!("out-{config}"));
        let path = out.to_string_lossy().into_owned();
        self.json(&["-c", config, "export", "--as-of", AS_OF, "--out", &path])
            .await;
        read_tables(&out)
    }

    /// A request to the Google simulator as a person.
    pub(crate) async fn as_person(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> serde_json::Value {
        // Another test of this process may have chosen the provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::new();
        let mut request = client
            .request(method, format!("{}{path}", self.google.endpoint))
            .header("Authorization", "Bearer person:owner@example.com");
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let value: serde_json::Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{path}: {value}");
        value
    }

    /// The address (A1 with tab) of a cell of a people's table, found by its two keys.
    pub(crate) async fn find_cell(
        &self,
        file: &str,
        table: &str,
        row: &str,
        column: &str,
    ) -> String {
        let path = format!("/v4/spreadsheets/{file}/values/{table}");
        let block = self.as_person(reqwest::Method::GET, &path, None).await;
        let rows = block["values"].as_array().unwrap();
        let header = rows[0].as_array().unwrap();
        let x = header
            .iter()
            .position(|key| key == column)
            .unwrap_or_else(|| panic!("no column {column}: {header:?}"));
        let y = rows
            .iter()
            .position(|cells| cells[0] == row)
            .unwrap_or_else(|| panic!("no row {row}"));
        let range = block["range"].as_str().unwrap();
        let (tab, corner) = range.split_once('!').unwrap();
        let corner = corner.split(':').next().unwrap();
        let letters: String = corner
            .chars()
            .take_while(char::is_ascii_alphabetic)
            .collect();
        let number: usize = corner[letters.len()..].parse().unwrap();
        let first = letters
            .bytes()
            .fold(0usize, |sum, byte| sum * 26 + usize::from(byte - b'A') + 1)
            - 1;
        format!("{tab}!{}{}", column_letters(first + x), number + y)
    }

    /// Types into a cell as a person does.
    pub(crate) async fn type_into(&self, file: &str, cell: &str, text: &str) {
        let range = percent(cell);
        let path = format!("/v4/spreadsheets/{file}/values/{range}?valueInputOption=USER_ENTERED");
        let body = serde_json::json!({"values": [[text]]});
        self.as_person(reqwest::Method::PUT, &path, Some(body))
            .await;
    }

    /// What a cell holds, unformatted.
    pub(crate) async fn cell(&self, file: &str, cell: &str) -> serde_json::Value {
        let path = format!(
            "/v4/spreadsheets/{file}/values/{}?valueRenderOption=UNFORMATTED_VALUE",
            percent(cell)
        );
        self.as_person(reqwest::Method::GET, &path, None).await["values"][0][0].clone()
    }

    /// Whether a cell is shown in bold, as conditional formats show a taken-over one.
    pub(crate) async fn is_bold(&self, file: &str, cell: &str) -> bool {
        let path = format!(
            "/v4/spreadsheets/{file}?ranges={}&fields=sheets.data.rowData.values.effectiveFormat",
            percent(cell)
        );
        let book = self.as_person(reqwest::Method::GET, &path, None).await;
        let values = &book["sheets"][0]["data"][0]["rowData"][0]["values"];
        values[0]["effectiveFormat"]["textFormat"]["bold"] == true
    }

    /// Requests that Google saw from the daemon, by method.
    pub(crate) fn google_seen(&self) -> BTreeMap<String, u64> {
        let seen = self.google.requests();
        seen["by_method"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(method, count)| (method.clone(), count.as_u64().unwrap()))
            .collect()
    }
}

/// The file id in a spreadsheet's address.
pub(crate) fn file_id(url: &serde_json::Value) -> String {
    let url = url.as_str().unwrap();
    url.split("/d/")
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned()
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn column_letters(mut index: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(b'A' + u8::try_from(index % 26).unwrap());
        if index < 26 {
            break;
        }
        index = index / 26 - 1;
    }
    letters.reverse();
    String::from_utf8(letters).unwrap()
}

/// Reads every .csv of a folder.
pub(crate) fn read_tables(folder: &Path) -> BTreeMap<String, Vec<Vec<String>>> {
    let mut tables = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "csv") {
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_path(&path)
                .unwrap();
            let rows = reader
                .records()
                .map(|record| record.unwrap().iter().map(str::to_owned).collect())
                .collect();
            tables.insert(
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                rows,
            );
        }
    }
    tables
}

/// One field of an exported table by row key(s) and column.
pub(crate) fn field<'a>(rows: &'a [Vec<String>], keys: &[&str], column: &str) -> &'a str {
    let at = rows[0]
        .iter()
        .position(|name| name == column)
        .unwrap_or_else(|| panic!("no {column}"));
    let row = rows
        .iter()
        .find(|row| {
            row.iter()
                .zip(keys)
                .take(keys.len())
                .all(|(field, key)| field == key)
        })
        .unwrap_or_else(|| panic!("no row {keys:?}"));
    &row[at]
}
