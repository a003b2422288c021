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
fn heap_of_a_selection_reads_like_heapys_byrcs() {
    let expected = "\
Partition of a set of 30 objects. Total size = 840 bytes.
 Index  Count   %     Size   % Cumulative  % Referrers by Kind (class / dict of class)
     0     30 100      840 100       840 100 dict (no owner)
";
    for selection in [
        &["--kind", "int"][..],
        &["--of", "kind = 'int'"],
        &["--where", "value >= 0 and value < 30"],
        &["--type", "int", "--where", "not kind = 'str'"],
    ] {
        let text = ask("heap", &[selection, &["--by", "rcs"]].concat());
        assert_eq!(text, expected, "{selection:?}");
    }
}

#[test]
fn heap_by_two_classifiers() {
    let text = ask("heap", &["--module", "shop", "--by", "type,size"]);
    let expected = "\
Partition of a set of 30 objects. Total size = 1440 bytes.
 Index  Count   %     Size   % Cumulative  % Type & Individual Size
     0     30 100     1440 100      1440 100 shop.Session & 48
";
    assert_eq!(text, expected);
}

#[test]
fn heap_of_single_objects() {
    let text = ask("heap", &["--kind", "int", "--by", "id", "--top", "3"]);
    let expected = "\
Set of 30 <int> objects. Total size = 840 bytes.
 Index     Size   %   Cumulative  %   Value
     0       28   3.3        28   3.3 0
     1       28   3.3        56   6.7 1
     2       28   3.3        84  10.0 2
<27 more rows. Use --all or --top N to view.>
";
    assert_eq!(text, expected);
    let json = ask(
        "heap",
        &["--kind", "int", "--by", "id", "--top", "3", "--json"],
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["label"], "<int>");
    assert_eq!(
        (&json["total_rows"], &json["count"]),
        (&30.into(), &30.into())
    );
    assert_eq!(json["rows"].as_array().unwrap().len(), 3);
    assert_eq!(json.get("outside"), None);
}

#[test]
fn heap_with_retained_sizes() {
    let text = ask("heap", &["--retained", "--top", "2"]);
    let expected = "\
Partition of a set of 66 objects. Total size = 3998 bytes.
 Index  Count   %     Size   % Cumulative  %  Retained   % Kind (class / dict of class)
     0      2   3     1352  34      1352  34      3998 100 dict (no owner)
     1      1   2       72   2      1424  36      3761  94 module
<4 more rows. Use --all or --top N to view.>
";
    assert!(text.starts_with(expected), "{text}");
    let csv = ask(
        "heap",
        &["--retained", "--by", "size", "--csv", "--top", "1"],
    );
    let expected = "index,count,size,cumulative,retained,individual_size\n";
    assert!(csv.starts_with(expected), "{csv}");
    let json = ask("heap", &["--retained", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["alive"], &json["rows"][0]["retained"]),
        (&3998.into(), &3998.into())
    );
    assert_eq!(json["by"], "kind");
}

#[test]
fn an_expression_that_is_wrong_is_pointed_at() {
    let sample = Sample::new();
    let arguments = arguments("heap", &sample, &["--of", "size > 1 MBB"]);
    let output = crate::exuvia(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("no unit of bytes is called so"), "{text}");
    assert!(
        text.contains("\n  size > 1 MBB\n           ^^^\n"),
        "{text}"
    );
    for (by, expected) in [
        ("knid", "'knid' is none of kind, type, size"),
        ("type,size,kind", "at most two can be joined"),
        ("size,size", "'size' is there twice"),
    ] {
        let arguments = self::arguments("heap", &sample, &["--by", by]);
        let output = crate::exuvia(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn what_matches_nothing_says_what_comes_close() {
    let sample = Sample::new();
    let text = refusal(arguments(
        "heap",
        &sample,
        &["--of", "size > 1 MB and kind = 'int'"],
    ));
    let expected = "\
error: no live object is as this says: size > 1000000 and kind = 'int'
hint: alone, size > 1000000 (it is from 28 to 1168) selects 0 objects, kind = 'int' selects 30 objects
";
    assert_eq!(text, expected);
    let text = refusal(arguments("heap", &sample, &["--module", "shopp"]));
    assert!(
        text.contains("hint: the closest names are 'shop'\n"),
        "{text}"
    );
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
