//! Writes `docs/performance.md`. The part between two markers is generated from the last run; people write the rest.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use super::judge::{self, Judged};
use super::{Samples, chart, output_of, table};
use crate::process;

const BEGIN: &str = "<!-- measured: begin -->";
const END: &str = "<!-- measured: end -->";

/// The document if there is none yet.
const START: &str =
    "# Performance\n\nMeasured by `cargo xtask bench`.\n\n<!-- measured: begin -->\n<!-- measured: end -->\n";

/// Writes the document and the chart into `docs/`.
pub(crate) fn write(root: &Path, rows: &[Judged], samples: &Samples) -> Result<()> {
    let docs = root.join("docs");
    let path = docs.join("performance.md");
    let text = if path.exists() {
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?
    } else {
        START.to_owned()
    };
    chart::draw(samples, &docs.join("performance.svg"))?;
    let measured = format!(
        "{}\n![Times of reads, in nanoseconds](performance.svg)\n\n{}\n{}.\n",
        machine(root)?,
        table::as_markdown(rows),
        judge::summary(rows)
    );
    let text = replaced(&text, &measured)
        .with_context(|| format!("{} does not contain {BEGIN} and then {END}", path.display()))?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Returns `text` with `measured` between the markers, or `None` if it does not have both markers in order.
fn replaced(text: &str, measured: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{measured}\n{END}{after}"))
}

/// Describes the machine, the compiler and the date of the run.
fn machine(root: &Path) -> Result<String> {
    let mut rustc = Command::new("rustc");
    process::clean_environment(&mut rustc);
    let rustc = output_of(rustc.arg("--version").current_dir(root))?;
    let value = |file: &str, key: &str, separator: char| {
        let text = fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(separator)?.1.trim().trim_matches('"').to_owned())
    };
    let unknown = || "unknown".to_owned();
    let cpu = value("/proc/cpuinfo", "model name", ':').unwrap_or_else(unknown);
    let cores = std::thread::available_parallelism().map_or_else(|_| unknown(), |cores| cores.to_string());
    let system = value("/etc/os-release", "PRETTY_NAME", '=').unwrap_or_else(|| std::env::consts::OS.to_owned());
    let days = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?.as_secs() / 86_400;
    let (year, month, day) = date(days);
    Ok(format!(
        "| | |\n|---|---|\n| processor | {cpu}, {cores} cores, {} |\n| system | {system} |\n| compiler | {} |\n| date | {year}-{month:02}-{day:02} |\n",
        std::env::consts::ARCH,
        rustc.trim(),
    ))
}

/// Returns the year, month and day that is this many days after 1 January 1970.
fn date(mut days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_is_replaced() {
        let text = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let new = replaced(&text, "new\n").expect("it has the markers");
        assert_eq!(new, format!("before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"));
        assert_eq!(replaced(&new, "new\n"), Some(new), "once more changes nothing");
        assert!(replaced(START, "new").is_some());
    }

    #[test]
    fn without_both_markers_in_order_nothing_is_replaced() {
        for text in [String::new(), BEGIN.to_owned(), END.to_owned(), format!("{END}{BEGIN}")] {
            assert_eq!(replaced(&text, "new"), None, "{text}");
        }
    }

    #[test]
    fn days_are_dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(59), (1970, 3, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(11_017), (2000, 3, 1));
        assert_eq!(date(20_453), (2025, 12, 31));
        assert_eq!(date(20_454), (2026, 1, 1));
    }
}
