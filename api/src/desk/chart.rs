//! Charts as SVG, drawn on the server: no script, and a table with the same figures beside each.

use plotters::prelude::{ChartBuilder, IntoDrawingArea, RGBColor, Rectangle, SVGBackend};
use plotters::style::{BLACK, Color, IntoFont, TextStyle};

/// Width and height in the units of the picture; the page scales it.
const SIZE: (u32, u32) = (640, 280);
/// Size of letters, in the same units.
const LETTERS: f64 = 14.0;
/// How many numbers stand beside a chart at most.
const NUMBERS: usize = 6;
/// Colours that are told apart without seeing red or green (Okabe and Ito).
pub(crate) const COLOURS: [&str; 3] = ["#0072b2", "#e69f00", "#009e73"];
const FILLS: [RGBColor; 3] = [RGBColor(0, 114, 178), RGBColor(230, 159, 0), RGBColor(0, 158, 115)];

/// One place on the axis, with a bar for each series.
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) bars: Vec<u32>,
}

/// Bars side by side; nothing where there is nothing to show.
pub(crate) fn bars(groups: &[Group]) -> String {
    draw(groups).unwrap_or_default()
}

fn draw(groups: &[Group]) -> Option<String> {
    let most = groups.iter().flat_map(|group| &group.bars).copied().max().filter(|most| *most > 0)?;
    let series = groups.iter().map(|group| group.bars.len()).max().filter(|many| *many > 0)?;
    let (many, series) = (i32::try_from(groups.len()).ok()?, f64::from(u32::try_from(series).ok()?));
    let letters = TextStyle::from(("sans-serif", LETTERS).into_font()).color(&BLACK);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .x_label_area_size(30)
            .y_label_area_size(44)
            .build_cartesian_2d(0.0..f64::from(many), 0..most.saturating_add(most / 10).saturating_add(1))
            .ok()?;
        let name = |at: &f64| {
            let group = groups.iter().zip(0_u32..).find(|(_, place)| (at - f64::from(*place)).abs() < 0.01);
            group.map(|(group, _)| group.name.clone()).unwrap_or_default()
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
        let mut at = 0.0;
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
}
