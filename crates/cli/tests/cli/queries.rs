//! `heap`, `paths` and `show` on a snapshot.

use crate::sample::{FIRST, Sample};
use crate::{answer, refusal};
use std::ffi::OsStr;

fn ask(command: &str, rest: &[&str]) -> String {
    let sample = Sample::new();
    answer(arguments(command, &sample, rest))
}

fn arguments(command: &str, sample: &Sample, rest: &[&str]) -> Vec<std::ffi::OsString> {
    let mut arguments = vec![command.into(), sample.path().into_os_string()];
    arguments.extend(rest.iter().map(|text| OsStr::new(text).to_owned()));
    arguments
}

#[test]
fn heap_prints_heapys_table_and_what_is_not_in_it() {
    let expected = "\
Partition of a set of 66 objects. Total size = 3998 bytes.
 Index  Count   %     Size   % Cumulative  % Kind (class / dict of class)
     0     30  45     1440  36      1440  36 shop.Session
     1      2   3     1352  34      2792  70 dict (no owner)
     2     30  45      840  21      3632  91 int
     3      1   2      184   5      3816  95 dict of module
     4      2   3      110   3      3926  98 str
     5      1   2       72   2      3998 100 module

Not in the table: 2 objects (128 bytes) of garbage waiting for the collector, \
9995712 bytes of 10000000 resident outside of Python objects.
";
    assert_eq!(ask("heap", &[]), expected);
}

#[test]
fn heap_by_type_joins_all_dictionaries() {
    let text = ask("heap", &["--by", "type", "--top", "1"]);
    let expected = "\
Partition of a set of 66 objects. Total size = 3998 bytes.
 Index  Count   %     Size   % Cumulative  % Type
     0      3   5     1536  38      1536  38 dict
<4 more rows. Use --all or --top N to view.>
";
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn heap_for_programs() {
    let csv = ask("heap", &["--csv", "--top", "2"]);
    let expected = "\
index,count,size,cumulative,kind
0,30,1440,1440,shop.Session
1,2,1352,2792,dict (no owner)
";
    assert_eq!(csv, expected);

    let json: serde_json::Value = serde_json::from_str(&ask("heap", &["--json"])).unwrap();
    assert_eq!(json["format"], "exuvia-heap/1");
    assert_eq!(json["process"]["pid"], 4242);
    assert_eq!(json["count"], 66);
    assert_eq!(json["outside"]["garbage"]["objects"], 2);
    assert_eq!(json["rows"].as_array().unwrap().len(), 6);
    assert_eq!(json["rows"][0]["name"], "shop.Session");
}

#[test]
fn paths_to_a_kind() {
    let text = ask("paths", &["--kind", "shop.Session", "--top", "2"]);
    let expected = " 0: hp.Root.i0_modules['shop'].__dict__['SESSIONS'][0]
 1: hp.Root.i0_modules['shop'].__dict__['SESSIONS'][1]
<... 28 more paths ...>
";
    assert_eq!(text, expected);
}

#[test]
fn every_way_to_name_a_set_leads_to_it() {
    let module = format!("{:#x}", FIRST + 0x200);
    for selection in [
        ["--row", "5"],
        ["--type", "module"],
        ["--kind", "module"],
        ["--at", &module],
    ] {
        let text = ask("paths", &selection);
        assert_eq!(text, " 0: hp.Root.i0_modules['shop']\n", "{selection:?}");
    }
}

#[test]
fn paths_for_programs() {
    let text = ask("paths", &["--kind", "shop.Session", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["format"], "exuvia-paths/1");
    assert_eq!(json["count"]["paths"], 30);
    assert_eq!(json["paths"].as_array().unwrap().len(), 10);
    let last = json["paths"][0]["steps"]
        .as_array()
        .unwrap()
        .last()
        .unwrap();
    assert_eq!(last["kind"], "shop.Session");
}

#[test]
fn a_set_that_is_not_there_is_explained() {
    let sample = Sample::new();
    let cases = [
        (
            ["--kind", "shop.Sesion"],
            "error: no kind is called \"shop.Sesion\"\n",
            "'shop.Session'",
        ),
        (
            ["--row", "6"],
            "error: the table has no row 6",
            "hint: `exuvia heap TARGET --all` shows all rows\n",
        ),
        (
            ["--at", "0x10"],
            "error: no object lies at 0x10\n",
            "hint: addresses are those of the moment of the capture",
        ),
    ];
    for (selection, error, hint) in cases {
        let text = refusal(arguments("paths", &sample, &selection));
        assert!(text.starts_with(error), "{text}");
        assert!(text.contains(hint), "{text}");
    }
}

#[test]
fn garbage_has_no_paths_but_can_be_shown() {
    let garbage = format!("{:#x}", FIRST + 66 * 0x100);
    let sample = Sample::new();
    let text = refusal(arguments("paths", &sample, &["--at", &garbage]));
    assert!(text.contains("garbage"), "{text}");
    let text = answer(arguments("show", &sample, &[&garbage]));
    assert!(
        text.starts_with("dict (no owner) at 0x7f0000005200\n"),
        "{text}"
    );
}

#[test]
fn show_names_both_sides_of_an_object() {
    let module = format!("{:#x}", FIRST + 0x200);
    let text = ask("show", &[&module]);
    assert!(text.starts_with("module at 0x7f0000001200\n"), "{text}");
    assert!(
        text.contains("['shop'] of dict (no owner) at 0x7f0000001000"),
        "{text}"
    );
    assert!(
        text.contains(".__dict__: dict of module at 0x7f0000001300"),
        "{text}"
    );

    let json: serde_json::Value = serde_json::from_str(&ask("show", &[&module, "--json"])).unwrap();
    assert_eq!(json["format"], "exuvia-object/1");
    assert_eq!(json["object"]["address"], FIRST + 0x200);
    assert_eq!(json["object"]["referrers"]["total"], 1);
}
