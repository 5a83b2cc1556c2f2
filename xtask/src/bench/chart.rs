//! The chart, which shows the times of reads as bars.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use bench_plan::{Place, Work, label};
use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, IntoFont, RGBColor, TextStyle, WHITE};

use super::Samples;
use super::group::Group;
use super::judge::median;

/// The groups that are shown, and their headings.
const GROUPS: &[(Group, &str)] = &[
    (Group::timed(Work::Read, Place::Plugin), "thread-local, in a plugin"),
    (Group::timed(Work::ReadDrop, Place::Plugin), "thread-local with destructor, in a plugin"),
    (Group::timed(Work::Read, Place::Host), "thread-local, in the host"),
    (Group::timed(Work::Lazy, Place::Plugin), "lazily initialized static, in a plugin"),
];
/// The labels in the order of their bars, with the names and colours in the chart.
const SUBJECTS: &[(&str, &str, RGBColor)] = &[
    (label::OURS, "plugin_tls", OURS),
    (label::STD, "std", STD),
    (label::PEER, "plugin_tls 0.4.1", PEER),
    (label::UNCHECKED, "rubicon, unchecked", PEER),
    (label::RUBICON, "rubicon", PEER),
    (label::LAZY_STATIC, "lazy_static", PEER),
    (label::ONCE_CELL, "once_cell", PEER),
    (label::EMPTY, "an empty call", EMPTY),
];

const OURS: RGBColor = RGBColor(0x1f, 0x6f, 0xb5);
const STD: RGBColor = RGBColor(0x5b, 0x65, 0x70);
const PEER: RGBColor = RGBColor(0xb3, 0xbc, 0xc5);
const EMPTY: RGBColor = RGBColor(0xdf, 0xe4, 0xe8);
const GRID: RGBColor = RGBColor(0xe8, 0xec, 0xef);
const INK: RGBColor = RGBColor(0x24, 0x29, 0x2f);
const FAINT: RGBColor = RGBColor(0x6a, 0x73, 0x7d);

const WIDTH: i32 = 860;
/// The start of the bars and the end of the axis.
const LEFT: i32 = 190;
const RIGHT: i32 = 800;
const TOP: i32 = 64;
const BAR: i32 = 16;
const GAP: i32 = 5;
const HEADING: i32 = 34;
const BOTTOM: i32 = 48;

/// One bar: its name, its nanoseconds, its colour.
type Bar = (&'static str, f64, RGBColor);

/// Draws the groups that have samples.
pub(crate) fn draw(samples: &Samples, path: &Path) -> Result<()> {
    let groups: Vec<(&str, Vec<Bar>)> = GROUPS
        .iter()
        .map(|&(group, heading)| (heading, bars(samples, group)))
        .filter(|(_, bars)| !bars.is_empty())
        .collect();
    let longest = groups.iter().flat_map(|(_, bars)| bars).map(|bar| bar.1).fold(1.0, f64::max);
    let height: i32 =
        groups.iter().map(|(_, bars)| HEADING + bars.len() as i32 * (BAR + GAP)).sum::<i32>() + TOP + BOTTOM;

    let area = SVGBackend::new(path, (WIDTH as u32, height as u32)).into_drawing_area();
    area.fill(&WHITE).map_err(drawing)?;
    let chart = Chart { area: &area, scale: f64::from(RIGHT - LEFT) / longest.ceil() };
    chart.text("Time of one read by an out-of-line call, the call included", (LEFT, 28), 20, INK, HPos::Left, true)?;
    chart.grid(longest.ceil() as i32, height - BOTTOM)?;
    let mut top = TOP;
    for (heading, bars) in &groups {
        chart.text(heading, (LEFT, top + HEADING / 2 + 4), 17, INK, HPos::Left, true)?;
        top += HEADING;
        for bar in bars {
            chart.bar(bar, top)?;
            top += BAR + GAP;
        }
    }
    area.present().map_err(drawing).with_context(|| format!("cannot write {}", path.display()))
}

fn bars(samples: &Samples, group: Group) -> Vec<Bar> {
    let Some(group) = samples.get(&group.to_string()) else { return Vec::new() };
    let bar = |&(label, name, colour): &(&str, &'static str, RGBColor)| {
        Some((name, median(group.get(label)?.clone())?, colour))
    };
    SUBJECTS.iter().filter_map(bar).collect()
}

struct Chart<'a, 'b> {
    area: &'a DrawingArea<SVGBackend<'b>, Shift>,
    /// Pixels per nanosecond.
    scale: f64,
}

impl Chart<'_, '_> {
    fn x(&self, nanoseconds: f64) -> i32 {
        LEFT + (nanoseconds * self.scale).round() as i32
    }

    /// Draws a line for each nanosecond, and its number below.
    fn grid(&self, last: i32, bottom: i32) -> Result<()> {
        for nanoseconds in 0..=last {
            let x = self.x(f64::from(nanoseconds));
            self.area.draw(&PathElement::new(vec![(x, TOP), (x, bottom)], GRID)).map_err(drawing)?;
            let unit = if nanoseconds == last { " ns" } else { "" };
            self.text(&format!("{nanoseconds}{unit}"), (x, bottom + 16), 14, FAINT, HPos::Center, false)?;
        }
        Ok(())
    }

    fn bar(&self, &(name, nanoseconds, colour): &Bar, top: i32) -> Result<()> {
        let end = self.x(nanoseconds);
        let bar = Rectangle::new([(LEFT, top), (end, top + BAR)], colour.filled());
        self.area.draw(&bar).map_err(drawing)?;
        let middle = top + BAR / 2;
        self.text(name, (LEFT - 10, middle), 16, INK, HPos::Right, colour == OURS)?;
        self.text(&format!("{nanoseconds:.1}"), (end + 6, middle), 16, INK, HPos::Left, colour == OURS)
    }

    fn text(&self, text: &str, at: (i32, i32), size: i32, colour: RGBColor, side: HPos, bold: bool) -> Result<()> {
        let font = ("sans-serif", size).into_font().style(if bold { FontStyle::Bold } else { FontStyle::Normal });
        let style = TextStyle::from(font).color(&colour).pos(Pos::new(side, VPos::Center));
        self.area.draw(&Text::new(text.to_owned(), at, style)).map_err(drawing)
    }
}

fn drawing(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw the chart: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_medians_of_what_was_measured() {
        let labels = [("std", vec![3.0, 9.0, 2.0]), ("ours", vec![1.0]), ("unheard of", vec![5.0])];
        let labels = labels.map(|(label, values)| (label.to_owned(), values)).into_iter().collect();
        let samples = Samples::from([("read/plugin".to_owned(), labels)]);
        let bars = bars(&samples, Group::timed(Work::Read, Place::Plugin));
        assert_eq!(bars.iter().map(|bar| (bar.0, bar.1)).collect::<Vec<_>>(), [("plugin_tls", 1.0), ("std", 3.0)]);
        assert!(super::bars(&samples, Group::timed(Work::Read, Place::Host)).is_empty());
    }

    #[test]
    fn the_chart_has_its_words() {
        let labels = [("std".to_owned(), vec![3.26])].into();
        let samples = Samples::from([("read/plugin".to_owned(), labels)]);
        let folder = tempfile::tempdir().expect("there is room");
        let path = folder.path().join("chart.svg");
        draw(&samples, &path).expect("it can be drawn");
        let text = std::fs::read_to_string(path).expect("it was written");
        for part in ["<svg", "thread-local, in a plugin", "3.3", "4 ns"] {
            assert!(text.contains(part), "{part}");
        }
        assert!(!text.contains("in the host"), "there are no samples of it");
    }
}
