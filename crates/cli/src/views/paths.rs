//! Shortest paths as heapy prints them.

use super::printable;
use crate::arguments::Limit;
use exuvia_query::{PathCount, ShortestPaths};
use std::fmt::Display;
use std::io::{self, Write};

const INDEX: anstyle::Style = anstyle::Style::new().dimmed();

/// Writes the first paths, and how many more there are. There is at least one.
pub(crate) fn write(out: &mut dyn Write, paths: &ShortestPaths, limit: Limit) -> io::Result<()> {
    write_lines(out, paths.iter(), paths.count(), limit)
}

/// Writes the first paths as CSV: `index,length,address,kind,path`, the last three of what
/// the path leads to.
pub(crate) fn write_csv(
    out: &mut dyn Write,
    paths: &ShortestPaths,
    limit: Limit,
) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["index", "length", "address", "kind", "path"])?;
    let shown = limit.of(paths.count().paths);
    for (index, path) in (0..shown).zip(paths.iter()) {
        let steps = path.steps().count();
        let last = path.steps().last();
        let (address, kind) = last.map_or_else(Default::default, |step| (step.address, step.kind));
        let address = format!("{address:#x}");
        writer.serialize((index as u64, steps, address, kind, path.to_string()))?;
    }
    writer.flush()
}

fn write_lines(
    out: &mut dyn Write,
    paths: impl Iterator<Item = impl Display>,
    count: PathCount,
    limit: Limit,
) -> io::Result<()> {
    let shown = limit.of(count.paths);
    for (index, path) in (0..shown).zip(paths) {
        writeln!(
            out,
            "{INDEX}{index:2}:{INDEX:#} {}",
            printable(&path.to_string())
        )?;
    }
    let more = PathCount {
        paths: count.paths - shown,
        ..count
    };
    if more.paths > 0 {
        writeln!(out, "<... {more} more paths ...>")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(paths: u128, saturated: bool, limit: Limit) -> String {
        let path = |i| format!("hp.Root.i0_modules['__main__'].__dict__['reg'][{i}]");
        let made = (0..paths.min(1000)).map(path);
        let mut out = Vec::new();
        write_lines(&mut out, made, PathCount { paths, saturated }, limit).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    /// As guppy3 3.1.7 prints `hpy().iso(*reg.values()).shpaths` for 30 values.
    #[test]
    fn ten_paths_and_how_many_more() {
        let expected = " 0: hp.Root.i0_modules['__main__'].__dict__['reg'][0]
 1: hp.Root.i0_modules['__main__'].__dict__['reg'][1]
 2: hp.Root.i0_modules['__main__'].__dict__['reg'][2]
 3: hp.Root.i0_modules['__main__'].__dict__['reg'][3]
 4: hp.Root.i0_modules['__main__'].__dict__['reg'][4]
 5: hp.Root.i0_modules['__main__'].__dict__['reg'][5]
 6: hp.Root.i0_modules['__main__'].__dict__['reg'][6]
 7: hp.Root.i0_modules['__main__'].__dict__['reg'][7]
 8: hp.Root.i0_modules['__main__'].__dict__['reg'][8]
 9: hp.Root.i0_modules['__main__'].__dict__['reg'][9]
<... 20 more paths ...>
";
        assert_eq!(text(30, false, Limit::Top(10)), expected);
    }

    #[test]
    fn a_single_leftover_path_is_printed_as_in_heapy() {
        let eleven = text(11, false, Limit::Top(10));
        assert_eq!(eleven.lines().count(), 11);
        assert!(eleven.ends_with("\n10: hp.Root.i0_modules['__main__'].__dict__['reg'][10]\n"));
    }

    #[test]
    fn wider_indexes_overflow() {
        let all = text(101, false, Limit::All);
        assert!(all.ends_with("\n100: hp.Root.i0_modules['__main__'].__dict__['reg'][100]\n"));
    }

    #[test]
    fn a_number_that_is_too_large_is_a_lower_bound() {
        let text = text(u128::MAX, true, Limit::Top(1));
        assert!(text.contains("<... more than 34028236692093846346337460743176821145"));
    }
}
