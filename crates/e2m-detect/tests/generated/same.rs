//! The same objects, whatever the strips and threads; none where there are no data.

use crate::pairs::KINDS;
use e2m_detect::{Catalogue, DetectOptions, mask};
use e2m_image::Size;

fn options(strip_rows: usize) -> DetectOptions {
    DetectOptions {
        strip_rows,
        injections: 60,
        ..DetectOptions::default()
    }
}

#[test]
fn strips_and_threads_change_nothing() {
    let clusters = KINDS.iter().find(|k| k.name == "clusters").expect("a kind");
    let pair = clusters.pair(Size::new(1100, 820), 3);
    let search = |threads: usize, rows: usize| -> Catalogue {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads")
            .install(|| pair.search(&options(rows)))
    };
    let one = search(1, 256);
    assert!(one.objects.len() > 50, "{}", one.objects.len());
    for (threads, rows) in [(3, 1), (2, 512), (1, 5000)] {
        assert_eq!(search(threads, rows), one, "{threads} threads, {rows} rows");
    }
}

#[test]
fn nothing_is_found_where_pre_has_no_data() {
    let mut pair = KINDS[0].pair(Size::new(700, 500), 5);
    let all = pair.search(&options(256));
    pair.mask
        .slice_mut(ndarray::s![.., ..350])
        .fill(mask::NO_PRE);
    pair.aligned.slice_mut(ndarray::s![.., ..350]).fill(0.0);
    let half = pair.search(&options(256));
    let right = |c: &Catalogue| c.objects.iter().filter(|o| o.x_px > 370.0).count();
    assert!(half.objects.iter().all(|o| o.x_px > 349.0));
    assert!(right(&half) > 5 && right(&half).abs_diff(right(&all)) <= 1 + right(&all) / 20);
    let mut nothing = pair;
    nothing.mask.fill(mask::NO_PRE);
    let none = nothing.search(&options(256));
    assert!(none.objects.is_empty() && none.completeness.is_none());
    assert_eq!(none.density.section_px, 0);
}
