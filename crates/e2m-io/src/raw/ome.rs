//! OME-XML: what the images of a file are, from the description of its first page.
//!
//! The schema is that of the Open Microscopy Environment, 2016-06. Only the first image of a file is looked at.

use roxmltree::{Document, Node, ParsingOptions};
use std::collections::BTreeSet;

/// More elements than this are no description of a file that is read here.
const MAX_NODES: u32 = 400_000;
/// Planes are placed up to here.
const MAX_PLANES: usize = 100_000;

/// The first image that an OME-XML describes.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct OmeImage {
    /// Its channels.
    pub(crate) channels: Vec<OmeChannel>,
    /// Planes along z and along time.
    pub(crate) depth: [usize; 2],
    /// The page of the first plane of each channel, the first page is 1; `None` where it is not told.
    pub(crate) pages: Vec<Option<usize>>,
    /// Size of a pixel along x and y, um.
    pub(crate) pixel_um: Option<[f64; 2]>,
    /// The files that hold its planes, where they are more than one.
    pub(crate) files: Vec<String>,
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct OmeChannel {
    /// Its name, or that of its dye.
    pub(crate) name: Option<String>,
    /// Colours of its pixels.
    pub(crate) samples: usize,
}

impl OmeImage {
    /// Reads a description; `None` where it is no OME-XML.
    pub(crate) fn read(description: &str) -> Option<Self> {
        let text = description.trim_start_matches('\u{feff}').trim();
        if !text.starts_with('<') || !text.contains("<OME") && !text.contains(":OME") {
            return None;
        }
        let options = ParsingOptions {
            nodes_limit: MAX_NODES,
            ..ParsingOptions::default()
        };
        let document = Document::parse_with_options(text, options).ok()?;
        let root = document.root_element();
        if root.tag_name().name() != "OME" {
            return None;
        }
        let mut images = root.children().filter(|node| is(node, "Image"));
        let pixels = images.find_map(|image| child(image, "Pixels"))?;
        let mut found = Self::of_pixels(pixels);
        // Each image of the set is described in each of its files.
        let names = root.descendants().filter(|node| is(node, "UUID"));
        let names: BTreeSet<_> = names
            .filter_map(|uuid| uuid.attribute("FileName"))
            .collect();
        if names.len() > 1 {
            found.files = names.into_iter().map(str::to_owned).collect();
        }
        Some(found)
    }

    fn of_pixels(pixels: Node<'_, '_>) -> Self {
        let count = |name: &str| number(pixels, name).unwrap_or(1).max(1);
        let (sizes, order) = (
            [count("SizeC"), count("SizeZ"), count("SizeT")],
            pixels.attribute("DimensionOrder").unwrap_or("XYCZT"),
        );
        let channels = pixels.children().filter(|node| is(node, "Channel"));
        let mut channels: Vec<OmeChannel> = channels
            .map(|channel| OmeChannel {
                name: ["Name", "Fluor"]
                    .into_iter()
                    .find_map(|name| channel.attribute(name))
                    .map(|name| name.trim().to_owned())
                    .filter(|name| !name.is_empty()),
                samples: number(channel, "SamplesPerPixel").unwrap_or(1).max(1),
            })
            .collect();
        if channels.is_empty() {
            let unnamed = OmeChannel {
                name: None,
                samples: 1,
            };
            channels = vec![unnamed; sizes[0].min(MAX_PLANES)];
        }
        let sizes = [channels.len(), sizes[1], sizes[2]];
        let axis = |axis: &str| {
            let size = pixels.attribute(format!("PhysicalSize{axis}").as_str())?;
            let unit = pixels.attribute(format!("PhysicalSize{axis}Unit").as_str());
            Some(size.trim().parse::<f64>().ok()? * micrometres(unit.unwrap_or("um"))?)
        };
        Self {
            pages: pages(pixels, sizes, order),
            depth: [sizes[1], sizes[2]],
            pixel_um: axis("X").zip(axis("Y")).map(|(x, y)| [x, y]),
            channels,
            files: Vec::new(),
        }
    }
}

/// The page of the first plane of each channel, of an image of so many channels, planes and times in this order.
fn pages(pixels: Node<'_, '_>, sizes: [usize; 3], order: &str) -> Vec<Option<usize>> {
    let mut pages = vec![None; sizes[0]];
    let axes: Vec<usize> = order.chars().filter_map(|axis| "CZT".find(axis)).collect();
    let total = sizes
        .iter()
        .fold(1_usize, |all, &size| all.saturating_mul(size));
    if axes.len() != 3 || total > MAX_PLANES {
        return pages;
    }
    // How many planes go by until an axis is one further.
    let mut steps = [1; 3];
    let mut step = 1;
    for &axis in &axes {
        steps[axis] = step;
        step *= sizes[axis];
    }
    let mut next_page = 0;
    for data in pixels.children().filter(|node| is(node, "TiffData")) {
        let at = |name: &str| number(data, name);
        let first: usize = ["FirstC", "FirstZ", "FirstT"]
            .iter()
            .zip(steps)
            .map(|(name, step)| at(name).unwrap_or(0).saturating_mul(step))
            .fold(0, usize::saturating_add);
        let page = at("IFD").unwrap_or(if at("PlaneCount").is_some() {
            0
        } else {
            next_page
        });
        let planes = at("PlaneCount").unwrap_or(if data.has_attribute("IFD") { 1 } else { total });
        for (channel, found) in pages.iter_mut().enumerate() {
            let plane = channel * steps[0];
            if plane >= first && plane - first < planes {
                *found = Some(page + plane - first + 1);
            }
        }
        next_page = page.saturating_add(planes);
    }
    pages
}

fn is(node: &Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| is(child, name))
}

fn number(node: Node<'_, '_>, name: &str) -> Option<usize> {
    node.attribute(name)?.trim().parse().ok()
}

/// Micrometres of a unit of length, as OME-XML and ImageJ write it.
pub(crate) fn micrometres(unit: &str) -> Option<f64> {
    Some(match unit.trim().trim_matches('"') {
        "um" | "µm" | "μm" | "\\u00B5m" | "micron" | "microns" | "micrometer" | "micrometre" => {
            1.0
        }
        "nm" => 1e-3,
        "mm" => 1e3,
        "cm" => 1e4,
        "m" => 1e6,
        "in" | "inch" => 25_400.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
        <OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels BigEndian="false"
        DimensionOrder="XYZCT" SizeC="3" SizeZ="4" SizeT="2" SizeX="10" SizeY="9" PhysicalSizeX="0.325"
        PhysicalSizeY="325" PhysicalSizeYUnit="nm"><Channel Name="DAPI"/><Channel Fluor="Cy3"/><Channel/>
        DATA</Pixels></Image></OME>"#;

    fn read(data: &str) -> OmeImage {
        OmeImage::read(&XML.replace("DATA", data)).expect("OME-XML")
    }

    #[test]
    fn channels_are_found_with_their_pages() {
        let found = read("<TiffData/>");
        let names: Vec<_> = found.channels.iter().map(|c| c.name.as_deref()).collect();
        assert_eq!(names, [Some("DAPI"), Some("Cy3"), None]);
        assert_eq!(found.depth, [4, 2]);
        assert_eq!(found.pixel_um, Some([0.325, 0.325]));
        // Order XYZCT: four planes of a channel lie together.
        assert_eq!(found.pages, [Some(1), Some(5), Some(9)]);
        let one_by_one = r#"<TiffData IFD="2" FirstC="0"/><TiffData IFD="1" FirstC="1"/><TiffData IFD="0" FirstC="2"/>"#;
        assert_eq!(read(one_by_one).pages, [Some(3), Some(2), Some(1)]);
        let some = r#"<TiffData IFD="7" FirstC="1" PlaneCount="4"/>"#;
        assert_eq!(read(some).pages, [None, Some(8), None]);
    }

    #[test]
    fn sets_of_files_are_named() {
        let of = |name: &str| {
            format!(r#"<TiffData IFD="0"><UUID FileName="{name}">urn:uuid:1</UUID></TiffData>"#)
        };
        assert!(read(&of("a.ome.tif")).files.is_empty());
        let two = read(&(of("a.ome.tif") + &of("b.ome.tif")));
        assert_eq!(two.files, ["a.ome.tif", "b.ome.tif"]);
    }

    #[test]
    fn other_texts_are_no_ome_xml() {
        for text in [
            "",
            "ImageJ=1.53",
            "<OME",
            "<a><b/></a>",
            "<OME></OME>",
            "<!DOCTYPE OME []><OME/>",
        ] {
            assert_eq!(OmeImage::read(text), None, "{text}");
        }
    }
}
