//! The steps of an alignment, in their order.

use crate::check::Check;
use crate::fine::{FineAlignment, align_fine};
use crate::options::RefineOptions;
use crate::search::boundary::BoundaryOptions;
use crate::search::choice::{CoarseChoice, CoarseMethod};
use crate::search::error::AlignError;
use crate::search::interior::{InteriorCorrection, InteriorOptions};
use crate::search::options::CoarseOptions;
use crate::search::previews::{Previews, SensorFindings, search_factor};
use crate::search::similarity::Similarity;
use crate::tiles::{Tile, TileCollector, choose_tiles};
use crate::verdict::{Assessment, Verdict, assess};
use e2m_image::{
    BandError, BandSink, BandSource, BlockMean, DefectFinder, Defects, HighestLevels, MendedView,
    PlaneSource, PlaneView, Size, Warp, default_band_rows, stream_bands,
};
use std::ops::ControlFlow;

/// Options of an alignment: of [`align`](crate::align) and of [`Aligner`].
#[derive(Debug, Clone, PartialEq)]
pub struct AlignOptions {
    /// Methods of the coarse step that are tried; the one that fits the images best is kept.
    ///
    /// More: pairs that one method cannot align may be aligned by the other. Fewer: faster, where it is known which one
    /// suits the sections, such as [`CoarseMethod::Features`] for sections that fill the frame.
    pub methods: Vec<CoarseMethod>,
    /// Of the coarse step by features, and of the correction by features inside the section.
    pub coarse: CoarseOptions,
    /// Of the coarse step by the boundary.
    pub boundary: BoundaryOptions,
    /// Whether features inside the section correct the coarse warp. Without it the refinement starts from the coarse warp,
    /// which has to be right within about [`RefineOptions::smoothest_px`].
    pub correct_inside: bool,
    /// Whether the warp is refined by brightness on tiles at full resolution. Without it the warp is right to some tenths of
    /// a pixel of the previews; it is checked and assessed all the same.
    pub refine_on_tiles: bool,
    /// Whether a smooth displacement is looked for on top of the warp, where the check of the refined warp shows one. Without it
    /// a section that was deformed between the images stays where the homography puts it.
    pub local_correction: bool,
    /// Px around the images on the canvas that results lie on; added to places in the reasons of a verdict, which are px of
    /// that canvas then.
    pub canvas_pad: usize,
    /// Of the refinement. Its limits also hold for the correction by features inside the section.
    pub refine: RefineOptions,
}

impl Default for AlignOptions {
    fn default() -> Self {
        Self {
            methods: vec![
                CoarseMethod::Features,
                CoarseMethod::Boundary,
                CoarseMethod::Correlation,
            ],
            coarse: CoarseOptions::default(),
            boundary: BoundaryOptions::default(),
            correct_inside: true,
            refine_on_tiles: true,
            local_correction: true,
            canvas_pad: 0,
            refine: RefineOptions::default(),
        }
    }
}

/// A step of an [`Aligner`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlignStep {
    /// Post is read for its preview, row by row.
    ReadPost,
    /// The coarse alignment is looked for.
    AlignCoarsely,
    /// Features inside the section are matched.
    CorrectInside,
    /// Post is read for its tiles, row by row.
    ReadTiles,
    /// The warp is refined on the tiles.
    Refine,
    /// Post is read for the tiles of a local correction, row by row.
    ReadLocalTiles,
    /// A local correction is looked for.
    CorrectLocally,
}

/// Watches an [`Aligner`]. `()` watches nothing.
pub trait AlignObserver {
    /// A step begins. Those that read post are reported by [`on_rows`](Self::on_rows) instead.
    fn on_step(&mut self, step: AlignStep) {
        let _ = step;
    }

    /// `rows` of `of` rows of post have been read in this step.
    fn on_rows(&mut self, step: AlignStep, rows: usize, of: usize) {
        let _ = (step, rows, of);
    }

    /// The result of a step is not kept; the warp before it is.
    fn on_not_kept(&mut self, step: AlignStep, reason: &str) {
        let _ = (step, reason);
    }

    /// Asked after each band and at the end of the steps that search: `true` ends the step with [`BandError::Interrupted`] in
    /// [`AlignError::Bands`].
    fn should_stop(&self) -> bool {
        false
    }
}

impl AlignObserver for () {}

/// What [`Aligner::align_finely`] found.
#[derive(Debug, Clone)]
pub struct FineOutcome {
    /// The correction by features inside the section; `None` where it was not asked for.
    pub interior: Option<InteriorCorrection>,
    /// The refined warp with its check.
    pub fine: FineAlignment,
}

/// The steps of an alignment over bands of post and a plane of pre, for a program that keeps results in between, shows
/// progress or has to be stopped. [`align`](crate::align) takes all of them at once.
///
/// Post is read twice, by bands; pre is held as a plane, because a warp asks for its pixels in any order. Nothing is kept
/// between the steps but what they return, so a run can be taken up at [`align_finely`](Self::align_finely) with a coarse
/// warp that was written down before.
///
/// ```
/// use e2m_align::{AlignOptions, Aligner, BandSource, Plane, PlaneSource, Verdict};
/// use ndarray::Array2;
/// # let texture = |x: usize, y: usize| {
/// #     let cell = |n: f64, p: f64| ((x as f64 * 0.031 * n + p).sin() * (y as f64 * 0.027 * n - p).cos() * 37.3).sin();
/// #     128.0 + 40.0 * cell(1.0, 0.3) as f32 + 30.0 * cell(2.3, 1.7) as f32
/// # };
///
/// let post = Plane::from(Array2::from_shape_fn((480, 600), |(y, x)| 2.0 * texture(x + 9, y + 4)));
/// let pre = Plane::from(Array2::from_shape_fn((500, 620), |(y, x)| texture(x, y)));
/// let mut bands = PlaneSource::new(&post); // or anything else that gives rows
///
/// let aligner = Aligner::new(bands.size(), pre.size(), AlignOptions::default());
/// let previews = aligner.read_previews(&mut bands, pre.view(), &mut ())?;
/// let coarse = aligner.align_coarsely(&previews, &mut ())?;
/// let found = aligner.align_finely(&previews, &coarse.warp, &mut bands, pre.view(), &mut ())?;
/// let (_, assessment) = aligner.assess(&previews, &found, &mut ())?;
/// assert_eq!(assessment.verdict, Verdict::Pass, "{:?}", assessment.reasons);
/// let (x, y) = found.fine.warp.apply(100.0, 100.0);
/// assert!((x - 109.0).abs() < 0.05 && (y - 104.0).abs() < 0.05);
/// # Ok::<(), e2m_align::AlignError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Aligner {
    pub(super) post: Size,
    pub(super) pre: Size,
    pub(super) options: AlignOptions,
}

impl Aligner {
    /// For a pair of these sizes.
    pub fn new(post: Size, pre: Size, options: AlignOptions) -> Self {
        Self { post, pre, options }
    }

    /// By how much both images are reduced for their previews.
    pub fn preview_factor(&self) -> usize {
        search_factor(self.post, self.pre, self.options.coarse.working_px)
    }

    /// Step 1: both images at reduced resolution, and what belongs to the sensor in them, which no later step sees. Pre is
    /// reduced while post is read, where more than one thread may compute.
    ///
    /// # Errors
    /// Where post cannot be read, where the observer stops it, and where an image is too small.
    pub fn read_previews(
        &self,
        post: &mut dyn BandSource,
        pre: PlaneView<'_>,
        observer: &mut dyn AlignObserver,
    ) -> Result<Previews, AlignError> {
        let factor = self.preview_factor();
        let mut of_post = FirstLook::new(self.post, factor);
        let mut of_pre = FirstLook::new(self.pre, factor);
        let read_post = || read(post, &mut of_post.sinks(), AlignStep::ReadPost, observer);
        let reduce_pre = || {
            read(
                &mut PlaneSource::new(pre),
                &mut of_pre.sinks(),
                AlignStep::ReadPost,
                &mut (),
            )
        };
        let (post_read, pre_read) = both(read_post, reduce_pre);
        post_read?;
        pre_read?;
        let defects = Defects::of_pair(of_post.defects.finish(), of_pre.defects.finish());
        let [post_defects, pre_defects] = defects;
        let sensor = [
            SensorFindings {
                defects: post_defects,
                highest: of_post.highest,
            },
            SensorFindings {
                defects: pre_defects,
                highest: of_pre.highest,
            },
        ];
        let (post, pre) = (of_post.preview.into_image(), of_pre.preview.into_image());
        Ok(Previews::new(post, pre, factor)?.with_sensor(sensor))
    }

    /// Step 2: the coarse warp, by the best of the methods asked for.
    ///
    /// # Errors
    /// See [`Previews::align_coarsely`]; and where the observer stops it.
    pub fn align_coarsely(
        &self,
        previews: &Previews,
        observer: &mut dyn AlignObserver,
    ) -> Result<CoarseChoice, AlignError> {
        observer.on_step(AlignStep::AlignCoarsely);
        let options = &self.options;
        let found =
            previews.align_coarsely(&options.methods, &options.coarse, &options.boundary)?;
        stop_if_asked(observer)?;
        Ok(found)
    }

    /// Steps 3 and 4: `start`, the coarse warp (post to pre, full-resolution raw pixels), corrected by features inside the
    /// section, then refined on tiles of post and checked on others, as far as the options ask for it.
    ///
    /// # Errors
    /// Where an image is blank, where post cannot be read, and where the observer stops it. A warp that cannot be improved
    /// is not an error.
    pub fn align_finely(
        &self,
        previews: &Previews,
        start: &Warp,
        post: &mut dyn BandSource,
        pre: PlaneView<'_>,
        observer: &mut dyn AlignObserver,
    ) -> Result<FineOutcome, AlignError> {
        let interior = self.correct_inside(previews, start, observer)?;
        let start = interior.as_ref().map_or(*start, |found| found.warp);
        let fine = self.refine(previews, &start, post, pre, observer)?;
        Ok(FineOutcome { interior, fine })
    }

    /// Step 3 alone: `start` corrected by features inside the section; `None` where the options do not ask for it.
    ///
    /// # Errors
    /// See [`Previews::correct_inside`].
    pub fn correct_inside(
        &self,
        previews: &Previews,
        start: &Warp,
        observer: &mut dyn AlignObserver,
    ) -> Result<Option<InteriorCorrection>, AlignError> {
        const STEP: AlignStep = AlignStep::CorrectInside;
        if !self.options.correct_inside {
            return Ok(None);
        }
        observer.on_step(STEP);
        let limits = InteriorOptions {
            max_correction_px: self.options.refine.max_correction_px,
            min_inlier_ratio: self.options.refine.min_inlier_ratio,
        };
        let found = previews.correct_inside(start, &limits, &self.options.coarse)?;
        if let Some(reason) = &found.rejected {
            observer.on_not_kept(STEP, reason);
        }
        Ok(Some(found))
    }

    /// Step 4 alone: `start` refined on tiles of post, if the options ask for it, and checked on others.
    ///
    /// # Errors
    /// Where post cannot be read, and where the observer stops it.
    pub fn refine(
        &self,
        previews: &Previews,
        start: &Warp,
        post: &mut dyn BandSource,
        pre: PlaneView<'_>,
        observer: &mut dyn AlignObserver,
    ) -> Result<FineAlignment, AlignError> {
        let [fit, check] = self.read_tiles(previews, start, post, observer)?;
        observer.on_step(AlignStep::Refine);
        let pre = match previews.sensor() {
            Some([_, pre_findings]) => MendedView::new(pre.view(), &pre_findings.defects),
            None => pre.view().into(),
        };
        let mut fine = align_fine(&fit, &check, self.post, pre, start, &self.options.refine);
        if fine.refinement.rejected.is_none()
            && let Some(reason) = previews.less_alike(start, &fine.warp)?
        {
            fine = fine.without_refinement([&fit, &check], (self.post, pre), start, reason);
        }
        if self.options.refine_on_tiles
            && let Some(reason) = &fine.refinement.rejected
        {
            observer.on_not_kept(AlignStep::Refine, reason);
        }
        if self.options.refine_on_tiles && self.options.local_correction {
            self.correct_locally(previews, &mut fine, [&fit, &check], post, pre, observer)?;
        }
        Ok(fine)
    }

    /// The tiles of the fit and of the check, from a pass over post.
    pub(super) fn read_tiles(
        &self,
        previews: &Previews,
        start: &Warp,
        post: &mut dyn BandSource,
        observer: &mut dyn AlignObserver,
    ) -> Result<[Vec<Tile>; 2], AlignError> {
        let plan = choose_tiles(
            previews.post(),
            previews.factor(),
            self.post,
            self.pre,
            start,
            &self.options.refine,
        );
        // Without tiles to fit there is nothing to refine; the check is made all the same.
        let wanted = self.options.refine_on_tiles;
        let specs = if wanted { plan.fit } else { Vec::new() };
        let mut fit = TileCollector::new(self.post, specs);
        let mut check = TileCollector::new(self.post, plan.check);
        read(
            post,
            &mut [&mut fit, &mut check],
            AlignStep::ReadTiles,
            observer,
        )?;
        let mut tiles = [fit.into_tiles(), check.into_tiles()];
        mend(previews, tiles.iter_mut().flatten());
        Ok(tiles)
    }

    /// Step 5: what is to be thought of the warp, by its check, by how alike both images are under it, and by the features
    /// that agree on it.
    ///
    /// # Errors
    /// Where an image is blank, and where the observer stops it.
    pub fn assess(
        &self,
        previews: &Previews,
        found: &FineOutcome,
        observer: &mut dyn AlignObserver,
    ) -> Result<(Similarity, Assessment), AlignError> {
        let similarity = previews.similarity(&found.fine.warp)?;
        stop_if_asked(observer)?;
        let check: &Check = &found.fine.check;
        let features = found.interior.as_ref().map(|found| found.inliers);
        let mut assessment = assess(
            check,
            similarity.overlap_fraction,
            features,
            self.options.canvas_pad,
        );
        if assessment.verdict == Verdict::Fail {
            let parts = previews.agreement_of_parts(&found.fine.warp)?;
            if parts.convinces() {
                assessment.relent(parts.agreeing);
            }
        }
        if let Some(reason) = found.fine.correction().and_then(|local| local.doubt(check)) {
            assessment.doubt(reason);
        }
        Ok((similarity, assessment))
    }

    /// Whether pre fits post once it is mirrored, as an error that says so. Worth asking after a verdict of
    /// [`Verdict::Fail`](crate::Verdict::Fail): a section seen from behind has the outline of its mirror image.
    pub fn mirrored(&self, previews: &Previews) -> Option<AlignError> {
        previews.mirrored(&self.options.coarse)
    }
}

/// What is made of an image when it is read for the first time.
struct FirstLook {
    preview: BlockMean,
    defects: DefectFinder,
    highest: HighestLevels,
}

impl FirstLook {
    fn new(size: Size, factor: usize) -> Self {
        Self {
            preview: BlockMean::new(size, factor),
            defects: DefectFinder::new(size),
            highest: HighestLevels::new(size),
        }
    }

    fn sinks(&mut self) -> [&mut dyn BandSink; 3] {
        [&mut self.preview, &mut self.defects, &mut self.highest]
    }
}

/// Puts right the pixels of tiles of post that belong to the sensor.
pub(super) fn mend<'t>(previews: &Previews, tiles: impl Iterator<Item = &'t mut Tile>) {
    if let Some([post_findings, _]) = previews.sensor() {
        for Tile { spec, pixels } in tiles {
            let (x, y) = (spec.x as isize, spec.y as isize);
            post_findings.defects.mend(x, y, pixels);
        }
    }
}

/// Reads all of `source` into the sinks.
pub(super) fn read(
    source: &mut dyn BandSource,
    sinks: &mut [&mut dyn BandSink],
    step: AlignStep,
    observer: &mut dyn AlignObserver,
) -> Result<(), BandError> {
    let size = source.size();
    stream_bands(source, sinks, default_band_rows(size.width), |rows| {
        observer.on_rows(step, rows, size.height);
        if observer.should_stop() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
}

fn stop_if_asked(observer: &dyn AlignObserver) -> Result<(), BandError> {
    if observer.should_stop() {
        Err(BandError::Interrupted)
    } else {
        Ok(())
    }
}

/// Does both, at the same time where more than one thread may compute: `here` on this thread, `beside` on one of the current
/// pool.
fn both<A, B: Send>(
    here: impl FnOnce() -> Result<A, BandError>,
    beside: impl FnOnce() -> Result<B, BandError> + Send,
) -> (Result<A, BandError>, Result<B, BandError>) {
    if rayon::current_num_threads() < 2 {
        return (here(), beside());
    }
    // The scope waits for the other, so that the first value is never seen.
    let mut other = Err(BandError::Interrupted);
    let here = rayon::in_place_scope(|scope| {
        scope.spawn(|_| other = beside());
        here()
    });
    (here, other)
}
