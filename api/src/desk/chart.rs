//! Charts as SVG, drawn on the server: no script, and a table with the same figures beside each.

use adit_core::units::Day;
use plotters::prelude::{ChartBuilder, Circle, IntoDrawingArea, RGBColor, Rectangle, SVGBackend, Text};
use plotters::style::{BLACK, Color, IntoFont, TextStyle};

/// Width and height in the units of the picture; the page scales it.
const SIZE: (u32, u32) = (640, 280);
/// Size of letters, in the same units.
const LETTERS: f64 = 14.0;
/// Bars on a page.
const PAGE: Look = Look { size: SIZE, letters: LETTERS, above: 8, below: 30, beside: 44 };
/// Bars on a wall, which is read from five metres: letters are larger beside them.
const WALL: Look = Look { size: (640, 190), letters: 22.0, above: 14, below: 32, beside: 64 };
/// Room for the names of lanes, in the same units, and how wide they may be, in letters.
const NAMES: u32 = 180;
const NAME_WIDTH_MAX: usize = 21;
/// How many numbers stand beside a chart at most.
const NUMBERS: usize = 6;
/// Colours that are told apart without seeing red or green (Okabe and Ito).
pub(crate) const COLOURS: [&str; 3] = ["#0072b2", "#e69f00", "#009e73"];
const FILLS: [RGBColor; 3] = [RGBColor(0, 114, 178), RGBColor(230, 159, 0), RGBColor(0, 158, 115)];

/// How bars are drawn, in units of the picture.
struct Look {
    size: (u32, u32),
    letters: f64,
    /// Room for half a number, and for names and numbers.
    above: u32,
    below: u32,
    beside: u32,
}

/// One place on the axis, with a bar for each series.
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) bars: Vec<u32>,
}

/// Bars side by side; nothing where there is nothing to show.
pub(crate) fn bars(groups: &[Group]) -> String {
    draw(groups, &PAGE).unwrap_or_default()
}

/// The same for a wall.
pub(crate) fn wall_bars(groups: &[Group]) -> String {
    draw(groups, &WALL).unwrap_or_default()
}

fn draw(groups: &[Group], look: &Look) -> Option<String> {
    let most = groups.iter().flat_map(|group| &group.bars).copied().max().filter(|most| *most > 0)?;
    let series = groups.iter().map(|group| group.bars.len()).max().filter(|many| *many > 0)?;
    let (many, series) = (i32::try_from(groups.len()).ok()?, f64::from(u32::try_from(series).ok()?));
    let letters = TextStyle::from(("sans-serif", look.letters).into_font()).color(&BLACK);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, look.size).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .margin_top(look.above)
            .x_label_area_size(look.below)
            .y_label_area_size(look.beside)
            .build_cartesian_2d(
                -0.5..f64::from(many) - 0.5,
                0..most.saturating_add(most / 10).saturating_add(1),
            )
            .ok()?;
        let name = |at: &f64| {
            // The groups stand at whole numbers.
            let near = |(_, place): &(&Group, i32)| (f64::from(*place) - at).abs() < 0.01;
            groups.iter().zip(0..).find(near).map(|(group, _)| group.name.clone()).unwrap_or_default()
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(groups.len().saturating_add(1))
            .y_labels(NUMBERS)
            .x_label_formatter(&name)
            .label_style(letters)
            .draw()
            .ok()?;
        let mut at = -0.5;
        for group in groups {
            for ((bar, fill), place) in group.bars.iter().zip(FILLS.iter().cycle()).zip(0_u32..) {
                let left = at + 0.1 + 0.8 * f64::from(place) / series;
                let right = at + 0.1 + 0.8 * f64::from(place + 1) / series;
                chart.draw_series([Rectangle::new([(left, 0), (right, *bar)], fill.filled())]).ok()?;
            }
            at += 1.0;
        }
        area.present().ok()?;
    }
    Some(svg)
}

/// Some days in a row.
pub(crate) struct Span {
    pub(crate) from: Day,
    pub(crate) to: Day,
}

/// One day.
pub(crate) struct Mark {
    pub(crate) on: Day,
}

/// One thing over time, beside others.
pub(crate) struct Lane {
    pub(crate) name: String,
    pub(crate) spans: Vec<Span>,
    pub(crate) marks: Vec<Mark>,
}

/// What happened when, one lane below the other; nothing where there is nothing to show.
pub(crate) fn lanes(lanes: &[Lane]) -> String {
    draw_lanes(lanes).unwrap_or_default()
}

fn draw_lanes(lanes: &[Lane]) -> Option<String> {
    let spans = lanes.iter().flat_map(|lane| &lane.spans).flat_map(|span| [span.from, span.to]);
    let days: Vec<Day> = spans.chain(lanes.iter().flat_map(|lane| &lane.marks).map(|mark| mark.on)).collect();
    let (first, last) = (*days.iter().min()?, *days.iter().max()?);
    let since = |day: Day| f64::from(i32::try_from(day.days_since(first)).unwrap_or(i32::MAX));
    let whole = since(last).max(1.0);
    let many = f64::from(i32::try_from(lanes.len()).ok()?);
    let letters = TextStyle::from(("sans-serif", LETTERS).into_font()).color(&BLACK);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let margin = whole * 0.03;
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            // Half of the last day stands right of the axis.
            .margin_right(44)
            .x_label_area_size(30)
            .y_label_area_size(NAMES)
            .build_cartesian_2d(-margin..whole + margin, 0.0..many)
            .ok()?;
        // A label stands on a day, or between two.
        let whole_days = (0..=last.days_since(first)).map(|days| (days, first.plus_days(days)));
        let whole_days: Vec<(i64, Day)> = whole_days.collect();
        let day = |at: &f64| {
            let before =
                |(days, _): &&(i64, Day)| i32::try_from(*days).is_ok_and(|days| f64::from(days) <= *at + 0.5);
            whole_days.iter().take_while(before).last().map(|(_, day)| day.to_string()).unwrap_or_default()
        };
        chart
            .configure_mesh()
            .disable_y_mesh()
            .x_labels(4)
            .y_labels(0)
            .x_label_formatter(&day)
            .label_style(letters.clone())
            .draw()
            .ok()?;
        for (lane, place) in lanes.iter().zip(0_u32..) {
            let fill = FILLS.get(place as usize % FILLS.len())?;
            let middle = many - f64::from(place) - 0.5;
            for span in &lane.spans {
                let bar = [
                    (since(span.from), middle - 0.2),
                    (since(span.to).max(since(span.from) + whole * 0.01), middle + 0.2),
                ];
                chart.draw_series([Rectangle::new(bar, fill.filled())]).ok()?;
            }
            let dots = lane.marks.iter().map(|mark| Circle::new((since(mark.on), middle), 7, fill.filled()));
            chart.draw_series(dots).ok()?;
            // The name stands left of the axis, beside the middle of its lane.
            let (_, y) = chart.backend_coord(&(0.0, middle));
            area.draw(&Text::new(shortened(&lane.name), (8, y - 8), letters.clone())).ok()?;
        }
        area.present().ok()?;
    }
    Some(svg)
}

/// A name that fits beside the lanes: Chinese characters are as wide as two others.
fn shortened(name: &str) -> String {
    let mut width = 0;
    let fits = |c: &char| {
        width += if c.is_ascii() { 1 } else { 2 };
        width <= NAME_WIDTH_MAX
    };
    let kept: String = name.chars().take_while(fits).collect();
    if kept.len() < name.len() { format!("{kept}…") } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_a_bar_for_each_figure_and_names_its_groups() {
        let group = |name: &str, bars: &[u32]| Group { name: name.to_owned(), bars: bars.to_vec() };
        let svg = bars(&[group("2024-04", &[3, 1]), group("<b>", &[0, 2])]);
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(svg.contains("2024-04") && svg.contains("&lt;b&gt;") && !svg.contains("<b>"), "{svg}");
        for colour in &COLOURS[..2] {
            let bars = svg.matches(&colour.to_uppercase()).count();
            assert_eq!(bars, 2, "{colour}: {svg}");
        }
        assert!(!svg.contains("style="), "no style may stand in a page: {svg}");
    }

    #[test]
    fn a_chart_of_nothing_is_none() {
        assert_eq!(bars(&[]), "");
        assert_eq!(bars(&[Group { name: "2024-04".to_owned(), bars: vec![0, 0] }]), "");
    }

    #[test]
    fn lanes_show_spans_and_marks_beside_each_other() {
        let day = |text: &str| text.parse::<Day>().expect("a day");
        let life = Span { from: day("2024-01-05"), to: day("2024-05-10") };
        let svg = lanes(&[
            Lane { name: "在册".to_owned(), spans: vec![life], marks: Vec::new() },
            Lane {
                name: "检查".to_owned(), spans: Vec::new(), marks: vec![Mark { on: day("2024-02-01") }]
            },
        ]);
        assert!(svg.contains("在册") && svg.contains("检查") && svg.contains("<circle"), "{svg}");
        assert!(!svg.contains("style="), "{svg}");
        assert_eq!(lanes(&[]), "");
    }
}
