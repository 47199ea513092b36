//! A spreadsheet as an OpenDocument file: values as they are and as they show, without formats.

use super::super::book::{Book, Cell, Effective, Sheet};
use super::super::locale::Locale;
use super::super::render::shown;
use super::escaped;

const MIME: &str = "application/vnd.oasis.opendocument.spreadsheet";

/// The files of the archive; the type comes first.
pub(super) fn files(book: &Book, sheets: &[&Sheet]) -> Vec<(String, Vec<u8>)> {
    let manifest = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<manifest:manifest \
         xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\" \
         manifest:version=\"1.2\"><manifest:file-entry manifest:full-path=\"/\" \
         manifest:media-type=\"{MIME}\"/><manifest:file-entry \
         manifest:full-path=\"content.xml\" manifest:media-type=\"text/xml\"/>\
         </manifest:manifest>"
    );
    vec![
        ("mimetype".to_owned(), MIME.into()),
        ("content.xml".to_owned(), content(book, sheets).into_bytes()),
        ("META-INF/manifest.xml".to_owned(), manifest.into_bytes()),
    ]
}

fn content(book: &Book, sheets: &[&Sheet]) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<office:document-content \
         xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
         xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" \
         xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" \
         office:version=\"1.2\"><office:body><office:spreadsheet>",
    );
    let locale = Locale::of(book.locale());
    for sheet in sheets {
        let (rows, cols) = sheet.used();
        out.push_str(&format!(
            "<table:table table:name=\"{}\"><table:table-column \
             table:number-columns-repeated=\"{}\"/>",
            escaped(sheet.title()),
            cols.max(1)
        ));
        for r in 0..rows.max(1) {
            out.push_str("<table:table-row>");
            for c in 0..cols.max(1) {
                out.push_str(&cell(sheet.cells.get(&(r, c)), locale));
            }
            out.push_str("</table:table-row>");
        }
        out.push_str("</table:table>");
    }
    out.push_str("</office:spreadsheet></office:body></office:document-content>");
    out
}

fn cell(cell: Option<&Cell>, locale: &Locale) -> String {
    let Some(cell) = cell.filter(|c| c.has_value()) else {
        return "<table:table-cell/>".to_owned();
    };
    let kind = match &cell.effective {
        Effective::Number(n) => format!("office:value-type=\"float\" office:value=\"{n}\""),
        Effective::Bool(b) => {
            format!("office:value-type=\"boolean\" office:boolean-value=\"{b}\"")
        }
        _ => "office:value-type=\"string\"".to_owned(),
    };
    let lines: String = shown(cell, locale)
        .split('\n')
        .map(|line| format!("<text:p>{}</text:p>", escaped(line)))
        .collect();
    format!("<table:table-cell {kind}>{lines}</table:table-cell>")
}
