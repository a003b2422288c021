use exuvia_memory::RemoteAddress;

use crate::{
    ClassSpec, FrameSpec, Heap, Instance, Process, Python, State, Storage, Text, Variable,
};

/// A heap in which everything occurs that can be laid out.
pub fn everything(python: Python) -> Process {
    let mut heap = Heap::new(python);
    let (a, b, x, y) = (
        heap.int(-5),
        heap.int(1 << 70),
        heap.text("x"),
        heap.text("y"),
    );
    let wide = heap.text_of(&Text {
        text: "hé😀",
        storage: Storage::Compact(4),
        with_utf8: true,
    });
    let legacy = heap.text_of(&Text {
        text: "legacy",
        storage: Storage::Legacy,
        with_utf8: false,
    });
    let (float, bytes) = (heap.float(1.5), heap.bytes(b"bytes"));
    let scalars = heap.tuple(&[a, b, wide, legacy, float, bytes]);
    let set = heap.set(&[Some(a), None, Some(b)]);
    let items = [scalars; 70];
    let deque = heap.deque(&items, 5);
    let general = heap.general_dict(&[Some((a, set)), None, Some((b, deque))]);
    let ordered = heap.ordered_dict(&[(x, a), (y, general)]);

    let class = heap.class("Session", &["x", "y"]);
    let values = heap.instance(&class, Instance::Values(&[a, ordered]));
    let keys = heap.shared_keys(&[x, y]);
    let split = heap.split_dict(keys, &[a, b]);
    let with_dict = heap.instance(&class, Instance::Dict(split));
    let point = heap.class_of(&ClassSpec {
        name: "Point",
        module: "geo",
        base: heap.type_named("object"),
        slots: Some(&["p", "q"]),
        attributes: &[],
    });
    let point = heap.instance(&point, Instance::Slots(&[values, with_dict]));
    let ob_type = heap.extension_type("ext.Thing", 48);
    let thing = heap.raw(ob_type, &[point.get(), 42, values.get(), 7]);
    let list = heap.list(&[thing, point, values]);
    let dict = heap.dict(&[(x, list)]);

    let cell = heap.cell(list);
    let code = heap.code("run", &[("x", Variable::Local), ("c", Variable::Cell)]);
    let slots = [a, cell, b];
    let spec = FrameSpec {
        stacktop: 3,
        ..FrameSpec::new(code, &slots)
    };
    let (generator, inner) = heap.generator(State::Suspended, &spec);
    heap.frame_object(inner);
    let outer = heap.frame(&FrameSpec {
        globals: dict,
        ..FrameSpec::new(code, &[generator, cell])
    });
    heap.innermost = heap.frame(&FrameSpec {
        previous: outer,
        ..FrameSpec::new(code, &[RemoteAddress::NULL, cell])
    });
    heap.hold("dict", dict);
    heap.finish()
}
