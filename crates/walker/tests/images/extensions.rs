//! Types of extension libraries that have a decoder.

use exuvia_memory::RemoteAddress;
use exuvia_synth::{Heap, Process, Python};

use crate::walked::{Walked, steps, walk_broken, walk_sound};

const PYTHON: Python = Python::V3_12;
/// Words of a `numpy.ndarray` behind its head.
const DATA: usize = 0;
const ND: usize = 1;
const DIMENSIONS: usize = 2;
const STRIDES: usize = 3;
const DESCR: usize = 5;
const FLAGS: usize = 6;
const OWNDATA: u64 = 4;

/// A heap with an array of objects, two rows of three, and what it is made of.
struct Scene {
    heap: Heap,
    array: RemoteAddress,
    dtype: RemoteAddress,
    items: Vec<RemoteAddress>,
}

impl Scene {
    /// `strides` are bytes from row to row and from column to column.
    fn new(python: Python, strides: [u64; 2], flags: u64) -> Self {
        let mut heap = Heap::new(python);
        let items: Vec<_> = (0..6).map(|i| heap.int(i)).collect();
        let dtype_type = heap.extension_type("numpy.dtypes.ObjectDType", 120);
        // `type_num` and the flag that says that items are references; 8 bytes each.
        let words = [0, 17 << 32, 1, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0];
        let dtype = heap.raw(dtype_type, &words);
        let data = heap.allocate(6 * 8);
        let shape = heap.allocate(4 * 8);
        for (place, &item) in (0..).zip(&items) {
            let (row, column) = (place / 3, place % 3);
            let at = data.offset(row * strides[0] + column * strides[1]);
            heap.image.put_pointer(at, item);
        }
        for (place, word) in (0..).zip([2, 3, strides[0], strides[1]]) {
            heap.image.put_u64(shape.offset(8 * place), word);
        }
        let array_type = heap.extension_type("numpy.ndarray", 96);
        let (dimensions, strides) = (shape.get(), shape.offset(16).get());
        let words = [
            data.get(),
            2,
            dimensions,
            strides,
            0,
            dtype.get(),
            flags,
            0,
            0,
            0,
        ];
        let array = heap.raw(array_type, &words);
        Self {
            heap,
            array,
            dtype,
            items,
        }
    }

    /// Walks it with other words in the array.
    fn walk_with(self, changes: &[(usize, u64)]) -> Walked {
        let array = self.array;
        let mut process = self.heap.finish();
        for &(word, value) in changes {
            put_word(&mut process, array, word, value);
        }
        walk_broken(&process, PYTHON)
    }
}

fn put_word(process: &mut Process, object: RemoteAddress, word: usize, value: u64) {
    let at = object.offset(16 + 8 * word as u64);
    process.image.put_u64(at, value);
}

#[test]
fn items_of_an_array_in_the_order_of_flat() {
    for python in Python::ALL {
        // By rows, and by columns.
        for strides in [[24, 8], [8, 16]] {
            let scene = Scene::new(python, strides, OWNDATA);
            let (array, dtype, items) = (scene.array, scene.dtype, scene.items.clone());
            let walked = walk_sound(scene.heap, python);
            let mut expected = steps([(".dtype", dtype)]);
            for (i, item) in items.into_iter().enumerate() {
                expected.push((format!(".flat[{i}]"), item));
            }
            assert_eq!(walked.owned(array), expected, "{python:?} {strides:?}");
            // The collector's head, two numbers for each axis, and the items.
            assert_eq!(walked.size(array), 16 + 96 + 32 + 48);
        }
    }
}

#[test]
fn a_view_owns_no_items() {
    let scene = Scene::new(PYTHON, [24, 8], 0);
    let (array, dtype) = (scene.array, scene.dtype);
    let walked = walk_sound(scene.heap, PYTHON);
    assert_eq!(walked.owned(array), steps([(".dtype", dtype)]));
    assert_eq!(walked.size(array), 16 + 96 + 32);
}

/// Lengths, places and types that no array has: what is sound is kept, and nothing is read
/// without end.
#[test]
fn arrays_that_can_not_be() {
    let new = || Scene::new(PYTHON, [24, 8], OWNDATA);
    let data = new().heap.image.u64(new().array.offset(16));
    let far = u64::MAX - 7;
    for changes in [
        [(ND, u64::from(u32::MAX))].as_slice(),
        &[(ND, 64)],
        &[(DIMENSIONS, data)],
        &[(DIMENSIONS, far)],
        &[(STRIDES, far)],
        &[(STRIDES, data)],
        &[(DATA, far)],
        &[(DATA, 8), (ND, 1)],
        &[(DESCR, data)],
        &[(DESCR, far)],
        &[(FLAGS, u64::MAX), (ND, 0)],
    ] {
        let scene = new();
        let array = scene.array;
        let walked = scene.walk_with(changes);
        assert_eq!(walked.kind(array), "numpy.ndarray", "{changes:?}");
        assert!(walked.owned(array).len() <= 8, "{changes:?}");
    }
    let walked = new().walk_with(&[(ND, u64::from(u32::MAX))]);
    assert_eq!(walked.trouble("implausible-length"), 1);
}

/// A structured type whose field is the type itself.
#[test]
fn types_of_fields_that_lead_back() {
    let mut heap = Heap::new(PYTHON);
    let dtype_type = heap.extension_type("numpy.dtypes.VoidDType", 120);
    let words = [0, 20 << 32, 1, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    let dtype = heap.raw(dtype_type, &words);
    let offset = heap.int(0);
    let field = heap.tuple(&[dtype, offset]);
    let names: Vec<_> = (0..50).map(|i| heap.text(&format!("f{i}"))).collect();
    let entries: Vec<_> = names.into_iter().map(|name| (name, field)).collect();
    let fields = heap.dict(&entries);
    heap.image.put_pointer(dtype.offset(16 + 80), fields);
    let data = heap.allocate(64);
    let shape = heap.allocate(16);
    heap.image.put_u64(shape, 8);
    heap.image.put_u64(shape.offset(8), 8);
    let array_type = heap.extension_type("numpy.ndarray", 96);
    let (data, dimensions, strides) = (data.get(), shape.get(), shape.offset(8).get());
    let words = [
        data,
        1,
        dimensions,
        strides,
        0,
        dtype.get(),
        OWNDATA,
        0,
        0,
        0,
    ];
    let array = heap.raw(array_type, &words);
    let walked = walk_broken(&heap.finish(), PYTHON);
    assert_eq!(walked.owned(array), steps([(".dtype", dtype)]));
    assert!(walked.trouble("implausible-length") > 0);
}

/// The words of a `numpy.dtype` of 2.x behind its head, whose items hold references.
fn dtype_words(type_num: u64, size: u64) -> [u64; 13] {
    [0, type_num << 32, 1, size, 8, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// A `numpy.ndarray` with one axis.
fn array_of(
    heap: &mut Heap,
    dtype: RemoteAddress,
    data: u64,
    length: u64,
    stride: u64,
) -> RemoteAddress {
    let shape = heap.allocate(16);
    heap.image.put_u64(shape, length);
    heap.image.put_u64(shape.offset(8), stride);
    let array_type = heap.extension_type("numpy.ndarray", 96);
    let (dimensions, strides) = (shape.get(), shape.offset(8).get());
    let descr = dtype.get();
    let words = [data, 1, dimensions, strides, 0, descr, OWNDATA, 0, 0, 0];
    heap.raw(array_type, &words)
}

/// As `numpy.empty(10**15, [('a', object, (0,))])` makes one, in no memory at all.
#[test]
fn items_without_objects_or_without_bytes_are_not_looked_for() {
    const OBJECT: u64 = 17;
    const VOID: u64 = 20;
    for (type_num, size, length) in [
        (VOID, 0, 1_000_000_000_000_000),
        (OBJECT, 0, 1_000_000_000_000_000),
        (VOID, 1, 4096),
    ] {
        let mut heap = Heap::new(PYTHON);
        let dtype_type = heap.extension_type("numpy.dtypes.VoidDType", 120);
        let dtype = heap.raw(dtype_type, &dtype_words(type_num, size));
        let data = heap.allocate(8).get();
        let array = array_of(&mut heap, dtype, data, length, size);
        let walked = walk_sound(heap, PYTHON);
        assert_eq!(walked.owned(array), steps([(".dtype", dtype)]));
        // The collector's head, two numbers for the axis, and the items.
        assert_eq!(walked.size(array), 16 + 96 + 16 + size * length);
    }
}

/// A type with a known name and a struct that no version has: it is scanned, and counted.
#[test]
fn a_layout_that_the_decoder_does_not_know() {
    let mut heap = Heap::new(PYTHON);
    let item = heap.int(1);
    let array_type = heap.extension_type("numpy.ndarray", 40);
    let array = heap.raw(array_type, &[7, item.get(), 0]);
    let walked = walk_broken(&heap.finish(), PYTHON);
    assert_eq!(walked.owned(array), steps([("->word[3]", item)]));
    assert_eq!(walked.trouble("unknown-extension"), 1);
}

/// cffi never sets some fields of the type `void`, so that anything may stand in them.
#[test]
fn fields_of_cffi_that_are_not_set_are_no_references() {
    let mut heap = Heap::new(PYTHON);
    let key = heap.int(1_000);
    let item = heap.int(1_001);
    let leftover = heap.int(1_002);
    let class = heap.extension_type("_cffi_backend.CType", 96);
    // `ob_size`, `ct_itemdescr`, `ct_stuff`, `ct_extra`, `ct_weakreflist`, `ct_unique_key`,
    // `ct_size`, `ct_length`, flags.
    let unset = leftover.get();
    let words = [0, item.get(), 0, unset, 0, key.get(), 0, unset, 0, 0];
    let ctype = heap.raw(class, &words);
    let walked = walk_sound(heap, PYTHON);
    let wanted = steps([("->ct_itemdescr", item), ("->ct_unique_key", key)]);
    assert_eq!(walked.owned(ctype), wanted);
}

/// Cython 0.29 never sets the `vectorcall` of its functions, and pydantic-core's URLs have words of
/// Rust that are in use only at times.
#[test]
fn words_that_are_no_pointers_are_no_references() {
    for (tp_name, wanted) in [
        ("cython_function_or_method", &["->word[5]", "->word[7]"][..]),
        ("pydantic_core._pydantic_core.Url", &[]),
        ("nobody_knows.Url", &["->word[5]", "->word[6]", "->word[7]"]),
    ] {
        let mut heap = Heap::new(PYTHON);
        let items = [0, 1, 2].map(|i| heap.int(1_000 + i));
        let class = heap.extension_type(tp_name, 64);
        let [a, b, c] = items.map(|item| item.get());
        let object = heap.raw(class, &[0, 0, 0, a, b, c]);
        let walked = walk_broken(&heap.finish(), PYTHON);
        let owned = walked.owned(object);
        let found: Vec<_> = owned.iter().map(|(step, _)| step.as_str()).collect();
        assert_eq!(found, wanted, "{tp_name}");
    }
}
