//! A spreadsheet in other formats: the ones that Drive's `files.export` and the `export` address of
//! a spreadsheet offer.

mod html;
mod ods;
mod pdf;
mod xlsx;

use chrono::{DateTime, Utc};

use super::Held;
use super::book::{Book, Sheet};
use super::locale::Locale;
use super::render::shown;
use crate::google::http::{Answer, ApiError};

/// MIME types in which a spreadsheet is offered, with the name of the format in an `export` address.
pub(crate) const FORMATS: [(&str, &str); 8] = [
    ("csv", "text/csv"),
    ("tsv", "text/tab-separated-values"),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    ("ods", "application/x-vnd.oasis.opendocument.spreadsheet"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("pdf", "application/pdf"),
    ("zip", "application/zip"),
    ("html", "application/zip"),
];

/// An exported file.
pub(crate) struct Made {
    pub(crate) mime: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// Writes a spreadsheet down in a format of [`FORMATS`], named by its MIME type. `tab` picks one tab
/// for the formats that hold a single one; without it that is the first.
///
/// # Errors
/// The format is unknown, the tab does not exist, or the writer gave up.
pub(crate) fn render(
    held: &mut Held,
    mime: &str,
    tab: Option<i64>,
    now: DateTime<Utc>,
) -> Answer<Made> {
    held.compute(now);
    let mime = FORMATS
        .iter()
        .map(|(_, m)| *m)
        .find(|m| *m == mime)
        .ok_or_else(|| {
            let mut e = ApiError::invalid("The requested conversion is not supported.");
            e.reason = "badRequest";
            e
        })?;
    let book = &held.book;
    let chosen = match tab {
        Some(id) => Some(book.sheet(id)?.as_ref()),
        None => book.sheets.iter().map(AsRef::as_ref).find(|s| s.is_grid()),
    };
    let only: Vec<&Sheet> = match tab {
        Some(_) => chosen.into_iter().collect(),
        None => book.sheets.iter().map(AsRef::as_ref).collect(),
    };
    let bytes = match mime {
        "text/csv" => chosen.map(|s| separated(book, s, b',')).unwrap_or_default(),
        "text/tab-separated-values" => chosen
            .map(|s| separated(book, s, b'\t'))
            .unwrap_or_default(),
        "application/pdf" => pdf::write(book, &only),
        "application/zip" => packed(html::files(book, &only))?,
        m if m.contains("opendocument") => packed(ods::files(book, &only))?,
        _ => xlsx::write(book, &only).map_err(|e| failed(&e.to_string()))?,
    };
    Ok(Made { mime, bytes })
}

fn failed(why: &str) -> ApiError {
    tracing::warn!(why, "a spreadsheet could not be exported");
    let mut e = ApiError::invalid("Internal error encountered.");
    e.code = 500;
    e.status = "INTERNAL";
    e.reason = "internalError";
    e
}

/// Files in an archive, the first one stored as it is (OpenDocument wants its type so).
fn packed(files: Vec<(String, Vec<u8>)>) -> Answer<Vec<u8>> {
    use std::io::Write;
    use zip::CompressionMethod;
    use zip::write::SimpleFileOptions;
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (at, (name, body)) in files.into_iter().enumerate() {
        let method = if at == 0 {
            CompressionMethod::Stored
        } else {
            CompressionMethod::Deflated
        };
        let options = SimpleFileOptions::default().compression_method(method);
        out.start_file(name, options)
            .map_err(|e| failed(&e.to_string()))?;
        out.write_all(&body).map_err(|e| failed(&e.to_string()))?;
    }
    let done = out.finish().map_err(|e| failed(&e.to_string()))?;
    Ok(done.into_inner())
}

/// What every cell of the used part of a tab shows, row by row.
fn texts(book: &Book, sheet: &Sheet) -> Vec<Vec<String>> {
    let locale = Locale::of(book.locale());
    let (rows, cols) = sheet.used();
    (0..rows)
        .map(|r| {
            (0..cols)
                .map(|c| sheet.cells.get(&(r, c)))
                .map(|cell| cell.map(|x| shown(x, locale)).unwrap_or_default())
                .collect()
        })
        .collect()
}

fn separated(book: &Book, sheet: &Sheet, delimiter: u8) -> Vec<u8> {
    let mut out = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for line in texts(book, sheet) {
        if out.write_record(&line).is_err() {
            break;
        }
    }
    let mut bytes = out.into_inner().unwrap_or_default();
    // Google ends no last line.
    if bytes.ends_with(b"\r\n") {
        bytes.truncate(bytes.len() - 2);
    }
    bytes
}

/// A text within XML or HTML.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            c if c.is_control() && !matches!(c, '\n' | '\t') => String::new(),
            other => other.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::book::Entered;
    use super::*;

    fn book() -> Held {
        let mut book = Book::new("b", "Книга", "ru_RU", "Europe/Moscow");
        let sheet = book.sheet_mut(0).unwrap();
        for (at, value) in [
            ((0, 0), Entered::Text("a<b> & \"c\"".into())),
            ((0, 1), Entered::Number(1.5)),
            ((1, 0), Entered::Formula("=B1*2".into())),
            ((1, 1), Entered::Formula("=SORT({2;1})".into())),
            ((2, 0), Entered::Formula("=1/0".into())),
        ] {
            sheet.edit(at, |cell| cell.enter(Some(value)));
        }
        book.touch_all();
        Held::new(book)
    }

    #[test]
    fn every_format_begins_as_it_should() {
        let now = crate::clock::now();
        let starts: [(&str, &[u8]); 8] = [
            ("csv", b"\"a<b> "),
            ("tsv", b"\"a<b> "),
            ("xlsx", b"PK"),
            ("ods", b"PK"),
            ("ods", b"PK"),
            ("pdf", b"%PDF-1."),
            ("zip", b"PK"),
            ("html", b"PK"),
        ];
        for ((name, mime), (same, head)) in FORMATS.iter().zip(starts) {
            assert_eq!(*name, same);
            let made = render(&mut book(), mime, None, now).unwrap();
            assert!(made.bytes.starts_with(head), "{name}");
            assert_eq!(made.mime, *mime);
        }
        assert!(render(&mut book(), "image/png", None, now).is_err());
        assert!(render(&mut book(), "text/csv", Some(99), now).is_err());
    }

    #[test]
    fn separated_values_are_what_the_cells_show() {
        let mut held = book();
        let made = render(&mut held, "text/csv", Some(0), crate::clock::now()).unwrap();
        assert_eq!(
            String::from_utf8(made.bytes).unwrap(),
            "\"a<b> & \"\"c\"\"\",\"1,5\"\r\n3,1\r\n#DIV/0!,2"
        );
    }
}
