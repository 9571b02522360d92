//! Random numbers that depend on nothing but a seed and integers: the same on every platform, thread and band height.
//!
//! Everything random in a fixture is either a hash of lattice or pixel coordinates ([`at`]), so that any pixel can be
//! evaluated on its own, or drawn in a fixed order from a [`Stream`] while the world is built.

use std::sync::LazyLock;

/// The increment of splitmix64: 2^64 divided by the golden ratio, odd.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of splitmix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195): every input bit reaches every
/// output bit.
#[inline]
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A seed of its own for one purpose, so that the parts of a world are independent of each other.
pub(crate) fn derive(seed: u64, purpose: u64) -> u64 {
    mix(mix(seed.wrapping_add(GOLDEN)) ^ purpose.wrapping_mul(GOLDEN))
}

/// The hash of the lattice point or pixel `(x, y)`.
#[inline]
pub(crate) fn at(seed: u64, x: i32, y: i32) -> u64 {
    mix(seed ^ (u64::from(x as u32) | (u64::from(y as u32) << 32)))
}

/// The 16 bits of `hash` from bit `shift` on, in [-1, 1).
#[inline]
pub(crate) fn signed(hash: u64, shift: u32) -> f32 {
    f32::from((hash >> shift) as i16) * (1.0 / 32768.0)
}

/// The 16 bits of `hash` from bit `shift` on, in [0, 1).
#[inline]
pub(crate) fn unsigned(hash: u64, shift: u32) -> f32 {
    f32::from((hash >> shift) as u16) * (1.0 / 65536.0)
}

/// Numbers in a fixed order: splitmix64.
#[derive(Debug, Clone)]
pub(crate) struct Stream(u64);

impl Stream {
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        Self(derive(seed, purpose))
    }

    pub(crate) fn next_bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// Uniform in [0, 1), 53 bits.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next_bits() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Uniform in [low, high).
    pub(crate) fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Normal with mean 0 and standard deviation 1 (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }
}

/// Normal deviates by table: the quantiles of the normal distribution at the centres of 65536 equal steps.
///
/// The table's standard deviation is 1 to 1e-4 and its largest value 4.3, which is where noise of some counts stops to
/// matter for 8 bit pixels.
#[derive(Debug)]
pub(crate) struct NormalTable(Vec<f32>);

/// The table, made when it is first needed.
static NORMAL: LazyLock<NormalTable> = LazyLock::new(|| {
    let quantile = |i| normal_quantile((f64::from(i) + 0.5) / 65536.0) as f32;
    NormalTable((0..65536).map(quantile).collect())
});

impl NormalTable {
    /// The only one there is.
    pub(crate) fn shared() -> &'static Self {
        &NORMAL
    }

    /// The deviate of 16 random bits.
    #[inline]
    pub(crate) fn get(&self, bits: u16) -> f32 {
        self.0[usize::from(bits)]
    }
}

/// The normal quantile at `p` in (0, 1), to 1e-12: Newton's method on the error function.
fn normal_quantile(p: f64) -> f64 {
    let mut z = 0.0;
    for _ in 0..60 {
        let below = 0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2);
        let density = libm::exp(-0.5 * z * z) / std::f64::consts::TAU.sqrt();
        let step = ((p - below) / density).clamp(-0.5, 0.5);
        z += step;
        if step.abs() < 1e-12 {
            break;
        }
    }
    z
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_a_normal_distribution() {
        let table = NormalTable::shared();
        let (mut sum, mut squares, mut fourth) = (0.0, 0.0, 0.0);
        for bits in 0..=u16::MAX {
            let z = f64::from(table.get(bits));
            sum += z;
            squares += z * z;
            fourth += z * z * z * z;
        }
        assert!((sum / 65536.0).abs() < 1e-6);
        assert!((squares / 65536.0 - 1.0).abs() < 1e-3);
        assert!((fourth / 65536.0 - 3.0).abs() < 0.02);
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-9);
    }

    #[test]
    fn purposes_do_not_share_numbers() {
        assert_ne!(derive(1, 1), derive(1, 2));
        assert_ne!(derive(1, 1), derive(2, 1));
        assert_ne!(at(7, 3, -4), at(7, -4, 3));
    }
}
