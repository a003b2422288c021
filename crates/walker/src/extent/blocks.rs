//! What the allocators take for a request.

use exuvia_cpython::Flavor;

/// Requests up to this size are served by pymalloc, in steps of 16 bytes
/// (`SMALL_REQUEST_THRESHOLD`); larger ones by the C allocator.
const SMALL_REQUEST: u64 = 512;
/// What glibc adds to a block, and the step of its sizes.
const MALLOC_OVERHEAD: u64 = 8;
const ALIGNMENT: u64 = 16;

/// Blocks of mimalloc up to this size have one of its size classes; larger ones fill slices
/// of their own (`MI_MEDIUM_OBJ_SIZE_MAX`, and half of it in mimalloc 2.5.2).
const LARGEST_CLASS: u64 = 128 << 10;
const SLICE: u64 = 64 << 10;

/// Bytes that the allocator takes for a request.
pub(super) fn block(flavor: Flavor, request: u64) -> u64 {
    match (flavor, request) {
        (_, 0) => 0,
        (Flavor::Gil, small) if small <= SMALL_REQUEST => small.next_multiple_of(ALIGNMENT),
        (Flavor::Gil, large) => {
            let held = large.saturating_add(MALLOC_OVERHEAD);
            held.checked_next_multiple_of(ALIGNMENT).unwrap_or(held)
        }
        (Flavor::FreeThreaded, small) if small <= LARGEST_CLASS => size_class(small),
        (Flavor::FreeThreaded, large) => large.checked_next_multiple_of(SLICE).unwrap_or(large),
    }
}

/// Bytes that the C allocator takes for a request: what libraries in C get, which know
/// nothing of pymalloc.
pub(crate) fn c_block(request: u64) -> u64 {
    const LEAST: u64 = 32;
    // Larger requests are refused later.
    let held = request.min(1 << 60) + MALLOC_OVERHEAD;
    held.next_multiple_of(ALIGNMENT).max(LEAST)
}

/// mimalloc's size classes (`mi_bin`): 8 bytes, then steps of 16 up to 64, then four between
/// each power of two and the next.
fn size_class(request: u64) -> u64 {
    match request {
        0..=8 => 8,
        9..=64 => request.next_multiple_of(16),
        _ => {
            let last_word = request.div_ceil(8) - 1;
            let step = last_word.ilog2() - 2;
            (((last_word >> step) + 1) << step) * 8
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mimalloc_has_four_classes_to_a_power_of_two() {
        let classes = [
            (1, 8),
            (9, 16),
            (33, 48),
            (64, 64),
            (65, 80),
            (113, 128),
            (129, 160),
            (257, 320),
            (1025, 1280),
            (128 << 10, 128 << 10),
            ((128 << 10) + 1, 192 << 10),
        ];
        for (request, taken) in classes {
            assert_eq!(block(Flavor::FreeThreaded, request), taken, "{request}");
        }
    }

    #[test]
    fn pymalloc_rounds_up_and_glibc_adds_a_head() {
        assert_eq!(block(Flavor::Gil, 0), 0);
        assert_eq!(block(Flavor::Gil, 40), 48);
        assert_eq!(block(Flavor::Gil, 520), 528);
        assert_eq!(block(Flavor::Gil, 521), 544);
    }
}
