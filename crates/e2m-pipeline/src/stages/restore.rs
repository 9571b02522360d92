//! Images that an earlier run found the warp of and did not keep: written from what is on record.

use super::coarse::write_beside;
use super::fine::interior_facts;
use crate::alignment_record::local_facts;
use crate::artifact::Image;
use crate::error::PipelineError;
use crate::output::ImageFacts;
use crate::resume::Results;
use crate::workbench::Workbench;

/// Writes an image of stage 2 or 3 while the stages go on.
pub(crate) fn restore(
    bench: &mut Workbench<'_>,
    image: Image,
    recorded: &Results,
) -> Result<(), PipelineError> {
    let of_warp = |warp| ImageFacts {
        warp,
        ..ImageFacts::default()
    };
    let facts = match image {
        Image::CoarsePre => of_warp(recorded.warps.coarse),
        Image::IcpPre => of_warp(recorded.warps.icp),
        Image::InteriorPre => ImageFacts {
            warp: recorded.warps.interior,
            deformation: recorded.warps.deformation.clone(),
            interior: recorded.alignment.as_ref().map(interior_facts),
            local: recorded.alignment.as_ref().and_then(local_facts),
            scale: None,
        },
        // They are made by their stages.
        Image::PaddedPost
        | Image::PaddedPre
        | Image::Difference(_)
        | Image::DifferenceField
        | Image::Mask
        | Image::Significance => {
            return Ok(());
        }
    };
    write_beside(bench, image, facts)
}
