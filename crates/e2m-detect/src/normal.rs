//! The normal distribution's tail, and robust figures of a sample.

/// Coefficients of Press et al. 2007, Numerical Recipes, 6.2.2, the highest power first.
const TERMS: [f64; 10] = [
    0.170_872_77,
    -0.822_152_23,
    1.488_515_87,
    -1.135_203_98,
    0.278_868_07,
    -0.186_288_06,
    0.096_784_18,
    0.374_091_96,
    1.000_023_68,
    -1.265_512_23,
];
/// Standard deviation of a normal distribution cut off at 3.
const CUT: f64 = 0.986_58;

/// The share of a normal distribution above `z`, with a relative error below 1.2e-7.
pub(crate) fn tail(z: f64) -> f64 {
    let x = z.abs() * std::f64::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * x);
    let series = TERMS.iter().fold(0.0, |sum, term| sum * t + term);
    let upper = 0.5 * t * (series - x * x).exp();
    if z >= 0.0 { upper } else { 1.0 - upper }
}

/// The `z` above which lies the share `p` of a normal distribution, for `p` up to 0.5: Newton's method on the log of the tail.
pub(crate) fn quantile_of_tail(p: f64, start: f64) -> f64 {
    let target = p.ln();
    let mut z = start.max(0.0);
    for _ in 0..60 {
        let share = tail(z);
        let hazard = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt() / share;
        let step = ((share.ln() - target) / hazard).clamp(-1.0, 1.0);
        z = (z + step).max(0.0);
        if step.abs() < 1e-9 {
            break;
        }
    }
    z
}

/// The quantile `q` of values that may be in any order; they are reordered. 0 where there are none.
pub(crate) fn quantile(values: &mut [f32], q: f64) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let at = ((values.len() - 1) as f64 * q).round() as usize;
    let (_, value, _) = values.select_nth_unstable_by(at, f32::total_cmp);
    f64::from(*value)
}

/// Mean and standard deviation of what lies within 3 standard deviations, from the quartiles on; corrected for what a normal
/// distribution loses by that.
pub(crate) fn clipped(values: &mut [f32]) -> (f64, f64) {
    let (q1, q3) = (quantile(values, 0.25), quantile(values, 0.75));
    let mut mean = quantile(values, 0.5);
    let mut sd = (q3 - q1) / 1.349;
    for _ in 0..8 {
        let reach = (3.0 * sd).max(1e-12);
        let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for &value in values.iter() {
            let d = f64::from(value) - mean;
            if d.abs() <= reach {
                n += 1.0;
                sum += d;
                squares += d * d;
            }
        }
        if n < 2.0 {
            break;
        }
        let shift = sum / n;
        mean += shift;
        sd = (squares / n - shift * shift).max(0.0).sqrt() / CUT;
    }
    (mean, sd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_of_the_tables() {
        for (z, share) in [(0.0, 0.5), (1.959_964, 0.025), (5.0, 2.866_516e-7)] {
            assert!((tail(z) / share - 1.0).abs() < 1e-5, "{z}");
            assert!((quantile_of_tail(share, 1.0) - z).abs() < 1e-5, "{z}");
        }
        assert!((tail(-1.0) - 0.841_344_7).abs() < 1e-6);
    }

    #[test]
    fn clipping_forgets_outliers() {
        let mut values: Vec<f32> = (1..1000)
            .map(|i| {
                let p = f64::from(i) / 1000.0;
                let z = quantile_of_tail(p.min(1.0 - p), 1.0);
                (7.0 + 2.0 * if p < 0.5 { z } else { -z }) as f32
            })
            .collect();
        values.extend([500.0; 10]);
        let (mean, sd) = clipped(&mut values);
        assert!((mean - 7.0).abs() < 0.05 && (sd - 2.0).abs() < 0.05);
    }
}
