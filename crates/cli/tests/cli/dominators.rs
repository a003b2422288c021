//! `tree` and `check` on a snapshot.

use crate::sample::Sample;
use crate::{answer, exuvia, run};
use std::ffi::{OsStr, OsString};
use std::fs;

fn arguments(command: &str, sample: &Sample, rest: &[&str]) -> Vec<OsString> {
    let mut arguments = vec![command.into(), sample.path().into_os_string()];
    arguments.extend(rest.iter().map(|text| OsStr::new(text).to_owned()));
    arguments
}

const TREE: &str = "\
Dominator tree of everything: 66 objects, 4.00 kB kept alive.
 Retained   %  Objects  Object
  4.00 kB 100       66  └─ hp.Root.i0_modules  dict (no owner) at 0x7f0000001000
  3.76 kB  94       64     ├─ ['shop']  module at 0x7f0000001200
  3.69 kB  92       63     │  └─ .__dict__  dict of module at 0x7f0000001300 of <module object at 0x7f0000001200>
  3.45 kB  86       61     │     ├─ ['SESSIONS']  dict (no owner) at 0x7f0000001500
  2.28 kB  57       60     │     │  └─ … 60 smaller: 30 shop.Session, 30 int
 57 bytes   1        1     │     └─ .keys()[0]  str at 0x7f0000001400 'SESSIONS'
 53 bytes   1        1     └─ .keys()[0]  str at 0x7f0000001100 'shop'
";

#[test]
fn tree_shows_who_keeps_the_memory() {
    let sample = Sample::new();
    let tree = ["--min-size", "50"];
    assert_eq!(answer(arguments("tree", &sample, &tree)), TREE);
    // The second time from what was kept beside the snapshot.
    assert!(sample.path().join("analysis.parquet").is_file());
    assert_eq!(answer(arguments("tree", &sample, &tree)), TREE);
}

#[test]
fn what_was_kept_of_another_snapshot_is_computed_again() {
    let (sample, other) = (Sample::new(), Sample::new());
    answer(arguments("tree", &sample, &[]));
    let snapshot = sample.path().join("analysis.json");
    let changed = fs::read_to_string(&snapshot)
        .unwrap()
        .replace("\"crc32\": ", "\"crc32\": 1");
    fs::write(other.path().join("analysis.json"), changed).unwrap();
    fs::copy(
        sample.path().join("objects.parquet"),
        other.path().join("analysis.parquet"),
    )
    .unwrap();
    assert_eq!(
        answer(arguments("tree", &other, &["--min-size", "50"])),
        TREE
    );
}

#[test]
fn the_table_with_retained_sizes_is_the_same_the_second_time() {
    let sample = Sample::new();
    let table = |options: &[&str]| answer(arguments("heap", &sample, options));
    let text = table(&["--retained"]);
    let csv = table(&["--retained", "--csv"]);
    let json = table(&["--retained", "--json"]);
    assert!(text.contains("    3998 100 dict (no owner)\n"), "{text}");
    // What is kept is enough: the objects are not read again.
    fs::remove_file(sample.path().join("objects.parquet")).unwrap();
    assert_eq!(table(&["--retained"]), text);
    assert_eq!(table(&["--retained", "--csv"]), csv);
    assert_eq!(table(&["--retained", "--json"]), json);
}

#[test]
fn tree_of_a_selection() {
    let sample = Sample::new();
    let text = answer(arguments(
        "tree",
        &sample,
        &["--kind", "shop.Session", "--branches", "1"],
    ));
    let expected = "\
Dominator tree of shop.Session (30 objects): 30 objects, 1.44 kB kept alive.
 Retained   %  Objects  Object
 48 bytes   3        1  ├─ shop.Session at 0x7f0000003400
  1.39 kB  97       29  └─ … 29 smaller: 29 shop.Session
";
    assert_eq!(text, expected);
}

#[test]
fn tree_for_programs() {
    let sample = Sample::new();
    let json = answer(arguments("tree", &sample, &["--json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["format"], "exuvia-tree/1");
    assert_eq!(json["total"]["bytes"], 3998);
    assert_eq!(json["rows"][0]["relation"], "hp.Root.i0_modules");
    assert_eq!(json["rows"][2]["depth"], 2);
    let csv = answer(arguments("tree", &sample, &["--csv", "--depth", "1"]));
    let expected = "\
depth,retained,objects,size,address,kind,relation,folded
0,3998,66,184,0x7f0000001000,dict (no owner),hp.Root.i0_modules,0
";
    assert_eq!(csv, expected);
}

#[test]
fn check_says_which_limits_hold() {
    let sample = Sample::new();
    let held = ["--max", "shop.Session: 30", "--max-size", "str: 1kB"];
    let text = answer(arguments("check", &sample, &held));
    let expected = "\
ok        shop.Session: 30 objects of at most 30
ok        str: 110 bytes of at most 1.00 kB
";
    assert_eq!(text, expected);

    let exceeded = [
        "--max",
        "shop.Session: 29",
        "--max-retained",
        "module: 1kB",
        "--max-garbage",
        "100",
    ];
    let run = run(&mut exuvia(arguments("check", &sample, &exceeded)));
    let expected = "\
exceeded  shop.Session: 30 objects of at most 29
            hp.Root.i0_modules['shop'].__dict__['SESSIONS'][0]
            hp.Root.i0_modules['shop'].__dict__['SESSIONS'][1]
            hp.Root.i0_modules['shop'].__dict__['SESSIONS'][2]
exceeded  module: retained 3.76 kB of at most 1.00 kB
            hp.Root.i0_modules['shop']
exceeded  garbage: 128 bytes of at most 100 bytes
";
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.as_str()),
        (Some(3), expected, "")
    );
}

#[test]
fn a_limit_for_a_name_that_nothing_has_is_told() {
    let sample = Sample::new();
    let run = run(&mut exuvia(arguments(
        "check",
        &sample,
        &["--max", "shop.Sesion: 1"],
    )));
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(0), "ok        shop.Sesion: 0 objects of at most 1\n")
    );
    assert_eq!(
        run.stderr,
        "warning: no kind and no type is called 'shop.Sesion'; the closest names are 'shop.Session'\n"
    );
}

#[test]
fn check_for_programs() {
    let sample = Sample::new();
    let junit = sample.parent().join("memory.xml");
    let limits = [
        "--max",
        "shop.Session: 29",
        "--max-size",
        "shop.Session: 2 kB",
        "--json",
        "--junit",
    ];
    let mut arguments = arguments("check", &sample, &limits);
    arguments.push(junit.clone().into_os_string());
    let run = run(&mut exuvia(arguments));
    assert_eq!(run.code, Some(3));
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["format"], "exuvia-check/1");
    assert_eq!(json["passed"], false);
    assert_eq!(json["checks"][0]["found"], 30);
    assert_eq!(json["checks"][1]["passed"], true);
    let junit = fs::read_to_string(junit).unwrap();
    assert!(
        junit.contains("tests=\"2\"") && junit.contains("failures=\"1\""),
        "{junit}"
    );
    assert!(
        junit.contains("shop.Session: 30 objects of at most 29"),
        "{junit}"
    );
}

#[test]
fn a_limit_that_can_not_be_read_is_wrong_usage() {
    let sample = Sample::new();
    for limits in [
        &["--max", "Session"][..],
        &["--max-size", "a: 3 apples"],
        &[],
    ] {
        let run = run(&mut exuvia(arguments("check", &sample, limits)));
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{limits:?}");
    }
}
