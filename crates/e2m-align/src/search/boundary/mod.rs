//! The alignment by the outer boundary of the section.
//!
//! Each image is smoothed and parted into section and glass ([`density`]), the section's pieces are picked out and
//! their holes filled ([`section`]), and a soft ring is laid along the outline ([`raster`]). The rings are correlated
//! over angles and magnifications ([`search`], [`pose`]), and contour points ([`contour`]) are then fitted to each other
//! ([`icp`], [`matcher`], [`fit`]). Images can be refined by their brightness at last ([`ecc`]).
//!
//! It needs an outline: where a section fills the frame it says so ([`AlignError::NoOutline`]), and
//! [`Previews::align_by_features`](crate::Previews::align_by_features) is what helps there.

mod contour;
mod density;
mod ecc;
mod fit;
mod icp;
mod matcher;
mod options;
pub(super) mod pose;
pub(super) mod raster;
mod search;
mod section;

pub use ecc::EccReport;
pub use fit::{Change, TransformModel};
pub use icp::IcpReport;
pub use options::BoundaryOptions;

use crate::search::error::{AlignError, Side};
use contour::Path;
use e2m_image::{Size, Warp};
use ndarray::{Array2, ArrayView2};
use section::{Section, find_sections};

/// Previews smaller than this on a side show no outline to follow, in px.
const MIN_SIDE_PX: usize = 48;
/// Contour points that take part in the fit.
const CONTOUR_POINTS: usize = 3000;

/// What the boundary alignment found.
#[derive(Debug, Clone)]
pub struct BoundaryAlignment {
    /// The result of the correlation over angles and magnifications: raw post to raw pre, full resolution.
    pub coarse: Warp,
    /// After the fit by contour points, and the refinement by brightness, where they were accepted.
    pub warp: Warp,
    /// Rotation of [`coarse`](Self::coarse), in degrees, positive from x towards y.
    pub rotation_deg: f64,
    /// Magnification of [`coarse`](Self::coarse): above 1 the section is larger in pre.
    pub magnification: f64,
    /// Correlation of the rings (or images) there: the cosine between them, 1 for equal ones.
    pub correlation: f64,
    /// How the fit by contour points went.
    pub icp: IcpReport,
    /// How the refinement by brightness went, if it was asked for.
    pub ecc: Option<EccReport>,
    /// The outlines of post and of pre.
    pub outlines: [SectionOutline; 2],
}

/// The outline of the section in one image.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SectionOutline {
    /// Points `[x, y]` along each border, in full-resolution raw px. A closed border ends where it begins; one that the
    /// frame cuts ends there.
    pub paths: Vec<Vec<[f64; 2]>>,
    /// How many pieces the section has.
    pub pieces: usize,
    /// Share of the frame's border that the section covers.
    pub frame_share: f64,
}

impl SectionOutline {
    fn new(section: &Section, paths: &[Path], factor: usize) -> Self {
        let to_full = Warp::enlargement(1.0 / factor as f64);
        let enlarge = |&[x, y]: &[f64; 2]| to_full.apply(x, y).into();
        Self {
            paths: paths
                .iter()
                .map(|path| path.iter().map(enlarge).collect())
                .collect(),
            pieces: section.pieces,
            frame_share: section.frame_share,
        }
    }
}

/// The shares of the frames of post and pre that the section takes; all of it where it has no outline.
pub(crate) fn section_shares(post: ArrayView2<'_, f32>, pre: ArrayView2<'_, f32>) -> [f64; 2] {
    find_sections(post, pre).map_or([1.0; 2], |sections| {
        sections.map(|section| {
            let inside = section.mask.iter().filter(|inside| **inside).count();
            inside as f64 / section.mask.len().max(1) as f64
        })
    })
}

/// Finds the warp between two images, both reduced by `factor` (1 for full resolution), by the outline of the section:
/// similarities within the options' ranges, shifts of any size, and what the fit by contour points adds to them, which may be
/// a homography.
///
/// Images are `(height, width)`, in any linear unit of brightness; they may differ in size. All pieces of the section
/// that are at least a tenth of the largest are followed. Answers in about half a second at 1,600 px, with the usual
/// ranges, on two threads of the current rayon pool; the number of threads does not change them.
///
/// ```
/// use e2m_align::{BoundaryOptions, align_boundary};
/// use e2m_image::{Size, Warp};
/// use ndarray::Array2;
///
/// // A lobed section on dark glass, and the same turned by 12 degrees, smaller and twice as bright.
/// let section = |x: f64, y: f64| {
///     let (dx, dy) = (x - 200.0, y - 160.0);
///     let angle = dy.atan2(dx);
///     let border = 100.0 + 15.0 * (3.0 * angle).sin() + 8.0 * (7.0 * angle + 1.0).cos();
///     3.0 + 90.0 * (border - dx.hypot(dy) + 0.5).clamp(0.0, 1.0) as f32
/// };
/// let truth = Warp::similarity(1.06, 12.0, (200.0, 160.0));
/// let pre = Array2::from_shape_fn((320, 400), |(y, x)| section(x as f64, y as f64));
/// let post = Array2::from_shape_fn((320, 400), |(y, x)| {
///     let (u, v) = truth.apply(x as f64, y as f64);
///     2.0 * section(u, v)
/// });
///
/// let found = align_boundary(post.view(), pre.view(), 1, &BoundaryOptions::default())?;
/// assert!(found.icp.accepted);
/// assert!(found.warp.mean_distance(&truth, Size::new(400, 320)) < 0.5);
/// # Ok::<(), e2m_align::AlignError>(())
/// ```
///
/// # Errors
/// [`AlignError::NoOutline`] where there is no outline to follow: a cheap answer, given before the search. Also for images
/// that are too small or blank, and for senseless options.
pub fn align_boundary(
    post: ArrayView2<'_, f32>,
    pre: ArrayView2<'_, f32>,
    factor: usize,
    options: &BoundaryOptions,
) -> Result<BoundaryAlignment, AlignError> {
    options.check()?;
    let (traced, flaw) = match Traced::new(post, pre, factor) {
        Ok(traced) => (Some(traced), None),
        // The images themselves can be correlated without any outline.
        Err(flaw @ AlignError::NoOutline { .. }) if !options.use_edges => (None, Some(flaw)),
        Err(error) => return Err(error),
    };
    let [post_raster, pre_raster] = match &traced {
        Some(traced) if options.use_edges => traced.rings(options)?,
        _ => [
            raster::evened(post, Side::Post, options.smooth_px)?,
            raster::evened(pre, Side::Pre, options.smooth_px)?,
        ],
    };
    let reduction = raster::lossless_reduction(options.smooth_px) as f64;
    let softness = options.smooth_px as f64 / reduction;
    let (pose, correlation) = search::search(&post_raster, &pre_raster, softness, options)?;
    let pose = pose.at_pixel_size(1.0 / reduction);
    let coarse = pose.warp();
    let (mut warp, icp) = match &traced {
        Some(traced) => traced.fit(&coarse, factor, options),
        None => (
            coarse,
            IcpReport::impossible(flaw.map_or_else(String::new, |f| f.to_string())),
        ),
    };
    let mut ecc = None;
    if options.fine_ecc {
        let depth = traced.as_ref().map(Traced::pre_depth).transpose()?;
        let (middle, depth) = (pose.target, depth.as_ref());
        let (refined, report) = ecc::refine_ecc(post, pre, factor, &warp, middle, depth, options)?;
        (warp, ecc) = (refined, Some(report));
    }
    let k = 1.0 / factor as f64;
    tracing::debug!(
        rotation_deg = pose.angle_deg,
        magnification = pose.scale,
        correlation,
        ?icp,
        ?ecc,
        "outlines aligned"
    );
    Ok(BoundaryAlignment {
        coarse: coarse.at_full_resolution(k, k),
        warp: warp.at_full_resolution(k, k),
        rotation_deg: pose.angle_deg,
        magnification: pose.scale,
        correlation,
        icp,
        ecc,
        outlines: traced.map_or_else(Default::default, |traced| traced.outlines(factor)),
    })
}

/// Whether both images show an outline that [`align_boundary`] could follow; takes the same previews.
///
/// # Errors
/// [`AlignError::NoOutline`] with what was found instead, or the image is too small or blank.
pub fn outline_applies(
    post: ArrayView2<'_, f32>,
    pre: ArrayView2<'_, f32>,
    factor: usize,
) -> Result<(), AlignError> {
    Traced::new(post, pre, factor).map(|_| ())
}

/// The outlines of the section in post and pre, whose previews these are, as [`outline_applies`] takes them; none where they show
/// none.
pub fn section_outlines(
    post: ArrayView2<'_, f32>,
    pre: ArrayView2<'_, f32>,
    factor: usize,
) -> Option<[SectionOutline; 2]> {
    let traced = Traced::new(post, pre, factor).ok()?;
    Some(traced.outlines(factor))
}

/// The sections of a pair and their outlines, in px of the previews.
struct Traced {
    sections: [Section; 2],
    paths: [Vec<Path>; 2],
}

impl Traced {
    fn new(
        post: ArrayView2<'_, f32>,
        pre: ArrayView2<'_, f32>,
        factor: usize,
    ) -> Result<Self, AlignError> {
        for (side, (height, width)) in [(Side::Post, post.dim()), (Side::Pre, pre.dim())] {
            if height.min(width) < MIN_SIDE_PX {
                return Err(AlignError::TooSmall {
                    side,
                    width: width * factor,
                    height: height * factor,
                    least: MIN_SIDE_PX * factor,
                });
            }
        }
        let sections = find_sections(post, pre)?;
        let paths = [0, 1].map(|i| contour::trace(&sections[i]));
        Ok(Self { sections, paths })
    }

    fn rings(&self, options: &BoundaryOptions) -> Result<[Array2<f32>; 2], AlignError> {
        let ring = |section| raster::ring(section, options.width_px, options.smooth_px);
        let (post, pre) = rayon::join(|| ring(&self.sections[0]), || ring(&self.sections[1]));
        Ok([post?, pre?])
    }

    fn fit(&self, coarse: &Warp, factor: usize, options: &BoundaryOptions) -> (Warp, IcpReport) {
        let points = |paths: &[Path]| contour::sample(paths, CONTOUR_POINTS);
        let (post, pre) = (points(&self.paths[0]), points(&self.paths[1]));
        let (height, width) = self.sections[1].mask.dim();
        let size = Size::new(width, height);
        icp::fit_contours(&post, &pre, size, coarse, factor as f64, options)
    }

    fn pre_depth(&self) -> Result<Array2<f32>, AlignError> {
        raster::depth(&self.sections[1])
    }

    fn outlines(&self, factor: usize) -> [SectionOutline; 2] {
        [0, 1].map(|i| SectionOutline::new(&self.sections[i], &self.paths[i], factor))
    }
}
