//! Rows and columns: sizes and what is hidden, equal neighbours in one request.

use std::collections::{BTreeMap, BTreeSet};

use google_sheets4::api as wire;

use super::names::{dimension, mask, n};
use crate::sheet::workbook::Tab;

/// Sizes, equal neighbours together.
pub(super) fn sizes(tab: &Tab, which: &str, sizes: &BTreeMap<u32, u32>) -> Vec<wire::Request> {
    size_lines(tab.id, which, sizes)
}

pub(super) fn size_lines(tab: i64, which: &str, sizes: &BTreeMap<u32, u32>) -> Vec<wire::Request> {
    runs(sizes.iter().map(|(index, size)| (*index, *size)))
        .into_iter()
        .map(|(start, end, size)| {
            let properties = wire::DimensionProperties {
                pixel_size: Some(n(size)),
                ..Default::default()
            };
            update_dimension(dimension(tab, which, start, end), properties, "pixelSize")
        })
        .collect()
}

/// Hidden rows or columns, neighbours together.
pub(super) fn hide(tab: &Tab, which: &str, hidden: &[u32]) -> Vec<wire::Request> {
    hide_lines(tab.id, which, hidden.iter().copied())
}

pub(super) fn hide_lines(
    tab: i64,
    which: &str,
    hidden: impl Iterator<Item = u32>,
) -> Vec<wire::Request> {
    let hidden: BTreeSet<u32> = hidden.collect();
    runs(hidden.into_iter().map(|index| (index, 0)))
        .into_iter()
        .map(|(start, end, _)| {
            let properties = wire::DimensionProperties {
                hidden_by_user: Some(true),
                ..Default::default()
            };
            update_dimension(
                dimension(tab, which, start, end),
                properties,
                "hiddenByUser",
            )
        })
        .collect()
}

pub(super) fn update_dimension(
    range: wire::DimensionRange,
    properties: wire::DimensionProperties,
    field: &str,
) -> wire::Request {
    let update = wire::UpdateDimensionPropertiesRequest {
        fields: mask(&[field]),
        properties: Some(properties),
        range: Some(range),
        ..Default::default()
    };
    wire::Request {
        update_dimension_properties: Some(update),
        ..Default::default()
    }
}

/// Ascending indexes with a value, as `(start, end, value)` of equal neighbours.
pub(super) fn runs(indexed: impl Iterator<Item = (u32, u32)>) -> Vec<(u32, u32, u32)> {
    let mut runs: Vec<(u32, u32, u32)> = Vec::new();
    for (index, value) in indexed {
        match runs.last_mut() {
            Some((_, end, last)) if *end == index && *last == value => *end = index + 1,
            _ => runs.push((index, index + 1, value)),
        }
    }
    runs
}
