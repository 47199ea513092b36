//! Tidiness is a test: who may import whom, where outside crates live, how long functions are.
//!
//! The tables below are the rules; a fault is told with its file, its line and the line itself.
//! Code is read as text whose comments and strings have been blanked, which needs no compiler and
//! is wrong only about macros that write paths.
#![allow(clippy::expect_used, reason = "a test stops at what it cannot read")]

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Every room in `src/` and the rooms that it may import. Tests inside a room are free.
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &[]),
    ("private_file", &[]),
    ("retry", &[]),
    ("telemetry", &[]),
    ("sheet", &["domain"]),
    ("bitrix24", &["domain", "retry", "clock", "private_file"]),
    ("google", &["sheet", "retry", "clock", "private_file"]),
    ("store", &["domain", "clock"]),
    ("export", &["domain", "sheet"]),
    ("config", &["domain", "bitrix24", "google", "store"]),
    (
        "sync",
        &[
            "domain",
            "sheet",
            "clock",
            "retry",
            "telemetry",
            "bitrix24",
            "google",
            "store",
        ],
    ),
    (
        "daemon",
        &[
            "domain",
            "clock",
            "retry",
            "telemetry",
            "sync",
            "store",
            "config",
        ],
    ),
    ("cli", EVERYTHING),
    ("main", EVERYTHING),
    ("lib", EVERYTHING),
];
const EVERYTHING: &[&str] = &[
    "domain",
    "clock",
    "private_file",
    "retry",
    "telemetry",
    "sheet",
    "bitrix24",
    "google",
    "store",
    "export",
    "config",
    "sync",
    "daemon",
    "cli",
];

/// Outside crates and the only places that may name them. An address that ends with `/` is a
/// folder, one that begins with `*/` a file name anywhere.
const ADDRESSES: &[(&str, &[&str])] = &[
    ("google_sheets4", &["src/google/"]),
    ("google_drive3", &["src/google/"]),
    ("google_apis_common", &["src/google/"]),
    ("yup_oauth2", &["src/google/"]),
    ("hyper", &["src/google/", "sim/"]),
    ("hyper_rustls", &["src/google/"]),
    ("hyper_util", &["src/google/", "sim/"]),
    ("rusqlite", &["src/store/"]),
    ("sqlx", &["src/store/"]),
    ("axum", &["src/daemon/", "sim/"]),
    ("maud", &["src/daemon/", "sim/"]),
    ("governor", &["*/limit.rs"]),
    ("backon", &["src/retry.rs"]),
    ("clap", &["src/cli/", "src/main.rs"]),
    ("indicatif", &["src/cli/"]),
    ("config", &["src/config.rs", "src/config/"]),
    ("reqwest", &["src/bitrix24/"]),
    ("rust_xlsxwriter", &["src/export/", "sim/"]),
    ("tracing_subscriber", &["src/telemetry.rs"]),
    ("formualizer", &["sim/"]),
    ("planfact_sim", &["src/cli/", "tests/", "benches/"]),
];

/// Words that no code may hold, the files that may all the same, and why the others may not.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    ("Utc::now", &["*/clock.rs"], "only clock.rs reads the clock"),
    (
        "Local::now",
        &["*/clock.rs"],
        "only clock.rs reads the clock",
    ),
    (
        "SystemTime::now",
        &["*/clock.rs"],
        "only clock.rs reads the clock",
    ),
    ("sleep(", SLEEPERS, "only retry.rs waits; use retry::pause"),
    (
        "sleep_until(",
        SLEEPERS,
        "only retry.rs waits; use retry::pause",
    ),
    (
        "clippy::disallowed_methods",
        &[
            "*/clock.rs",
            "src/retry.rs",
            "sim/src/fault.rs",
            "sim/src/portal/pace.rs",
        ],
        "the places that read the clock or wait are few and known",
    ),
    ("todo!(", &[], "finish it or leave it out"),
    ("unimplemented!(", &[], "finish it or leave it out"),
    ("#[ignore", &[], "a test that does not run is no test"),
    (
        ".unwrap()",
        &[],
        "outside tests an absence is an error with a remedy",
    ),
];
/// Who may wait, besides tests: the client's one place, and each simulator's.
const SLEEPERS: &[&str] = &["src/retry.rs", "sim/src/fault.rs", "sim/src/portal/pace.rs"];

/// Lines that a function may have, from its signature to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// The ratchet: functions that are longer all the same, with the length they have now. An entry
/// may only become smaller or go. Tables of cases in tests are not counted.
const LONG_FUNCTIONS: &[(&str, &str, usize)] = &[];

/// A file of Rust.
struct Source {
    /// From the root of the repository, with `/`.
    path: String,
    text: String,
    /// The text with comments and the insides of literals blanked; the same offsets.
    code: String,
    /// Parts that are compiled for tests only.
    tests: Vec<Range<usize>>,
}

/// What is not as it should be.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    path: String,
    line: usize,
    text: String,
    rule: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault {
            path,
            line,
            text,
            rule,
        } = self;
        write!(f, "{path}:{line}: {rule}\n    {}", text.trim())
    }
}

impl Source {
    fn new(path: &str, text: &str) -> Source {
        let code = blank(text);
        let tests = match is_test_file(path) {
            true => std::iter::once(0..code.len()).collect(),
            false => test_parts(&code),
        };
        let (path, text) = (path.to_owned(), text.to_owned());
        Source {
            path,
            text,
            code,
            tests,
        }
    }

    fn in_test(&self, offset: usize) -> bool {
        self.tests.iter().any(|part| part.contains(&offset))
    }

    fn fault(&self, offset: usize, rule: impl Into<String>) -> Fault {
        let line = self.text[..offset].matches('\n').count();
        Fault {
            path: self.path.clone(),
            line: line + 1,
            text: self.text.lines().nth(line).unwrap_or_default().to_owned(),
            rule: rule.into(),
        }
    }

    /// Whether the file stands at one of the addresses.
    fn is_at(&self, addresses: &[&str]) -> bool {
        addresses
            .iter()
            .any(|address| match address.strip_prefix("*/") {
                Some(name) => self.path.rsplit('/').next() == Some(name),
                None if address.ends_with('/') => self.path.starts_with(address),
                None => self.path == *address,
            })
    }

    /// Offsets at which `word` stands in the code outside tests, on a boundary of words.
    fn uses<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let begins_word = word.starts_with(is_word);
        let free = move |before: Option<char>| !begins_word || !before.is_some_and(is_word);
        self.code
            .match_indices(word)
            .map(|(offset, _)| offset)
            .filter(move |&offset| free(self.code[..offset].chars().next_back()))
            .filter(|&offset| !self.in_test(offset))
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.starts_with("tests/")
}

/// Replaces comments and the insides of strings and characters by spaces; keeps line ends.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(bytes, at);
        if end > at {
            for byte in &mut code[at..end] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
            at = end;
        } else {
            at += 1;
        }
    }
    // Whole literals were blanked, so no character was cut.
    String::from_utf8(code).expect("still UTF-8")
}

/// Where the comment or literal that begins at `at` ends; `at` when none begins there.
fn literal_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let in_word = at > 0 && is_word(char::from(bytes[at - 1]));
    match rest {
        [b'/', b'/', ..] => at + find(rest, b"\n").unwrap_or(rest.len()),
        [b'/', b'*', ..] => at + block_comment(rest),
        [b'"', ..] => at + string(rest, 1),
        [b'b' | b'c', b'"', ..] if !in_word => at + string(rest, 2),
        [b'r', b'"' | b'#', ..] if !in_word => at + raw_string(rest, 1),
        [b'b' | b'c', b'r', b'"' | b'#', ..] if !in_word => at + raw_string(rest, 2),
        [b'\'', b'\\', ..] => at + 3 + find(&rest[3..], b"'").map_or(0, |end| end + 1),
        // A character, not a lifetime: a quote follows one character later.
        [b'\'', first, ..] if *first != b'\'' => {
            let width = std::str::from_utf8(&rest[1..rest.len().min(5)])
                .map_or_else(|error| error.valid_up_to(), str::len);
            let width = (1..=width.max(1)).find(|&n| std::str::from_utf8(&rest[1..=n]).is_ok());
            let end = 1 + width.unwrap_or(1);
            at + if rest.get(end) == Some(&b'\'') {
                end + 1
            } else {
                0
            }
        }
        _ => at,
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|part| part == wanted)
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(rest: &[u8], start: usize) -> usize {
    let mut at = start;
    while at < rest.len() && rest[at] != b'"' {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn raw_string(rest: &[u8], start: usize) -> usize {
    let hashes = rest[start..].iter().take_while(|b| **b == b'#').count();
    let open = start + hashes;
    if rest.get(open) != Some(&b'"') {
        return 0;
    }
    let mut close = vec![b'"'];
    close.extend(std::iter::repeat_n(b'#', hashes));
    let end = find(&rest[open + 1..], &close);
    end.map_or(rest.len(), |end| open + 1 + end + close.len())
}

/// The items behind `#[cfg(test)]`.
fn test_parts(code: &str) -> Vec<Range<usize>> {
    code.match_indices("#[cfg(test)]")
        .map(|(offset, _)| offset..item_end(code, offset + "#[cfg(test)]".len()))
        .collect()
}

/// Where the item ends that begins after `from`: behind its block, or its semicolon.
fn item_end(code: &str, from: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, c) in code[from..].char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return from + offset + 1;
                }
            }
            ';' if depth == 0 => return from + offset + 1,
            _ => {}
        }
    }
    code.len()
}

/// The room that a file belongs to, when it is in `src/`.
fn room(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("src/")?;
    rest.split(['/', '.']).next()
}

/// Our own rooms that a file names, with the place: `crate::room`, `crate::{a, b::c}`, `planfact::`
/// and as many `super::` as lead out of its room.
fn imports(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for root in ["crate::", "planfact::"] {
        for offset in source.uses(root) {
            found.extend(heads(&source.code, offset + root.len()));
        }
    }
    let depth = source.path.trim_end_matches("/mod.rs").matches('/').count();
    let out = "super::".repeat(depth);
    for offset in source.uses(&out) {
        found.extend(heads(&source.code, offset + out.len()));
    }
    found
}

/// The first names of the path, or of the group of paths, that begins at `from`.
fn heads(code: &str, from: usize) -> Vec<(usize, String)> {
    let name = |at: usize| -> (usize, String) {
        (at, code[at..].chars().take_while(|c| is_word(*c)).collect())
    };
    if !code[from..].starts_with('{') {
        return vec![name(from)];
    }
    let (mut depth, mut found) = (0, Vec::new());
    for (offset, c) in code[from..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && (c == '{' || c == ',') {
            let rest = &code[from + offset + 1..];
            let space = rest.len() - rest.trim_start().len();
            found.push(name(from + offset + 1 + space));
        }
    }
    found
}

fn check_imports(source: &Source) -> Vec<Fault> {
    let Some(room) = room(&source.path) else {
        return Vec::new();
    };
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![source.fault(0, format!("`{room}` is no room of the house; see ROOMS"))];
    };
    imports(source)
        .into_iter()
        .filter(|(_, name)| ROOMS.iter().any(|(room, _)| room == name))
        .filter(|(_, name)| name != room && !allowed.contains(&name.as_str()))
        .map(|(offset, name)| source.fault(offset, format!("{room} must not know {name}")))
        .collect()
}

fn check_addresses(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, addresses) in ADDRESSES.iter().filter(|(_, to)| !source.is_at(to)) {
        let path = format!("{name}::");
        let own = imports_own(source, name);
        for offset in source
            .uses(&path)
            .filter(|&offset| is_outside(source, offset, own))
        {
            let rule = format!(
                "the crate {name} may be named only in {}",
                addresses.join(", ")
            );
            faults.push(source.fault(offset, rule));
        }
    }
    faults
}

/// Whether the file has something of its own by the name of an outside crate.
fn imports_own(source: &Source, name: &str) -> bool {
    let declared = source.uses("mod ").any(|offset| {
        let rest = source.code[offset + 4..].trim_start();
        rest.strip_prefix(name)
            .is_some_and(|rest| !rest.starts_with(is_word))
    });
    declared || imports(source).iter().any(|(_, head)| head == name)
}

/// Whether the path at `offset` begins with a crate, and not with a module of ours.
fn is_outside(source: &Source, offset: usize, own: bool) -> bool {
    let before = &source.code[..offset];
    if before.ends_with("::") {
        return before.ends_with("use ::") || before.ends_with(" ::");
    }
    let statement = before.rfind(';').map_or(0, |end| end + 1);
    let statement = before[statement..].trim_start();
    match statement.rfind("use ") {
        Some(0) => statement == "use ",
        _ if statement.ends_with("use ") => true,
        _ => !own,
    }
}

fn check_forbidden(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (word, _, why) in FORBIDDEN.iter().filter(|(_, to, _)| !source.is_at(to)) {
        let found = source.uses(word).map(|offset| source.fault(offset, *why));
        faults.extend(found);
    }
    // Ignored tests are forbidden in tests, too.
    let ignored = source.code.match_indices("#[ignore");
    faults.extend(
        ignored
            .filter(|(offset, _)| source.in_test(*offset))
            .map(|(offset, _)| source.fault(offset, "a test that does not run is no test")),
    );
    faults
}

fn check_docs(source: &Source) -> Vec<Fault> {
    match source.text.starts_with("//!") {
        true => Vec::new(),
        false => vec![source.fault(0, "a file begins with //! and what it owns")],
    }
}

/// Functions outside tests: where, name, lines.
fn functions(source: &Source) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for offset in source.uses("fn ") {
        let rest = &source.code[offset..];
        let name: String = rest[3..].chars().take_while(|c| is_word(*c)).collect();
        let end = item_end(&source.code, offset);
        // A pointer type has no name, a declaration no block.
        if !name.is_empty() && source.code[..end].ends_with('}') {
            let lines = source.code[offset..end].matches('\n').count() + 1;
            found.push((offset, name, lines));
        }
    }
    found
}

fn check_lengths(sources: &[Source], ratchet: &[(&str, &str, usize)]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut seen = Vec::new();
    for source in sources {
        let long = functions(source)
            .into_iter()
            .filter(|(_, _, n)| *n > FUNCTION_LINES_MAX);
        for (offset, name, lines) in long {
            let entry = (source.path.as_str(), name.as_str());
            let listed = ratchet
                .iter()
                .find(|(path, name, _)| (*path, *name) == entry);
            seen.extend(listed);
            match listed {
                Some((_, _, allowed)) if lines == *allowed => {}
                Some((_, _, allowed)) if lines < *allowed => faults.push(source.fault(
                    offset,
                    format!("{name} shrank to {lines} lines: lower its entry from {allowed}"),
                )),
                Some((_, _, allowed)) => faults.push(source.fault(
                    offset,
                    format!("{name} grew from {allowed} to {lines} lines; it may only shrink"),
                )),
                None => faults.push(source.fault(
                    offset,
                    format!("{name} has {lines} lines; divide it (at most {FUNCTION_LINES_MAX})"),
                )),
            }
        }
    }
    for entry in ratchet.iter().filter(|entry| !seen.contains(entry)) {
        faults.push(Fault {
            path: "tests/tidy.rs".to_owned(),
            line: 0,
            text: format!("{entry:?}"),
            rule: "this function is long no more: take its entry out".to_owned(),
        });
    }
    faults
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    for folder in ["src", "sim/src", "tests", "sim/tests", "benches"] {
        collect(&root().join(folder), &mut sources);
    }
    mark_test_files(&mut sources);
    assert!(
        sources.len() > 20,
        "only {} files were found",
        sources.len()
    );
    sources
}

/// Files that are modules of tests by declaration (`#[cfg(test)] mod laws;`), not by their name.
fn mark_test_files(sources: &mut [Source]) {
    let declared: Vec<String> = sources.iter().flat_map(declared_test_files).collect();
    for source in sources {
        let inside = |module: &String| {
            let folder = source.path.strip_prefix(module.as_str());
            folder.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        if declared.iter().any(inside) {
            source.tests = std::iter::once(0..source.code.len()).collect();
        }
    }
}

/// The modules that a file declares for tests only, as paths without `.rs`.
fn declared_test_files(source: &Source) -> Vec<String> {
    let stem = source.path.trim_end_matches(".rs");
    let folder = match stem.rsplit_once('/') {
        Some((folder, "mod" | "lib" | "main")) => folder,
        _ => stem,
    };
    let module = |part: &Range<usize>| {
        let item = source.code[part.clone()].strip_suffix(';')?;
        let (_, name) = item.rsplit_once("mod ")?;
        Some(format!("{folder}/{}", name.trim()))
    };
    source.tests.iter().filter_map(module).collect()
}

fn collect(folder: &Path, sources: &mut Vec<Source>) {
    // Not every folder of the list needs to be there.
    let mut entries: Vec<PathBuf> = match std::fs::read_dir(folder) {
        Ok(entries) => entries
            .map(|entry| entry.expect("is readable").path())
            .collect(),
        Err(_) => return,
    };
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("is readable");
            let short = path.strip_prefix(root()).expect("is inside");
            let short = short.to_string_lossy().replace('\\', "/");
            sources.push(Source::new(&short, &text));
        }
    }
}

fn fail_if_any(faults: Vec<Fault>) {
    let told: Vec<String> = faults.iter().map(Fault::to_string).collect();
    assert!(
        told.is_empty(),
        "{} faults\n{}",
        told.len(),
        told.join("\n")
    );
}

#[test]
fn rooms_import_only_what_they_may() {
    fail_if_any(sources().iter().flat_map(check_imports).collect());
}

#[test]
fn outside_crates_stay_at_their_addresses() {
    fail_if_any(sources().iter().flat_map(check_addresses).collect());
}

#[test]
fn the_simulators_share_nothing_with_the_program() {
    let of_sim = |source: &&Source| source.path.starts_with("sim/");
    let names = |source: &Source| -> Vec<Fault> {
        source
            .code
            .match_indices("planfact::")
            .map(|(offset, _)| source.fault(offset, "the simulators know nothing of planfact"))
            .collect()
    };
    fail_if_any(sources().iter().filter(of_sim).flat_map(names).collect());
    let manifest = std::fs::read_to_string(root().join("sim/Cargo.toml")).expect("is there");
    let depends = |line: &&str| line.starts_with("planfact") || line.contains("path = \"..");
    assert_eq!(manifest.lines().find(depends), None);
}

#[test]
fn forbidden_words_do_not_occur() {
    fail_if_any(sources().iter().flat_map(check_forbidden).collect());
}

#[test]
fn every_file_says_what_it_owns() {
    fail_if_any(sources().iter().flat_map(check_docs).collect());
}

#[test]
fn functions_fit_a_screen() {
    fail_if_any(check_lengths(&sources(), LONG_FUNCTIONS));
}

#[test]
fn the_tables_name_rooms_that_exist() {
    for (room, allowed) in ROOMS {
        let file = root().join("src").join(format!("{room}.rs"));
        let folder = root().join("src").join(room);
        assert!(file.exists() || folder.is_dir(), "{room}");
        for name in *allowed {
            assert!(
                ROOMS.iter().any(|(room, _)| room == name),
                "{room} → {name}"
            );
        }
    }
}

/// Plants each kind of fault and looks whether it is found, at its line, and nothing else.
#[test]
fn planted_faults_are_found() {
    let cases: &[(&str, &str, &[usize])] = &[
        (
            "src/domain/fact/mod.rs",
            "//! Doc.\nuse crate::store::Store;\n",
            &[2],
        ),
        (
            "src/domain/fact/mod.rs",
            "//! Doc.\nuse super::super::store::Store;\n",
            &[2],
        ),
        ("src/domain/mod.rs", "//! Doc.\nuse super::store;\n", &[2]),
        (
            "src/sheet/a1.rs",
            "//! Doc.\nuse crate::{\n    domain::slot,\n    clock::Clock,\n};\n",
            &[4],
        ),
        (
            "src/daemon/mod.rs",
            "//! Doc.\nfn f() {\n    crate::google::Google::new();\n}\n",
            &[3],
        ),
        ("src/surprise/mod.rs", "//! Doc.\n", &[1]),
        (
            "src/sync/pass.rs",
            "//! Doc.\nuse rusqlite::Connection;\n",
            &[2],
        ),
        (
            "src/sync/pass.rs",
            "//! Doc.\npub(crate) use config::File;\n",
            &[2],
        ),
        (
            "src/sync/pass.rs",
            "//! Doc.\nfn f() { config::Config::builder(); }\n",
            &[2],
        ),
        (
            "src/google/drive.rs",
            "//! Doc.\nuse governor::Quota;\n",
            &[2],
        ),
        ("sim/src/lib.rs", "//! Doc.\nuse ::reqwest::Client;\n", &[2]),
        (
            "src/sync/pass.rs",
            "//! Doc.\nfn f() { chrono::Utc::now(); }\n",
            &[2],
        ),
        (
            "src/sync/pass.rs",
            "//! Doc.\nfn f() { tokio::time::sleep(d); }\n",
            &[2],
        ),
        ("src/sync/pass.rs", "//! Doc.\nfn f() { todo!() }\n", &[2]),
        (
            "src/sync/pass.rs",
            "//! Doc.\nfn f() { g().unwrap() }\n",
            &[2],
        ),
        (
            "tests/x.rs",
            "//! Doc.\n#[test]\n#[ignore = \"slow\"]\nfn f() {}\n",
            &[3],
        ),
        ("src/sync/pass.rs", "// No doc.\n", &[1]),
        // And what is no fault.
        (
            "src/store/x.rs",
            "//! Doc.\nuse crate::domain::crm;\nuse rusqlite::Row;\n",
            &[],
        ),
        (
            "src/cli/x.rs",
            "//! Doc.\nuse crate::{config::Config, sync};\n",
            &[],
        ),
        (
            "src/cli/x.rs",
            "//! Doc.\nuse crate::config;\nfn f() { config::Config::load(); }\n",
            &[],
        ),
        (
            "src/domain/x.rs",
            "//! crate::store::X\nconst A: &str = \"rusqlite::Row .unwrap()\";\n",
            &[],
        ),
        (
            "src/domain/x.rs",
            "//! Doc.\nconst A: &str = r#\"\"todo!()\"#;\n/* /* */ todo!() */\n",
            &[],
        ),
        (
            "src/domain/x.rs",
            "//! Doc.\nfn f<'a>(x: &'a str) { x.split('\"') }\n// .unwrap()\n",
            &[],
        ),
        (
            "src/domain/x.rs",
            "//! Doc.\n#[cfg(test)]\nmod tests {\n    use crate::store::X;\n    fn f() { g().unwrap() }\n}\n",
            &[],
        ),
        (
            "src/sync/google/limit.rs",
            "//! Doc.\nuse governor::Quota;\n",
            &[],
        ),
        ("src/clock.rs", "//! Doc.\nfn f() { Utc::now() }\n", &[]),
        (
            "src/retry.rs",
            "//! Doc.\nfn f() { tokio::time::sleep(d) }\n",
            &[],
        ),
    ];
    for (path, text, expected) in cases {
        let source = Source::new(path, text);
        let checks = [check_imports, check_addresses, check_forbidden, check_docs];
        let faults: Vec<Fault> = checks.iter().flat_map(|check| check(&source)).collect();
        let lines: Vec<usize> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, *expected, "{path}\n{text}\n{faults:#?}");
        let told = faults.iter().map(Fault::to_string).collect::<String>();
        let named = expected
            .iter()
            .all(|line| told.contains(&format!("{path}:{line}: ")));
        assert!(named, "{told}");
    }
}

#[test]
fn files_declared_for_tests_are_free() {
    let mut sources = [
        Source::new(
            "src/x/mod.rs",
            "//! Doc.\nmod a;\n#[cfg(test)]\nmod laws;\n",
        ),
        Source::new("src/x/laws.rs", "//! Doc.\nfn f() { g().unwrap() }\n"),
        Source::new("src/x/a.rs", "//! Doc.\nfn f() { g().unwrap() }\n"),
    ];
    mark_test_files(&mut sources);
    let faults: Vec<Fault> = sources.iter().flat_map(check_forbidden).collect();
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!(faults[0].path, "src/x/a.rs");
}

/// What is packed, compiled or somebody else's package does not belong among the sources.
#[test]
fn nothing_packed_lies_among_the_sources() {
    const PACKED: [&str; 9] = ["whl", "gz", "tgz", "zip", "tar", "jar", "so", "exe", "pyc"];
    const MADE: [&str; 5] = [".git", "target", "out", "node_modules", "__pycache__"];
    let (mut folders, mut found, mut files) = (vec![root()], Vec::new(), 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("is readable") {
            let entry = entry.expect("is readable");
            let (path, name) = (entry.path(), entry.file_name());
            if entry.file_type().expect("is readable").is_dir() {
                if !MADE.iter().any(|made| name == *made) {
                    folders.push(path);
                }
                continue;
            }
            files += 1;
            let extension = path.extension().unwrap_or_default();
            if PACKED.iter().any(|packed| extension == *packed) {
                found.push(path);
            }
        }
    }
    assert!(files > 300, "only {files} files were looked at");
    assert!(found.is_empty(), "packed files: {found:?}");
}

#[test]
fn the_ratchet_holds_and_only_shrinks() {
    let function = |lines: usize| {
        format!(
            "//! Doc.\nfn f() {{\n{}}}\n",
            "    g();\n".repeat(lines - 2)
        )
    };
    let of = |lines: usize| vec![Source::new("src/x.rs", &function(lines))];
    let rules = |lines: usize, ratchet: &[(&str, &str, usize)]| -> Vec<String> {
        let faults = check_lengths(&of(lines), ratchet);
        faults.into_iter().map(|fault| fault.rule).collect()
    };
    assert!(rules(70, &[]).is_empty());
    assert_eq!(rules(71, &[]), ["f has 71 lines; divide it (at most 70)"]);
    let listed = [("src/x.rs", "f", 90)];
    assert!(rules(90, &listed).is_empty());
    assert_eq!(
        rules(91, &listed),
        ["f grew from 90 to 91 lines; it may only shrink"]
    );
    assert_eq!(
        rules(80, &listed),
        ["f shrank to 80 lines: lower its entry from 90"]
    );
    assert_eq!(
        rules(60, &listed),
        ["this function is long no more: take its entry out"]
    );
    let text = "//! Doc.\ntrait T { fn a(&self) -> [u8; 4]; }\n#[cfg(test)]\nmod tests {\n    fn t() {\n    }\n}\nfn b(f: fn(u8) -> u8) where u8: Copy {\n}\n";
    let names: Vec<(String, usize)> = functions(&Source::new("src/x.rs", text))
        .into_iter()
        .map(|(_, name, lines)| (name, lines))
        .collect();
    assert_eq!(names, [("b".to_owned(), 2)]);
}
