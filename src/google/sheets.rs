//! Sheets: the few requests that read and write spreadsheets.

use google_sheets4::api::{BatchUpdateSpreadsheetResponse, Spreadsheet};

use super::error::{GoogleError, Kind};
use super::limit::Budget;
use super::sign_in::SCOPES;
use super::to_wire::{self, Body, Context};
use super::{Applied, Call, Effect, Google, check_id, from_wire, parts};
use crate::sheet::edit::{Edit, Observed};
use crate::sheet::template::KEEPER_RANGES;
use crate::sheet::workbook::Workbook;

/// Tabs and named ranges.
const STRUCTURE: &str = "properties(title,locale,timeZone),namedRanges,\
    sheets.properties(sheetId,title,index,sheetType,hidden,gridProperties,tabColorStyle)";
/// The same with the cells of the ranges asked for.
const BLOCKS: &str = "properties(title,locale,timeZone),namedRanges,\
    sheets(properties(sheetId,title,index,sheetType,hidden,gridProperties,tabColorStyle),\
    data(startRow,startColumn,rowData.values(userEnteredValue,effectiveValue)))";
/// Everything that a workbook's model knows.
const WHOLE: &str = "properties(title,locale,timeZone),namedRanges,\
    sheets(properties(sheetId,title,index,sheetType,hidden,gridProperties,tabColorStyle),\
    data(startRow,startColumn,rowData.values(userEnteredValue,effectiveValue,userEnteredFormat,\
    note,dataValidation),rowMetadata(pixelSize,hiddenByUser),\
    columnMetadata(pixelSize,hiddenByUser)),\
    merges,conditionalFormats,charts,protectedRanges,developerMetadata)";
/// Of a batch's answer: the cells that it kept before it wrote over them.
const KEPT: &str = "updatedSpreadsheet(properties(locale),\
    sheets(properties(sheetId,gridProperties),\
    data(startRow,startColumn,rowData.values(userEnteredValue,effectiveValue))))";
/// What adding to a spreadsheet depends on.
const CONTEXT: &str =
    "properties.locale,sheets(properties.sheetId,conditionalFormats.ranges.sheetId)";

impl Google {
    pub(super) async fn get(
        &self,
        file: &str,
        ranges: &[&str],
        fields: &str,
        doing: &str,
    ) -> Result<Spreadsheet, GoogleError> {
        check_id(file, doing)?;
        let call = Call {
            budget: Budget::SheetsRead,
            effect: Effect::Idempotent,
            doing,
        };
        self.run(call, |mut watch| async move {
            let mut call = self.sheets.spreadsheets().get(file);
            for range in ranges {
                call = call.add_ranges(range);
            }
            call.param("fields", fields)
                .delegate(&mut watch)
                .clear_scopes()
                .add_scopes(SCOPES)
                .doit()
                .await
                .map(|(_, spreadsheet)| spreadsheet)
        })
        .await
    }

    /// Sends a batch; the answer brings cells when the batch asked for what it kept.
    async fn batch_update(
        &self,
        file: &str,
        body: &Body,
        keeps: bool,
        effect: Effect,
        doing: &str,
    ) -> Result<Option<Spreadsheet>, GoogleError> {
        check_id(file, doing)?;
        let call = Call {
            budget: Budget::SheetsWrite,
            effect,
            doing,
        };
        let mut url = format!(
            "{}v4/spreadsheets/{file}:batchUpdate?alt=json",
            self.sheets_base
        );
        if keeps {
            let fields = url::form_urlencoded::byte_serialize(KEPT.as_bytes());
            url.extend(std::iter::once("&fields=").chain(fields));
        }
        let url = &url;
        self.run(call, |mut watch| async move {
            watch.id = "sheets.spreadsheets.batchUpdate";
            let answer: BatchUpdateSpreadsheetResponse =
                self.post(url.clone(), body.bytes.clone(), watch).await?;
            Ok(answer.updated_spreadsheet)
        })
        .await
    }

    /// Makes a newborn file the workbook, in one batch.
    pub(super) async fn build(&self, file: &str, workbook: &Workbook) -> Result<(), GoogleError> {
        let doing = format!("building the spreadsheet {:?} ({file})", workbook.title);
        let born = self.get(file, &[], STRUCTURE, &doing).await?;
        let born = from_wire::first_tab(&born).ok_or_else(|| {
            GoogleError::new(Kind::Unreadable, "", "the new file has no tab", &doing)
        })?;
        let requests = to_wire::workbook(workbook, born, self.sign_in.email());
        let body = to_wire::of_requests(requests, &doing)?;
        let bytes = body.bytes.len();
        tracing::debug!(file, bytes, "building a spreadsheet");
        let sent = self.batch_update(file, &body, false, Effect::Adds, &doing);
        let error = match sent.await {
            Err(error) if error.kind == Kind::UnknownOutcome => error,
            known => return known.map(drop),
        };
        // The batch is atomic: if the first tab is there, so is everything.
        let now = self.read_structure(file).await?;
        let built = |tab: &i64| now.tabs.iter().any(|have| have.id == *tab);
        let all_names = now.names.len() >= workbook.names.len();
        let titles = workbook
            .tabs
            .iter()
            .all(|tab| built(&tab.id) && now.tabs.iter().any(|have| have.title == tab.title));
        if all_names && titles {
            Ok(())
        } else {
            Err(error)
        }
    }

    pub(super) async fn read_all(&self, file: &str) -> Result<Workbook, GoogleError> {
        let doing = format!("reading the whole spreadsheet {file}");
        let spreadsheet = self.get(file, &[], WHOLE, &doing).await?;
        Ok(from_wire::workbook(spreadsheet))
    }

    async fn read_structure(&self, file: &str) -> Result<Observed, GoogleError> {
        let doing = format!("reading the tabs and names of spreadsheet {file}");
        let spreadsheet = self.get(file, &[], STRUCTURE, &doing).await?;
        Ok(from_wire::observed(&spreadsheet, &[]))
    }

    pub(super) async fn read_blocks(
        &self,
        file: &str,
        names: &[&str],
    ) -> Result<Observed, GoogleError> {
        if names.is_empty() {
            return self.read_structure(file).await;
        }
        let doing = format!("reading {} blocks of spreadsheet {file}", names.len());
        let refused = match self.get(file, names, BLOCKS, &doing).await {
            Ok(spreadsheet) => return Ok(from_wire::observed(&spreadsheet, names)),
            Err(error) if error.kind == Kind::Invalid && !error.unsent => error,
            Err(error) => return Err(error),
        };
        // One unknown name spoils the whole request, and the sentence that names it is localised.
        let structure = self.read_structure(file).await?;
        let known: Vec<&str> = names
            .iter()
            .copied()
            .filter(|asked| structure.names.iter().any(|have| have.name == *asked))
            .collect();
        match known.len() {
            0 => Ok(structure),
            all if all == names.len() => Err(refused),
            _ => {
                let spreadsheet = self.get(file, &known, BLOCKS, &doing).await?;
                Ok(from_wire::observed(&spreadsheet, &known))
            }
        }
    }

    pub(super) async fn write_edits(
        &self,
        file: &str,
        edits: &[Edit],
    ) -> Result<Applied, GoogleError> {
        if edits.is_empty() {
            return Ok(Applied::default());
        }
        let doing = format!("writing {} edits to spreadsheet {file}", edits.len());
        to_wire::check_edits(edits, &doing)?;
        let mut context = Context::default();
        if to_wire::needs_context(edits) {
            let now = self.get(file, &[], CONTEXT, &doing).await?;
            context = from_wire::context(&now);
        }
        context.editor = self.sign_in.email().map(str::to_string);
        let kept = to_wire::kept(edits);
        let limits = self.patience.batch;
        let range = kept.and_then(|(_, rows)| {
            let mut ranges = KEEPER_RANGES.iter();
            ranges
                .find(|(_, size)| rows <= *size)
                .map(|(name, _)| *name)
        });
        let body = to_wire::of_edits(edits, &context, range, &doing)?;
        let bytes = body.bytes.len();
        let whole = limits.fits(bytes, body.requests);
        let parts = if whole { None } else { parts::by_tab(edits) };
        let Some(parts) = parts else {
            if !whole {
                tracing::warn!(
                    file,
                    bytes,
                    "a batch that cannot be parted is larger than usual"
                );
            }
            return self.write_part(file, edits, &body, kept, &doing).await;
        };
        drop(body);
        tracing::info!(
            file,
            bytes,
            parts = parts.len(),
            "too much for one batch: tab by tab"
        );
        let mut all = Applied::default();
        for part in &parts {
            let range = range.filter(|_| to_wire::kept(part).is_some());
            let body = to_wire::of_edits(part, &context, range, &doing)?;
            let done = self.write_part(file, part, &body, kept, &doing).await?;
            all.cells += done.cells;
            all.bytes += done.bytes;
            all.requests += done.requests;
            // What an earlier part kept still stands where it was kept.
            all.kept = done.kept.or(all.kept);
        }
        Ok(all)
    }

    /// One atomic batch. `kept` is the tab that keeps what all edits write over, and how many of its
    /// rows.
    async fn write_part(
        &self,
        file: &str,
        edits: &[Edit],
        body: &Body,
        kept: Option<(i64, u32)>,
        doing: &str,
    ) -> Result<Applied, GoogleError> {
        to_wire::check_requests(body.requests, doing)?;
        let kept = kept.filter(|_| to_wire::kept(edits).is_some());
        let effect = if to_wire::repeatable(edits) {
            Effect::Idempotent
        } else {
            Effect::Adds
        };
        let sent = self.batch_update(file, body, kept.is_some(), effect, doing);
        let answer = match sent.await {
            Ok(answer) => answer,
            Err(error) => return Err(self.blame(file, edits, error).await),
        };
        Ok(Applied {
            cells: to_wire::cells(edits),
            bytes: body.bytes.len(),
            requests: 1,
            kept: kept
                .zip(answer)
                .and_then(|((tab, _), answer)| from_wire::kept(&answer, tab)),
        })
    }
}
