//! Which image, plane and channel of a file is meant, and what else it holds.
//!
//! A page is a plane of an image (a scene, a position): all planes of the first image, those along z first, then those along time,
//! then the next image's. In a file of flat images, pages are images.

use super::super::contents::{listed, named};
use super::super::request::{ChannelRequest, PageRequest};
use crate::tiff::TiffProblem;
use openreadout_core::PlaneIndex;
use openreadout_core::model::{ChannelInfo, ImageInfo};

/// The plane that is meant.
#[derive(Debug)]
pub(super) struct Chosen {
    /// The number of its image, the first is 0.
    pub(super) image: usize,
    pub(super) plane: PlaneIndex,
    /// Its number among all planes, the first is 1.
    pub(super) page: usize,
    pub(super) pages: usize,
    /// What else could have been meant.
    pub(super) others: Vec<String>,
    /// What of the request for a channel is left to be chosen among colours.
    pub(super) request: ChannelRequest,
}

impl Chosen {
    pub(super) fn of(
        images: &[ImageInfo],
        page: &PageRequest,
        channel: &ChannelRequest,
    ) -> Result<Self, TiffProblem> {
        if images.is_empty() {
            return Err(TiffProblem::damaged("it holds no image at full resolution"));
        }
        let planes: Vec<usize> = images.iter().map(planes).collect();
        let pages = planes.iter().fold(0_usize, |sum, &n| sum.saturating_add(n));
        let (image, plane) = find_page(images, &planes, page, pages)?;
        let about = &images[image];
        let (channel_number, request) = find_channel(about, channel)?;
        let first: usize = planes[..image].iter().sum();
        let z = plane % (about.size_z.max(1) as usize);
        let t = plane / (about.size_z.max(1) as usize);
        let mut others = Vec::new();
        if channel_number.is_none() {
            let names = about.channels.iter().skip(1).take(MAX_LISTED);
            others.extend(
                names
                    .enumerate()
                    .map(|(i, channel)| named("channel", i + 2, channel.name.as_deref())),
            );
        }
        if *page == PageRequest::Auto {
            let along = |n: u32, axis: &str| (n > 1).then(|| format!("{axis} 2 to {n}"));
            others.extend(along(about.size_z, "planes"));
            others.extend(along(about.size_t, "times"));
            let mut number = planes[0].saturating_add(1);
            for (other, own) in images.iter().zip(&planes).skip(1).take(MAX_LISTED) {
                others.push(named("page", number, other.name.as_deref()));
                number = number.saturating_add(*own);
            }
        }
        Ok(Self {
            image,
            plane: PlaneIndex {
                c: channel_number.unwrap_or(0),
                z: z as u32,
                t: t as u32,
            },
            page: first.saturating_add(plane + 1),
            pages,
            others,
            request,
        })
    }
}

/// What stands for red, green and blue in a batch file.
const COLOURS: [[&str; 2]; 3] = [["r", "red"], ["g", "green"], ["b", "blue"]];

/// Others are listed up to here; a file may claim any number.
const MAX_LISTED: usize = 1000;

/// Planes of an image, of one channel.
fn planes(image: &ImageInfo) -> usize {
    let planes = u64::from(image.size_z.max(1)) * u64::from(image.size_t.max(1));
    usize::try_from(planes).unwrap_or(usize::MAX)
}

/// The image and the plane of it that a page is.
fn find_page(
    images: &[ImageInfo],
    planes: &[usize],
    page: &PageRequest,
    pages: usize,
) -> Result<(usize, usize), TiffProblem> {
    let missing = |holds: String| TiffProblem::NoPage {
        wanted: page.to_string(),
        holds,
    };
    match page {
        PageRequest::Auto => Ok((0, 0)),
        PageRequest::Number(number) => {
            let mut rest = number.saturating_sub(1);
            for (image, &own) in planes.iter().enumerate() {
                if rest < own {
                    return Ok((image, rest));
                }
                rest -= own;
            }
            Err(missing(match pages {
                1 => "1 page".to_owned(),
                pages => format!("{pages} pages, 1 to {pages}"),
            }))
        }
        PageRequest::Name(name) => {
            let names = || images.iter().filter_map(|image| image.name.clone());
            let same = |image: &ImageInfo| {
                let own = image.name.as_deref().unwrap_or_default().to_lowercase();
                // Images in folders of a project have these before their names.
                let last = own.rsplit('/').next();
                own == name.to_lowercase() || last == Some(&*name.to_lowercase())
            };
            let found = images.iter().position(same).map(|image| (image, 0));
            found.ok_or_else(|| {
                missing(match listed(names().collect()) {
                    none if none.is_empty() => "no names of pages; give its number".to_owned(),
                    names => format!("the pages {names}"),
                })
            })
        }
    }
}

/// The channel that is asked for, the first is 0, and what of the request is left. `None` where nobody has chosen.
fn find_channel(
    image: &ImageInfo,
    request: &ChannelRequest,
) -> Result<(Option<u32>, ChannelRequest), TiffProblem> {
    let is_colour = image.samples_per_pixel == 3;
    let several = image.size_c > 1;
    let missing = |holds: String| TiffProblem::NoChannel {
        wanted: request.to_string(),
        holds,
    };
    let count = |n: u32| format!("{n} channels, 1 to {n}");
    match request {
        ChannelRequest::Auto => Ok((None, ChannelRequest::Auto)),
        ChannelRequest::Name(name) => {
            let names = || image.channels.iter().map(|channel| channel.name.clone());
            let same = |own: Option<String>| {
                own.is_some_and(|own| own.to_lowercase() == name.to_lowercase())
            };
            match names().position(same) {
                Some(number) => Ok((Some(number as u32), ChannelRequest::Auto)),
                None => Err(missing(match listed(names().flatten().collect()) {
                    none if none.is_empty() => {
                        "no names of channels; a channel is chosen by its number, the first is 1"
                            .to_owned()
                    }
                    names => format!("the channels {names}"),
                })),
            }
        }
        ChannelRequest::Number(number) if several => {
            let number = u32::try_from(*number).unwrap_or(u32::MAX);
            if (1..=image.size_c).contains(&number) {
                return Ok((Some(number - 1), ChannelRequest::Auto));
            }
            Err(missing(count(image.size_c)))
        }
        ChannelRequest::Number(number @ 1..=3) if is_colour => {
            Ok((Some(0), ChannelRequest::Colour(number - 1)))
        }
        ChannelRequest::Number(1) => Ok((Some(0), ChannelRequest::Auto)),
        ChannelRequest::Number(_) if is_colour => {
            Err(missing("the channels 1 to 3: R, G and B".to_owned()))
        }
        // Channels are often called by the colour that they are drawn in.
        ChannelRequest::Colour(colour @ 0..3) if !is_colour => {
            let words = COLOURS[*colour];
            let same = |own: &ChannelInfo| {
                let own = own.name.as_deref().unwrap_or_default().to_lowercase();
                words.contains(&&*own)
            };
            match image.channels.iter().position(same) {
                Some(number) => Ok((Some(number as u32), ChannelRequest::Auto)),
                None if several => Err(missing(count(image.size_c))),
                None => Err(missing("one channel, which is grey".to_owned())),
            }
        }
        ChannelRequest::Colour(_) | ChannelRequest::Sum | ChannelRequest::Luma if is_colour => {
            Ok(((!several).then_some(0), request.clone()))
        }
        // A single channel is its own sum and luma.
        ChannelRequest::Sum | ChannelRequest::Luma if !several => {
            Ok((Some(0), ChannelRequest::Auto))
        }
        _ if several => Err(missing(count(image.size_c))),
        _ => Err(missing("one channel, which is grey".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openreadout_core::PixelType;

    fn image(name: &str, [z, t]: [u32; 2], channels: &[&str]) -> ImageInfo {
        let mut image = ImageInfo::new(0, 10, 10, PixelType::Uint8);
        image.name = Some(name.to_owned());
        (image.size_z, image.size_t) = (z, t);
        image.size_c = channels.len() as u32;
        image.channels = channels
            .iter()
            .map(|name| ChannelInfo {
                name: Some((*name).to_owned()),
                ..ChannelInfo::default()
            })
            .collect();
        image
    }

    fn chosen(page: &str, channel: &str) -> Result<Chosen, String> {
        let images = [
            image("A", [3, 2], &["DAPI", "Cy3"]),
            image("B", [1, 1], &["DAPI"]),
        ];
        let page = PageRequest::from_word(page).expect("a page");
        let channel = ChannelRequest::from_word(channel).expect("a channel");
        Chosen::of(&images, &page, &channel).map_err(|problem| problem.to_string())
    }

    #[test]
    fn pages_are_planes_of_images() {
        let all = chosen("auto", "auto").expect("the first");
        assert_eq!((all.image, all.page, all.pages), (0, 1, 7));
        assert_eq!(
            all.others,
            [
                "channel 2 (Cy3)",
                "planes 2 to 3",
                "times 2 to 2",
                "page 7 (B)"
            ]
        );
        let fifth = chosen("5", "Cy3").expect("a plane");
        assert_eq!((fifth.image, fifth.plane.z, fifth.plane.t), (0, 1, 1));
        assert_eq!((fifth.plane.c, fifth.others.len()), (1, 0));
        assert_eq!(chosen("b", "1").expect("the other").page, 7);
        let said = |page, channel| chosen(page, channel).expect_err("nothing");
        assert!(said("8", "auto").contains("7 pages, 1 to 7"));
        assert!(said("C", "auto").contains("the pages A, B"));
        assert!(said("1", "GFP").contains("the channels DAPI, Cy3"));
        assert!(said("1", "3").contains("2 channels, 1 to 2"));
        assert!(said("B", "R").contains("one channel, which is grey"));
    }
}
