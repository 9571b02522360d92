//! What is fixed to the sensor: hot pixels, bad columns and the shadows of dust on its window, at the same place in both images.

use crate::hash::{self, Stream};
use crate::outline::smoothstep;
use crate::parts::Sensor;
use e2m_image::Size;

/// The flaws of a sensor, for an image of one size; two images have the same ones where both reach.
#[derive(Debug, Clone)]
pub(crate) struct SensorLayer {
    sensor: Sensor,
    /// Of hot pixels.
    seed: u64,
    /// Columns with what they add.
    columns: Vec<(usize, f32)>,
    shadows: Vec<Shadow>,
}

#[derive(Debug, Clone, Copy)]
struct Shadow {
    x: f64,
    y: f64,
    radius: f64,
    depth: f64,
}

impl SensorLayer {
    /// The flaws of the sensor of a pair whose larger image is of this size.
    pub(crate) fn new(sensor: &Sensor, seed: u64, size: Size) -> Self {
        let mut stream = Stream::new(seed, 70);
        let columns = (0..sensor.columns)
            .map(|_| {
                let x = stream.range(0.0, size.width as f64) as usize;
                let sign = if stream.unit() < 0.3 { -1.0 } else { 1.0 };
                (
                    x,
                    (sign * stream.range(0.7, 1.3) * sensor.column_counts) as f32,
                )
            })
            .collect();
        let wanted = (sensor.shadows_per_megapixel * size.pixels() as f64 * 1e-6).ceil();
        let [least, most] = sensor.shadow_radius_px;
        let shadows = (0..wanted.clamp(0.0, 10_000.0) as usize)
            .map(|_| Shadow {
                x: stream.range(0.0, size.width as f64),
                y: stream.range(0.0, size.height as f64),
                radius: stream.range(least, most),
                depth: stream.range(0.7, 1.3) * sensor.shadow_depth,
            })
            .collect();
        Self {
            sensor: *sensor,
            seed: hash::derive(seed, 71),
            columns,
            shadows,
        }
    }

    /// Takes away the light that does not reach row `y`.
    pub(crate) fn shade_row(&self, y: usize, row: &mut [f32]) {
        for shadow in &self.shadows {
            let dy = y as f64 - shadow.y;
            if dy.abs() > shadow.radius {
                continue;
            }
            let begin = (shadow.x - shadow.radius).max(0.0) as usize;
            let end = ((shadow.x + shadow.radius).max(0.0) as usize + 1).min(row.len());
            for (x, value) in row.iter_mut().enumerate().take(end).skip(begin) {
                let distance = (x as f64 - shadow.x).hypot(dy) / shadow.radius;
                // Dark in the middle, with a soft border of a third of the radius.
                let share = smoothstep((1.0 - distance) * 3.0);
                *value *= (1.0 - shadow.depth.min(0.95) * share) as f32;
            }
        }
    }

    /// Adds what the sensor makes by itself in row `y`.
    pub(crate) fn add_row(&self, y: usize, row: &mut [f32]) {
        for &(x, counts) in &self.columns {
            if let Some(value) = row.get_mut(x) {
                *value = (*value + counts).max(0.0);
            }
        }
        if self.sensor.hot_share <= 0.0 {
            return;
        }
        for (x, value) in row.iter_mut().enumerate() {
            let bits = hash::at(self.seed, x as i32, y as i32);
            let draw = (bits >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0);
            if draw < self.sensor.hot_share {
                let level = 0.5 + f64::from(hash::unsigned(hash::mix(bits), 0));
                *value += (level * self.sensor.hot_counts) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_images_have_the_same_flaws_where_both_reach() {
        let sensor = Sensor {
            hot_share: 0.01,
            columns: 2,
            shadows_per_megapixel: 100.0,
            ..Sensor::default()
        };
        let layer = SensorLayer::new(&sensor, 3, Size::new(400, 300));
        let expose = |width: usize, y: usize| {
            let mut row = vec![100.0f32; width];
            layer.shade_row(y, &mut row);
            layer.add_row(y, &mut row);
            row
        };
        let mut hot = 0;
        for y in 0..300 {
            let (wide, narrow) = (expose(400, y), expose(250, y));
            assert_eq!(wide[..250], narrow);
            hot += wide.iter().filter(|v| **v > 130.0).count();
        }
        assert!((hot as f64 / (400.0 * 300.0) - 0.01).abs() < 0.002, "{hot}");
    }
}
