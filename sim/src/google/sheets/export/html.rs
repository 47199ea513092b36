//! A spreadsheet as web pages, one a tab.

use super::super::book::{Book, Sheet};
use super::{escaped, texts};

/// The files of the archive.
pub(super) fn files(book: &Book, sheets: &[&Sheet]) -> Vec<(String, Vec<u8>)> {
    let style = "table{border-collapse:collapse}td{border:1px solid #ccc;padding:2px 3px;\
        font:10pt Arial;white-space:pre}\n";
    let mut out = vec![("resources/sheet.css".to_owned(), style.into())];
    for sheet in sheets {
        // A slash would make a folder.
        let name = format!("{}.html", sheet.title().replace(['/', '\\'], "_"));
        out.push((name, page(book, sheet).into_bytes()));
    }
    out
}

fn page(book: &Book, sheet: &Sheet) -> String {
    let mut out = format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{}</title>\n\
         <link rel=\"stylesheet\" href=\"resources/sheet.css\"></head><body><table>\n",
        escaped(sheet.title())
    );
    for (r, line) in (0_u32..).zip(texts(book, sheet)) {
        out.push_str("<tr>");
        for (c, text) in (0_u32..).zip(line) {
            let span = sheet.merges.iter().find(|m| m.contains(r, c));
            match span {
                Some(m) if (m.r0, m.c0) == (r, c) => out.push_str(&format!(
                    "<td rowspan=\"{}\" colspan=\"{}\">{}</td>",
                    m.rows(),
                    m.cols(),
                    escaped(&text)
                )),
                Some(_) => {}
                None => out.push_str(&format!("<td>{}</td>", escaped(&text))),
            }
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table></body></html>\n");
    out
}
