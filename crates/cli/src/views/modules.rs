//! What is loaded in a process.

use super::json::Source;
use super::{TITLE, counted, printable, units};
use exuvia_query::{Heap, Module};
use serde::Serialize;
use std::io::{self, Write};

/// What `exuvia exec PID @modules --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct ModulesDocument<'a> {
    format: &'static str,
    modules: &'a [Module],
    #[serde(flatten)]
    source: Source<'a>,
}

impl<'a> ModulesDocument<'a> {
    /// All modules.
    pub(crate) fn new(heap: &'a Heap, modules: &'a [Module]) -> Self {
        Self {
            format: "exuvia-modules/1",
            modules,
            source: Source::of(heap),
        }
    }
}

/// Writes a line for each module, those that keep most first.
pub(crate) fn write(out: &mut dyn Write, modules: &[Module]) -> io::Result<()> {
    let title = counted(modules.len() as u64, "module");
    writeln!(out, "{TITLE}{title}, those that keep most first{TITLE:#}")?;
    writeln!(out, "{:>12} {:>7}  name, file", "keeps", "names")?;
    for module in modules {
        let file = module.file.as_deref().unwrap_or("built in");
        writeln!(
            out,
            "{:>12} {:>7}  {}, {}",
            units::bytes(module.retained),
            module.names,
            printable(&module.name),
            printable(file)
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::printed::written;

    #[test]
    fn a_line_for_each_module() {
        let module = |name: &str, file: Option<&str>, retained| Module {
            name: name.to_owned(),
            file: file.map(str::to_owned),
            names: 7,
            retained,
            address: 0x1000,
        };
        let modules = [
            module("shop", Some("/srv/shop\x1b.py"), 1_500_000),
            module("sys", None, 900),
        ];
        let text = written(|out| write(out, &modules));
        let lines: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(lines[0], "       keeps   names  name, file");
        assert_eq!(lines[1], "     1.50 MB       7  shop, /srv/shop\\x1b.py");
        assert_eq!(lines[2], "   900 bytes       7  sys, built in");
    }
}
