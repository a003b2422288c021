//! Where memory is: the rows add up to what the kernel says, and the allocators to what they say
//! themselves.

use anyhow::{Context, Result, ensure};
use exuvia_testkit::cores::{self, Contents};
use exuvia_testkit::{Exuvia, Launch, Packages, Target, supported};
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;

/// What the rows may differ from the kernel's sums: between two looks at a process it reads a
/// command, and the kernel takes back pages of files, or maps those around one that is used.
const TOLERANCE: f64 = 0.03;

#[test]
fn rows_add_up_to_what_is_resident() -> Result<()> {
    for interpreter in supported()? {
        let mut target = Target::start(&interpreter, "memory")?;
        let report = adds_up(&target).with_context(|| interpreter.to_string())?;
        // It has no memory of another sort than those that are told apart.
        let unexplained = row(&report, "unexplained")?;
        let total = number(&report["total"])?;
        ensure!(
            unexplained as f64 <= TOLERANCE * total as f64,
            "{interpreter}: {unexplained} of {total} bytes are unexplained"
        );
        // Half of the mapping was written to.
        let shared = row(&report, "shared")?;
        ensure!(
            shared >= 1 << 19,
            "{interpreter}: {shared} bytes are shared"
        );
        // Zeros that were never written are not in RAM; a free-threaded build writes them, and
        // musl's memory in use is not told from other memory.
        let missing = number(&report["not_resident"])?;
        ensure!(
            interpreter.free_threaded || interpreter.musl || missing >= 3_900_000,
            "{interpreter}: {missing} bytes are not in RAM"
        );
        target.assert_alive()?;
    }
    Ok(())
}

#[test]
fn rows_add_up_with_native_buffers() -> Result<()> {
    for interpreter in supported()? {
        let Some(packages) = Packages::Extensions.install(&interpreter)? else {
            continue;
        };
        let launch = Launch::new(&interpreter, "memory")?.arg(&packages);
        let mut target = launch.start()?;
        let report = adds_up(&target).with_context(|| interpreter.to_string())?;
        // Ten arrays of 800,000 bytes that were written, what numpy has itself, and one array of
        // 80 MB that was not.
        let buffers = row(&report, "native-buffers")?;
        ensure!(
            (8_000_000..20_000_000).contains(&buffers),
            "{interpreter}: {buffers} bytes of buffers"
        );
        let missing = number(&report["not_resident"])?;
        ensure!(
            missing >= 79_900_000,
            "{interpreter}: {missing} bytes are not in RAM"
        );
        target.assert_alive()?;
    }
    Ok(())
}

/// The program stands still, so that what it says and what its clone says is the same.
#[test]
fn a_clone_says_of_malloc_what_the_process_says() -> Result<()> {
    let mut compared = 0;
    for interpreter in supported()? {
        let mut target = Target::start(&interpreter, "memory")?;
        let expected = target.ask("mallinfo2")?;
        let report = memory(&[&target.pid_text()]).with_context(|| interpreter.to_string())?;
        let c = &report["allocators"]["c"];
        if interpreter.musl {
            ensure!(c["name"] == "musl" && c["asked"].is_null(), "{c}");
            ensure!(c["not_asked"] == "musl has no mallinfo2", "{c}");
            continue;
        }
        ensure!(c["name"] == "glibc", "{c}");
        if expected.is_null() {
            let reason = c["not_asked"].as_str().unwrap_or_default();
            ensure!(reason.contains("mallinfo2"), "{c}");
            continue;
        }
        ensure!(
            c["asked"] == expected,
            "{interpreter}: {} and {expected}",
            c["asked"]
        );
        // What goes through the chunks finds the same: a chunk in use is in use, and blocks that
        // are mapped one by one are as many.
        let heaps = &c["heaps"];
        ensure!(
            heaps["memory"]["bytes"] == expected["arena"],
            "{interpreter}: {c}"
        );
        ensure!(
            heaps["mapped_blocks"] == expected["hblks"],
            "{interpreter}: {c}"
        );
        // The sum that later versions of glibc keep is off by the head of a chunk for each block
        // that was freed.
        let mapped = number(&heaps["mapped"]["bytes"])?;
        let off = mapped.abs_diff(number(&expected["hblkhd"])?);
        ensure!(off < 4096, "{interpreter}: {c}");
        compared += 1;
        target.assert_alive()?;
    }
    ensure!(compared > 0, "no interpreter has mallinfo2");
    Ok(())
}

/// What `sys._debugmallocstats` prints is what the search for pools finds.
#[test]
fn pymalloc_is_counted_as_it_counts_itself() -> Result<()> {
    for interpreter in supported()? {
        if interpreter.free_threaded {
            continue;
        }
        let folder = tempfile::tempdir()?;
        let said = folder.path().join("stderr");
        let launch = Launch::new(&interpreter, "memory")?;
        let mut target = launch.stderr(File::create(&said)?).start()?;
        target.ask("stats")?;
        let report = memory(&[&target.pid_text()]).with_context(|| interpreter.to_string())?;
        let found = &report["allocators"]["pymalloc"];
        let said = fs::read_to_string(&said)?;
        let said = |what: &str| stat(&said, what).with_context(|| interpreter.to_string());
        let equal = |field: &str, expected: u64| {
            let found = number(&found[field])?;
            ensure!(
                found == expected,
                "{interpreter}: {field} {found}, not {expected}"
            );
            Ok(())
        };
        equal("arenas", said("# arenas allocated current")?)?;
        // Reading the next command has taken some blocks since, of pools that were there.
        let (used, free) = (number(&found["used"])?, number(&found["free"])?);
        let (was_used, was_free) = (
            said("# bytes in allocated blocks")?,
            said("# bytes in available blocks")?,
        );
        ensure!(
            used.abs_diff(was_used) < 1024 && used + free == was_used + was_free,
            "{interpreter}: {used} in use and {free} free, not {was_used} and {was_free}"
        );
        equal("headers", said("# bytes lost to pool headers")?)?;
        equal("rounding", said("# bytes lost to quantization")?)?;
        target.assert_alive()?;
    }
    Ok(())
}

/// A line such as `# bytes in allocated blocks  =   49,901,024`.
fn stat(text: &str, what: &str) -> Result<u64> {
    let line = text.lines().find(|line| line.starts_with(what));
    let line = line.with_context(|| format!("no line {what:?} in {text}"))?;
    let number = line.rsplit('=').next().unwrap_or_default();
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    Ok(digits.parse()?)
}

/// A snapshot and a process that was read while it stood still say what the process says.
#[test]
fn snapshots_say_the_same() -> Result<()> {
    for interpreter in supported()? {
        let target = Target::start(&interpreter, "memory")?;
        let pid = target.pid_text();
        let direct = memory(&[&pid])?;
        let folder = tempfile::tempdir()?;
        for mode in ["clone", "stop"] {
            let path = folder.path().join(mode);
            let path = path.to_str().context("a path that is no text")?;
            exuvia()
                .run(["dump", &pid, "-o", path, "--mode", mode])?
                .expect_success()?;
            let report = memory(&[path])?;
            for allocator in ["pymalloc", "mimalloc"] {
                let (one, other) = (&report["allocators"], &direct["allocators"]);
                ensure!(
                    one[allocator] == other[allocator],
                    "{interpreter}, {mode}: {one}, {other}"
                );
            }
            let (one, other) = (number(&report["total"])?, number(&direct["total"])?);
            ensure!(near(one, other), "{interpreter}, {mode}: {one} and {other}");
        }
    }
    Ok(())
}

/// A core says how large everything was, and says that this is all that it says.
#[test]
fn a_core_has_sizes() -> Result<()> {
    for interpreter in supported()? {
        let target = Target::start(&interpreter, "memory")?;
        let direct = memory(&[&target.pid_text()])?;
        let folder = tempfile::tempdir()?;
        let core = folder.path().join("core");
        cores::write(&target, Contents::Everything, &core)?;
        let path = core.to_str().context("a path that is no text")?;
        let mut arguments = vec![path];
        let sysroot = interpreter.root.as_deref().and_then(Path::to_str);
        if let Some(sysroot) = sysroot {
            arguments.extend(["--sysroot", sysroot]);
        }
        let report = memory(&arguments)?;
        ensure!(report["is_resident"] == false, "{interpreter}");
        let field = |report: &Value, field: &str| {
            let facts = &report["allocators"];
            let of = if interpreter.free_threaded {
                "mimalloc"
            } else {
                "pymalloc"
            };
            facts[of][field].clone()
        };
        for name in ["blocks", "used", "free"] {
            let (one, other) = (field(&report, name), field(&direct, name));
            ensure!(one == other, "{interpreter}: {name} {one}, not {other}");
        }
        arguments.insert(0, "memory");
        let text = exuvia().run(&arguments)?;
        ensure!(
            text.stdout.contains("A core does not tell"),
            "{}",
            text.stdout
        );
    }
    Ok(())
}

/// The report of a target whose rows add up to what the kernel says of it. Pages of files come
/// and go meanwhile: the kernel takes back what was not used for a while. No other test runs, so
/// that the share of each stays the same.
fn adds_up(target: &Target) -> Result<Value> {
    let before = smaps(target.pid())?;
    let report = memory(&[&target.pid_text()])?;
    let after = smaps(target.pid())?;
    let rows = report["rows"].as_array().context("no rows")?;
    for (field, total, before, after) in [
        ("bytes", "total", before.0, after.0),
        ("proportional", "proportional", before.1, after.1),
    ] {
        let sum: u64 = rows.iter().filter_map(|row| row[field].as_u64()).sum();
        ensure!(report[total] == sum, "{total}: {} and {sum}", report[total]);
        let said = before.min(after)..=before.max(after);
        ensure!(
            said.contains(&sum) || near(sum, before) || near(sum, after),
            "{field}: {sum}, but the kernel says {before} before and {after} after"
        );
    }
    Ok(report)
}

fn near(one: u64, other: u64) -> bool {
    one.abs_diff(other) as f64 <= TOLERANCE * other as f64
}

/// `Rss` and `Pss` of a process, in bytes.
fn smaps(pid: u32) -> Result<(u64, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps"))?;
    let sum = |field: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix(field));
        let kilobytes =
            lines.filter_map(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kilobytes.sum::<u64>() * 1024
    };
    Ok((sum("Rss:"), sum("Pss:")))
}

fn row(report: &Value, part: &str) -> Result<u64> {
    let rows = report["rows"].as_array().context("no rows")?;
    let row = rows.iter().find(|row| row["part"] == part);
    number(&row.with_context(|| format!("no row {part}"))?["bytes"])
}

fn number(value: &Value) -> Result<u64> {
    value
        .as_u64()
        .with_context(|| format!("{value} is no number"))
}

fn memory(arguments: &[&str]) -> Result<Value> {
    let outcome = exuvia().run(["memory", "--json"].iter().chain(arguments))?;
    outcome.expect_success()?;
    Ok(serde_json::from_str(&outcome.stdout)?)
}

fn exuvia() -> Exuvia {
    Exuvia::at(env!("CARGO_BIN_EXE_exuvia"))
}
