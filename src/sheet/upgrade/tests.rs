//! One file, three editions, by small examples. That formulas, names and charts follow lines that come
//! and go is Google's doing; the stories hold it against a whole sheet.

use super::*;
use crate::sheet::edit::Facet;
use crate::sheet::workbook::{Chart, ChartKind, Color, Conditional, Format, Protection};

const TAB: i64 = 7;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn spec() -> TableSpec {
    TableSpec {
        name: "plan".to_owned(),
        tab_key: "plan".to_owned(),
        key_columns: &["key"],
        columns: vec!["a".to_owned(), "c".to_owned(), "b".to_owned()],
        rows: vec!["x".to_owned(), "z".to_owned(), "y".to_owned()],
        labels: Vec::new(),
        people: true,
        own: Vec::new(),
        grows: false,
    }
}

/// A tab of rows of words: a number stays a number, `=` begins a formula, `_` is blank. The block
/// `plan` is what stands between the row that begins with `key` and the first blank row.
fn book(rows: &str) -> Workbook {
    let lines: Vec<&str> = rows.split('|').map(str::trim).collect();
    let width = lines
        .iter()
        .map(|line| line.split_whitespace().count())
        .max();
    let mut tab = Tab {
        id: TAB,
        title: "План".to_owned(),
        rows: lines.len() as u32,
        columns: width.unwrap_or(0) as u32,
        ..Tab::default()
    };
    for (row, line) in (0..).zip(&lines) {
        for (column, word) in (0..).zip(line.split_whitespace()) {
            let mut cell = Cell::default();
            match word {
                "_" => continue,
                word if word.starts_with('=') => cell.formula = Some(word.to_owned()),
                word => match word.parse() {
                    Ok(number) => cell.value = Value::Number(number),
                    Err(_) => cell.value = text(word),
                },
            }
            tab.cells.insert((row, column), cell);
        }
    }
    let start = lines.iter().position(|line| line.starts_with("key"));
    let names = start.map(|start| {
        let width = lines
            .get(start)
            .map_or(1, |line| line.split_whitespace().count());
        let rows = lines
            .iter()
            .skip(start)
            .take_while(|line| !line.starts_with('_'))
            .count();
        NamedRange {
            id: "n".to_owned(),
            name: "plan".to_owned(),
            area: Area {
                tab: TAB,
                rect: Rect {
                    row_start: start as u32,
                    row_end: (start + rows) as u32,
                    column_start: 0,
                    column_end: width as u32,
                },
            },
        }
    });
    Workbook {
        tabs: vec![tab],
        names: names.into_iter().collect(),
        ..Workbook::default()
    }
}

fn lay(base: &Workbook, now: &Workbook, new: &Workbook) -> Upgrade {
    upgrade(Editions {
        base: Some(base),
        now,
        new,
        specs: &[spec()],
    })
}

/// What is painted as content: row, column, text or formula.
fn painted(done: &Upgrade) -> Vec<(u32, u32, String)> {
    let mut out = Vec::new();
    for edit in &done.edits {
        if let Edit::Paint {
            facet: Facet::Content,
            cells,
            ..
        } = edit
        {
            for ((row, column), cell) in cells {
                let said = match (&cell.formula, &cell.value) {
                    (Some(formula), _) => formula.clone(),
                    (None, Value::Text(text)) => text.clone(),
                    (None, value) => format!("{value:?}"),
                };
                out.push((*row, *column, said));
            }
        }
    }
    out
}

fn lines(done: &Upgrade) -> Vec<String> {
    let line = |edit: &Edit| match edit {
        Edit::InsertRows { row, count, .. } => Some(format!("+row {row} {count}")),
        Edit::DeleteRows { row, count, .. } => Some(format!("-row {row} {count}")),
        Edit::InsertColumns { column, count, .. } => Some(format!("+column {column} {count}")),
        Edit::DeleteColumns { column, count, .. } => Some(format!("-column {column} {count}")),
        _ => None,
    };
    done.edits.iter().filter_map(line).collect()
}

const BASE: &str = "Title | key a b | x | y | _ | foot =B3";

#[test]
fn the_same_template_changes_nothing() {
    let file = book("Title | key a b | x 1 2 | y 3 4 | _ | foot =B3");
    assert_eq!(lay(&book(BASE), &file, &book(BASE)), Upgrade::default());
}

#[test]
fn what_nobody_touched_follows_and_what_people_changed_stays_and_is_told() {
    let new = book("Heading | key a b | x | y | _ | sum =C3");
    let done = lay(
        &book(BASE),
        &book("Title | key a b | x 1 2 | y 3 4 | _ | foot =B3"),
        &new,
    );
    assert_eq!(
        painted(&done),
        [
            (0, 0, "Heading".into()),
            (5, 0, "sum".into()),
            (5, 1, "=C3".into())
        ]
    );
    assert_eq!(done.left, Vec::<String>::new());
    let done = lay(
        &book(BASE),
        &book("Mine | key a b | x 1 2 | y 3 4 | _ | foot =B4"),
        &new,
    );
    assert_eq!(painted(&done), [(5, 0, "sum".into())]);
    assert_eq!(done.left.len(), 2, "{:?}", done.left);
    assert!(done.left[0].contains("План: A1"), "{:?}", done.left);
}

#[test]
fn rows_and_columns_come_in_among_the_companys_own_and_formulas_find_their_places() {
    // A row of the company's own between x and y, a column of its own behind the block.
    let file = book("Title | key a b mine | x 1 2 7 | own 5 | y 3 4 8 | _ | foot =B3");
    let new = book("Title | key a c b | x | z | y | _ | foot =B4");
    let done = lay(&book(BASE), &file, &new);
    assert_eq!(lines(&done), ["+row 3 1", "+column 2 1"]);
    assert_eq!(
        painted(&done),
        [(1, 2, "c".into()), (3, 0, "z".into()), (7, 1, "=B4".into())],
        "z stands in row 4 of the file as in the template"
    );
    let names = done.edits.iter().filter_map(|edit| match edit {
        Edit::SetName(name) => Some(name.area.rect.row_end),
        _ => None,
    });
    assert_eq!(
        names.count(),
        0,
        "what is put inside a block stretches its name by itself"
    );
}

#[test]
fn what_the_template_drops_goes_only_where_nobody_typed() {
    let new = book("Title | key b | y | _ | foot =B3");
    let done = lay(
        &book(BASE),
        &book("Title | key a b | x _ 2 | y _ 4 | _ | foot =B3"),
        &new,
    );
    assert_eq!(lines(&done), ["-column 1 1"], "x has a person's number");
    assert!(
        done.left[0].contains("row 3 is no longer in the template"),
        "{:?}",
        done.left
    );
    let done = lay(&book(BASE), &book(BASE), &new);
    assert_eq!(lines(&done), ["-row 2 1", "-column 1 1"]);
}

#[test]
fn a_moved_block_gets_only_what_it_lacks() {
    // Sorted: y before x.
    let file = book("Title | key a b | y 3 4 | x 1 2 | _ | foot =B3");
    let new = book("Heading | key a c b | x | z | y | _ | foot =B3");
    let done = lay(&book(BASE), &file, &new);
    assert_eq!(lines(&done), ["+row 4 1", "+column 2 1"]);
    assert_eq!(painted(&done), [(1, 2, "c".into()), (4, 0, "z".into())]);
    assert!(done.left[0].contains("moved or sorted"), "{:?}", done.left);
    // The same once more: nothing is missing any more.
    let file = book("Title | key a c b | y _ 3 4 | x _ 1 2 | z | _ | foot =B3");
    assert_eq!(lines(&lay(&new, &file, &new)), Vec::<String>::new());
}

#[test]
fn a_tab_that_was_thrown_out_stays_out_and_a_new_one_comes_whole() {
    let mut base = book(BASE);
    base.tabs.push(Tab {
        id: 8,
        title: "Прежний".to_owned(),
        rows: 5,
        columns: 5,
        ..Tab::default()
    });
    let mut new = base.clone();
    let mut fresh = Tab {
        id: 9,
        title: "Новый".to_owned(),
        rows: 5,
        columns: 5,
        ..Tab::default()
    };
    fresh.cells.insert(
        (1, 1),
        Cell {
            formula: Some("='План'!B3".to_owned()),
            ..Cell::default()
        },
    );
    new.tabs.push(fresh);
    let mut now = book(BASE);
    now.tabs.push(Tab {
        id: 99,
        title: "новый".to_owned(),
        rows: 5,
        columns: 5,
        ..Tab::default()
    });
    now.tabs[0].title = "Мой план".to_owned();
    let done = lay(&base, &now, &new);
    let added = done.edits.iter().filter_map(|edit| match edit {
        Edit::AddTab(tab) => Some((tab.id, tab.title.as_str())),
        _ => None,
    });
    assert_eq!(
        added.collect::<Vec<_>>(),
        [(9, "Новый (2)")],
        "the company has a tab of that title"
    );
    assert_eq!(
        painted(&done),
        [(1, 1, "='Мой план'!B3".into())],
        "its formulas name renamed tabs"
    );
}

#[test]
fn a_hidden_tab_that_was_deleted_comes_back_with_what_points_at_it() {
    let chart = |tab| Chart {
        id: 1,
        kind: ChartKind::Combo,
        title: "A".to_owned(),
        subtitle: String::new(),
        categories: Area::cell(tab, 0, 0),
        series: Vec::new(),
        axis_format: String::new(),
        anchor: (0, 0),
        offset: (0, 0),
        size: (300, 200),
    };
    let mut new = book("Title | =calc!A1 | =calc!B1+1 | =A1 | note");
    new.tabs[0].charts = vec![chart(8)];
    let mut calc = book("1 2").tabs.remove(0);
    (calc.id, calc.title, calc.hidden) = (8, "calc".to_owned(), true);
    new.tabs.push(calc);
    new.tabs.push(Tab {
        id: 9,
        title: "Seen".to_owned(),
        ..Tab::default()
    });
    // The second formula is the company's own by now, and so is the tab that it threw out.
    let mut now = book("Title | =#REF! | =5+1 | =A1 | mine");
    let mut broken = chart(8);
    broken.id = 51;
    now.tabs[0].charts = vec![broken];
    let done = lay(&new, &now, &new);
    let added = done.edits.iter().filter_map(|edit| match edit {
        Edit::AddTab(tab) => Some(tab.title.as_str()),
        _ => None,
    });
    assert_eq!(added.collect::<Vec<_>>(), ["calc"]);
    let mut cells = painted(&done);
    cells.sort();
    assert_eq!(
        cells,
        [
            (0, 0, "Number(1.0)".into()),
            (0, 1, "Number(2.0)".into()),
            (1, 0, "=calc!A1".into())
        ]
    );
    let drawn = done
        .edits
        .iter()
        .any(|edit| matches!(edit, Edit::SetChart(chart) if chart.id == 51));
    assert!(drawn, "{:?}", done.edits);
}

#[test]
fn looks_and_rules_are_merged_apart_from_what_cells_say() {
    let red = Format {
        background: Some(Color(255, 0, 0)),
        ..Format::default()
    };
    let bold = Format {
        bold: true,
        ..Format::default()
    };
    let rect = Rect {
        row_start: 2,
        row_end: 4,
        column_start: 1,
        column_end: 3,
    };
    let rule = |formula: &str| Conditional {
        ranges: vec![rect],
        formula: formula.to_owned(),
        format: bold.clone(),
    };
    let mut base = book(BASE);
    base.tabs[0].conditional = vec![rule("=B3>1"), rule("=B3>2")];
    let mut new = base.clone();
    new.tabs[0].conditional = vec![rule("=B3>1"), rule("=B3>5")];
    for row in [2, 3] {
        new.tabs[0].cells.entry((row, 1)).or_default().format = bold.clone();
    }
    let mut now = base.clone();
    now.tabs[0].cells.insert(
        (2, 1),
        Cell {
            value: Value::Number(1.0),
            format: red,
            ..Cell::default()
        },
    );
    now.tabs[0].cells.insert(
        (3, 1),
        Cell {
            value: Value::Number(3.0),
            ..Cell::default()
        },
    );
    now.tabs[0].conditional.insert(1, rule("=B3<0"));
    let done = lay(&base, &now, &new);
    let looks = done.edits.iter().find_map(|edit| match edit {
        Edit::Paint {
            facet: Facet::Look,
            cells,
            ..
        } => Some(cells.keys().copied().collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(
        looks,
        Some(vec![(3, 1)]),
        "a cell that the company coloured keeps its colour"
    );
    assert_eq!(painted(&done), []);
    let rules: Vec<String> = done
        .edits
        .iter()
        .filter_map(|edit| match edit {
            Edit::DropConditional { index, .. } => Some(format!("-{index}")),
            Edit::PutConditional {
                index, conditional, ..
            } => Some(format!("{index} {}", conditional.formula)),
            _ => None,
        })
        .collect();
    assert_eq!(
        rules,
        ["-2", "-0", "0 =B3>1", "1 =B3>5"],
        "the company's own rule stays"
    );
}

#[test]
fn charts_follow_unless_the_company_drew_on_them() {
    let area = |row_end| Area {
        tab: TAB,
        rect: Rect {
            row_start: 1,
            row_end,
            column_start: 0,
            column_end: 1,
        },
    };
    let chart = |title: &str, subtitle: &str| Chart {
        id: 1,
        kind: ChartKind::Combo,
        title: title.to_owned(),
        subtitle: subtitle.to_owned(),
        categories: area(4),
        series: Vec::new(),
        axis_format: String::new(),
        anchor: (0, 2),
        offset: (0, 0),
        size: (300, 200),
    };
    let with = |charts: Vec<Chart>| {
        let mut book = book(BASE);
        book.tabs[0].charts = charts;
        book
    };
    let base = with(vec![
        chart("A", "old"),
        chart("B", "old"),
        chart("C", "old"),
    ]);
    let new = with(vec![
        chart("A", "new"),
        chart("B", "new"),
        chart("D", "new"),
    ]);
    let mut moved = chart("A", "old");
    (moved.id, moved.anchor) = (51, (4, 1));
    let mut mine = chart("B", "mine");
    mine.id = 52;
    let now = with(vec![
        moved,
        mine,
        Chart {
            id: 53,
            ..chart("C", "old")
        },
    ]);
    let done = lay(&base, &now, &new);
    let mut charts: Vec<String> = done
        .edits
        .iter()
        .filter_map(|edit| match edit {
            Edit::SetChart(chart) => Some(format!("set {} {}", chart.id, chart.subtitle)),
            Edit::AddChart { chart, .. } => Some(format!("add {}", chart.title)),
            Edit::DropChart { chart } => Some(format!("drop {chart}")),
            Edit::MoveChart { chart, .. } => Some(format!("move {}", chart.id)),
            _ => None,
        })
        .collect();
    charts.sort();
    assert_eq!(
        charts,
        ["add D", "drop 53", "set 51 new"],
        "it stays where the company hung it"
    );
    assert_eq!(done.left.len(), 1, "{:?}", done.left);
}

#[test]
fn protections_follow_and_nothing_is_protected_twice() {
    let protection = |id, row_end| Protection {
        id,
        rect: Some(Rect {
            row_start: 0,
            row_end,
            column_start: 0,
            column_end: 3,
        }),
        description: "keys".to_owned(),
        warning_only: true,
    };
    let with = |protections: Vec<Protection>| {
        let mut book = book(BASE);
        book.tabs[0].protections = protections;
        book
    };
    let done = lay(
        &with(vec![protection(1, 2)]),
        &with(vec![protection(5, 2)]),
        &with(vec![protection(9, 3)]),
    );
    let set = done.edits.iter().find_map(|edit| match edit {
        Edit::SetProtection { protection, .. } => {
            Some((protection.id, protection.rect.map(|rect| rect.row_end)))
        }
        _ => None,
    });
    assert_eq!(set, Some((5, Some(3))));
    let done = lay(
        &with(Vec::new()),
        &with(vec![protection(5, 2)]),
        &with(vec![protection(9, 2)]),
    );
    assert_eq!(done, Upgrade::default());
}

#[test]
fn without_the_former_template_only_what_is_missing_is_added() {
    let file = book("Mine | key a b | x 1 2 | y 3 4 | _ | foot =B3");
    let new = book("Heading | key a c b | x | y | z | _ | foot =B3");
    let done = upgrade(Editions {
        base: None,
        now: &file,
        new: &new,
        specs: &[spec()],
    });
    assert!(
        !done
            .left
            .iter()
            .any(|line| line.contains("moved or sorted")),
        "{:?}",
        done.left
    );
    assert_eq!(lines(&done), ["+row 4 1", "+column 2 1"]);
    assert_eq!(painted(&done), [(1, 2, "c".into()), (4, 0, "z".into())]);
}
