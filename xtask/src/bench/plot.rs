use super::graph::GraphReport;
use anyhow::{Result, anyhow};
use plotters::prelude::*;
use std::path::Path;

const SIZE: (u32, u32) = (760, 420);
const TIME: RGBColor = RGBColor(47, 111, 159);
const MEMORY: RGBColor = RGBColor(200, 110, 40);

/// Draws time and memory over the number of objects, both on logarithmic scales, where a
/// straight line of slope 1 is growth in proportion.
pub(super) fn draw(report: &GraphReport, path: &Path) -> Result<()> {
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    let wrong = |error: &dyn std::fmt::Display| anyhow!("{error}");
    area.fill(&WHITE).map_err(|error| wrong(&error))?;
    let millions = |objects: u64| objects as f64 / 1e6;
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .right_y_label_area_size(60)
        .build_cartesian_2d((0.8..130.0).log_scale(), (0.1..100.0).log_scale())
        .map_err(|error| wrong(&error))?
        .set_secondary_coord((0.8..130.0).log_scale(), (0.05..50.0).log_scale());
    chart
        .configure_mesh()
        .x_desc("million objects, three references each")
        .y_desc("seconds")
        .label_style(("sans-serif", 13))
        .draw()
        .map_err(|error| wrong(&error))?;
    chart
        .configure_secondary_axes()
        .y_desc("gigabytes at most")
        .label_style(("sans-serif", 13))
        .draw()
        .map_err(|error| wrong(&error))?;
    let rows = &report.rows;
    let time = rows.iter().map(|row| (millions(row.objects), row.seconds));
    let memory = rows
        .iter()
        .map(|row| (millions(row.objects), row.peak as f64 / 1e9));
    let legend = |colour: RGBColor| {
        move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2))
    };
    chart
        .draw_series(LineSeries::new(time.clone(), TIME.stroke_width(2)).point_size(3))
        .map_err(|error| wrong(&error))?
        .label(format!("time, exponent {:.2}", report.growth.seconds))
        .legend(legend(TIME));
    chart
        .draw_secondary_series(
            LineSeries::new(memory.clone(), MEMORY.stroke_width(2)).point_size(3),
        )
        .map_err(|error| wrong(&error))?
        .label(format!("memory, exponent {:.2}", report.growth.peak))
        .legend(legend(MEMORY));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font(("sans-serif", 14))
        .border_style(BLACK.mix(0.3))
        .background_style(WHITE)
        .draw()
        .map_err(|error| wrong(&error))?;
    area.present().map_err(|error| wrong(&error))
}
