//! The tables in which code objects keep the lines of their instructions: `co_linetable`
//! (`Objects/locations.md` in CPython), and the simpler ones before it
//! (`Objects/lnotab_notes.txt`).

/// As [`line_at`], in `co_lnotab`: pairs of a number of bytes and a signed number of lines.
/// Up to 3.9.
pub(crate) fn in_lnotab(table: &[u8], first_line: u32, offset: u64) -> u32 {
    let mut line = i64::from(first_line);
    let mut start = 0;
    for &[bytes, lines] in table.as_chunks().0 {
        start += u64::from(bytes);
        if start > offset {
            break;
        }
        line += i64::from(lines as i8);
    }
    u32::try_from(line).unwrap_or(0)
}

/// As [`line_at`], in the `co_linetable` of 3.10: pairs of a number of bytes and a signed
/// number of lines, which is the step to the line of just these bytes.
pub(crate) fn in_ranges(table: &[u8], first_line: u32, offset: u64) -> u32 {
    let mut line = i64::from(first_line);
    let mut end = 0;
    for &[bytes, lines] in table.as_chunks().0 {
        let has_line = lines as i8 != NO_LINE;
        if has_line {
            line += i64::from(lines as i8);
        }
        end += u64::from(bytes);
        if offset < end {
            let line = u32::try_from(line).unwrap_or(0);
            return if has_line { line } else { 0 };
        }
    }
    0
}

/// The step of bytes that have no line.
const NO_LINE: i8 = -128;

/// The line of the instruction at a byte offset into the code; 0 where it has none.
///
/// Each entry begins with a byte whose highest bit is set, which holds a form and the number
/// of code units minus one; what follows depends on the form.
pub(crate) fn line_at(table: &[u8], first_line: u32, offset: u64) -> u32 {
    let mut line = i64::from(first_line);
    let mut end = 0;
    let mut rest = table.iter().copied().peekable();
    while let Some(head) = rest.next() {
        let form = head >> 3 & 15;
        end += (u64::from(head & 7) + 1) * 2;
        let delta = match form {
            // Lines 0 to 2 below, with columns in the bytes that follow.
            10..=12 => i64::from(form - 10),
            // A signed difference, alone or with an end line and columns.
            13 | 14 => signed(varint(&mut rest)),
            _ => 0,
        };
        line = i64::saturating_add(line, delta);
        if offset < end {
            let has_line = form != 15;
            return if has_line {
                u32::try_from(line).unwrap_or(0)
            } else {
                0
            };
        }
        // The entry's other bytes have the highest bit clear.
        while rest.next_if(|byte| byte & 0x80 == 0).is_some() {}
    }
    0
}

/// Six bits in each byte, the lowest first; bit 6 says that more follow.
fn varint(bytes: &mut impl Iterator<Item = u8>) -> u64 {
    let mut value = 0;
    for (i, byte) in bytes.enumerate() {
        if i < 10 {
            value |= u64::from(byte & 63) << (6 * i);
        }
        if byte & 64 == 0 {
            break;
        }
    }
    value
}

fn signed(value: u64) -> i64 {
    let magnitude = (value >> 1) as i64;
    if value & 1 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

#[cfg(test)]
mod tests {
    use super::{in_lnotab, in_ranges, line_at};

    /// The line of every instruction of two bytes.
    fn lines(of: fn(&[u8], u32, u64) -> u32, table: &[u8], units: u64) -> Vec<u32> {
        (0..units).map(|unit| of(table, 1, unit * 2)).collect()
    }

    /// The lines of ranges, of which each is a line and a number of instructions.
    fn ranges(ranges: &[(u32, usize)]) -> Vec<u32> {
        let lines = ranges.iter();
        lines
            .flat_map(|&(line, units)| std::iter::repeat_n(line, units))
            .collect()
    }

    /// Of `def g(a, b):\n    return [\n        a(),\n        b(),\n    ] + a(\n        1)`.
    const LINES_OF_G: &[(u32, usize)] = &[(3, 2), (4, 2), (2, 1), (5, 1), (6, 1), (5, 1), (2, 2)];

    #[test]
    fn lines_of_3_8_go_up_and_down() {
        // `co_lnotab` of 3.8 and 3.9, whose first entry is for no bytes.
        let table = [
            0x00, 0x02, 0x04, 0x01, 0x04, 0xfe, 0x02, 0x03, 0x02, 0x01, 0x02, 0xff, 0x02, 0xfd,
        ];
        assert_eq!(lines(in_lnotab, &table, 10), ranges(LINES_OF_G));
    }

    #[test]
    fn lines_of_3_10_go_up_and_down() {
        let table = [
            0x04, 0x02, 0x04, 0x01, 0x02, 0xfe, 0x02, 0x03, 0x02, 0x01, 0x02, 0xff, 0x04, 0xfd,
        ];
        assert_eq!(lines(in_ranges, &table, 10), ranges(LINES_OF_G));
    }

    #[test]
    fn a_step_of_more_than_127_lines_takes_two_entries() {
        // Of `def h(x):\n    with x:\n        x()`, 200 empty lines and `    return 1`.
        let of_3_8 = [0x00, 0x01, 0x06, 0x01, 0x10, 0x7f, 0x00, 0x4a];
        let expected = ranges(&[(2, 3), (3, 8), (204, 2)]);
        assert_eq!(lines(in_lnotab, &of_3_8, 13), expected);
        let of_3_10 = [
            0x06, 0x01, 0x08, 0x01, 0x0a, 0xff, 0x00, 0x7f, 0x04, 0x4b, 0x00, 0x81, 0x10, 0xb5,
            0x00, 0x7f, 0x04, 0x4b,
        ];
        let expected = ranges(&[(2, 3), (3, 4), (2, 5), (204, 2), (2, 8), (204, 2)]);
        assert_eq!(lines(in_ranges, &of_3_10, 24), expected);
    }

    #[test]
    fn bytes_of_3_10_may_have_no_line() {
        // The table of `async def f(x):\n    return [i async for i in x]`.
        let table = [0x02, 0x80, 0x14, 0x01];
        assert_eq!(lines(in_ranges, &table, 11), ranges(&[(0, 1), (2, 10)]));
    }

    #[test]
    fn offsets_behind_the_table_and_odd_tables_are_no_trouble() {
        // The last line of `co_lnotab` holds up to the end of the code, which it does not say.
        assert_eq!(in_lnotab(&[0x00, 0x01], 1, u64::MAX), 2);
        assert_eq!(in_ranges(&[0x04, 0x01], 1, 4), 0);
        for of in [in_lnotab, in_ranges] {
            assert_eq!(of(&[0x04], 1, 0), of(&[], 1, 0));
            // Lines before the first are none.
            assert_eq!(of(&[0x00, 0x81, 0x02, 0x81], 1, 0), 0);
        }
    }

    #[test]
    fn lines_of_a_function_of_three_lines() {
        // The table of `def f(x):\n    y = x + 1\n    return y`, from CPython 3.12.
        let table = [
            0x80, 0x00, 0xd8, 0x08, 0x09, 0x88, 0x41, 0x89, 0x05, 0x80, 0x41, 0xd8, 0x0b, 0x0c,
            0x80, 0x48,
        ];
        let lines: Vec<_> = (0..9).map(|unit| line_at(&table, 1, unit * 2)).collect();
        assert_eq!(lines, [1, 2, 2, 2, 2, 2, 3, 3, 0]);
    }

    #[test]
    fn a_table_without_end_is_no_loop() {
        assert_eq!(line_at(&[0xff; 64], 1, u64::MAX), 0);
        assert_eq!(line_at(&[], 1, 0), 0);
    }
}
