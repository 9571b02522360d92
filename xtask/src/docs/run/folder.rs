//! Folders for pages to run in: small synthetic images, a batch file, results. Each kind is made once and copied.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::page::Ground;

/// The images are so wide and high, px: what aligns well and takes seconds.
const SIZE: [&str; 4] = ["--width", "700", "--height", "600"];
/// Points and an outline on the canvas, as people bring them along.
const POINTS: &str = "name,x,y\na crack,2310,2240\na grain,2420.5,2333\n";
const REGIONS: &str = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"vein"},
"geometry":{"type":"Polygon","coordinates":[[[200,150],[420,160],[400,380],[200,150]]]}}]}
"#;

/// Makes folders below one place.
#[derive(Debug)]
pub(crate) struct Folders {
    programs: PathBuf,
    place: PathBuf,
    made: BTreeMap<Ground, PathBuf>,
}

impl Folders {
    /// With the programs in `programs`; everything goes below `place`, which is emptied.
    pub(crate) fn new(programs: &Path, place: &Path) -> Result<Self> {
        if place.is_dir() {
            fs::remove_dir_all(place)
                .with_context(|| format!("{} cannot be removed", place.display()))?;
        }
        fs::create_dir_all(place)?;
        Ok(Self {
            programs: programs.to_owned(),
            place: place.to_owned(),
            made: BTreeMap::new(),
        })
    }

    /// A fresh folder of this name and kind.
    pub(crate) fn fresh(&mut self, name: &str, ground: Ground) -> Result<PathBuf> {
        let folder = self.place.join(name);
        if folder.is_dir() {
            fs::remove_dir_all(&folder)?;
        }
        match self.original(ground)? {
            Some(original) => copy(&original, &folder)?,
            None => fs::create_dir_all(&folder)?,
        }
        Ok(folder)
    }

    fn original(&mut self, ground: Ground) -> Result<Option<PathBuf>> {
        if ground == Ground::Nothing {
            return Ok(None);
        }
        if let Some(made) = self.made.get(&ground) {
            return Ok(Some(made.clone()));
        }
        let folder = self.place.join(format!("ground-{ground}"));
        match ground {
            Ground::Nothing => {}
            Ground::Raw => self.raw(&folder)?,
            Ground::Batch => {
                let raw = self.original(Ground::Raw)?.context("raw images")?;
                copy(&raw, &folder)?;
                self.quietly(&folder, "e2m", &["init"])?;
                self.quietly(&folder, "e2m", &["batch.toml"])?;
            }
            Ground::Demo => {
                fs::create_dir_all(&folder)?;
                let demo = ["demo", "--no-open", "--width", "400"];
                self.quietly(&folder, "e2m", &demo)?;
            }
        }
        self.made.insert(ground, folder.clone());
        Ok(Some(folder))
    }

    /// A pair in colour, a mask and another channel of the same size, points and an outline.
    fn raw(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        for recipe in ["rgb_green", "clean"] {
            let mut args = vec!["make", recipe, "--out", "made"];
            args.extend(SIZE);
            self.quietly(folder, "e2m-fixtures", &args)?;
        }
        let own = folder.join("raw/CD070");
        fs::create_dir_all(&own)?;
        let made = folder.join("made");
        for (from, to) in [
            (
                "rgb_green/rgb_green_PostStain_SybrGld.tif",
                own.join("CD070_PostStain_DAPI.tif"),
            ),
            (
                "rgb_green/rgb_green_PreStain_SybrGld.tif",
                own.join("CD070_PreStain_DAPI.tif"),
            ),
            ("clean/clean_PostStain_SybrGld.tif", folder.join("mask.tif")),
            (
                "clean/clean_PreStain_SybrGld.tif",
                folder.join("CD070_PreStain_SYBR.tif"),
            ),
        ] {
            let from = made.join(from);
            fs::rename(&from, to).with_context(|| format!("{} was not made", from.display()))?;
        }
        fs::remove_dir_all(made)?;
        fs::write(folder.join("points.csv"), POINTS)?;
        fs::write(folder.join("regions.geojson"), REGIONS)?;
        Ok(())
    }

    /// Runs a program; what it said is an error's.
    fn quietly(&self, folder: &Path, program: &str, args: &[&str]) -> Result<()> {
        let output = Command::new(self.programs.join(program))
            .args(args)
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("{program} cannot be started"))?;
        if !output.status.success() {
            bail!(
                "`{program} {}` failed ({}) while a folder was made:\n{}",
                args.join(" "),
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }
}

/// Canvases are mostly padding, which takes no room in their files: `cp` leaves it so.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("cp").arg("-R").args([from, to]).status();
    if !status.is_ok_and(|status| status.success()) {
        bail!("{} cannot be copied to {}", from.display(), to.display());
    }
    Ok(())
}
