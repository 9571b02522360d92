//! How large a pixel is, by what the file says of it.

use super::imagej::ImageJ;
use super::ome::OmeImage;
use serde::{Deserialize, Serialize};

/// Smaller pixels than 10 nm no light microscope has, larger ones than 0.1 mm show no microbes.
const PLAUSIBLE_UM: std::ops::RangeInclusive<f64> = 0.01..=100.0;
/// Sizes that differ by more than this share contradict each other: resolution tags are rounded to a part in a thousand at worst.
const AGREEMENT: f64 = 0.01;
/// Micrometres of an inch and of a centimetre, the units of resolution tags.
const INCH_UM: f64 = 25_400.0;
const CENTIMETRE_UM: f64 = 10_000.0;

/// The size of a pixel along x and y.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PixelSize {
    /// Micrometres along x and y.
    pub um: [f64; 2],
    /// What says so.
    pub from: PixelSizeSource,
}

/// What says how large a pixel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PixelSizeSource {
    /// The parameter `pixel_size_um`.
    Asked,
    /// OME-XML.
    Ome,
    /// ImageJ's description, and the resolution tags in its unit.
    ImageJ,
    /// Resolution tags.
    Resolution,
    /// The metadata of a microscope's maker, or of OME-Zarr.
    Vendor,
}

impl PixelSizeSource {
    const fn name(self) -> &'static str {
        match self {
            Self::Asked => "pixel_size_um",
            Self::Ome => "its OME-XML",
            Self::ImageJ => "ImageJ's description",
            Self::Resolution => "its resolution tags",
            Self::Vendor => "its metadata",
        }
    }
}

/// What the resolution tags say: pixels per unit along x and y, and the unit's code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Resolution {
    pub(crate) per_unit: [f64; 2],
    pub(crate) unit: u64,
}

/// The size of a pixel by the first source that tells a plausible one; what is odd about it goes to `remarks`.
pub(crate) fn pixel_size(
    ome: Option<&OmeImage>,
    imagej: Option<&ImageJ>,
    resolution: Option<Resolution>,
    remarks: &mut Vec<String>,
) -> Option<PixelSize> {
    let by_resolution = |unit_um: f64| resolution.map(|tags| tags.per_unit.map(|n| unit_um / n));
    let unit = resolution.and_then(|tags| match tags.unit {
        2 => Some(INCH_UM),
        3 => Some(CENTIMETRE_UM),
        _ => None,
    });
    let imagej = imagej.and_then(|imagej| imagej.unit_um);
    let told = [
        (PixelSizeSource::Ome, ome.and_then(|ome| ome.pixel_um)),
        (PixelSizeSource::ImageJ, imagej.and_then(by_resolution)),
        // ImageJ leaves the tags' own unit at inches, whatever it means.
        (
            PixelSizeSource::Resolution,
            unit.filter(|_| imagej.is_none()).and_then(by_resolution),
        ),
    ];
    plausible(told, remarks)
}

/// The first of these sizes that a microscope can have; what is odd about them goes to `remarks`.
pub(crate) fn plausible(
    told: impl IntoIterator<Item = (PixelSizeSource, Option<[f64; 2]>)>,
    remarks: &mut Vec<String>,
) -> Option<PixelSize> {
    let mut taken: Option<PixelSize> = None;
    for (from, um) in told {
        let Some(um) = um else {
            continue;
        };
        let [x, y] = um;
        if !um.iter().all(|size| PLAUSIBLE_UM.contains(size)) {
            // 72 or 96 dots per inch stand in files of which nobody knows the size.
            if from != PixelSizeSource::Resolution {
                remarks.push(format!(
                    "{} says that a pixel is {x:.4} x {y:.4} um, which no microscope has; give `pixel_size_um` if it is known",
                    from.name()
                ));
            }
            continue;
        }
        match taken {
            None => taken = Some(PixelSize { um, from }),
            Some(first) if !agree(first.um, um) => remarks.push(format!(
                "a pixel is {:.4} x {:.4} um by {} and {x:.4} x {y:.4} um by {}; the first is taken, `pixel_size_um` goes before both",
                first.um[0],
                first.um[1],
                first.from.name(),
                from.name()
            )),
            Some(_) => {}
        }
    }
    if let Some(PixelSize { um: [x, y], from }) = taken
        && !agree([x, x], [y, y])
    {
        remarks.push(format!(
            "its pixels are not square: {x:.4} x {y:.4} um by {}",
            from.name()
        ));
    }
    taken
}

fn agree(a: [f64; 2], b: [f64; 2]) -> bool {
    let near = |a: f64, b: f64| (a / b - 1.0).abs() <= AGREEMENT;
    near(a[0], b[0]) && near(a[1], b[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(
        ome: Option<[f64; 2]>,
        unit_um: Option<f64>,
        tags: Option<(f64, u64)>,
    ) -> (Option<PixelSize>, usize) {
        let ome = ome.map(|um| OmeImage {
            pixel_um: Some(um),
            ..OmeImage::default()
        });
        let imagej = unit_um.map(|unit| ImageJ {
            images: 1,
            channels: 1,
            depth: [1, 1],
            unit_um: Some(unit),
        });
        let tags = tags.map(|(n, unit)| Resolution {
            per_unit: [n, n],
            unit,
        });
        let mut remarks = Vec::new();
        let size = pixel_size(ome.as_ref(), imagej.as_ref(), tags, &mut remarks);
        (size, remarks.len())
    }

    #[test]
    fn the_surest_source_is_taken_and_others_are_held_against_it() {
        let um = |size: Option<PixelSize>| size.map(|size| size.um);
        assert_eq!(told(Some([0.5, 0.5]), None, Some((20_000.0, 3))).1, 0);
        let (size, remarks) = told(Some([0.5, 0.5]), None, Some((10_000.0, 3)));
        assert_eq!((um(size), remarks), (Some([0.5; 2]), 1));
        // ImageJ: four pixels per micrometre, though the unit tag says inches.
        assert_eq!(um(told(None, Some(1.0), Some((4.0, 2))).0), Some([0.25; 2]));
        assert_eq!(told(None, None, Some((72.0, 2))), (None, 0));
        assert_eq!(told(Some([5e4, 5e4]), None, None), (None, 1));
        let (size, remarks) = told(Some([0.5, 0.7]), None, None);
        assert_eq!((um(size), remarks), (Some([0.5, 0.7]), 1));
    }
}
