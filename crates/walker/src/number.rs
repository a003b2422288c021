//! Numbers: `int` and `float`.

use crate::reader::Reader;
use crate::types::Family;
use exuvia_cpython::IntRepr;
use exuvia_memory::{Fault, Memory, RemoteAddress};

/// Bits in a digit of an `int`: `PyLong_SHIFT` on 64-bit platforms.
const DIGIT_BITS: u32 = 30;
/// Longer numbers are not written out.
const MAX_DIGITS: u64 = 4;

/// How many digits the `int` at an address has; 0 for zero.
pub(crate) fn digit_count<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
) -> Result<u64, Fault> {
    Ok(sign_and_count(reader, object)?.1)
}

/// Whether the number is negative, and how many digits it has.
fn sign_and_count<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
) -> Result<(bool, u64), Fault> {
    let l = &reader.layout.structs.py_long_object;
    match reader.layout.shapes.int_repr {
        IntRepr::SignedSize => {
            let size = reader.cache.i64(object.offset(l.ob_size.unwrap_or(16)))?;
            Ok((size < 0, size.unsigned_abs()))
        }
        IntRepr::LvTag => {
            // The lowest two bits are 0 for positive, 1 for zero, 2 for negative.
            let tag = reader.cache.u64(object.offset(l.lv_tag.unwrap_or(16)))?;
            Ok((tag & 3 == 2, tag >> 3))
        }
    }
}

/// The value of the `int` at an address, if it is one, not negative and small.
pub(crate) fn small<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
) -> Result<Option<u64>, Fault> {
    let is_int = reader.type_of(object).map(|info| info.family) == Some(Family::Int);
    if !is_int {
        return Ok(None);
    }
    let (negative, count) = sign_and_count(reader, object)?;
    let ob_digit = reader.layout.structs.py_long_object.ob_digit;
    Ok(match (negative, count) {
        (_, 0) => Some(0),
        (false, 1) => Some(u64::from(reader.cache.u32(object.offset(ob_digit))?)),
        _ => None,
    })
}

/// An `int` as `repr` prints it; `None` for numbers of more than 120 bits.
pub(crate) fn int_repr<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
) -> Result<Option<String>, Fault> {
    let (negative, count) = sign_and_count(reader, object)?;
    if count > MAX_DIGITS {
        return Ok(None);
    }
    let ob_digit = reader.layout.structs.py_long_object.ob_digit;
    let mut value: u128 = 0;
    for i in (0..count).rev() {
        let digit = reader.cache.u32(object.offset(ob_digit + i * 4))?;
        value = value << DIGIT_BITS | u128::from(digit & ((1 << DIGIT_BITS) - 1));
    }
    let sign = if negative { "-" } else { "" };
    Ok(Some(format!("{sign}{value}")))
}

/// A `float` as `repr` prints it: the shortest digits that read back the same, with an
/// exponent from 1e16 on and below 1e-4.
pub(crate) fn float_repr<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
) -> Result<String, Fault> {
    let ob_fval = reader.layout.structs.py_float_object.ob_fval;
    let value = f64::from_bits(reader.cache.u64(object.offset(ob_fval))?);
    Ok(format_float(value))
}

fn format_float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if value == 0.0 || (1e-4..1e16).contains(&value.abs()) {
        return format!("{value:?}");
    }
    // Rust writes `1e20` where Python writes `1e+20`, and `1e-5` for `1e-05`.
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::format_float;

    #[test]
    fn floats_read_as_python_prints_them() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.5, "1.5"),
            (1e16, "1e+16"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (9999999999999998.0, "9999999999999998.0"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e-300, "1e-300"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in cases {
            assert_eq!(format_float(value), text);
        }
    }
}
