//! Pipelines that the webhook's user may not see.
//!
//! `crm.category.list` leaves them out without a word, and their deals are missing from every list.
//! But `crm.status.list` gives the stages of all pipelines, each directory named after its pipeline.

use crate::domain::crm::Directory;

/// What the directories of the stages of pipelines other than the default one are called.
const STAGES_OF: &str = "DEAL_STAGE_";

/// Pipelines that have stages and are not in the list of pipelines, in order of id. None when the
/// list itself could not be read.
pub(super) fn pipelines(directory: &Directory) -> Vec<u64> {
    if directory.categories.is_empty() {
        return Vec::new();
    }
    let with_stages = directory
        .statuses
        .iter()
        .filter_map(|status| status.entity.strip_prefix(STAGES_OF)?.parse::<u64>().ok());
    let mut hidden: Vec<u64> = with_stages
        .filter(|id| !directory.categories.iter().any(|known| known.id == *id))
        .collect();
    hidden.sort_unstable();
    hidden.dedup();
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::crm::{Category, Semantics, Status};

    #[test]
    fn a_pipeline_with_stages_that_is_not_listed_is_hidden() {
        let status = |entity: &str| Status {
            entity: entity.to_owned(),
            code: "X".to_owned(),
            name: "X".to_owned(),
            semantics: Some(Semantics::InWork),
            sort: 10,
        };
        let mut directory = Directory {
            statuses: [
                "STATUS",
                "DEAL_STAGE",
                "DEAL_STAGE_4",
                "DEAL_STAGE_2",
                "DEAL_STAGE_2",
            ]
            .map(status)
            .into(),
            ..Directory::default()
        };
        assert_eq!(pipelines(&directory), [0; 0]);
        let category = |id| Category {
            id,
            name: String::new(),
        };
        directory.categories = vec![category(0), category(4)];
        assert_eq!(pipelines(&directory), [2]);
        directory.categories.push(category(2));
        assert_eq!(pipelines(&directory), [0; 0]);
    }
}
