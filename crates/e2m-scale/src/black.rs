//! Black levels: what the camera, and light that comes from no section, add to both images.
//!
//! Three sources tell of them: whoever took the images; bare glass (glass.rs); and the section itself, whose ratio depends on
//! its brightness where a level was left (intercept.rs). Glass gives both levels, the section only the combination that
//! matters, `black of post - scale x black of pre`, which is then counted to post.

use crate::blocks::{Block, BlockTable};
use crate::brightness::Brightness;
use crate::cut_off::CutOff;
use crate::difference::Subtraction;
use crate::estimate::{MoffatScale, ScaleOptions};
use crate::glass::{Glass, means};
use crate::intercept::{self, Intercept, matters};
use crate::peak::weighted_median;
use serde::{Deserialize, Serialize};

/// Blocks that tell of glass are of this side, px.
const GLASS_SIDE: usize = 16;
/// Section is brighter than glass by this many times the scatter of glass, and by this share of its own median.
const MIN_SCATTERS: f64 = 5.0;
const MIN_SHARE: f64 = 0.02;

/// What a black level was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlackSource {
    /// Nothing speaks for a level other than 0.
    None,
    /// It was given.
    Given,
    /// From bare glass.
    Glass,
    /// From how the ratio depends on the brightness of the section; counted to post, pre being 0 or given.
    Section,
    /// From glass, corrected by the section.
    GlassAndSection,
}

/// The black levels of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BlackLevels {
    /// That of post, counts.
    pub post: f64,
    /// That of pre, counts.
    pub pre: f64,
    /// The standard error of `post - scale x pre`, counts: the part of a black level that matters.
    pub std_error: f64,
    /// Where they come from.
    pub source: BlackSource,
}

impl MoffatScale {
    /// What is taken off post for a difference image.
    pub fn subtraction(&self) -> Subtraction {
        Subtraction {
            scale: self.value,
            post_black: self.black.post,
            pre_black: self.black.pre,
        }
    }
}

/// What is known of black levels while a scale is estimated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Levels {
    post_given: Option<f64>,
    pre_given: Option<f64>,
    glass: Option<Glass>,
    /// Whether the levels of glass are taken off; otherwise glass only tells what is section.
    takes_glass_off: bool,
    intercept: Option<Intercept>,
    /// Section is brighter than this above the levels of glass, in post and in pre.
    least: (f64, f64),
    /// And than the brightness from which on noise is not cut off at 0.
    cut_off: CutOff,
    brightness: Brightness,
}

impl Levels {
    /// From what is given and from glass.
    pub(crate) fn measure(table: &BlockTable, broken: &[Block], options: &ScaleOptions) -> Self {
        let wanted = table.side() == GLASS_SIDE;
        let whole = means(table.blocks().iter(), table.side());
        let all = means(table.blocks().iter().chain(broken), table.side());
        let brightness = Brightness::of_section(&whole);
        // Blocks at the border of an image are broken as well, and may hide glass by looking darker.
        let glass = wanted
            .then(|| Glass::find(&all).or_else(|| Glass::find(&whole)))
            .flatten();
        let least = glass.map_or((0.0, 0.0), |glass| {
            let least = |level: crate::glass::Level, of: fn(&(f64, f64)) -> f64| {
                let above = all.iter().map(|mean| of(mean) - level.value);
                let above: Vec<f64> = above
                    .filter(|a| *a > MIN_SCATTERS * level.scatter)
                    .collect();
                let typical = weighted_median(&above, &vec![1.0; above.len()]).unwrap_or(0.0);
                MIN_SCATTERS * level.scatter + MIN_SHARE * typical
            };
            (
                least(glass.post, |mean| mean.0),
                least(glass.pre, |mean| mean.1),
            )
        });
        Self {
            post_given: options.post_black,
            pre_given: options.pre_black,
            glass,
            takes_glass_off: true,
            intercept: None,
            least,
            cut_off: CutOff::measure(table.blocks(), table.side(), &brightness),
            brightness,
        }
    }

    /// The same section, with the levels of glass left in.
    pub(crate) fn leaving_glass(self) -> Self {
        Self {
            takes_glass_off: false,
            ..self
        }
    }

    /// Those of a camera without an offset, but for what is given.
    pub(crate) fn without_glass(self) -> Self {
        Self {
            glass: None,
            ..self
        }
    }

    /// Without those of glass, where what they leave in a difference is not worth taking off a section of this brightness.
    pub(crate) fn if_they_matter(self, scale: f64, brightness: f64) -> Self {
        let left = self.post() - scale * self.pre();
        if self.glass.is_none() || matters(left, self.glass_error(scale), brightness) {
            self
        } else {
            self.without_glass()
        }
    }

    /// How much too small a ratio may be because noise was cut off at 0, as a share.
    pub(crate) fn cut_off_bias(&self) -> f64 {
        self.cut_off.bias
    }

    pub(crate) fn are_of_glass(&self) -> bool {
        self.glass.is_some()
    }

    /// The standard error of `post - scale x pre`, as glass tells it.
    fn glass_error(&self, scale: f64) -> f64 {
        self.glass.map_or(0.0, |glass| {
            let post = self.post_given.map_or(glass.post.std_error, |_| 0.0);
            let pre = self.pre_given.map_or(glass.pre.std_error, |_| 0.0);
            post.hypot(scale * pre)
        })
    }

    fn taken_off(&self) -> Option<Glass> {
        self.glass.filter(|_| self.takes_glass_off)
    }

    fn post(&self) -> f64 {
        let measured = self.taken_off().map_or(0.0, |glass| glass.post.value);
        self.post_given.unwrap_or(measured) + self.intercept.map_or(0.0, |found| found.value)
    }

    fn pre(&self) -> f64 {
        let measured = self.taken_off().map_or(0.0, |glass| glass.pre.value);
        self.pre_given.unwrap_or(measured)
    }

    /// The blocks of the section with their means of post and aligned pre above the black levels.
    pub(crate) fn section(
        &self,
        blocks: &[Block],
        side: usize,
    ) -> impl Iterator<Item = (Block, (f64, f64))> {
        let pixels = (side * side) as f64;
        let (post, pre, glass, least) = (self.post(), self.pre(), self.glass, self.least);
        let (clear_of_zero, brightness) = (self.cut_off.least_brightness, self.brightness);
        blocks.iter().filter_map(move |block| {
            let mean = (
                f64::from(block.post) / pixels,
                f64::from(block.pre) / pixels,
            );
            let is_section = glass.is_none_or(|glass| {
                mean.0 - glass.post.value > least.0 && mean.1 - glass.pre.value > least.1
            });
            let above = (mean.0 - post, mean.1 - pre);
            let is_clear = brightness.of(mean) >= clear_of_zero;
            (is_section && is_clear && above.0 > 0.0 && above.1 > 0.0).then_some((*block, above))
        })
    }

    /// Looks for a level that is left in the section; answers with whether there is one.
    pub(crate) fn find_intercept(&mut self, section: &intercept::Section<'_>) -> bool {
        if self.post_given.is_none() || self.pre_given.is_none() {
            self.intercept = intercept::find(section);
        }
        self.intercept.is_some()
    }

    /// The levels, for a scale.
    pub(crate) fn levels(&self, scale: f64) -> BlackLevels {
        let given = self.post_given.is_some() && self.pre_given.is_some();
        BlackLevels {
            post: self.post(),
            pre: self.pre(),
            std_error: self
                .intercept
                .map_or_else(|| self.glass_error(scale), |found| found.std_error),
            source: match (given, self.glass, self.intercept) {
                (true, ..) => BlackSource::Given,
                (false, Some(_), Some(_)) => BlackSource::GlassAndSection,
                (false, Some(_), None) => BlackSource::Glass,
                (false, None, Some(_)) => BlackSource::Section,
                (false, None, None) => BlackSource::None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::GROUP;

    const SIDE: u32 = 60;
    const SCALE: f64 = 1.4;

    /// A number in -1..1.
    fn noise(i: u32, purpose: u32) -> f64 {
        let h = u64::from(i * 4 + purpose + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((h ^ (h >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 11) as f64 / (1u64 << 52) as f64
            - 1.0
    }

    /// A section with glass about it, above these levels of post and pre.
    fn table(levels: (f64, f64)) -> BlockTable {
        let mut table = BlockTable::new(GLASS_SIDE, GROUP);
        let pixels = (GLASS_SIDE * GLASS_SIDE) as f64;
        for i in 0..SIDE * SIDE {
            let (x, y) = (i % SIDE, i / SIDE);
            let is_glass = x < 10 || y < 10;
            let light = if is_glass {
                0.0
            } else {
                60.0 * (0.5 * noise(i, 0)).exp()
            };
            let post = SCALE * light + levels.0 + 0.1 * noise(i, 1);
            let pre = light + levels.1 + 0.1 * noise(i, 2);
            table.push(Block {
                x,
                y,
                post: (post * pixels) as f32,
                pre: (pre * pixels) as f32,
                cut_off: 0,
            });
        }
        table
    }

    fn measured(levels: (f64, f64), options: &ScaleOptions) -> Levels {
        Levels::measure(&table(levels), &[], options)
    }

    #[test]
    fn glass_tells_both_levels_and_is_no_section() {
        let (post, pre) = (20.0, 15.0);
        let found = measured((post, pre), &ScaleOptions::default());
        let levels = found.levels(SCALE);
        assert_eq!(levels.source, BlackSource::Glass);
        assert!((levels.post - post).abs() < 0.05 && (levels.pre - pre).abs() < 0.05);
        assert!(
            levels.std_error > 0.0 && levels.std_error < 0.1,
            "{levels:?}"
        );
        let table = table((post, pre));
        let section: Vec<_> = found.section(table.blocks(), GLASS_SIDE).collect();
        assert_eq!(section.len(), 50 * 50);
        for (_, (post, pre)) in section {
            assert!((post / pre - SCALE).abs() < 0.02, "{post} {pre}");
        }
    }

    #[test]
    fn what_is_given_is_taken_as_it_is() {
        let given = ScaleOptions {
            post_black: Some(18.0),
            pre_black: Some(14.0),
            ..ScaleOptions::default()
        };
        let levels = measured((20.0, 15.0), &given).levels(SCALE);
        assert_eq!((levels.post, levels.pre), (18.0, 14.0));
        assert_eq!(levels.std_error, 0.0);
        assert_eq!(levels.source, BlackSource::Given);
        let post_only = ScaleOptions {
            post_black: Some(18.0),
            ..ScaleOptions::default()
        };
        let levels = measured((20.0, 15.0), &post_only).levels(SCALE);
        assert!(levels.post == 18.0 && (levels.pre - 15.0).abs() < 0.05);
    }

    #[test]
    fn levels_that_leave_nothing_in_a_difference_are_let_be() {
        let keeps = |levels| {
            let found = measured(levels, &ScaleOptions::default());
            found.if_they_matter(SCALE, 80.0).are_of_glass()
        };
        assert!(keeps((20.0, 20.0)));
        // Glass that became brighter by the factor of the section.
        assert!(!keeps((SCALE * 15.0, 15.0)));
        let none = Levels::measure(
            &BlockTable::new(GLASS_SIDE, GROUP),
            &[],
            &ScaleOptions::default(),
        );
        assert!(!none.are_of_glass());
        assert_eq!(none.levels(SCALE).source, BlackSource::None);
    }
}
