//! The catalogue as Parquet: the same columns as the CSV, with types and all digits.

use crate::catalogue::{Catalogue, Object};
use crate::tables::{Placement, facts};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::io::{Error, Result, Write};
use std::sync::Arc;

/// Objects in a row group, which is what is held at a time.
const GROUP: usize = 65_536;

/// What a column holds of an object.
enum Column {
    /// A whole number.
    Whole(fn(&Object) -> u32),
    /// A number that every object has.
    Number(fn(&Object, &Placement) -> f64),
    /// One that not every object has.
    Maybe(fn(&Object, &Placement) -> Option<f64>),
    /// Words.
    Text(fn(&Object) -> String),
}

/// The columns by their names, in their order: those of the CSV.
const ALL: [(&str, Column); 20] = [
    ("id", Column::Whole(|o| o.id)),
    ("x_px", Column::Number(|o, _| o.x_px)),
    ("y_px", Column::Number(|o, _| o.y_px)),
    ("x_raw_px", Column::Number(|o, p| p.raw(o)[0])),
    ("y_raw_px", Column::Number(|o, p| p.raw(o)[1])),
    (
        "x_um",
        Column::Maybe(|o, p| Some(p.raw(o)[0] * p.um_per_px?[0])),
    ),
    (
        "y_um",
        Column::Maybe(|o, p| Some(p.raw(o)[1] * p.um_per_px?[1])),
    ),
    ("flux", Column::Number(|o, _| o.flux)),
    ("flux_err", Column::Number(|o, _| o.flux_err)),
    ("peak", Column::Number(|o, _| o.peak)),
    ("significance", Column::Number(|o, _| o.significance)),
    ("area_px", Column::Whole(|o| o.area_px)),
    ("area_um2", Column::Maybe(|o, p| p.area_um2(o))),
    ("length_px", Column::Number(|o, _| o.length_px)),
    ("width_px", Column::Number(|o, _| o.width_px)),
    ("orientation_deg", Column::Number(|o, _| o.orientation_deg)),
    ("circularity", Column::Number(|o, _| o.circularity)),
    ("background", Column::Number(|o, _| o.background)),
    (
        "nearest_px",
        Column::Maybe(|o, _| o.nearest_px.is_finite().then_some(o.nearest_px)),
    ),
    ("flags", Column::Text(|o| o.flags.to_string())),
];

/// Writes all objects as Parquet, uncompressed, with the columns of [`write_csv`](crate::write_csv) and null where that is empty;
/// `notes` and what is known of the catalogue are the value of the key `comments` of the file, a line each.
///
/// # Errors
///
/// Those of the writer.
pub fn write_parquet(
    out: &mut (dyn Write + Send),
    catalogue: &Catalogue,
    placement: &Placement,
    notes: &[String],
) -> Result<()> {
    write(out, catalogue, placement, notes).map_err(|error| match error {
        ParquetError::External(inner) => match inner.downcast::<Error>() {
            Ok(io) => *io,
            Err(other) => Error::other(other),
        },
        other => Error::other(other),
    })
}

fn write(
    out: &mut (dyn Write + Send),
    catalogue: &Catalogue,
    placement: &Placement,
    notes: &[String],
) -> std::result::Result<(), ParquetError> {
    let fields = ALL.iter().map(|(name, column)| match column {
        Column::Whole(_) => format!("REQUIRED INT32 {name} (INTEGER(32, false));"),
        Column::Number(_) => format!("REQUIRED DOUBLE {name};"),
        Column::Maybe(_) => format!("OPTIONAL DOUBLE {name};"),
        Column::Text(_) => format!("REQUIRED BYTE_ARRAY {name} (STRING);"),
    });
    let fields: String = fields.collect();
    let schema = parse_message_type(&format!("message microbes {{ {fields} }}"))?;
    let lines = notes
        .iter()
        .flat_map(|note| note.lines())
        .map(str::to_owned);
    let comments: Vec<String> = lines.chain(facts(catalogue, placement)).collect();
    let comments = KeyValue::new("comments".to_owned(), comments.join("\n"));
    let properties = WriterProperties::builder()
        .set_key_value_metadata(Some(vec![comments]))
        .build();
    let mut writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
    for objects in catalogue.objects.chunks(GROUP) {
        let mut group = writer.next_row_group()?;
        for (_, column) in &ALL {
            add(&mut group, column, objects, placement)?;
        }
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

/// Adds the next column.
fn add<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    column: &Column,
    objects: &[Object],
    placement: &Placement,
) -> std::result::Result<(), ParquetError> {
    let missing = || ParquetError::General("the schema has fewer columns".to_owned());
    let mut writer = group.next_column()?.ok_or_else(missing)?;
    match column {
        Column::Whole(of) => {
            // Parquet keeps unsigned numbers as the signed ones of the same bits.
            let values: Vec<i32> = objects.iter().map(|o| of(o).cast_signed()).collect();
            writer
                .typed::<Int32Type>()
                .write_batch(&values, None, None)?;
        }
        Column::Number(of) => {
            let values: Vec<f64> = objects.iter().map(|o| of(o, placement)).collect();
            writer
                .typed::<DoubleType>()
                .write_batch(&values, None, None)?;
        }
        Column::Maybe(of) => {
            let all: Vec<Option<f64>> = objects.iter().map(|o| of(o, placement)).collect();
            let is_there: Vec<i16> = all.iter().map(|v| i16::from(v.is_some())).collect();
            let values: Vec<f64> = all.into_iter().flatten().collect();
            writer
                .typed::<DoubleType>()
                .write_batch(&values, Some(&is_there), None)?;
        }
        Column::Text(of) => {
            let words = objects.iter().map(|o| ByteArray::from(of(o).into_bytes()));
            let values: Vec<ByteArray> = words.collect();
            writer
                .typed::<ByteArrayType>()
                .write_batch(&values, None, None)?;
        }
    }
    writer.close()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::COLUMNS;

    #[test]
    fn the_columns_are_those_of_the_csv() {
        let names: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
        let (last, others) = names.split_last().expect("columns");
        assert_eq!(others, COLUMNS);
        assert_eq!(*last, "flags");
    }
}
