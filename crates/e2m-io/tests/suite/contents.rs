//! Which image of a file is read: pages, channels and stacks of OME-TIFF and ImageJ, as tifffile writes them.

use e2m_io::{ChannelRequest, PageRequest, RawError, RawImage};
use std::path::Path;

/// The brightness of the first pixel, which in these files is 10 times the page's number, the first is 1; and what else there is.
fn opened(path: &Path, page: &str, channel: &str) -> Result<(u32, RawImage), RawError> {
    let page = PageRequest::from_word(page).expect("a page");
    let channel = ChannelRequest::from_word(channel).expect("a channel");
    let image = RawImage::open_page(path, &page, &channel)?;
    let plane = image.load_plane(&image.choose_alone()?)?;
    let pixels = e2m_image::PlaneView::from(&plane).window(0, 0, plane.size());
    Ok((pixels[(0, 0)] as u32, image))
}

fn read(path: &Path, page: &str, channel: &str) -> u32 {
    opened(path, page, channel)
        .unwrap_or_else(|error| panic!("{error}"))
        .0
}

fn others(path: &Path, page: &str, channel: &str) -> String {
    let (_, image) = opened(path, page, channel).unwrap_or_else(|error| panic!("{error}"));
    image.info().others.join(", ")
}

fn refused(path: &Path, page: &str, channel: &str) -> String {
    match opened(path, page, channel) {
        Ok((brightness, _)) => panic!("page {page}, channel {channel}: {brightness} was read"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn pages_and_channels_are_chosen_by_number_and_name() {
    let folder = tempfile::tempdir().expect("folder");
    if crate::common::python("write_contents.py", &[folder.path()]).is_none() {
        return;
    }
    let path = |name: &str| folder.path().join(name);

    // Pages without a description.
    let pages = path("pages.tif");
    assert_eq!(read(&pages, "auto", "auto"), 10);
    assert_eq!(others(&pages, "auto", "auto"), "page 2 (second), page 3");
    assert_eq!(others(&pages, "auto", "luma"), "page 2 (second), page 3");
    assert_eq!(
        (read(&pages, "auto", "3"), others(&pages, "auto", "3")),
        (30, String::new())
    );
    assert_eq!(
        (read(&pages, "2", "auto"), others(&pages, "2", "auto")),
        (20, String::new())
    );
    assert_eq!(read(&pages, "Second", "auto"), 20);
    assert_eq!(read(&pages, "auto", "second"), 20);
    assert!(refused(&pages, "4", "auto").contains("3 pages, 1 to 3"));
    assert!(refused(&pages, "third", "auto").contains("the pages second"));

    // OME-TIFF: three channels of two planes each, order XYZCT: pages 1, 3 and 5.
    let ome = path("stack.ome.tif");
    assert_eq!(read(&ome, "auto", "auto"), 10);
    assert_eq!(
        others(&ome, "auto", "auto"),
        "channel 2 (Cy3), channel 3 (FITC), planes 2 to 2"
    );
    assert_eq!(
        (read(&ome, "auto", "2"), read(&ome, "auto", "cy3")),
        (30, 30)
    );
    assert_eq!(others(&ome, "auto", "cy3"), "planes 2 to 2");
    assert_eq!(
        (read(&ome, "4", "auto"), others(&ome, "4", "auto")),
        (40, String::new())
    );
    assert!(refused(&ome, "auto", "4").contains("3 channels"));
    assert!(refused(&ome, "auto", "GFP").contains("DAPI, Cy3, FITC"));
    let size = RawImage::open(&ome)
        .expect("opens")
        .info()
        .pixel_size
        .expect("a size");
    assert_eq!(size.um, [0.325, 0.325]);

    // ImageJ: two channels of three planes, channels go by first.
    let imagej = path("imagej.tif");
    assert_eq!(read(&imagej, "auto", "2"), 20);
    assert_eq!(others(&imagej, "auto", "auto"), "channel 2, planes 2 to 3");
    assert_eq!(read(&imagej, "5", "auto"), 50);
    let size = RawImage::open(&imagej)
        .expect("opens")
        .info()
        .pixel_size
        .expect("a size");
    assert!((size.um[0] - 0.5).abs() < 1e-6, "{size:?}");

    // Channels within a pixel.
    for name in ["samples_contig.tif", "samples_separate.tif"] {
        let samples = path(name);
        assert_eq!(
            (read(&samples, "auto", "auto"), read(&samples, "auto", "3")),
            (10, 30)
        );
        assert_eq!(
            others(&samples, "auto", "auto"),
            "channel 2, channel 3, channel 4, channel 5"
        );
        assert_eq!(others(&samples, "auto", "3"), "");
        assert!(refused(&samples, "auto", "6").contains("5 grey channels"));
        assert!(refused(&samples, "auto", "R").contains("5 grey channels"));
    }

    // One channel, one plane: nothing else, whatever its description says.
    assert_eq!(others(&path("single.ome.tif"), "auto", "auto"), "");
    // A pyramid in SubIFDs, and reduced copies among the pages.
    assert_eq!(others(&path("pyramid.ome.tif"), "auto", "auto"), "");
    assert_eq!(others(&path("copies.tif"), "auto", "auto"), "");
    // A thumbnail first: told where it says so, doubted where it does not.
    assert_eq!(read(&path("thumbnail.tif"), "auto", "auto"), 20);
    let (_, image) = opened(&path("thumbnail.tif"), "auto", "auto").expect("opens");
    assert!(
        image.info().remarks[0].contains("reduced copy"),
        "{:?}",
        image.info().remarks
    );
    assert_eq!(
        others(&path("small_first.tif"), "auto", "auto"),
        "page 2, which is larger (47 x 61 px)"
    );

    // Its first page is whole, the others were not copied.
    let cut = path("cut.tif");
    let whole = std::fs::read(&imagej).expect("a file");
    std::fs::write(&cut, &whole[..4600]).expect("it can be written");
    assert_eq!(read(&cut, "auto", "auto"), 10);
    let missing = others(&cut, "auto", "auto");
    assert!(
        missing.contains("page 2, which the file does not hold"),
        "{missing}"
    );
    assert_eq!(others(&cut, "1", "auto"), "");

    // A set of files is named.
    let set = refused(&path("set_a.ome.tif"), "auto", "auto");
    assert!(set.contains("set_a.ome.tif, set_b.ome.tif"), "{set}");
    assert_eq!(read(&path("set_a.ome.tif"), "1", "auto"), 10);
}
