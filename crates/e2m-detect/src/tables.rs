//! The catalogue as text: CSV, GeoJSON for QuPath, and regions for DS9. Each object is written as it comes; nothing is gathered.

use crate::catalogue::{Catalogue, Object};
use std::io::{Result, Write};

/// How pixels of the image that was searched relate to those of the raw post image, and to micrometres.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Placement {
    /// Column and row, in the image that was searched, of the first raw pixel of post.
    pub raw_origin_px: [f64; 2],
    /// Micrometres per pixel along x and y, where they are known.
    pub um_per_px: Option<[f64; 2]>,
}

/// The columns of the CSV, in their order.
pub const COLUMNS: [&str; 19] = [
    "id",
    "x_px",
    "y_px",
    "x_raw_px",
    "y_raw_px",
    "x_um",
    "y_um",
    "flux",
    "flux_err",
    "peak",
    "significance",
    "area_px",
    "area_um2",
    "length_px",
    "width_px",
    "orientation_deg",
    "circularity",
    "background",
    "nearest_px",
];

/// Points on the outline of an object as an ellipse.
const CORNERS: usize = 12;

/// Writes all objects as CSV: `notes` and what is known of the catalogue as lines that begin with `#`, then the header. Micrometres
/// are empty where the pixel size is not known.
///
/// # Errors
///
/// Those of the writer.
pub fn write_csv(
    out: &mut dyn Write,
    catalogue: &Catalogue,
    placement: &Placement,
    notes: &[String],
) -> Result<()> {
    for note in notes.iter().flat_map(|note| note.lines()) {
        writeln!(out, "# {note}")?;
    }
    for fact in facts(catalogue, placement) {
        writeln!(out, "# {fact}")?;
    }
    writeln!(out, "{},flags", COLUMNS.join(","))?;
    for object in &catalogue.objects {
        let raw = placement.raw(object);
        let um = |axis: usize| {
            placement
                .um_per_px
                .map(|um| format!("{:.3}", raw[axis] * um[axis]))
                .unwrap_or_default()
        };
        let area_um2 = placement
            .area_um2(object)
            .map(|area| format!("{area:.4}"))
            .unwrap_or_default();
        let nearest = if object.nearest_px.is_finite() {
            format!("{:.2}", object.nearest_px)
        } else {
            String::new()
        };
        writeln!(
            out,
            "{},{:.3},{:.3},{:.3},{:.3},{},{},{},{},{},{:.2},{},{area_um2},{:.2},{:.2},{:.1},{:.3},{},{nearest},{}",
            object.id,
            object.x_px,
            object.y_px,
            raw[0],
            raw[1],
            um(0),
            um(1),
            significant(object.flux),
            significant(object.flux_err),
            significant(object.peak),
            object.significance,
            object.area_px,
            object.length_px,
            object.width_px,
            object.orientation_deg,
            object.circularity,
            significant(object.background),
            object.flags,
        )?;
    }
    Ok(())
}

/// Writes all objects as one GeoJSON collection of QuPath detections, in raw pixels of post: each an ellipse whose half axes are its full widths at half maximum.
///
/// # Errors
///
/// Those of the writer.
pub fn write_geojson(
    out: &mut dyn Write,
    catalogue: &Catalogue,
    placement: &Placement,
) -> Result<()> {
    write!(out, "{{\"type\":\"FeatureCollection\",\"features\":[")?;
    for (i, object) in catalogue.objects.iter().enumerate() {
        let separator = if i == 0 { "" } else { "," };
        write!(
            out,
            "{separator}\n{{\"type\":\"Feature\",\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[["
        )?;
        for (k, [x, y]) in outline(object, placement).enumerate() {
            let separator = if k == 0 { "" } else { "," };
            // QuPath counts from the corner of a pixel, not from its middle.
            write!(out, "{separator}[{:.2},{:.2}]", x + 0.5, y + 0.5)?;
        }
        write!(
            out,
            "]]}},\"properties\":{{\"objectType\":\"detection\",\"classification\":{{\"name\":\"{}\"}},\"name\":\"{}\",\"measurements\":{{\"flux\":{},\"flux_err\":{},\"significance\":{:.2},\"area_px\":{},\"length_px\":{:.2},\"width_px\":{:.2}}}}}}}",
            if object.flags.counts() {
                "microbe"
            } else {
                "not counted"
            },
            object.id,
            significant(object.flux),
            significant(object.flux_err),
            object.significance,
            object.area_px,
            object.length_px,
            object.width_px,
        )?;
    }
    writeln!(out, "\n]}}")
}

/// Writes all objects as DS9 regions: ellipses in pixels of the image that was searched, which DS9 counts from 1. Objects that do
/// not count as microbes are red.
///
/// # Errors
///
/// Those of the writer.
pub fn write_regions(out: &mut dyn Write, catalogue: &Catalogue) -> Result<()> {
    writeln!(out, "# Region file format: DS9 version 4.1\nimage")?;
    for object in &catalogue.objects {
        let [long, short] = half_axes(object);
        let colour = if object.flags.counts() {
            "green"
        } else {
            "red"
        };
        writeln!(
            out,
            "ellipse({:.2},{:.2},{long:.2},{short:.2},{:.1}) # color={colour} text={{{}}}",
            object.x_px + 1.0,
            object.y_px + 1.0,
            object.orientation_deg,
            object.id,
        )?;
    }
    Ok(())
}

impl Placement {
    pub(crate) fn raw(&self, object: &Object) -> [f64; 2] {
        [
            object.x_px - self.raw_origin_px[0],
            object.y_px - self.raw_origin_px[1],
        ]
    }

    pub(crate) fn area_um2(&self, object: &Object) -> Option<f64> {
        let [x, y] = self.um_per_px?;
        Some(x * y * f64::from(object.area_px))
    }
}

/// What the head of a table says about the catalogue.
pub(crate) fn facts(catalogue: &Catalogue, placement: &Placement) -> Vec<String> {
    let background = catalogue.background;
    let density = catalogue.density;
    let mut facts = vec![
        format!(
            "significance over background: mean {:.3}, standard deviation {:.3}, of {} px{}",
            background.mean,
            background.std_dev,
            background.pixels,
            if background.is_normal() {
                ""
            } else {
                " (suspect: not normal)"
            },
        ),
        format!(
            "false objects to expect: {:.2}",
            catalogue.false_positives.expected
        ),
        format!(
            "microbes: {} on {:.3} Mpx of section, {:.2} per Mpx (95 %: {:.2} to {:.2})",
            density.objects,
            density.section_px as f64 * 1e-6,
            density.per_megapixel,
            density.interval_95[0],
            density.interval_95[1],
        ),
    ];
    if let Some([x, y]) = placement.um_per_px {
        // A million pixels of 1 um^2 are 1 mm^2.
        let mm2 = x * y;
        facts.push(format!(
            "on {:.4} mm^2 of section, {:.2} per mm^2 (95 %: {:.2} to {:.2})",
            density.section_px as f64 * 1e-6 * mm2,
            density.per_megapixel / mm2,
            density.interval_95[0] / mm2,
            density.interval_95[1] / mm2,
        ));
    }
    if let Some(completeness) = &catalogue.completeness {
        let flux = |flux: Option<f64>| flux.map_or_else(|| "none".to_owned(), significant);
        facts.push(format!(
            "flux found with 50 %: {}, with 90 %: {}, at an effective area of {:.1} px",
            flux(completeness.flux_50),
            flux(completeness.flux_90),
            completeness.median_effective_area_px,
        ));
    }
    facts
}

/// Six significant digits.
fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let decimals = (5 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    format!("{value:.decimals$}")
}

fn half_axes(object: &Object) -> [f64; 2] {
    // Never smaller than a pixel, so that it can be seen.
    [object.length_px.max(1.0), object.width_px.max(1.0)]
}

/// The corners of its ellipse, the first once more at the end.
fn outline(object: &Object, placement: &Placement) -> impl Iterator<Item = [f64; 2]> + use<> {
    let [x, y] = placement.raw(object);
    let [long, short] = half_axes(object);
    let (sin, cos) = object.orientation_deg.to_radians().sin_cos();
    (0..=CORNERS).map(move |k| {
        let angle = (k % CORNERS) as f64 * std::f64::consts::TAU / CORNERS as f64;
        let (along, across) = (long * angle.cos(), short * angle.sin());
        [
            x + along * cos - across * sin,
            y + along * sin + across * cos,
        ]
    })
}
