//! Whose each object is where one collector serves all interpreters of a process: its lists do
//! not tell, so that what each interpreter's own roots reach does.

use crate::marks::Numbers;
use crate::roots::RootAddress;
use exuvia_snapshot::{ObjectId, Objects, RootCategory, Snapshot};

/// No interpreter has reached the object so far.
const NOBODY: u32 = u32::MAX;
/// The first interpreter, which also has what several of them reach.
const FIRST: u32 = 0;

/// The objects that each interpreter holds itself, by its index. Variables of C code, which
/// all of them share, are left out.
pub(crate) fn seeds(
    roots: &[RootAddress],
    numbers: &Numbers,
    interpreters: usize,
) -> Vec<Vec<ObjectId>> {
    let mut seeds = vec![Vec::new(); interpreters];
    for root in roots {
        let of_interpreter = matches!(
            root.category,
            RootCategory::Interpreter | RootCategory::Thread
        );
        if of_interpreter
            && let Some(seeds) = seeds.get_mut(root.owner)
            && let Some(object) = numbers.get(root.target)
        {
            seeds.push(object);
        }
    }
    seeds
}

/// Gives each object to the only interpreter whose seeds reach it over references that own.
/// What several of them reach, or none, stays with the first. `ids` are their numbers.
pub(crate) fn attribute(snapshot: &mut Snapshot, seeds: Vec<Vec<ObjectId>>, ids: &[u32]) {
    let mut owners = vec![NOBODY; snapshot.objects.len()];
    for (owner, mut open) in (0..).zip(seeds) {
        while let Some(object) = open.pop() {
            let known = &mut owners[object.index()];
            // Each object changes its owner at most twice, from nobody to one to the first.
            *known = match *known {
                NOBODY => owner,
                same if same == owner => continue,
                FIRST => continue,
                _ => FIRST,
            };
            let owned = snapshot.references.of(object);
            let owned = owned.filter(|reference| !reference.weak);
            let targets = owned.map(|reference| reference.target);
            open.extend(targets.filter(|&target| !is_of_all(snapshot, object, target)));
        }
    }
    for (row, &owner) in snapshot.objects.interpreter.iter_mut().zip(&owners) {
        if *row != Objects::SHARED
            && let Some(&id) = ids.get(owner as usize)
        {
            *row = id;
        }
    }
}

/// Whether a reference tells nothing: all interpreters share the functions of an extension module
/// that knows of none, and these refer to the module of the interpreter that was the first to
/// import it, by which everything of that one can be reached.
fn is_of_all(snapshot: &Snapshot, from: ObjectId, to: ObjectId) -> bool {
    snapshot.type_of(to).tp_name == "module"
        && snapshot.type_of(from).tp_name == "builtin_function_or_method"
}

#[cfg(test)]
mod tests {
    use super::*;
    use exuvia_snapshot::{Kind, KindId, KindShape, Reference, Relation, Type, TypeId};

    /// Objects of these types, by their `tp_name`, with references from each: those that are
    /// negative are weak ones.
    fn snapshot<const N: usize>(objects: [(&str, &[i32]); N]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (number, (tp_name, targets)) in (0..).zip(objects) {
            snapshot.objects.address.push(number.into());
            snapshot.objects.kind.push(KindId(number));
            snapshot.objects.interpreter.push(10);
            snapshot.kinds.push(Kind {
                name: tp_name.to_owned(),
                type_id: TypeId(number),
                shape: KindShape::Plain,
            });
            snapshot.types.push(Type {
                tp_name: tp_name.to_owned(),
                ..Type::default()
            });
            for target in targets {
                snapshot.references.push(Reference {
                    target: ObjectId(target.unsigned_abs()),
                    relation: Relation::Numbered(0),
                    weak: *target < 0,
                });
            }
            snapshot.references.finish_object().unwrap();
        }
        snapshot
    }

    fn attributed(mut snapshot: Snapshot, seeds: [&[u32]; 3]) -> Vec<u32> {
        let seeds = seeds.map(|seeds| seeds.iter().copied().map(ObjectId).collect());
        attribute(&mut snapshot, seeds.into(), &[10, 11, 12]);
        snapshot.objects.interpreter
    }

    #[test]
    fn what_several_reach_is_the_first_ones() {
        let several = || {
            let mut several = snapshot([
                ("list", &[2]),
                ("list", &[3]),
                ("list", &[]),
                ("list", &[2]),
                ("list", &[-3, 5]),
                ("list", &[4]),
                ("list", &[4]),
            ]);
            several.objects.interpreter[5] = Objects::SHARED;
            several
        };
        let shared = Objects::SHARED;
        assert_eq!(
            attributed(several(), [&[0], &[1], &[4]]),
            [10, 11, 10, 11, 12, shared, 10]
        );
        assert_eq!(
            attributed(several(), [&[], &[1, 0], &[4, 3]]),
            [11, 11, 10, 10, 12, shared, 10]
        );
    }

    #[test]
    fn a_function_of_c_does_not_lead_to_its_module() {
        let function = snapshot([
            ("builtin_function_or_method", &[1, 3]),
            ("module", &[2]),
            ("list", &[]),
            ("list", &[]),
        ]);
        let owners = attributed(function, [&[], &[1], &[0]]);
        assert_eq!(owners, [12, 11, 11, 12]);
    }
}
