//! Objects of requests in the form in which Google answers them, and the looks that need no request.

use serde_json::{Map, Value, json};

/// A number as JSON: whole numbers without a fraction, as Google prints them.
pub(crate) fn number_json(n: f64) -> Value {
    if n.fract() == 0.0 && n.abs() < 9.0e15 {
        Value::from(n as i64)
    } else {
        json!(n)
    }
}

/// Brings an object of a request into the form in which Google answers it: nulls, false flags and
/// zero tab ids are left out, colours get their styles.
pub(crate) fn normalise(value: &Value) -> Value {
    normalise_under("", value)
}

fn normalise_under(key: &str, value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            Value::Array(items.iter().map(|i| normalise_under(key, i)).collect())
        }
        Value::Number(n) => match n.as_f64() {
            Some(f) if n.is_f64() => number_json(f),
            _ => value.clone(),
        },
        Value::Object(map) => normalise_object(key, map),
        other => other.clone(),
    }
}

/// Flags that are answered even when false.
const KEPT_FALSE: [&str; 6] = [
    "bold",
    "italic",
    "strikethrough",
    "underline",
    "boolValue",
    "newSheet",
];

fn normalise_object(key: &str, map: &Map<String, Value>) -> Value {
    let mut out = Map::new();
    let is_color = key.ends_with("olor") && !map.contains_key("rgbColor")
        || key == "rgbColor"
        || (!map.is_empty()
            && map
                .keys()
                .all(|k| matches!(k.as_str(), "red" | "green" | "blue" | "alpha")));
    let is_range = is_grid_like(map)
        || matches!(
            key,
            "range" | "ranges" | "source" | "sources" | "destination"
        );
    for (k, v) in map {
        let zero = v.as_f64() == Some(0.0);
        let dropped = match v {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Bool(false) => !KEPT_FALSE.contains(&k.as_str()),
            // Google keeps no transparency.
            Value::Number(_) if is_color && k == "alpha" => true,
            Value::Number(_) => zero && (is_color || (k == "sheetId" && is_range)),
            _ => false,
        };
        if dropped {
            continue;
        }
        let inner = match v.as_f64() {
            Some(part) if is_color => color_part(part),
            _ => normalise_under(k, v),
        };
        out.insert(k.clone(), inner);
    }
    let colors: Vec<(String, Value)> = out
        .iter()
        .filter_map(|(k, v)| {
            if let Some(base) = k.strip_suffix("Style").filter(|b| b.ends_with("olor")) {
                return v.get("rgbColor").map(|c| (base.to_owned(), c.clone()));
            }
            // What is called a colour may be a style already, as a theme's are.
            let style = v.get("rgbColor").is_some() || v.get("themeColor").is_some();
            let plain = k.ends_with("olor") && k != "rgbColor" && v.is_object() && !style;
            (plain && !map.contains_key(&format!("{k}Style")))
                .then(|| (format!("{k}Style"), json!({"rgbColor": v})))
        })
        .collect();
    for (k, v) in colors {
        out.insert(k, v);
    }
    Value::Object(out)
}

/// A colour's part as Google keeps it: in 255 steps, single precision.
fn color_part(part: f64) -> Value {
    // A hair above the step below, so that 68/255 read back stays what it is.
    let step = (part.clamp(0.0, 1.0) * 255.0 + 1.0e-3).floor();
    let single = (step / 255.0) as f32;
    number_json(single.to_string().parse().unwrap_or(part))
}

/// Whether an object is a grid range, a dimension range or a coordinate.
pub(crate) fn is_grid_like(map: &Map<String, Value>) -> bool {
    const KEYS: [&str; 10] = [
        "sheetId",
        "startRowIndex",
        "endRowIndex",
        "startColumnIndex",
        "endColumnIndex",
        "dimension",
        "startIndex",
        "endIndex",
        "rowIndex",
        "columnIndex",
    ];
    map.len() > usize::from(map.contains_key("sheetId"))
        && map.keys().all(|k| KEYS.contains(&k.as_str()))
}

/// The format of an untouched cell.
pub(crate) fn default_format() -> Value {
    json!({
        "backgroundColor": {"red": 1, "green": 1, "blue": 1},
        "padding": {"top": 2, "right": 3, "bottom": 2, "left": 3},
        "verticalAlignment": "BOTTOM",
        "wrapStrategy": "OVERFLOW_CELL",
        "textFormat": {
            "foregroundColor": {}, "fontFamily": "arial,sans,sans-serif", "fontSize": 10,
            "bold": false, "italic": false, "strikethrough": false, "underline": false,
            "foregroundColorStyle": {"rgbColor": {}},
        },
        "backgroundColorStyle": {"rgbColor": {"red": 1, "green": 1, "blue": 1}},
    })
}

pub(super) fn default_theme() -> Value {
    let colors = [
        ("TEXT", json!({})),
        ("BACKGROUND", json!({"red": 1, "green": 1, "blue": 1})),
        (
            "ACCENT1",
            json!({"red": 0.25882354, "green": 0.52156866, "blue": 0.95686275}),
        ),
        (
            "ACCENT2",
            json!({"red": 0.91764706, "green": 0.2627451, "blue": 0.20784314}),
        ),
        (
            "ACCENT3",
            json!({"red": 0.9843137, "green": 0.7372549, "blue": 0.015686275}),
        ),
        (
            "ACCENT4",
            json!({"red": 0.20392157, "green": 0.65882355, "blue": 0.3254902}),
        ),
        (
            "ACCENT5",
            json!({"red": 1, "green": 0.42745098, "blue": 0.003921569}),
        ),
        (
            "ACCENT6",
            json!({"red": 0.27450982, "green": 0.7411765, "blue": 0.7764706}),
        ),
        (
            "LINK",
            json!({"red": 0.06666667, "green": 0.33333334, "blue": 0.8}),
        ),
    ];
    let themed: Vec<Value> = colors
        .iter()
        .map(|(kind, rgb)| json!({"colorType": kind, "color": {"rgbColor": rgb}}))
        .collect();
    json!({"primaryFontFamily": "Arial", "themeColors": themed})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_normalised_as_google_answers_them() {
        let cases = [
            (
                json!({"range": {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 2}}),
                json!({"range": {"startRowIndex": 0, "endRowIndex": 2}}),
            ),
            (
                json!({"colorType": "TEXT", "color": {"rgbColor": {"red": 1}}}),
                json!({"colorType": "TEXT", "color": {"rgbColor": {"red": 1}}}),
            ),
            (
                json!({"a": null, "hidden": false, "bold": false}),
                json!({"bold": false}),
            ),
            (
                json!({"backgroundColor": {"red": 0, "green": 1.0, "blue": 0.5}}),
                json!({
                    "backgroundColor": {"green": 1, "blue": 0.498_039_22},
                    "backgroundColorStyle": {"rgbColor": {"green": 1, "blue": 0.498_039_22}},
                }),
            ),
            (
                json!({"position": {"overlayPosition": {"anchorCell":
                    {"sheetId": 0, "rowIndex": 0, "columnIndex": 3}}}}),
                json!({"position": {"overlayPosition": {"anchorCell":
                    {"rowIndex": 0, "columnIndex": 3}}}}),
            ),
        ];
        for (given, want) in cases {
            assert_eq!(normalise(&given), want);
        }
    }
}
