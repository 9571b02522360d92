//! The JSON around the chunks, as OME-NGFF 0.4 and 0.5 and Zarr 2 and 3 have it.

use super::ZarrVersion;
use super::shard::SHARD_PX;
use super::window::Window;
use crate::image::{Compression, OmeImage, Pyramid};
use crate::levels::level_sizes;
use crate::ome::SOFTWARE;
use crate::tiles::{self, Codec, TILE_PX};
use e2m_image::Size;
use serde_json::{Value, json};

/// What the bytes of a chunk are.
pub(super) fn codec(version: ZarrVersion, compression: Compression) -> Codec {
    match (version, compression) {
        (_, Compression::None) => Codec::Little,
        (ZarrVersion::V04, Compression::Deflate) => Codec::LittleZlib,
        // Zarr 3 knows no zlib.
        (ZarrVersion::V05, Compression::Deflate) => Codec::LittleGzip,
    }
}

/// The file of the group that holds the attributes.
pub(super) fn group_file(version: ZarrVersion) -> &'static str {
    match version {
        ZarrVersion::V04 => ".zattrs",
        ZarrVersion::V05 => "zarr.json",
    }
}

/// The OME-XML in the text of that file.
pub(super) fn description_in(text: &str, version: ZarrVersion) -> Option<String> {
    let document: Value = serde_json::from_str(text).ok()?;
    let attributes = match version {
        ZarrVersion::V04 => &document,
        ZarrVersion::V05 => document.get("attributes")?,
    };
    let text = attributes.get("e2m")?.get("ome_xml")?.as_str()?;
    Some(text.to_owned())
}

/// Name and text of every file of metadata.
pub(super) fn files(
    image: &OmeImage,
    version: ZarrVersion,
    windows: &[Window],
) -> Vec<(String, String)> {
    let attributes = attributes(image, version, windows);
    let mut files = match version {
        ZarrVersion::V04 => vec![
            (".zgroup".to_owned(), json!({"zarr_format": 2})),
            (group_file(version).to_owned(), attributes),
        ],
        ZarrVersion::V05 => {
            let group = json!({"zarr_format": 3, "node_type": "group", "attributes": attributes});
            vec![(group_file(version).to_owned(), group)]
        }
    };
    for (level, size) in level_sizes(image.size).into_iter().enumerate() {
        files.push(match version {
            ZarrVersion::V04 => (format!("{level}/.zarray"), array_2(image, size)),
            ZarrVersion::V05 => (format!("{level}/zarr.json"), array_3(image, size)),
        });
    }
    let text = |(name, value): (String, Value)| (name, format!("{value:#}\n"));
    files.into_iter().map(text).collect()
}

/// Numbers of all axes: c is there where there are several channels.
fn of_axes<T>(image: &OmeImage, c: T, y: T, x: T) -> Vec<T> {
    match image.channels.len() {
        0 | 1 => vec![y, x],
        _ => vec![c, y, x],
    }
}

fn array_2(image: &OmeImage, size: Size) -> Value {
    let compressor = match image.compression {
        Compression::Deflate => json!({"id": "zlib", "level": tiles::LEVEL}),
        Compression::None => Value::Null,
    };
    json!({
        "zarr_format": 2,
        "shape": of_axes(image, image.channels.len(), size.height, size.width),
        "chunks": of_axes(image, 1, TILE_PX, TILE_PX),
        "dtype": "<f4",
        "compressor": compressor,
        "fill_value": 0.0,
        "order": "C",
        "filters": null,
        "dimension_separator": "/",
    })
}

fn array_3(image: &OmeImage, size: Size) -> Value {
    let little = json!({"name": "bytes", "configuration": {"endian": "little"}});
    let mut codecs = vec![little.clone()];
    if image.compression == Compression::Deflate {
        codecs.push(json!({"name": "gzip", "configuration": {"level": tiles::LEVEL}}));
    }
    let sharding = json!({
        "chunk_shape": of_axes(image, 1, TILE_PX, TILE_PX),
        "codecs": codecs,
        "index_codecs": [little, {"name": "crc32c"}],
        "index_location": "end",
    });
    json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": of_axes(image, image.channels.len(), size.height, size.width),
        "data_type": "float32",
        "chunk_grid": {
            "name": "regular",
            "configuration": {"chunk_shape": of_axes(image, 1, SHARD_PX, SHARD_PX)},
        },
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0.0,
        "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
        "dimension_names": of_axes(image, "c", "y", "x"),
        "attributes": {},
    })
}

fn attributes(image: &OmeImage, version: ZarrVersion, windows: &[Window]) -> Value {
    let mut multiscale = json!({
        "name": image.name,
        "axes": axes(image),
        "datasets": datasets(image),
        "type": pyramids(image),
        "metadata": {
            "description": "each level has half the columns and rows of the one before, rounded up; a pixel is the mean, or the \
                            maximum, of the finite ones of 2 x 2",
            "method": SOFTWARE,
        },
    });
    let omero = omero(image, windows);
    let mut annotations = serde_json::Map::new();
    for (key, value) in &image.annotations {
        // Several doubts have one key.
        let known = annotations.remove(key);
        let text = match known.as_ref().and_then(Value::as_str) {
            Some(known) => format!("{known}\n{value}"),
            None => value.clone(),
        };
        annotations.insert(key.clone(), text.into());
    }
    let e2m = json!({
        "description": image.description,
        "annotations": annotations,
        "ome_xml": image.ome_xml(),
    });
    match version {
        ZarrVersion::V04 => {
            multiscale["version"] = version.name().into();
            json!({"multiscales": [multiscale], "omero": omero, "e2m": e2m})
        }
        ZarrVersion::V05 => json!({
            "ome": {"version": version.name(), "multiscales": [multiscale], "omero": omero},
            "e2m": e2m,
        }),
    }
}

fn axes(image: &OmeImage) -> Vec<Value> {
    let space = |name: &str| match image.pixel_um {
        Some(_) => json!({"name": name, "type": "space", "unit": "micrometer"}),
        None => json!({"name": name, "type": "space"}),
    };
    let channel = json!({"name": "c", "type": "channel"});
    of_axes(image, channel, space("y"), space("x"))
}

/// Each level with its scale and the place of its first pixel.
fn datasets(image: &OmeImage) -> Vec<Value> {
    let [um_x, um_y] = image.pixel_um.unwrap_or([1.0, 1.0]);
    let levels = level_sizes(image.size).len();
    (0..levels)
        .map(|level| {
            // A pixel is 2^level pixels wide, and its centre is theirs.
            let factor = (1_u64 << level.min(63)) as f64;
            let shift = (factor - 1.0) / 2.0;
            let scale = of_axes(image, 1.0, um_y * factor, um_x * factor);
            let place = of_axes(image, 0.0, um_y * shift, um_x * shift);
            json!({
                "path": level.to_string(),
                "coordinateTransformations": [
                    {"type": "scale", "scale": scale},
                    {"type": "translation", "translation": place},
                ],
            })
        })
        .collect()
}

/// How smaller levels are made, in a word where all channels have one way.
fn pyramids(image: &OmeImage) -> String {
    let mut names: Vec<&str> = image.channels.iter().map(|c| c.pyramid.name()).collect();
    let all = names.join(", ");
    names.dedup();
    match names.as_slice() {
        [one] => (*one).to_owned(),
        _ => format!("by channel: {all}"),
    }
}

fn omero(image: &OmeImage, windows: &[Window]) -> Value {
    let channels: Vec<Value> = image
        .channels
        .iter()
        .zip(windows)
        .map(|(channel, window)| {
            let [red, green, blue] = channel.colour.rgb;
            json!({
                "label": channel.name,
                "color": format!("{red:02X}{green:02X}{blue:02X}"),
                "window": {
                    "min": window.range[0],
                    "max": window.range[1],
                    "start": window.drawn[0],
                    "end": window.drawn[1],
                },
                // A difference over its own images would hide them; whoever wants it switches it on.
                "active": channel.pyramid == Pyramid::Mean || image.channels.len() == 1,
                "coefficient": 1.0,
                "family": "linear",
                "inverted": false,
            })
        })
        .collect();
    json!({
        "name": image.name,
        "channels": channels,
        "rdefs": {"model": "color", "defaultZ": 0, "defaultT": 0},
    })
}
