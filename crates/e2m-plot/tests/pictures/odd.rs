//! Empty, constant, huge, negative and broken data.

use super::heatmaps::{excess, heatmap};
use super::histograms::histograms;
use super::*;

/// Empty, one value, huge values, negative only, not a number: all are drawn, and say so where there is nothing.
#[test]
fn whatever_comes_is_drawn() {
    let nan = f32::NAN;
    let cases: [&[(f32, f32, usize)]; 7] = [
        &[],
        &[(0.0, 0.0, 50)],
        &[(7.0, 7.0, 1)],
        &[(9000.0, 3.0, 40), (8000.0, 1.0, 3)],
        &[(1e30, 1e38, 5), (f32::INFINITY, 3.0, 2)],
        &[(nan, nan, 9), (nan, 4.0, 2)],
        &[(-5.0, -9.0, 9)],
    ];
    for pairs in cases {
        let (joint, differences, aligned) = counted(pairs).finish();
        let scales = [f64::NAN, 0.0, -1.0, 1e300, 1e-300].map(|value| ScaleLine {
            method: ScaleMethod::Manual,
            value,
            offset: value,
        });
        heatmap(&joint);
        excess(&joint, &scales);
        histograms(&aligned);
        let picture = DifferenceHistogramPicture {
            title: &title(),
            differences: &differences,
        };
        draw_difference_histogram(&picture).expect("draws");
    }
    for counts in [&[][..], &[0, 0, 0], &[5], &[u64::MAX / 8, 0, 1]] {
        for (low, high) in [(-3.0, 3.0), (0.0, 0.0), (f64::NAN, 1.0), (-1e-9, 1e-9)] {
            let fit = MoffatProfile {
                amp: f64::INFINITY,
                mu: 0.0,
                alpha: 0.0,
                beta: 1.0,
            };
            for fit in [
                None,
                Some(fit),
                Some(MoffatProfile {
                    amp: 1.0,
                    alpha: 0.1,
                    ..fit
                }),
            ] {
                let picture = RatioHistogramPicture {
                    title: &Title::default(),
                    low,
                    high,
                    counts,
                    peak: None,
                    scales: &[],
                };
                draw_ratio_histogram(&picture).expect("draws");
                let floats: Vec<f64> = counts.iter().map(|&c| c as f64).collect();
                let peak = RatioPeak {
                    scale: 1.0,
                    std_error: f64::NAN,
                    block_side_px: 16,
                    mu: low,
                    bin_width: high,
                    counts: &floats,
                    fit,
                };
                let picture = RatioHistogramPicture {
                    peak: Some(peak),
                    ..picture
                };
                draw_ratio_histogram(&picture).expect("draws");
            }
        }
    }
}

#[test]
fn odd_images_are_drawn() {
    let images = [
        Array2::zeros((0, 0)),
        Array2::from_elem((1, 1), f32::NAN),
        Array2::from_elem((3, 2000), -4.0),
        Array2::from_elem((2000, 3), f32::INFINITY),
        Array2::from_elem((5, 5), f32::MAX),
    ];
    let odd_ring = vec![
        vec![(f64::NAN, 1.0), (1e300, -1e300)],
        vec![],
        vec![(1.0, 1.0)],
    ];
    for image in &images {
        let preview = Preview {
            pixels: image.view(),
            factor: 20.0,
        };
        for ring in [&[][..], &odd_ring] {
            let registration = RegistrationPicture {
                title: &Title::default(),
                method: "",
                post: preview,
                pre: preview,
                aligned: preview,
                post_contours: ring,
                pre_contours: ring,
                aligned_contours: ring,
            };
            draw_registration(&registration).expect("draws");
            let fine = FineAlignmentPicture {
                title: &Title::default(),
                post: preview,
                post_contours: ring,
                coarse_contours: ring,
                refined_contours: ring,
            };
            draw_fine_alignment(&fine).expect("draws");
        }
        for median_magnitude in [None, Some(0.0), Some(1e30), Some(f64::NAN)] {
            let summary = DifferenceSummary {
                extremes: image.clone(),
                pre_brightness: image.clone(),
                means: image.clone(),
                joined: 4,
                factor: 20,
                scale: f64::NAN,
                offset: f64::NAN,
                median_magnitude,
            };
            let picture = DifferenceImagePicture {
                title: &Title::default(),
                difference: &summary,
                method: "",
            };
            draw_difference_image(&picture).expect("draws");
        }
    }
}
