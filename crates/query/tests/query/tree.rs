use crate::builder::{Builder, address};
use exuvia_query::{Branch, Heap, Term, Tree, TreeOptions};
use exuvia_snapshot::{ObjectFlags, Relation};

const EVERYTHING: TreeOptions = TreeOptions {
    depth: 10,
    min_size: 0,
    branches: 100,
};

/// A module whose dictionary, which a function holds as well, holds a cache of one large and
/// four small entries.
fn shop() -> Heap {
    let mut b = Builder::default();
    let modules = b.object("dict");
    b.root("i0_modules", modules);
    let name = b.string("shop");
    let module = b.valued(
        "module",
        exuvia_snapshot::ValueForm::Repr,
        b"<module 'shop'>",
    );
    let globals = b.dict_of("module");
    let function = b.object("function");
    b.entry(modules, name, module);
    b.refer(module, globals, Relation::InstanceDict);
    b.root("i0_t1_f0", function);
    let field = b.name("__globals__");
    b.refer(function, globals, Relation::Attribute(field));
    let cache = b.object("dict");
    let key = b.string("CACHE");
    b.entry(globals, key, cache);
    for index in 0..5 {
        let entry = b.object(if index < 3 { "shop.Item" } else { "list" });
        b.size(entry, if index == 0 { 1000 } else { 20 });
        b.refer(cache, entry, Relation::Index(index));
    }
    let frame = b.object("frame");
    b.flags(frame, ObjectFlags::SYNTHETIC);
    b.refer(cache, frame, Relation::Index(5));
    b.finish()
}

/// Each row in a few words.
fn rows(tree: &Tree) -> Vec<String> {
    let row = |row: &exuvia_query::TreeRow| {
        let text = match &row.branch {
            Branch::Object {
                object,
                relation,
                owner,
                ..
            } => {
                let relation = relation.clone().unwrap_or_default();
                let owner = owner.as_ref().map(|owner| format!(" of {owner}"));
                format!("{relation} {}{}", object.kind, owner.unwrap_or_default())
            }
            Branch::Folded { count, kinds, .. } => {
                let kinds: Vec<_> = kinds.iter().map(|k| (k.name.as_str(), k.count)).collect();
                format!("{count}: {kinds:?}")
            }
        };
        let last = if row.last { "'" } else { "|" };
        format!("{}{last} {} {text}", row.depth, row.retained.bytes)
    };
    tree.rows.iter().map(row).collect()
}

#[test]
fn the_largest_come_first_and_small_ones_are_folded() {
    let options = TreeOptions {
        min_size: 30,
        ..EVERYTHING
    };
    let heap = shop();
    let tree = heap.tree(None, &options);
    let expected = [
        "0| 1110  dict of module of <module 'shop'>",
        "1| 1090 ['CACHE'] dict",
        "2| 1000 [0] shop.Item",
        "2' 80 5: [(\"shop.Item\", 2), (\"list\", 2), (\"frame\", 1)]",
        "1' 10 .keys()[0] str",
        "0| 30 hp.Root.i0_modules dict",
        "1' 20 2: [(\"str\", 1), (\"module\", 1)]",
        "0' 10 hp.Root.i0_t1_f0 function",
    ];
    assert_eq!(rows(&tree), expected);
    assert_eq!(tree.total.bytes, heap.partition(Default::default()).size);
    assert_eq!(tree.total.objects, heap.partition(Default::default()).count);
    assert_eq!(
        tree.rows[1].retained.objects, 6,
        "a frame that is none does not count"
    );
}

#[test]
fn depth_and_branches_are_limits() {
    let options = TreeOptions {
        depth: 1,
        branches: 1,
        min_size: 0,
    };
    let tree = shop().tree(None, &options);
    let expected = [
        "0| 1110  dict of module of <module 'shop'>",
        "1| 1090 ['CACHE'] dict",
        "1' 10 .keys()[0] str",
        "0' 40 2: [(\"dict\", 1), (\"function\", 1)]",
    ];
    assert_eq!(rows(&tree), expected);
}

#[test]
fn a_selection_begins_with_its_topmost_objects() {
    let heap = shop();
    let dicts = heap.select(&Term::Type("dict".into()).into()).unwrap();
    let tree = heap.tree(
        Some(&dicts),
        &TreeOptions {
            depth: 0,
            ..EVERYTHING
        },
    );
    // The cache is below the dictionary of the module.
    let expected = [
        "0| 1110  dict of module of <module 'shop'>",
        "0' 30 hp.Root.i0_modules dict",
    ];
    assert_eq!(rows(&tree), expected);
    assert_eq!(tree.total.bytes, 1140);
    let at = |id| Term::At(address(exuvia_snapshot::ObjectId(id)));
    let item = heap.select(&at(7).into()).unwrap();
    assert_eq!(
        rows(&heap.tree(Some(&item), &EVERYTHING)),
        ["0' 1000  shop.Item"]
    );
}
