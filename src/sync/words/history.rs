//! Whose a number is, how it came about and what changed it, in words.

use super::Words;
use crate::domain::plan::{ChangeSource, Owner};

impl Words {
    /// Whose number a cell holds.
    pub fn owner(self, owner: Owner) -> &'static str {
        match owner {
            Owner::Daemon => self.pick("рассчитано", "computed"),
            Owner::Person => self.pick("введено человеком", "typed by a person"),
        }
    }

    /// Where a change came from.
    pub fn source(self, source: ChangeSource) -> &'static str {
        match source {
            ChangeSource::Sheet => self.pick("правка в таблице", "edited in the sheet"),
            ChangeSource::Targets => self.pick("пересчёт", "computed anew"),
            ChangeSource::Scenario => self.pick("принят сценарий", "scenario accepted"),
            ChangeSource::Restore => self.pick("возврат", "brought back"),
        }
    }

    /// The rule by which a number came about; an unknown code as it is.
    pub fn rule(self, code: &'static str) -> &'static str {
        match code {
            "typed" => self.pick(
                "введено человеком и больше не пересчитывается",
                "typed by a person and no longer computed",
            ),
            "last_good" => self.pick(
                "ячейку нельзя прочесть, действует последнее верное значение",
                "the cell cannot be read, its last good value is in force",
            ),
            "target" => self.pick(
                "цель: из настройки или из истории компании",
                "a target: from the configuration or the company's history",
            ),
            "from_targets" => self.pick("из целей", "from the targets"),
            "from_history" => self.pick("из истории компании", "from the company's history"),
            "from_profit" => self.pick(
                "выручка, которая даёт введённую прибыль",
                "the revenue that gives the typed profit",
            ),
            "from_revenue" => self.pick("прибыль от выручки", "the profit that the revenue leaves"),
            "chain" => self.pick(
                "по цепочке: следующий показатель, делённый на конверсию",
                "along the chain: the next indicator divided by the conversion",
            ),
            "rest_of_total" => self.pick(
                "введённый год минус остальные месяцы",
                "the typed year less the other months",
            ),
            "sum_of_months" => self.pick("сумма месяцев", "the sum of the months"),
            "share" => self.pick(
                "доля по весу в том, что не введено у других",
                "by weight, a part of what others have not typed",
            ),
            "seeded_weight" => self.pick(
                "вес по способу деления из «Целей»",
                "a weight by the way of sharing in “Targets”",
            ),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_words_in_both_languages() {
        let rules = [
            "typed",
            "last_good",
            "target",
            "from_targets",
            "from_history",
            "from_profit",
            "from_revenue",
            "chain",
            "rest_of_total",
            "sum_of_months",
            "share",
            "seeded_weight",
        ];
        for rule in rules {
            assert_ne!(Words::Russian.rule(rule), rule);
            assert_ne!(Words::Russian.rule(rule), Words::English.rule(rule));
        }
    }
}
