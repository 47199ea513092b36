//! A spreadsheet as plain pages of text in a PDF.
//!
//! The page shows what the cells show, a line a row. Only the reader's own Helvetica is used, whose
//! signs are those of Windows-1252: others appear as question marks.

use super::super::book::{Book, Sheet};
use super::texts;

/// A4, points.
const PAGE: (u32, u32) = (595, 842);
/// From the edge of the page, points.
const MARGIN: u32 = 40;
/// Height of a line, points.
const LINE: u32 = 12;
/// Lines that a page holds.
const LINES: usize = ((PAGE.1 - 2 * MARGIN) / LINE) as usize;

/// The whole file.
pub(super) fn write(book: &Book, sheets: &[&Sheet]) -> Vec<u8> {
    let mut pages: Vec<String> = Vec::new();
    for sheet in sheets.iter().filter(|s| !s.is_hidden()) {
        let lines: Vec<String> = texts(book, sheet).iter().map(|l| l.join("   ")).collect();
        for chunk in lines.chunks(LINES.max(1)) {
            pages.push(stream(chunk));
        }
    }
    if pages.is_empty() {
        pages.push(stream(&[]));
    }
    let kids: Vec<String> = (0..pages.len())
        .map(|i| format!("{} 0 R", 4 + 2 * i))
        .collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!(
            "<< /Type /Pages /Kids [{}] /Count {} >>",
            kids.join(" "),
            pages.len()
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
    ];
    for (i, page) in pages.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {} {}] /Contents {} 0 R \
             /Resources << /Font << /F1 3 0 R >> >> >>",
            PAGE.0,
            PAGE.1,
            5 + 2 * i
        ));
        objects.push(format!(
            "<< /Length {} >>\nstream\n{page}\nendstream",
            page.len()
        ));
    }
    assemble(&objects)
}

fn stream(lines: &[String]) -> String {
    let mut out = format!(
        "BT /F1 9 Tf {LINE} TL {MARGIN} {} Td",
        PAGE.1 - MARGIN - LINE
    );
    for line in lines {
        out.push_str(&format!(" ({}) Tj T*", plain(line)));
    }
    out.push_str(" ET");
    out
}

/// A text within a PDF string.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '(' | ')' | '\\' => format!("\\{c}"),
            ' '..='~' => c.to_string(),
            '\u{a0}' | '\u{202f}' => " ".to_owned(),
            '\u{a1}'..='\u{ff}' => format!("\\{:03o}", u32::from(c)),
            '\n' | '\t' => " ".to_owned(),
            '–' | '—' => "-".to_owned(),
            _ => "?".to_owned(),
        })
        .collect()
}

fn assemble(objects: &[String]) -> Vec<u8> {
    let mut out = String::from("%PDF-1.4\n");
    let mut offsets = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.push_str(&format!("{} 0 obj\n{object}\nendobj\n", i + 1));
    }
    let table = out.len();
    out.push_str(&format!(
        "xref\n0 {}\n0000000000 65535 f \n",
        objects.len() + 1
    ));
    for offset in offsets {
        out.push_str(&format!("{offset:010} 00000 n \n"));
    }
    out.push_str(&format!(
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n",
        objects.len() + 1
    ));
    out.into_bytes()
}
