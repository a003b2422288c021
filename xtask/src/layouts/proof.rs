//! The proof of [`relayout`](super::relayout): for the one release of which both builds are at
//! hand, what its rules compute is what the free-threaded build has.

use std::collections::BTreeMap;
use std::fmt::Debug;

use anyhow::{Result, bail};

use super::dwarf::Image;
use super::structs;
use super::types::Source;
use super::wanted_types::Wanted;

/// What source files define otherwise without an interpreter lock, and how. Where a later
/// release does so, the size that the interpreter gives tells.
const DIFFERENT: &[(&str, &str)] = &[("_asyncio", "no list of freed iterators")];

/// An error if the two images differ in anything that tables hold. What the build with a lock
/// lacks, such as modules for which it had no library, is passed over.
pub(super) fn compare(
    built: &Image,
    computed: &Image,
    series: &str,
    wanted: &Wanted,
) -> Result<()> {
    let tables = |image| -> Result<_> {
        let source = Source {
            image,
            series: series.to_owned(),
        };
        let structs: BTreeMap<_, _> = structs::structs(image)?.into_iter().collect();
        Ok((structs, wanted.types(&source)?, wanted.modules(&source)?))
    };
    let (structs, types, modules) = tables(built)?;
    let (other_structs, other_types, other_modules) = tables(computed)?;
    let mut proof = Proof::default();
    proof.add(&structs, &other_structs);
    proof.add(&types, &other_types);
    proof.add(&modules, &other_modules);
    let Proof {
        same,
        different,
        missing,
    } = proof;
    eprintln!("free-threaded structs as computed: {same} are alike, {missing} can't be compared");
    if different.is_empty() {
        return Ok(());
    }
    bail!("not as computed: {}", different.join("; "));
}

#[derive(Default)]
struct Proof {
    same: usize,
    different: Vec<String>,
    missing: usize,
}

impl Proof {
    fn add<K: AsRef<str> + Ord, V: Debug + PartialEq>(
        &mut self,
        built: &BTreeMap<K, V>,
        computed: &BTreeMap<K, V>,
    ) {
        for (name, value) in built {
            match computed.get(name) {
                Some(other) if other == value => self.same += 1,
                Some(_) if DIFFERENT.iter().any(|(known, _)| *known == name.as_ref()) => {}
                Some(other) => {
                    self.different
                        .push(format!("{} is {value:?}, and not {other:?}", name.as_ref()));
                }
                None => self.missing += 1,
            }
        }
    }
}
