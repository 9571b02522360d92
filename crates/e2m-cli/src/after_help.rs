//! What stands below the help of the program.

/// Examples and exit codes.
pub(crate) fn text() -> String {
    let examples = "\
Examples:
  e2m demo                              see what e2m does, with images that it makes
  e2m init                              write batch.toml into this folder
  e2m --dry-run batch.toml              what would run, what is missing
  e2m batch.toml                        run it; run it again to go on after an interruption
  e2m batch.toml --samples CD070        run only this sample
  e2m batch.toml --from-stage 3         align finely and subtract again
  e2m survey batch.toml                 look at the raw images first
  e2m check batch.toml                  will memory and disk do?
  e2m status batch.toml                 what is there, what would a run do?
  e2m verify batch.toml                 is everything still as it was written?
  e2m zoom batch.toml --worst           look where the alignment leaves most
  e2m export batch.toml                 images for QuPath, Fiji, napari and OMERO
  e2m submit batch.toml                 run it on a SLURM cluster

Ctrl-C stops after the rows at hand and keeps what is done; pressed again it stops at once.";
    format!("{examples}\n\n{}", crate::exit::help())
}
