//! `referrers`, `referents`, `dominated` and `pattern` on a snapshot.

use crate::sample::Sample;
use crate::{answer, refusal};
use std::ffi::OsString;

const SESSIONS: [&str; 2] = ["--kind", "shop.Session"];
const MODULE: [&str; 2] = ["--at", "0x7f0000001200"];
const MODULES: [&str; 2] = ["--at", "0x7f0000001000"];

fn arguments(command: &str, sample: &Sample, rest: &[&str]) -> Vec<OsString> {
    let mut arguments = vec![command.into(), sample.path().into_os_string()];
    arguments.extend(rest.iter().map(Into::into));
    arguments
}

fn ask(command: &str, set: [&str; 2], rest: &[&str]) -> String {
    let sample = Sample::new();
    answer(arguments(command, &sample, &[&set[..], rest].concat()))
}

fn document(command: &str, set: [&str; 2], rest: &[&str]) -> serde_json::Value {
    let text = ask(command, set, &[rest, &["--json"]].concat());
    serde_json::from_str(&text).unwrap()
}

#[test]
fn referrers_are_heapys_table_with_what_the_references_are_called() {
    let table = "\
Partition of a set of 1 object. Total size = 1168 bytes.
 Index  Count   %     Size   % Cumulative  % Kind (class / dict of class)
     0      1 100     1168 100      1168 100 dict (no owner)
";
    assert_eq!(ask("referrers", SESSIONS, &[]), table);
    assert_eq!(ask("dominated", SESSIONS, &["--imdom"]), table);
    let edges = "
By relation: 30 references.
 Index  Count   % Kind and relation
     0     30 100 dict (no owner) [key]
";
    let text = ask("referrers", SESSIONS, &["--edges"]);
    assert_eq!(text, format!("{table}{edges}"));
}

#[test]
fn roots_that_hold_are_named_below_the_table() {
    let expected = "\
Partition of a set of 0 objects. Total size = 0 bytes.
 Index  Count   %     Size   % Cumulative  % Kind (class / dict of class)

Held by roots:
 hp.Root.i0_modules
";
    assert_eq!(ask("referrers", MODULES, &[]), expected);
    let json = document("referrers", MODULES, &[]);
    assert_eq!(json["roots"][0]["name"], "hp.Root.i0_modules");
}

#[test]
fn referents_are_the_other_side() {
    let sample = Sample::new();
    let words = [&MODULES[..], &MODULE, &["--by", "type"]].concat();
    let expected = "\
Partition of a set of 3 objects. Total size = 309 bytes.
 Index  Count   %     Size   % Cumulative  % Type
     0      1  33      184  60       184  60 dict
     1      1  33       72  23       256  83 module
     2      1  33       53  17       309 100 str
";
    assert_eq!(answer(arguments("referents", &sample, &words)), expected);
}

#[test]
fn what_would_go_with_a_set_is_told_with_its_size() {
    let text = ask("dominated", MODULE, &["--top", "2"]);
    let expected = "\
If module at 0x7f0000001200 went (1 object, 72 bytes), 63 objects would go with it: 3761 bytes in all.
Partition of a set of 64 objects. Total size = 3761 bytes.
 Index  Count   %     Size   % Cumulative  % Kind (class / dict of class)
     0     30  47     1440  38      1440  38 shop.Session
     1      1   2     1168  31      2608  69 dict (no owner)
<4 more rows. Use --all or --top N to view.>
";
    assert_eq!(text, expected);
}

#[test]
fn a_pattern_is_heapys_to_the_letter() {
    let expected = "\
Reference Pattern by <[dict of] class>.
 0: _ --- [-] 30 shop.Session: 0x7f0000003400, 0x7f0000003500, 0x7f0000003600...
 1: a      [-] 1 dict (no owner): 0x7f0000001500*30
 2: aa ---- [S] 1 dict of module: 0x7f0000001200
";
    assert_eq!(ask("pattern", SESSIONS, &[]), expected);
    let expected = "\
Reference Pattern by <[dict of] class>.
 0: _ --- [-] 30 shop.Session: 0x7f00...
<Use --all or --top N for more.>
";
    let text = ask("pattern", SESSIONS, &["--top", "1", "--width", "40"]);
    assert_eq!(text, expected);
    // A single leftover line is printed, as in heapy.
    let text = ask("pattern", SESSIONS, &["--top", "2"]);
    assert_eq!(text.lines().count(), 4);

    let json = document("pattern", SESSIONS, &["--depth", "1"]);
    assert_eq!(json["format"], "exuvia-pattern/1");
    assert_eq!((&json["more"], &json["depth"]), (&false.into(), &1.into()));
    assert_eq!(json["lines"][0]["addresses"].as_array().unwrap().len(), 10);
    assert_eq!(json["lines"][1]["mark"], "limit");
    let csv = ask("pattern", SESSIONS, &["--csv", "--top", "0"]);
    assert_eq!(csv, "index,letters,depth,mark,seen,count,size,kind\n");
    let csv = ask("pattern", SESSIONS, &["--csv"]);
    assert!(
        csv.ends_with("2,aa,2,stopped,,1,184,dict of module\n"),
        "{csv}"
    );
}

#[test]
fn tables_and_relations_for_programs() {
    let csv = ask("referrers", SESSIONS, &["--csv"]);
    let table = "index,count,size,cumulative,kind\n0,1,1168,1168,dict (no owner)\n";
    assert_eq!(csv, table);
    let csv = ask("referrers", SESSIONS, &["--csv", "--edges"]);
    assert_eq!(
        csv,
        "index,count,kind,relation\n0,30,dict (no owner),[key]\n"
    );
    let formats = [
        ("referrers", &["--edges"][..], "exuvia-referrers/1"),
        ("referents", &[], "exuvia-referents/1"),
        ("dominated", &[], "exuvia-dominated/1"),
        ("dominated", &["--imdom"], "exuvia-immediate-dominators/1"),
    ];
    for (command, options, format) in formats {
        let json = document(command, SESSIONS, options);
        assert_eq!(json["format"], format);
        assert_eq!(json["of"]["count"], 30);
        assert_eq!(json["process"]["pid"], 4242);
    }
    let json = document("referrers", SESSIONS, &["--edges"]);
    assert_eq!(json["relations"][0]["relation"], "[key]");
}

#[test]
fn a_set_that_is_not_there_is_explained() {
    for command in ["referrers", "referents", "dominated", "pattern"] {
        let sample = Sample::new();
        let text = refusal(arguments(command, &sample, &["--kind", "shop.Sesion"]));
        assert!(
            text.contains("hint: the closest names are 'shop.Session'"),
            "{text}"
        );
    }
}
