//! Formats the table for a terminal and as Markdown.

use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent, presets};

use super::judge::{Judged, Line, Verdict};
use super::rows::{Limit, Unit};

const HEADER: [&str; 7] = ["work", "ours", "compared with", "its", "ratio", "target", "verdict"];
/// The columns of numbers, which are aligned to the right.
const RIGHT: [usize; 3] = [1, 3, 4];

pub(crate) fn for_terminal(rows: &[Judged]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Disabled);
    table.remove_style(TableComponent::HorizontalLines).remove_style(TableComponent::MiddleIntersections);
    table.set_header(HEADER);
    for cells in all_cells(rows) {
        table.add_row(cells);
    }
    for index in RIGHT {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

pub(crate) fn as_markdown(rows: &[Judged]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule: Vec<String> =
        (0..HEADER.len()).map(|index| if RIGHT.contains(&index) { "---:" } else { "---" }.to_owned()).collect();
    let mut text = line(&HEADER.map(str::to_owned)) + &line(&rule);
    for cells in all_cells(rows) {
        text += &line(&cells);
    }
    text
}

/// Returns the cells of all lines. The name of a row appears in its first line only.
fn all_cells(rows: &[Judged]) -> impl Iterator<Item = [String; 7]> + '_ {
    rows.iter().flat_map(|row| {
        row.lines.iter().enumerate().map(|(index, line)| cells(if index == 0 { &row.name } else { "" }, line))
    })
}

fn cells(name: &str, line: &Line) -> [String; 7] {
    let (against, its, ratio) = match line.against {
        Some((against, its, ratio)) => (against.to_owned(), amount(its, line.unit), hundredths(ratio)),
        None => Default::default(),
    };
    let limit = |sign: &str, limit: f64| match line.against {
        Some(_) => format!("{sign} {limit}"),
        None => format!("{sign} {}", amount(limit, line.unit)),
    };
    let target = match line.limit {
        Limit::None => String::new(),
        Limit::AtMost(value) => limit("≤", value),
        Limit::AtLeast(value) => limit("≥", value),
    };
    let verdict = match line.verdict() {
        None => String::new(),
        Some(Verdict::Met) => "met".to_owned(),
        Some(Verdict::Missed(part)) => format!("missed by {:.0} %", part * 100.0),
    };
    [name.to_owned(), amount(line.ours, line.unit), against, its, ratio, target, verdict]
}

/// Formats a number with two decimal places, and a small negative one as zero without a sign.
fn hundredths(value: f64) -> String {
    // The sum of the two zeros is the positive one.
    format!("{:.2}", (value * 100.0).round() / 100.0 + 0.0)
}

/// Formats a quantity with a readable unit.
fn amount(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Nanoseconds if value.abs() < 99.95 => format!("{} ns", hundredths(value)),
        Unit::Nanoseconds if value.abs() < 9999.5 => format!("{value:.0} ns"),
        Unit::Nanoseconds if value.abs() < 9.9995e6 => format!("{:.1} µs", value / 1e3),
        Unit::Nanoseconds if value.abs() < 9.9995e8 => format!("{:.1} ms", value / 1e6),
        Unit::Nanoseconds => format!("{:.1} s", value / 1e9),
        Unit::Bytes => format!("{value:.1} B"),
        Unit::PerMicrosecond => format!("{value:.0}/µs"),
        Unit::Count => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Judged> {
        let line = |ours, against, limit| Line { ours, against, limit, unit: Unit::Nanoseconds };
        vec![
            Judged {
                name: "read".to_owned(),
                lines: vec![
                    line(0.5, Some(("std", 2.0, 0.25)), Limit::AtMost(0.2)),
                    line(0.5, Some(("peer", 5.0, 0.1)), Limit::None),
                ],
            },
            Judged { name: "build".to_owned(), lines: vec![line(9e9, None, Limit::AtMost(10e9))] },
        ]
    }

    #[test]
    fn markdown_has_a_line_for_each_comparison() {
        let text = as_markdown(&rows());
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "| read | 0.50 ns | std | 2.00 ns | 0.25 | ≤ 0.2 | missed by 25 % |",
                "|  | 0.50 ns | peer | 5.00 ns | 0.10 |  |  |",
                "| build | 9.0 s |  |  |  | ≤ 10.0 s | met |",
            ]
        );
        assert!(text.lines().all(|line| line.matches('|').count() == HEADER.len() + 1));
    }

    #[test]
    fn the_terminal_gets_the_same() {
        let text = for_terminal(&rows());
        for part in ["read", "0.50 ns", "≤ 10.0 s", "missed by 25 %"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn amounts_have_readable_units() {
        let amounts = [0.314, 123.4, 12_345.0, 12_345_678.0, 1.5e9].map(|value| amount(value, Unit::Nanoseconds));
        assert_eq!(amounts, ["0.31 ns", "123 ns", "12.3 µs", "12.3 ms", "1.5 s"]);
        assert_eq!(amount(42.84, Unit::Bytes), "42.8 B");
    }

    #[test]
    fn zero_has_no_sign() {
        assert_eq!([-0.001, 0.001, -0.006].map(hundredths), ["0.00", "0.00", "-0.01"]);
    }
}
