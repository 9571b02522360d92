//! Objects held against the truth, one to one.

use crate::pairs::flux;
use e2m_fixtures::Microbe;

/// A microbe is found by an object within so many px, or within this share of its size.
const NEAR_PX: f64 = 2.0;

/// How far an object may lie from a microbe.
pub(crate) fn reach(m: &Microbe) -> f64 {
    NEAR_PX.max(m.sigma + 0.5 * m.length)
}

/// Which object belongs to each microbe: the brightest microbes choose first, each the nearest object that is left.
pub(crate) fn matched(microbes: &[Microbe], objects: &[[f64; 2]]) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..microbes.len()).collect();
    order.sort_by(|&a, &b| flux(&microbes[b]).total_cmp(&flux(&microbes[a])));
    let mut is_taken = vec![false; objects.len()];
    let mut matched = vec![None; microbes.len()];
    for i in order {
        let m = &microbes[i];
        let near = objects.iter().enumerate().filter(|(j, _)| !is_taken[*j]);
        let near = near.map(|(j, o)| (j, (o[0] - m.x).hypot(o[1] - m.y)));
        let nearest = near
            .filter(|(_, d)| *d <= reach(m))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((j, _)) = nearest {
            is_taken[j] = true;
            matched[i] = Some(j);
        }
    }
    matched
}

/// `2 true positives / (objects + microbes)`, of the microbes that `counts` says have to be found. Objects that belong to any
/// other microbe are neither right nor wrong.
pub(crate) fn f1(
    microbes: &[Microbe],
    objects: &[[f64; 2]],
    counts: impl Fn(&Microbe) -> bool,
) -> (f64, usize, usize, usize) {
    let matched = matched(microbes, objects);
    let wanted = microbes.iter().filter(|m| counts(m)).count();
    let pairs = || microbes.iter().zip(&matched).filter(|(_, j)| j.is_some());
    let found = pairs().filter(|(m, _)| counts(m)).count();
    let others = pairs().filter(|(m, _)| !counts(m)).count();
    let false_ones = objects.len() - found - others;
    let f1 = 2.0 * found as f64 / ((found + false_ones + wanted).max(1) as f64);
    (f1, found, false_ones, wanted)
}
