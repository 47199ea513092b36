//! The shapes of `batchUpdate` requests: which fields a message has, and what they take.
//!
//! Google parses the whole body before it looks at any request: an unknown name, a text where a
//! number belongs or an unknown enum value is refused with its path, and nothing is applied. The
//! messages are those of recorded answers ("Invalid value at …", "Unknown name … Cannot find
//! field."). Charts' and pivot tables' insides are taken as they come.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use crate::google::http::{Answer, ApiError};

/// Violations that one answer lists at most.
const MAX_TOLD: usize = 20;

/// One message a line: its name, then its fields with what they take. `i` is a 32-bit integer, `n`
/// a number, `s` a text, `b` a flag, `*` anything; `[x]` repeats; `=X` is an enum; other words are
/// messages. `a,b:x` gives several fields one kind.
const MESSAGES: &str = "\
AddBanding bandedRange:Banded
UpdateBanding bandedRange:Banded fields:s
DeleteBanding bandedRangeId:i
AddChart chart:Chart
UpdateChartSpec chartId:i spec:*
UpdateEmbeddedObjectPosition objectId:i newPosition:Position fields:s
UpdateEmbeddedObjectBorder objectId:i border:ObjectBorder fields:s
DeleteEmbeddedObject objectId:i
AddConditionalFormatRule rule:Rule index:i
UpdateConditionalFormatRule rule:Rule index,newIndex,sheetId:i
DeleteConditionalFormatRule index,sheetId:i
AddDataSource dataSource:*
UpdateDataSource dataSource:* fields:s
DeleteDataSource dataSourceId:s
RefreshDataSource dataSourceId:s force,isAll:b references:*
CancelDataSourceRefresh dataSourceId:s isAll:b references:*
AddDimensionGroup range:Lines
UpdateDimensionGroup dimensionGroup:Group fields:s
DeleteDimensionGroup range:Lines
AddFilterView filter:View
UpdateFilterView filter:View fields:s
DeleteFilterView filterId:i
DuplicateFilterView filterId:i
AddNamedRange namedRange:Named
UpdateNamedRange namedRange:Named fields:s
DeleteNamedRange namedRangeId:s
AddProtectedRange protectedRange:Protected
UpdateProtectedRange protectedRange:Protected fields:s
DeleteProtectedRange protectedRangeId:i
AddSheet properties:Tab
UpdateSheetProperties properties:Tab fields:s
DeleteSheet sheetId:i
DuplicateSheet sourceSheetId,insertSheetIndex,newSheetId:i newSheetName:s
AddSlicer slicer:Slicer
UpdateSlicerSpec slicerId:i spec:SlicerSpec fields:s
AddTable table:Table
UpdateTable table:Table fields:s
DeleteTable tableId:s
AppendCells sheetId:i rows:[Row] fields,tableId:s
UpdateCells rows:[Row] fields:s start:Point range:Grid
RepeatCell range:Grid cell:Cell fields:s
AppendDimension sheetId,length:i dimension:=Dimension
InsertDimension range:Lines inheritFromBefore:b
DeleteDimension range:Lines
MoveDimension source:Lines destinationIndex:i
UpdateDimensionProperties range:Lines properties:Line fields:s dataSourceSheetRange:*
AutoResizeDimensions dimensions:Lines dataSourceSheetDimensions:*
InsertRange range:Grid shiftDimension:=Dimension
DeleteRange range:Grid shiftDimension:=Dimension
AutoFill range:Grid sourceAndDestination:Fill useAlternateSeries:b
CopyPaste source,destination:Grid pasteType:=PasteType pasteOrientation:=PasteOrientation
CutPaste source:Grid destination:Point pasteType:=PasteType
PasteData coordinate:Point data,delimiter:s html:b type:=PasteType
FindReplace find,replacement:s matchCase,matchEntireCell,searchByRegex,includeFormulas,allSheets:b range:Grid sheetId:i
MergeCells range:Grid mergeType:=MergeType
UnmergeCells range:Grid
UpdateBorders range:Grid top,bottom,left,right,innerHorizontal,innerVertical:Border
SetDataValidation range:Grid rule:Validation filteredRowsIncluded:b
SetBasicFilter filter:Filter
ClearBasicFilter sheetId:i
SortRange range:Grid sortSpecs:[Sort]
TextToColumns source:Grid delimiter:s delimiterType:=DelimiterType
TrimWhitespace range:Grid
DeleteDuplicates range:Grid comparisonColumns:[Lines]
RandomizeRange range:Grid
CreateDeveloperMetadata developerMetadata:Metadata
UpdateDeveloperMetadata dataFilters:[DataFilter] developerMetadata:Metadata fields:s
DeleteDeveloperMetadata dataFilter:DataFilter
UpdateSpreadsheetProperties properties:Properties fields:s
InsertComment content,assigneeEmailAddress:s coordinate:Point
AddCommentReply commentId:s post:*
UpdateCommentPost commentId,postId,content:s
DeleteComment commentId:s
DeleteCommentReply commentId,postId:s
Grid sheetId,startRowIndex,endRowIndex,startColumnIndex,endColumnIndex:i
Point sheetId,rowIndex,columnIndex:i
Lines sheetId,startIndex,endIndex:i dimension:=Dimension
Line hiddenByUser,hiddenByFilter:b pixelSize:i developerMetadata:[Metadata] dataSourceColumnReference:*
Group range:Lines depth:i collapsed:b
Color red,green,blue,alpha:n
Style rgbColor:Color themeColor:=ThemeColorType
Banded bandedRangeId:i bandedRangeReference:s range:Grid rowProperties,columnProperties:Bands
Bands headerColor,firstBandColor,secondBandColor,footerColor:Color headerColorStyle,firstBandColorStyle,secondBandColorStyle,footerColorStyle:Style
Chart chartId:i spec:* position:Position border:ObjectBorder
ObjectBorder color:Color colorStyle:Style
Position sheetId:i newSheet:b overlayPosition:Overlay
Overlay anchorCell:Point offsetXPixels,offsetYPixels,widthPixels,heightPixels:i
Rule ranges:[Grid] booleanRule:BooleanRule gradientRule:GradientRule
BooleanRule condition:Condition format:Format
GradientRule minpoint,midpoint,maxpoint:Knee
Knee color:Color colorStyle:Style type:=InterpolationPointType value:s
Condition type:=ConditionType values:[ConditionValue]
ConditionValue relativeDate:=RelativeDate userEnteredValue:s
Format backgroundColor:Color backgroundColorStyle:Style borders:Borders horizontalAlignment:=HorizontalAlign hyperlinkDisplayType:=HyperlinkDisplayType numberFormat:NumberFormat padding:Padding textDirection:=TextDirection textFormat:TextFormat textRotation:Rotation verticalAlignment:=VerticalAlign wrapStrategy:=WrapStrategy
Borders top,bottom,left,right:Border
Border style:=Style width:i color:Color colorStyle:Style
NumberFormat type:=NumberFormatType pattern:s
Padding top,right,bottom,left:i
TextFormat bold,italic,strikethrough,underline:b fontFamily:s fontSize:i foregroundColor:Color foregroundColorStyle:Style link:Link
Link uri:s
Rotation angle:i vertical:b
View filterViewId:i title,namedRangeId,tableId:s range:Grid criteria:* filterSpecs:[FilterSpec] sortSpecs:[Sort]
Filter range:Grid tableId:s criteria:* filterSpecs:[FilterSpec] sortSpecs:[Sort]
FilterSpec columnIndex:i filterCriteria:Criteria dataSourceColumnReference:*
Criteria condition:Condition hiddenValues:[s] visibleBackgroundColor,visibleForegroundColor:Color visibleBackgroundColorStyle,visibleForegroundColorStyle:Style
Sort dimensionIndex:i sortOrder:=SortOrder backgroundColor,foregroundColor:Color backgroundColorStyle,foregroundColorStyle:Style dataSourceColumnReference:*
Named namedRangeId,name:s range:Grid
Protected protectedRangeId:i range:Grid namedRangeId,tableId,description:s warningOnly,requestingUserCanEdit:b unprotectedRanges:[Grid] editors:Editors
Editors users,groups:[s] domainUsersCanEdit:b
Tab sheetId,index:i title:s sheetType:=SheetType gridProperties:GridProperties hidden,rightToLeft:b tabColor:Color tabColorStyle:Style dataSourceSheetProperties:*
GridProperties rowCount,columnCount,frozenRowCount,frozenColumnCount:i hideGridlines,rowGroupControlAfter,columnGroupControlAfter:b
Slicer slicerId:i spec:SlicerSpec position:Position
SlicerSpec applyToPivotTables:b backgroundColor:Color backgroundColorStyle:Style columnIndex:i dataRange:Grid filterCriteria:Criteria horizontalAlignment:=HorizontalAlign textFormat:TextFormat title:s
Table tableId,name:s range:Grid rowsProperties:TableRows columnProperties:[TableColumn]
TableRows headerColorStyle,firstBandColorStyle,secondBandColorStyle,footerColorStyle:Style
TableColumn columnIndex:i columnName:s columnType:=ColumnType dataValidationRule:TableRule
TableRule condition:Condition
Row values:[Cell]
Cell userEnteredValue,effectiveValue:Value formattedValue,hyperlink,note:s userEnteredFormat,effectiveFormat:Format dataValidation:Validation textFormatRuns:[Run] chipRuns:[ChipRun] pivotTable,dataSourceTable,dataSourceFormula:*
Value numberValue:n stringValue,formulaValue:s boolValue:b errorValue:*
Run startIndex:i format:TextFormat
ChipRun startIndex:i chip:*
Validation condition:Condition inputMessage:s strict,showCustomUi:b
Fill source:Grid dimension:=Dimension fillLength:i
Metadata metadataId:i metadataKey,metadataValue:s visibility:=Visibility location:MetadataLocation
MetadataLocation locationType:=LocationType spreadsheet:b sheetId:i dimensionRange:Lines
DataFilter a1Range:s gridRange:Grid developerMetadataLookup:Lookup
Lookup locationType:=LocationType locationMatchingStrategy:=LocationMatchingStrategy metadataId:i metadataKey,metadataValue:s visibility:=Visibility metadataLocation:MetadataLocation
Properties title,locale,timeZone:s autoRecalc:=RecalculationInterval defaultFormat:Format iterativeCalculationSettings:Iteration spreadsheetTheme:Theme importFunctionsExternalUrlAccessAllowed:b
Iteration maxIterations:i convergenceThreshold:n
Theme primaryFontFamily:s themeColors:[ThemeColor]
ThemeColor colorType:=ThemeColorType color:Style
";

/// One enum a line: its name and its values; the unspecified value is always taken.
const ENUMS: &str = "\
ColumnType DOUBLE CURRENCY PERCENT DATE TIME DATE_TIME TEXT BOOLEAN DROPDOWN FILES_CHIP PEOPLE_CHIP FINANCE_CHIP PLACE_CHIP RATINGS_CHIP
ConditionType NUMBER_GREATER NUMBER_GREATER_THAN_EQ NUMBER_LESS NUMBER_LESS_THAN_EQ NUMBER_EQ NUMBER_NOT_EQ NUMBER_BETWEEN NUMBER_NOT_BETWEEN TEXT_CONTAINS TEXT_NOT_CONTAINS TEXT_STARTS_WITH TEXT_ENDS_WITH TEXT_EQ TEXT_IS_EMAIL TEXT_IS_URL DATE_EQ DATE_BEFORE DATE_AFTER DATE_ON_OR_BEFORE DATE_ON_OR_AFTER DATE_BETWEEN DATE_NOT_BETWEEN DATE_IS_VALID ONE_OF_RANGE ONE_OF_LIST BLANK NOT_BLANK CUSTOM_FORMULA BOOLEAN TEXT_NOT_EQ DATE_NOT_EQ FILTER_EXPRESSION
DelimiterType COMMA SEMICOLON PERIOD SPACE CUSTOM AUTODETECT
Dimension ROWS COLUMNS
HorizontalAlign LEFT CENTER RIGHT
HyperlinkDisplayType LINKED PLAIN_TEXT
InterpolationPointType MIN MAX NUMBER PERCENT PERCENTILE
LocationMatchingStrategy EXACT_LOCATION INTERSECTING_LOCATION
LocationType ROW COLUMN SHEET SPREADSHEET
MergeType MERGE_ALL MERGE_COLUMNS MERGE_ROWS
NumberFormatType TEXT NUMBER PERCENT CURRENCY DATE TIME DATE_TIME SCIENTIFIC
PasteOrientation NORMAL TRANSPOSE
PasteType PASTE_NORMAL PASTE_VALUES PASTE_FORMAT PASTE_NO_BORDERS PASTE_FORMULA PASTE_DATA_VALIDATION PASTE_CONDITIONAL_FORMATTING
RecalculationInterval ON_CHANGE MINUTE HOUR
RelativeDate PAST_YEAR PAST_MONTH PAST_WEEK YESTERDAY TODAY TOMORROW
SheetType GRID OBJECT DATA_SOURCE
SortOrder ASCENDING DESCENDING
Style DOTTED DASHED SOLID SOLID_MEDIUM SOLID_THICK NONE DOUBLE
TextDirection LEFT_TO_RIGHT RIGHT_TO_LEFT
ThemeColorType TEXT BACKGROUND ACCENT1 ACCENT2 ACCENT3 ACCENT4 ACCENT5 ACCENT6 LINK
VerticalAlign TOP MIDDLE BOTTOM
Visibility DOCUMENT PROJECT
WrapStrategy OVERFLOW_CELL LEGACY_WRAP CLIP WRAP
";

/// What a field takes.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Int,
    Number,
    Text,
    Flag,
    Anything,
    Enum(&'static str),
    Message(&'static str),
}

#[derive(Clone, Copy, Debug)]
struct Field {
    kind: Kind,
    repeats: bool,
}

struct Shapes {
    messages: HashMap<&'static str, HashMap<&'static str, Field>>,
    enums: HashMap<&'static str, Vec<&'static str>>,
    /// Messages that are requests: those before the first part, `Grid`.
    requests: HashSet<&'static str>,
}

fn shapes() -> &'static Shapes {
    static SHAPES: OnceLock<Shapes> = OnceLock::new();
    SHAPES.get_or_init(|| Shapes {
        messages: MESSAGES.lines().filter_map(message).collect(),
        enums: ENUMS
            .lines()
            .filter_map(|line| {
                let mut words = line.split(' ');
                Some((words.next()?, words.collect()))
            })
            .collect(),
        requests: MESSAGES
            .lines()
            .filter_map(|line| line.split(' ').next())
            .take_while(|name| *name != "Grid")
            .collect(),
    })
}

fn message(line: &'static str) -> Option<(&'static str, HashMap<&'static str, Field>)> {
    let mut words = line.split(' ');
    let name = words.next()?;
    let mut fields = HashMap::new();
    for word in words {
        let (names, kind) = word.split_once(':')?;
        let inner = kind.strip_prefix('[').and_then(|k| k.strip_suffix(']'));
        let field = Field {
            kind: kind_of(inner.unwrap_or(kind)),
            repeats: inner.is_some(),
        };
        fields.extend(names.split(',').map(|n| (n, field)));
    }
    Some((name, fields))
}

fn kind_of(word: &'static str) -> Kind {
    match word {
        "i" => Kind::Int,
        "n" => Kind::Number,
        "s" => Kind::Text,
        "b" => Kind::Flag,
        "*" => Kind::Anything,
        _ => word
            .strip_prefix('=')
            .map_or(Kind::Message(word), Kind::Enum),
    }
}

/// `startRowIndex` as Google's messages write it: `start_row_index`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// `addSheet` as the table above names it: `AddSheet`.
fn title_case(kind: &str) -> String {
    let mut chars = kind.chars();
    chars
        .next()
        .map(|c| c.to_ascii_uppercase().to_string() + chars.as_str())
        .unwrap_or_default()
}

#[derive(Default)]
struct Violations(Vec<(String, String)>);

impl Violations {
    fn unknown(&mut self, name: &str, path: &str) {
        self.0.push((
            path.to_owned(),
            format!(
                "Invalid JSON payload received. Unknown name \"{name}\" at '{path}': Cannot find \
                 field."
            ),
        ));
    }

    fn value(&mut self, path: &str, kind: &str, found: &Value) {
        self.0.push((
            path.to_owned(),
            format!("Invalid value at '{path}' ({kind}), {found}"),
        ));
    }

    fn message(&mut self, name: &str, map: &Map<String, Value>, path: &mut String) {
        let Some(fields) = shapes().messages.get(name) else {
            return;
        };
        for (key, value) in map {
            if self.0.len() >= MAX_TOLD {
                return;
            }
            let Some(field) = fields.get(key.as_str()) else {
                self.unknown(key, path);
                continue;
            };
            let before = path.len();
            path.push('.');
            path.push_str(&snake(key));
            self.field(*field, value, path);
            path.truncate(before);
        }
    }

    fn field(&mut self, field: Field, value: &Value, path: &mut String) {
        match value {
            Value::Null => {}
            Value::Array(items) if field.repeats => {
                for (i, item) in items.iter().enumerate() {
                    let before = path.len();
                    path.push_str(&format!("[{i}]"));
                    self.one(field.kind, item, path);
                    path.truncate(before);
                }
            }
            Value::Array(_) if !matches!(field.kind, Kind::Anything) => {
                let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
                self.0.push((
                    path.clone(),
                    format!(
                        "Invalid JSON payload received. Unknown name \"{name}\" at '{parent}': \
                         Proto field is not repeating, cannot start list."
                    ),
                ));
            }
            one => self.one(field.kind, one, path),
        }
    }

    fn one(&mut self, kind: Kind, value: &Value, path: &mut String) {
        let text = value.as_str();
        let fits = match kind {
            Kind::Anything => true,
            Kind::Text => text.is_some(),
            Kind::Flag => value.is_boolean() || matches!(text, Some("true" | "false")),
            Kind::Number => {
                value.is_number() || text.is_some_and(|t| t.trim().parse::<f64>().is_ok())
            }
            Kind::Int => whole(value),
            Kind::Enum(name) => {
                let known = shapes().enums.get(name);
                value.is_u64()
                    || text.is_some_and(|t| {
                        t.ends_with("_UNSPECIFIED") || known.is_some_and(|k| k.contains(&t))
                    })
            }
            Kind::Message(name) => match value {
                Value::Object(map) => return self.message(name, map, path),
                Value::Null => true,
                _ => false,
            },
        };
        if !fits {
            let told = match kind {
                Kind::Text => "TYPE_STRING".to_owned(),
                Kind::Flag => "TYPE_BOOL".to_owned(),
                Kind::Number => "TYPE_DOUBLE".to_owned(),
                Kind::Enum(n) | Kind::Message(n) => {
                    format!("type.googleapis.com/google.apps.sheets.v4.{n}")
                }
                _ => "TYPE_INT32".to_owned(),
            };
            self.value(path, &told, value);
        }
    }
}

/// Whether a value is a 32-bit integer, also as text or with a fraction of zero.
fn whole(value: &Value) -> bool {
    let number = match value {
        Value::String(text) => text.parse::<f64>().ok(),
        other => other.as_f64(),
    };
    number.is_some_and(|n| n.fract() == 0.0 && n.abs() <= 2_147_483_648.0)
}

/// # Errors
/// A request has a field that its message lacks, or a value that its field does not take.
pub(super) fn check(requests: &[Value]) -> Answer<()> {
    let mut found = Violations::default();
    let mut path = String::new();
    for (i, request) in requests.iter().enumerate() {
        if found.0.len() >= MAX_TOLD {
            break;
        }
        path.clear();
        path.push_str(&format!("requests[{i}]"));
        let Some(map) = request.as_object() else {
            let kind = "type.googleapis.com/google.apps.sheets.v4.Request";
            found.value(&path, kind, request);
            continue;
        };
        let mut set = false;
        for (kind, body) in map.iter().filter(|(_, v)| !v.is_null()) {
            let name = title_case(kind);
            let known = shapes().requests.contains(name.as_str());
            if kind.starts_with(char::is_uppercase) || !known {
                found.unknown(kind, &path);
            } else if set {
                found.0.push((
                    path.clone(),
                    format!(
                        "Invalid value at '{path}' (oneof), oneof field 'kind' is already set. \
                         Cannot set '{kind}'"
                    ),
                ));
            } else if let Value::Object(body) = body {
                set = true;
                let before = path.len();
                path.push('.');
                path.push_str(&snake(kind));
                found.message(&name, body, &mut path);
                path.truncate(before);
            } else {
                let told = format!("type.googleapis.com/google.apps.sheets.v4.{name}Request");
                found.value(&format!("{path}.{}", snake(kind)), &told, body);
            }
        }
    }
    if found.0.is_empty() {
        return Ok(());
    }
    let words: Vec<&str> = found.0.iter().map(|(_, w)| w.as_str()).collect();
    let mut error = ApiError::invalid(words.join("\n"));
    let told: Vec<Value> = found
        .0
        .iter()
        .map(|(field, words)| json!({"field": field, "description": words}))
        .collect();
    error.details = Some(json!([{
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": told,
    }]));
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_table_is_known() {
        let all = shapes();
        assert_eq!(all.messages.len(), MESSAGES.lines().count());
        for (name, fields) in &all.messages {
            for (key, field) in fields {
                match field.kind {
                    Kind::Enum(e) => assert!(all.enums.contains_key(e), "{name}.{key}: {e}"),
                    Kind::Message(m) => assert!(all.messages.contains_key(m), "{name}.{key}: {m}"),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn bodies_are_refused_with_their_path() {
        let cases = [
            (
                json!([{"mergeCells": {"mergeType": "MERGE_ALL", "range": {"sheetId": 0}}}]),
                "",
            ),
            (
                json!([{"mergeCells": {"mergeType": "ALL"}}]),
                "Invalid value at \
                'requests[0].merge_cells.merge_type' \
                (type.googleapis.com/google.apps.sheets.v4.MergeType), \"ALL\"",
            ),
            (
                json!([{"addSheet": {}}, {"addSheets": {}}]),
                "Invalid JSON payload received. \
                Unknown name \"addSheets\" at 'requests[1]': Cannot find field.",
            ),
            (
                json!([{"deleteSheet": {"sheetId": "x"}}]),
                "Invalid value at \
                'requests[0].delete_sheet.sheet_id' (TYPE_INT32), \"x\"",
            ),
            (json!([{"deleteSheet": {"sheetId": "7"}}]), ""),
            (json!([{"deleteSheet": {"sheetId": 7.0}}]), ""),
            (
                json!([{"addSheet": {}, "deleteSheet": {}}]),
                "Invalid value at 'requests[0]' \
                (oneof), oneof field 'kind' is already set. Cannot set 'deleteSheet'",
            ),
            (
                json!([{"grid": {}}]),
                "Invalid JSON payload received. Unknown name \"grid\" at \
                'requests[0]': Cannot find field.",
            ),
            (
                json!([{"updateCells": {"rows": [{"values": [{"note": 5}]}]}}]),
                "Invalid value at \
                'requests[0].update_cells.rows[0].values[0].note' (TYPE_STRING), 5",
            ),
            (
                json!([{"deleteSheet": {"sheetId": [1]}}]),
                "Invalid JSON payload received. Unknown \
                name \"sheet_id\" at 'requests[0].delete_sheet': Proto field is not repeating, \
                cannot start list.",
            ),
            (
                json!(["x"]),
                "Invalid value at 'requests[0]' \
                (type.googleapis.com/google.apps.sheets.v4.Request), \"x\"",
            ),
        ];
        for (requests, want) in cases {
            let got = check(requests.as_array().unwrap());
            let words = got.map_or_else(|e| e.message.clone(), |()| String::new());
            assert_eq!(words, want, "{requests}");
        }
    }
}
