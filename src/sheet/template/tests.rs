//! The built-in templates render in both languages, and hold what the reconciler expects.

use std::collections::BTreeSet;

use super::*;
use crate::sheet::diff::memory::observe;
use crate::sheet::table::Located;

fn input(locale: &str, currency: &str) -> TemplateInput {
    TemplateInput {
        locale: locale.into(),
        currency: currency.into(),
        time_zone: "Europe/Moscow".into(),
        year: 2026,
    }
}

fn all() -> Vec<(TemplateKind, Workbook)> {
    let mut books = Vec::new();
    for kind in [TemplateKind::Report, TemplateKind::Plan] {
        for (locale, currency) in [("ru_RU", "RUB"), ("en_US", "USD"), ("pt_BR", "BRL")] {
            let book = render(kind, &input(locale, currency));
            books.push((kind, book.unwrap_or_else(|error| panic!("{error}"))));
        }
    }
    books
}

#[test]
fn the_calculations_have_the_name_by_which_a_pass_misses_them() {
    for (kind, book) in all() {
        let name = book
            .names
            .iter()
            .find(|name| name.name == calculations(kind));
        let area = name.map(|name| name.area.tab).unwrap();
        let tab = book.tabs.iter().find(|tab| tab.id == area).unwrap();
        assert_eq!((tab.title.as_str(), tab.hidden), ("calc", true), "{kind:?}");
    }
}

#[test]
fn every_table_is_found_by_name_and_keys() {
    for (kind, book) in all() {
        let names: BTreeSet<&str> = book.names.iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names.len(), book.names.len(), "a name stands twice");
        for spec in tables(kind, 2026) {
            for name in spec.ranges() {
                assert!(names.contains(name.as_str()), "{name}");
            }
            let observed = observe(&book, &[&spec.name]);
            let (_, faults) = Located::observe(&observed, &spec);
            assert_eq!(faults, vec![], "{}", spec.name);
        }
    }
}

#[test]
fn formulas_are_portable() {
    let functions: BTreeSet<&str> = [
        "IF", "IFERROR", "INDEX", "MATCH", "SUM", "SUMIFS", "COUNT", "COUNTIFS", "ISNUMBER",
        "ROUND", "ROUNDUP", "INT", "MOD", "RIGHT", "LEFT", "VALUE", "MIN", "MAX", "SQRT", "ROW",
        "FIND", "CHOOSE", "DATE",
    ]
    .into();
    for (_, book) in all() {
        let names: BTreeSet<&str> = book.names.iter().map(|n| n.name.as_str()).collect();
        for tab in &book.tabs {
            let cells = tab.cells.iter();
            let cells = cells.filter_map(|(at, cell)| Some((*at, cell.formula.as_deref()?)));
            let rules = tab.conditional.iter().map(|c| ((0, 0), c.formula.as_str()));
            for (at, formula) in cells.chain(rules) {
                let place = format!("{} {at:?} {formula}", tab.title);
                // Sheets' limit is 50 000 characters, Excel's 8 192.
                assert!(formula.len() < 8000, "{place}");
                let bare = without_text(formula);
                assert!(!bare.contains([',', '{', '@']), "{place}");
                assert_eq!(
                    bare.matches('(').count(),
                    bare.matches(')').count(),
                    "{place}"
                );
                for word in words(&bare) {
                    match word {
                        (word, true) => assert!(functions.contains(word), "{word} in {place}"),
                        (word, false) if word.contains("__") => {
                            assert!(names.contains(word), "{word} in {place}");
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}

/// The formula without quoted texts and quoted titles.
fn without_text(formula: &str) -> String {
    let (mut out, mut quote) = (String::new(), None);
    for c in formula.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None => out.push(c),
        }
    }
    out
}

/// Words of a formula, and whether each is called as a function.
fn words(bare: &str) -> Vec<(&str, bool)> {
    let mut list = Vec::new();
    let mut rest = bare;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic()) {
        let tail = &rest[start..];
        let end = tail
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '!')
            .unwrap_or(tail.len());
        list.push((&tail[..end], tail[end..].starts_with('(')));
        rest = &tail[end..];
    }
    list
}

#[test]
fn keys_that_formulas_ask_for_exist() {
    for (kind, book) in all() {
        let keys = match kind {
            TemplateKind::Report => STATUS_KEYS,
            TemplateKind::Plan => PLAN_STATUS_KEYS,
        };
        let mut asked = 0;
        for tab in &book.tabs {
            for formula in tab
                .cells
                .values()
                .filter_map(|cell| cell.formula.as_deref())
            {
                for tail in formula.split("MATCH(\"").skip(1) {
                    let Some((key, rest)) = tail.split_once("\";") else {
                        continue;
                    };
                    let known: &[&str] = match rest.split_once("__key;") {
                        Some(("status" | "plan_status", _)) => keys,
                        Some(("plan_company", _)) => PLAN_ROWS,
                        Some(("targets", _)) => TARGET_ROWS,
                        _ => panic!("{key} is asked of an unknown table in {}", tab.title),
                    };
                    assert!(known.contains(&key), "{key} in {}", tab.title);
                    asked += 1;
                }
            }
        }
        assert!(asked > 0);
    }
}

#[test]
fn conditional_formats_stay_on_their_tab_and_inside_the_grid() {
    for (_, book) in all() {
        for tab in &book.tabs {
            for rule in &tab.conditional {
                assert!(
                    !rule.formula.contains('!'),
                    "{} {}",
                    tab.title,
                    rule.formula
                );
                for name in &book.names {
                    let named = without_text(&rule.formula).contains(&name.name);
                    assert!(!named || name.area.tab == tab.id, "{}", rule.formula);
                }
                for rect in &rule.ranges {
                    assert!(rect.row_end <= tab.rows && rect.column_end <= tab.columns);
                }
            }
            for (row, column) in tab.cells.keys() {
                assert!(*row < tab.rows && *column < tab.columns, "{}", tab.title);
            }
            for (index, one) in tab.merges.iter().enumerate() {
                for other in &tab.merges[index + 1..] {
                    assert!(!one.intersects(other), "{} {one:?} {other:?}", tab.title);
                }
            }
        }
    }
}

#[test]
fn charts_have_headed_sources_on_tabs_that_exist() {
    for (_, book) in all() {
        let mut ids = BTreeSet::new();
        for tab in &book.tabs {
            assert!(ids.insert(tab.id), "tab id twice");
            for chart in &tab.charts {
                assert!(ids.insert(chart.id), "chart id twice");
                let areas = chart.series.iter().map(|s| s.values);
                for area in areas.chain([chart.categories]) {
                    let source = book.tabs.iter().find(|t| t.id == area.tab).unwrap();
                    let head = source
                        .cells
                        .get(&(area.rect.row_start, area.rect.column_start));
                    // A formula names a series that may have no number.
                    let head = head.unwrap();
                    let named = head.formula.is_some() || head.value != Default::default();
                    assert!(named, "{}", chart.title);
                    assert_eq!(area.rect.rows(), chart.categories.rect.rows());
                }
            }
        }
    }
}

#[test]
fn the_languages_say_the_same_things() {
    let ru: toml::Table = include_str!("../../../templates/texts.ru.toml")
        .parse()
        .unwrap();
    let en: toml::Table = include_str!("../../../templates/texts.en.toml")
        .parse()
        .unwrap();
    let keys = |table: &toml::Table| table.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&ru), keys(&en));
}

#[test]
fn fingerprints_tell_templates_apart() {
    let print =
        |kind, locale, currency| fingerprint(&render(kind, &input(locale, currency)).unwrap());
    let report = print(TemplateKind::Report, "ru_RU", "RUB");
    assert_eq!(report, print(TemplateKind::Report, "ru_RU", "RUB"));
    for _ in 0..2 {
        let kept = fingerprint_for(TemplateKind::Report, &input("ru_RU", "RUB")).unwrap();
        assert_eq!(report, kept);
    }
    assert_ne!(report, print(TemplateKind::Report, "en_US", "RUB"));
    assert_ne!(report, print(TemplateKind::Report, "ru_RU", "USD"));
    assert_ne!(report, print(TemplateKind::Plan, "ru_RU", "RUB"));
}

/// What the built-in templates of this edition render to. A change of any of them is a new edition, so
/// that an older program leaves a newer program's files alone.
#[test]
fn an_edition_is_what_its_templates_render_to() {
    let fingerprints: Vec<String> = ["ru_RU", "en_US"]
        .into_iter()
        .flat_map(|locale| [(TemplateKind::Report, locale), (TemplateKind::Plan, locale)])
        .map(|(kind, locale)| {
            let input = TemplateInput {
                locale: locale.to_owned(),
                currency: "RUB".to_owned(),
                time_zone: "Europe/Moscow".to_owned(),
                year: 2026,
            };
            fingerprint(&render(kind, &input).unwrap())
        })
        .collect();
    assert_eq!(
        (EDITION, fingerprints.join(" ").as_str()),
        (
            3,
            "af1561cd71703931 4c9ced115cc25b44 47ca12f21b31302f 077ff0f049e4a6cc"
        ),
        "the templates changed: raise EDITION in sheet/template.rs and write the new fingerprints here"
    );
}
