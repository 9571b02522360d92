//! What a file holds, and which of it is meant: the page and the sample that are read, and what else there is.

use super::imagej::ImageJ;
use super::ome::OmeImage;
use super::pixel_size::{PixelSize, Resolution, pixel_size};
use super::request::{ChannelRequest, PageRequest};
use crate::tiff::{FileOutline, PageOutline, TiffProblem};
use e2m_image::Size;

/// Others are named up to here.
const MAX_NAMED: usize = 24;

/// The images of a file.
#[derive(Debug)]
pub(crate) struct Contents {
    pages: Vec<PageOutline>,
    is_cut: bool,
    ome: Option<OmeImage>,
    imagej: Option<ImageJ>,
    resolution: Option<Resolution>,
}

/// The page that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChosenPage {
    /// The first one is 1.
    pub(crate) page: usize,
    /// The channel of the file that its first plane is, the first one is 0; `None` where channels have no pages.
    channel: Option<usize>,
    /// Whether somebody asked for this page, and for its channel.
    is_asked: [bool; 2],
    /// Why not the first one.
    pub(crate) remark: Option<String>,
}

const PAGE: usize = 0;
const CHANNEL: usize = 1;

impl ChosenPage {
    /// Whether the channel that was asked for has led to the page, so that it says nothing more of what is on it.
    pub(crate) fn is_by_channel(&self) -> bool {
        self.is_asked[CHANNEL]
    }
}

impl Contents {
    pub(crate) fn of(outline: FileOutline) -> Self {
        let description = outline.description.as_deref().unwrap_or_default();
        let resolution = outline
            .resolution
            .map(|(per_unit, unit)| Resolution { per_unit, unit });
        Self {
            ome: OmeImage::read(description),
            imagej: ImageJ::read(description),
            pages: outline.pages,
            is_cut: outline.is_cut,
            resolution,
        }
    }

    /// How large a pixel is.
    pub(crate) fn pixel_size(&self, remarks: &mut Vec<String>) -> Option<PixelSize> {
        pixel_size(
            self.ome.as_ref(),
            self.imagej.as_ref(),
            self.resolution,
            remarks,
        )
    }

    /// The page that is meant by a page and a channel that are asked for.
    pub(crate) fn choose(
        &self,
        page: &PageRequest,
        channel: &ChannelRequest,
    ) -> Result<ChosenPage, TiffProblem> {
        let chosen = |page, channel, is_asked| ChosenPage {
            page,
            channel,
            is_asked,
            remark: None,
        };
        if let Some(page) = self.asked_page(page)? {
            let by_channel = self
                .channel_pages()
                .iter()
                .position(|&own| own == Some(page));
            return Ok(chosen(page, by_channel, [true, false]));
        }
        self.check_set()?;
        let channels = self.channel_pages();
        match channel {
            ChannelRequest::Name(name) => {
                let names = self.channel_names();
                let same = |own: &Option<String>| own.as_ref().is_some_and(|own| eq(own, name));
                if let Some(number) = names.iter().position(same)
                    && channels.len() > 1
                {
                    let page = self.page_of_channel(number)?;
                    return Ok(chosen(page, Some(number), [false, true]));
                }
                if let Some(page) = self.page_named(name) {
                    return Ok(chosen(page, None, [true, true]));
                }
                if names.iter().any(same) {
                    return Ok(chosen(self.main_page(), Some(0), [false, true]));
                }
            }
            ChannelRequest::Number(number) if channels.len() > 1 => {
                let page = self.page_of_channel(number.saturating_sub(1))?;
                return Ok(chosen(page, Some(number - 1), [false, true]));
            }
            ChannelRequest::Number(number) if self.pages.len() > 1 => {
                // Without names of channels a number is that of a page.
                let page = self.asked_page(&PageRequest::Number(*number))?.unwrap_or(1);
                return Ok(chosen(page, None, [true, true]));
            }
            _ => {}
        }
        let main = self.main_page();
        let first_channel = channels.iter().position(|&own| own == Some(main));
        Ok(ChosenPage {
            remark: self.why_page(main),
            ..chosen(main, first_channel, [false, false])
        })
    }

    /// The page that is asked for, if one is.
    fn asked_page(&self, request: &PageRequest) -> Result<Option<usize>, TiffProblem> {
        let missing = |holds: String| TiffProblem::NoPage {
            wanted: request.to_string(),
            holds,
        };
        match request {
            PageRequest::Auto => Ok(None),
            PageRequest::Number(number) if (1..=self.pages.len()).contains(number) => {
                Ok(Some(*number))
            }
            PageRequest::Number(_) => Err(missing(match self.pages.len() {
                1 => "1 page".to_owned(),
                pages => format!("{pages} pages, 1 to {pages}"),
            })),
            PageRequest::Name(name) => self.page_named(name).map(Some).ok_or_else(|| {
                let names = self.pages.iter().filter_map(|page| page.name.clone());
                missing(match listed(names.collect()) {
                    none if none.is_empty() => "no names of pages; give its number".to_owned(),
                    names => format!("the pages {names}"),
                })
            }),
        }
    }

    fn page_named(&self, name: &str) -> Option<usize> {
        let same = |page: &&PageOutline| page.name.as_ref().is_some_and(|own| eq(own, name));
        self.pages.iter().find(same).map(|page| page.number)
    }

    /// The page of the first plane of each channel, where channels have pages of their own.
    fn channel_pages(&self) -> Vec<Option<usize>> {
        if self.pages.len() == 1 {
            return Vec::new();
        }
        if let Some(ome) = &self.ome {
            return ome.pages.clone();
        }
        match &self.imagej {
            // Channels go by first, and all of them have a page, or none.
            Some(imagej) if imagej.is_consistent() && imagej.images == self.pages.len() => {
                (1..=imagej.channels).map(Some).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The names of the file's channels.
    pub(crate) fn channel_names(&self) -> Vec<Option<String>> {
        let channels = self.ome.iter().flat_map(|ome| &ome.channels);
        channels.map(|channel| channel.name.clone()).collect()
    }

    fn page_of_channel(&self, number: usize) -> Result<usize, TiffProblem> {
        let pages = self.channel_pages();
        let missing = |holds: String| TiffProblem::NoChannel {
            wanted: (number + 1).to_string(),
            holds,
        };
        match pages.get(number) {
            Some(Some(page)) if *page <= self.pages.len() => Ok(*page),
            Some(_) => Err(missing("no page of that channel".to_owned())),
            None => Err(missing(format!("{} channels", pages.len()))),
        }
    }

    /// The first page, unless it says that it is a copy or a label: then the largest of those that do not.
    fn main_page(&self) -> usize {
        if !self.pages.first().is_some_and(|first| first.is_reduced) {
            return 1;
        }
        let whole = self.pages.iter().filter(|page| !page.is_reduced);
        let pixels = |page: &PageOutline| page.size.map_or(0, Size::pixels);
        whole
            .fold(None, |best: Option<&PageOutline>, page| match best {
                Some(best) if pixels(best) >= pixels(page) => Some(best),
                _ => Some(page),
            })
            .map_or(1, |page| page.number)
    }

    /// What there is to say of the page that is read where nobody has chosen.
    fn why_page(&self, main: usize) -> Option<String> {
        if !self.pages.first().is_some_and(|first| first.is_reduced) {
            return None;
        }
        if main == 1 {
            let said = "its first page says that it is a reduced copy, a label or a mask; there is no other, so it is read";
            return Some(said.to_owned());
        }
        let size = |page: usize| {
            let size = self.pages.get(page - 1).and_then(|page| page.size);
            size.map_or_else(|| "unknown size".to_owned(), |size| format!("{size} px"))
        };
        Some(format!(
            "its first page ({}) says that it is a reduced copy, a label or a mask; page {main} ({}) is read",
            size(1),
            size(main)
        ))
    }

    /// Refuses a file that is one of a set.
    fn check_set(&self) -> Result<(), TiffProblem> {
        match &self.ome {
            Some(ome) if !ome.files.is_empty() => Err(TiffProblem::OneOfSet {
                files: listed(ome.files.clone()),
            }),
            _ => Ok(()),
        }
    }

    /// What else could have been meant beside the page that is read, which has this size: other planes, channels or pages. Empty
    /// where somebody has chosen.
    pub(crate) fn others(&self, chosen: &ChosenPage, size: Size) -> Vec<String> {
        if chosen.is_asked[PAGE] {
            return Vec::new();
        }
        let mut others = Vec::new();
        let channels = self.channel_pages();
        if channels.len() > 1 && chosen.channel.is_some() && !chosen.is_asked[CHANNEL] {
            let names = self.channel_names();
            let all = (0..channels.len()).filter(|&channel| Some(channel) != chosen.channel);
            others.extend(all.map(|channel| {
                let name = names.get(channel).cloned().flatten();
                named("channel", channel + 1, name.as_deref())
            }));
        }
        let depth = match (&self.ome, &self.imagej) {
            _ if self.pages.len() == 1 => [1, 1],
            (Some(ome), _) => ome.depth,
            (None, Some(imagej)) if imagej.is_consistent() => imagej.depth,
            _ => [1, 1],
        };
        let along =
            |planes: usize, axis: &str| (planes > 1).then(|| format!("{axis} 2 to {planes}"));
        others.extend(along(depth[0], "planes"));
        others.extend(along(depth[1], "times"));
        if let Some(imagej) = &self.imagej
            && imagej.images > self.pages.len()
        {
            others.push(format!(
                "images {} to {} of ImageJ's {}, which have no pages of their own: save the stack as OME-TIFF to choose one",
                self.pages.len() + 1,
                imagej.images,
                imagej.images
            ));
        }
        if others.is_empty() && !(chosen.is_asked[CHANNEL] && chosen.channel.is_some()) {
            let same = self.pages.iter().filter(|page| {
                page.number != chosen.page && page.size == Some(size) && !page.is_reduced
            });
            others.extend(same.map(|page| named("page", page.number, page.name.as_deref())));
        }
        if self.is_cut && !chosen.is_asked[CHANNEL] {
            others.push(format!(
                "page {}, which the file does not hold: it is damaged, or was copied in part",
                self.pages.len() + 1
            ));
        }
        others
    }

    /// Pages that are larger than the one that is read and do not say that they are copies.
    pub(crate) fn larger(&self, chosen: &ChosenPage, size: Size) -> Option<String> {
        if chosen.is_asked[PAGE] {
            return None;
        }
        let larger = self.pages.iter().filter(|page| {
            let pixels = page.size.map_or(0, Size::pixels);
            !page.is_reduced && pixels > size.pixels()
        });
        let largest = larger.max_by_key(|page| page.size.map_or(0, Size::pixels))?;
        let size = largest.size?;
        Some(format!(
            "page {}, which is larger ({size} px)",
            largest.number
        ))
    }
}

/// Several names as one text, the first of them if they are very many.
pub(crate) fn listed(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(MAX_NAMED);
    names.truncate(MAX_NAMED);
    let names = names.join(", ");
    if more == 0 {
        return names;
    }
    format!("{names} and {more} more")
}

/// A channel or page by its number, and its name if it has one.
pub(crate) fn named(what: &str, number: usize, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{what} {number} ({name})"),
        None => format!("{what} {number}"),
    }
}

/// Whether names are the same, in whatever case.
fn eq(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}
