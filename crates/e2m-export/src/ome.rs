//! What a file shows, as OME-XML: schema 2016-06, in UTF-8.
//!
//! TIFF wants its texts in ASCII, but OME-TIFF has UTF-8, and no character may be written by its number: Bio-Formats (7.3) replaces
//! `&#` by a space before it parses, and would take such a file for one without a description.

use crate::image::{Channel, OmeImage};
use e2m_image::PixelType;
use std::fmt::Write as _;

/// The schema.
const NAMESPACE: &str = "http://www.openmicroscopy.org/Schemas/OME/2016-06";
/// Whose annotations these are.
const ANNOTATIONS: &str = "e2m/export";
/// Who wrote it.
pub(crate) const SOFTWARE: &str = concat!("e2m ", env!("CARGO_PKG_VERSION"));

impl OmeImage {
    /// The OME-XML of a file, the text of its ImageDescription.
    ///
    /// The same image gives the same text: two files whose texts are equal show the same, as far as this tells. Where it is known what
    /// the pixels were made from, put that into the annotations, and the text tells whether a file is up to date.
    pub fn ome_xml(&self) -> String {
        self.ome_xml_of(PixelType::F32)
    }

    /// The same where samples are of another type.
    pub(crate) fn ome_xml_of(&self, samples: PixelType) -> String {
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <OME xmlns=\"{NAMESPACE}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:schemaLocation=\"{NAMESPACE} {NAMESPACE}/ome.xsd\" Creator=\"{SOFTWARE}\">\n  <Image ID=\"Image:0\""
        );
        attribute(&mut xml, "Name", &self.name);
        xml.push_str(">\n");
        if !self.description.is_empty() {
            let text = escaped(&self.description);
            put(
                &mut xml,
                format_args!("    <Description>{text}</Description>\n"),
            );
        }
        self.pixels(samples, &mut xml);
        if self.annotations.is_empty() {
            xml.push_str("  </Image>\n");
        } else {
            xml.push_str("    <AnnotationRef ID=\"Annotation:0\"/>\n  </Image>\n");
            self.map_annotation(&mut xml);
        }
        xml.push_str("</OME>\n");
        xml
    }

    fn pixels(&self, samples: PixelType, xml: &mut String) {
        let samples = match samples {
            PixelType::U8 => "uint8",
            PixelType::U16 => "uint16",
            PixelType::F32 => "float",
        };
        put(
            xml,
            format_args!(
                "    <Pixels ID=\"Pixels:0\" DimensionOrder=\"XYCZT\" Type=\"{samples}\" BigEndian=\"{}\" \
                 SizeX=\"{}\" SizeY=\"{}\" SizeC=\"{}\" SizeZ=\"1\" SizeT=\"1\"",
                cfg!(target_endian = "big"),
                self.size.width,
                self.size.height,
                self.channels.len()
            ),
        );
        if let Some([x, y]) = self.pixel_um {
            put(
                xml,
                format_args!(
                    " PhysicalSizeX=\"{x}\" PhysicalSizeXUnit=\"µm\" PhysicalSizeY=\"{y}\" PhysicalSizeYUnit=\"µm\""
                ),
            );
        }
        xml.push_str(">\n");
        for (index, channel) in self.channels.iter().enumerate() {
            channel.element(index, xml);
        }
        for index in 0..self.channels.len() {
            put(
                xml,
                format_args!(
                    "      <TiffData FirstZ=\"0\" FirstT=\"0\" FirstC=\"{index}\" IFD=\"{index}\" PlaneCount=\"1\"/>\n"
                ),
            );
        }
        xml.push_str("    </Pixels>\n");
    }

    fn map_annotation(&self, xml: &mut String) {
        put(
            xml,
            format_args!(
                "  <StructuredAnnotations>\n    <MapAnnotation ID=\"Annotation:0\" Namespace=\"{ANNOTATIONS}\">\n      <Value>\n"
            ),
        );
        for (key, value) in &self.annotations {
            xml.push_str("        <M");
            attribute(xml, "K", key);
            put(xml, format_args!(">{}</M>\n", escaped(value)));
        }
        xml.push_str("      </Value>\n    </MapAnnotation>\n  </StructuredAnnotations>\n");
    }
}

impl Channel {
    fn element(&self, index: usize, xml: &mut String) {
        put(xml, format_args!("      <Channel ID=\"Channel:0:{index}\""));
        attribute(xml, "Name", &self.name);
        put(
            xml,
            format_args!(
                " SamplesPerPixel=\"1\" Color=\"{}\"/>\n",
                self.colour.code()
            ),
        );
    }
}

/// Appends; a string never fails.
fn put(xml: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = xml.write_fmt(text);
}

/// Line breaks become spaces, as any parser would make of them.
fn attribute(xml: &mut String, name: &str, value: &str) {
    let value = escaped(value).replace(['\n', '\t'], " ");
    put(xml, format_args!(" {name}=\"{value}\""));
}

/// A text as XML. Characters that no XML may hold become U+FFFD, the mark for those.
fn escaped(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            // A parser would make a line break of it.
            '\r' => xml.push('\n'),
            c if is_allowed(c) => xml.push(c),
            _ => xml.push('\u{fffd}'),
        }
    }
    xml
}

fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Colour, Pyramid};
    use e2m_image::Size;

    #[test]
    fn texts_come_back_whatever_they_hold() {
        let odd = "a<b> & \"c\" 'd' é µ 𝄞\n\tx";
        let mut image = OmeImage::new(odd, Size::new(7, 5));
        image.description = odd.to_owned();
        image.annotations = vec![(odd.to_owned(), odd.to_owned())];
        image.channels = vec![Channel::new(odd, Colour::GREEN, Pyramid::Mean)];
        let xml = image.ome_xml();
        assert!(!xml.contains("&#"), "{xml}");
        let in_attribute = odd.replace(['\n', '\t'], " ");
        let in_attribute = Some(in_attribute.as_str());
        let document = roxmltree::Document::parse(&xml).expect("XML");
        let element = |name: &str| {
            let mut all = document.descendants();
            all.find(|node| node.has_tag_name((NAMESPACE, name)))
                .expect("there")
        };
        assert_eq!(element("Image").attribute("Name"), in_attribute);
        assert_eq!(element("Channel").attribute("Name"), in_attribute);
        assert_eq!(element("Description").text(), Some(odd));
        assert_eq!(element("M").attribute("K"), in_attribute);
        assert_eq!(element("M").text(), Some(odd));
    }

    #[test]
    fn what_no_xml_may_hold_is_marked() {
        let mut image = OmeImage::new("a\0b\u{1b}c\u{ffff}", Size::new(1, 1));
        image
            .channels
            .push(Channel::new("x", Colour::WHITE, Pyramid::Mean));
        let xml = image.ome_xml();
        let document = roxmltree::Document::parse(&xml).expect("XML");
        let name = document.descendants().find_map(|n| n.attribute("Name"));
        assert_eq!(name, Some("a\u{fffd}b\u{fffd}c\u{fffd}"));
    }

    #[test]
    fn sizes_and_colours_are_as_the_schema_wants_them() {
        let mut image = OmeImage::new("x", Size::new(7, 5));
        let no_size = image.ome_xml();
        assert!(!no_size.contains("PhysicalSize"), "{no_size}");
        image.pixel_um = Some([0.1, 1e-5]);
        assert!(
            image.ome_xml().contains(
                "PhysicalSizeX=\"0.1\" PhysicalSizeXUnit=\"µm\" PhysicalSizeY=\"0.00001\""
            )
        );
        assert_eq!(Colour::WHITE.code(), -1);
        assert_eq!(Colour::GREEN.code(), 0x00ff_00ff);
    }
}
