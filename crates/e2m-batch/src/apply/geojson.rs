//! Warps points, lines and polygons of GeoJSON.

use super::error::ApplyError;
use super::warp::{Direction, Frame, TaskWarp};
use e2m_io::write_atomic;
use serde_json::{Number, Value};
use std::path::Path;

/// Where the centre of the first pixel lies: GeoJSON of QuPath counts from its corner.
const CENTRE: f64 = 0.5;

/// Warps every position of the geometries of a GeoJSON and answers with their number.
///
/// Taken are geometries, features, collections of either, and lists of features, as QuPath writes them, with the geometry of a nucleus
/// beside that of a cell. Corners are warped, and what is straight between them stays straight. Properties stay as they are, measured
/// areas among them; boxes (`bbox`) would be wrong, and are left out.
///
/// # Errors
/// A file that is no GeoJSON or has no position, a position beyond the horizon; what cannot be read or written.
pub fn warp_geojson(
    warp: &TaskWarp,
    (direction, frame): (Direction, Frame),
    from: &Path,
    to: &Path,
) -> Result<usize, ApplyError> {
    let text = std::fs::read_to_string(from).map_err(|source| ApplyError::Io {
        action: "read",
        path: from.to_owned(),
        source,
    })?;
    let wrong = |why: String| ApplyError::Content {
        path: from.to_owned(),
        why,
    };
    let mut document: Value = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
    let mut walk = Walk {
        place: |[x, y]: [f64; 2]| {
            let point = [x - CENTRE, y - CENTRE];
            let [x, y] = warp.point(direction, frame, point)?;
            Some([x + CENTRE, y + CENTRE])
        },
        positions: 0,
    };
    walk.object(&mut document).map_err(|stop| match stop {
        Stop::Wrong(why) => wrong(why),
        Stop::Horizon([x, y]) => ApplyError::Horizon {
            path: from.to_owned(),
            x,
            y,
        },
    })?;
    if walk.positions == 0 {
        return Err(wrong(
            "there is no position in it; is it GeoJSON?".to_owned(),
        ));
    }
    let text = format!("{document}\n");
    write_atomic(to, text.as_bytes())?;
    Ok(walk.positions)
}

/// Why a walk ended.
enum Stop {
    Wrong(String),
    Horizon([f64; 2]),
}

/// A walk through all geometries.
struct Walk<F> {
    place: F,
    positions: usize,
}

impl<F: Fn([f64; 2]) -> Option<[f64; 2]>> Walk<F> {
    /// A geometry, a feature, or several.
    fn object(&mut self, value: &mut Value) -> Result<(), Stop> {
        let members = match value {
            Value::Array(objects) => {
                return objects
                    .iter_mut()
                    .try_for_each(|object| self.object(object));
            }
            Value::Object(members) => members,
            _ => return Ok(()),
        };
        members.shift_remove("bbox");
        for (name, value) in members.iter_mut() {
            match name.as_str() {
                "coordinates" => self.coordinates(value)?,
                "geometry" | "nucleusGeometry" | "geometries" | "features" => self.object(value)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// A position, or lists of them, however deep.
    fn coordinates(&mut self, value: &mut Value) -> Result<(), Stop> {
        let Value::Array(list) = value else {
            return Err(Stop::Wrong(format!("{value} is no position")));
        };
        if list.first().is_some_and(Value::is_array) {
            return list
                .iter_mut()
                .try_for_each(|value| self.coordinates(value));
        }
        let [x, y, ..] = list.as_mut_slice() else {
            return match list.is_empty() {
                true => Ok(()),
                false => Err(Stop::Wrong("a position has one number".to_owned())),
            };
        };
        let (Some(from_x), Some(from_y)) = (x.as_f64(), y.as_f64()) else {
            return Err(Stop::Wrong(format!("[{x}, {y}] is no position")));
        };
        let point = [from_x, from_y];
        let Some(to) = (self.place)(point) else {
            return Err(Stop::Horizon(point));
        };
        for (value, number) in [x, y].into_iter().zip(to) {
            let number = Number::from_f64(number).ok_or(Stop::Horizon(point))?;
            *value = Value::Number(number);
        }
        self.positions += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn walked(mut value: Value) -> Result<(Value, usize), Stop> {
        let place = |[x, y]: [f64; 2]| (x < 1e6).then_some([x + 1.0, 2.0 * y]);
        let mut walk = Walk {
            place,
            positions: 0,
        };
        walk.object(&mut value)?;
        Ok((value, walk.positions))
    }

    #[test]
    fn every_kind_of_geometry_is_walked_and_nothing_else() {
        let point = |x: f64, y: f64| json!([x, y]);
        let before = json!({"type": "FeatureCollection", "bbox": [0, 0, 1, 1], "features": [
            {"type": "Feature", "properties": {"coordinates": [5, 5]},
             "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]},
             "nucleusGeometry": {"type": "Point", "coordinates": [3, 4, 9]}},
            {"geometry": {"type": "GeometryCollection", "geometries": [
                {"type": "MultiPolygon", "coordinates": [[[[1.5, 2.5]]]]}, {"type": "LineString", "coordinates": []}]}},
        ]});
        let Ok((after, positions)) = walked(before) else {
            panic!("it is GeoJSON");
        };
        assert_eq!(positions, 5);
        assert!(after.get("bbox").is_none());
        let first = &after["features"][0];
        assert_eq!(first["properties"], json!({"coordinates": [5, 5]}));
        assert_eq!(first["geometry"]["coordinates"][0][1], point(2.0, 0.0));
        assert_eq!(
            first["nucleusGeometry"]["coordinates"],
            json!([4.0, 8.0, 9])
        );
        let second = &after["features"][1]["geometry"]["geometries"];
        assert_eq!(second[0]["coordinates"][0][0][0], point(2.5, 5.0));
    }

    #[test]
    fn what_is_no_position_is_wrong() {
        for bad in [json!([1]), json!(7), json!(["a", 1]), json!([1, null])] {
            let geometry = json!({"type": "Point", "coordinates": bad});
            assert!(matches!(walked(geometry), Err(Stop::Wrong(_))));
        }
        let far = json!({"type": "Point", "coordinates": [2e6, 0]});
        assert!(matches!(walked(far), Err(Stop::Horizon(_))));
    }
}
