//! Computes values, ratios and verdicts from samples.

use anyhow::{Context, Result};

use super::Samples;
use super::rows::{Comparison, Limit, Quantity, Row, Unit};

/// A row with its results.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) name: String,
    pub(crate) lines: Vec<Line>,
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) ours: f64,
    /// The name of what ours was compared with, its value, and the ratio of ours to it.
    pub(crate) against: Option<(&'static str, f64, f64)>,
    pub(crate) limit: Limit,
    pub(crate) unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Verdict {
    Met,
    /// The difference to the limit, as a part of the limit.
    Missed(f64),
}

impl Line {
    /// Returns the number that the limit applies to.
    fn judged(&self) -> f64 {
        self.against.map_or(self.ours, |(_, _, ratio)| ratio)
    }

    /// Returns `None` if there is no target.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        let value = self.judged();
        match self.limit {
            Limit::None => None,
            Limit::AtMost(limit) if value <= limit => Some(Verdict::Met),
            Limit::AtLeast(limit) if value >= limit => Some(Verdict::Met),
            Limit::AtMost(limit) => Some(Verdict::Missed(value / limit - 1.0)),
            Limit::AtLeast(limit) => Some(Verdict::Missed(1.0 - value / limit)),
        }
    }
}

/// Makes the comparisons of a row.
pub(crate) fn judge(row: &Row, samples: &Samples) -> Result<Judged> {
    let lines = row.comparisons.iter().map(|comparison| compare(comparison, samples)).collect::<Result<_>>();
    Ok(Judged { name: row.name.clone(), lines: lines.with_context(|| format!("cannot fill the row {}", row.name))? })
}

fn compare(comparison: &Comparison, samples: &Samples) -> Result<Line> {
    let ours = values(&comparison.ours, samples)?;
    let against = match &comparison.against {
        None => None,
        Some((name, quantity)) => {
            let theirs = values(quantity, samples)?;
            let value = median(theirs.clone()).context("there are no samples")?;
            Some((*name, value, ratio(&ours, &theirs, comparison.ours.group == quantity.group)?))
        }
    };
    let ours = median(ours).context("there are no samples")?;
    Ok(Line { ours, against, limit: comparison.limit, unit: comparison.unit })
}

fn values(quantity: &Quantity, samples: &Samples) -> Result<Vec<f64>> {
    let of = |label: &str| {
        let group = samples.get(&quantity.group.to_string());
        group.and_then(|group| group.get(label)).with_context(|| format!("no samples of {label} in {}", quantity.group))
    };
    let values = of(quantity.label)?;
    let Some(label) = quantity.net_of else { return Ok(values.clone()) };
    Ok(values.iter().zip(of(label)?).map(|(value, empty)| value - empty).collect())
}

/// If the samples were taken in turn, returns the median of the ratios of each round, which do not depend on how fast
/// the machine was in a round. Otherwise, returns the ratio of the medians.
fn ratio(ours: &[f64], theirs: &[f64], in_turn: bool) -> Result<f64> {
    let ratio = if in_turn && ours.len() == theirs.len() {
        median(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect())
    } else {
        median(ours.to_vec()).zip(median(theirs.to_vec())).map(|(ours, theirs)| ours / theirs)
    };
    ratio.context("there are no samples")
}

pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 { Some(upper) } else { Some((values[middle - 1] + upper) / 2.0) }
}

/// Counts the targets, as in `23 of 25 targets are met`.
pub(crate) fn summary(rows: &[Judged]) -> String {
    let verdicts: Vec<_> = rows.iter().flat_map(|row| &row.lines).filter_map(Line::verdict).collect();
    let met = verdicts.iter().filter(|verdict| **verdict == Verdict::Met).count();
    format!("{met} of {} targets are met", verdicts.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(ours: f64, ratio: Option<f64>, limit: Limit) -> Line {
        let against = ratio.map(|ratio| ("std", ours / ratio, ratio));
        Line { ours, against, limit, unit: Unit::Nanoseconds }
    }

    #[test]
    fn a_limit_is_one_of_the_ratio_or_else_of_the_value() {
        assert_eq!(line(100.0, Some(0.25), Limit::AtMost(0.25)).verdict(), Some(Verdict::Met));
        assert_eq!(line(100.0, Some(0.5), Limit::AtMost(0.25)).verdict(), Some(Verdict::Missed(1.0)));
        assert_eq!(line(1.0, None, Limit::AtMost(4.0)).verdict(), Some(Verdict::Met));
        assert_eq!(line(5.0, None, Limit::AtMost(4.0)).verdict(), Some(Verdict::Missed(0.25)));
        assert_eq!(line(1.0, Some(9.0), Limit::None).verdict(), None);
    }

    #[test]
    fn too_little_misses_where_more_is_better() {
        assert_eq!(line(1.0, Some(2.0), Limit::AtLeast(1.5)).verdict(), Some(Verdict::Met));
        assert_eq!(line(1.0, Some(1.5), Limit::AtLeast(2.0)).verdict(), Some(Verdict::Missed(0.25)));
        // A ratio that is not a number does not meet a target.
        assert_ne!(line(1.0, Some(f64::NAN), Limit::AtMost(1.0)).verdict(), Some(Verdict::Met));
    }

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 100.0]), Some(3.0));
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn a_round_that_was_slow_for_all_has_no_influence() {
        let (ours, theirs) = ([1.0, 10.0, 10.0, 1.0, 3.0], [2.0, 20.0, 20.0, 2.0, 6.0]);
        assert_eq!(ratio(&ours, &theirs, true).ok(), Some(0.5));
        assert_eq!(ratio(&ours[..3], &theirs[..1], false).ok(), Some(5.0));
        assert!(ratio(&[], &[], true).is_err());
    }

    #[test]
    fn empty_calls_are_taken_off_round_by_round() {
        use bench_plan::{Place, Work};

        use crate::bench::group::Group;

        let group = Group::timed(Work::Read, Place::Plugin);
        let labels = [("ours", vec![3.0, 30.0]), ("empty", vec![2.0, 20.0])];
        let labels = labels.map(|(label, values)| (label.to_owned(), values)).into_iter().collect();
        let samples = Samples::from([(group.to_string(), labels)]);
        let quantity = |label, net_of| Quantity { group, label, net_of };
        assert_eq!(values(&quantity("ours", Some("empty")), &samples).ok(), Some(vec![1.0, 10.0]));
        assert_eq!(values(&quantity("ours", None), &samples).ok(), Some(vec![3.0, 30.0]));
        assert!(values(&quantity("theirs", None), &samples).is_err());
    }
}
