//! What is asked of both: every view of every set.

/// Some objects, as heapy's Python expression and as options of the tool select them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Set {
    pub(crate) name: &'static str,
    pub(crate) heapy: &'static str,
    pub(crate) selected: Selected,
}

/// How the tool selects a set.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Selected {
    /// By an option.
    By(&'static str, &'static str),
    /// By the addresses that the program gives for the set's name.
    ByAddress,
}

const fn of_kind(name: &'static str, heapy: &'static str, kind: &'static str) -> Set {
    Set {
        name,
        heapy,
        selected: Selected::By("--kind", kind),
    }
}

const fn by_address(name: &'static str, heapy: &'static str) -> Set {
    Set {
        name,
        heapy,
        selected: Selected::ByAddress,
    }
}

/// The sets. Their objects are the application's and Django's.
pub(crate) const SETS: [Set; 19] = [
    of_kind("sessions", "heap & shop.Session", "heapy_shop.Session"),
    of_kind("items", "heap & shop.Item", "heapy_shop.Item"),
    of_kind("points", "heap & shop.Point", "heapy_shop.Point"),
    of_kind("baskets", "heap & shop.Basket", "heapy_shop.Basket"),
    of_kind("caches", "heap & shop.Cache", "heapy_shop.Cache"),
    of_kind("checkouts", "heap & shop.Checkout", "heapy_shop.Checkout"),
    of_kind("plugins", "heap & shop.Plugin", "heapy_shop.Plugin"),
    of_kind(
        "templates",
        "heap & type(shop.templates[0])",
        "django.template.base.Template",
    ),
    of_kind(
        "text nodes",
        "heap & type(shop.templates[0].nodelist[0])",
        "django.template.base.TextNode",
    ),
    of_kind(
        "if nodes",
        "heap & type(shop.templates[0].nodelist[3])",
        "django.template.defaulttags.IfNode",
    ),
    of_kind(
        "dicts of sessions",
        "heap & hp.Clodo(dictof=shop.Session)",
        "dict of heapy_shop.Session",
    ),
    Set {
        name: "generators",
        heapy: "heap & type(shop.suspended[0])",
        selected: Selected::By("--type", "generator"),
    },
    by_address("modules", "named('modules')"),
    by_address("closures", "named('closures')"),
    by_address("mixed", "named('mixed')"),
    by_address("numbers", "named('numbers')"),
    by_address("functions", "named('functions')"),
    by_address("code", "named('code')"),
    by_address("module", "named('module')"),
];

/// A view of a set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) name: &'static str,
    /// What follows the set in heapy's expression; `|table` asks for the whole text of the
    /// table.
    pub(crate) heapy: &'static str,
    /// The command, and options that follow the target.
    pub(crate) command: &'static str,
    pub(crate) options: &'static [&'static str],
    pub(crate) form: Form,
}

/// How the answers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The rows of a table: how many objects, how many bytes, and the name; in any order.
    Rows,
    /// A number of bytes: `size` of the tool's document.
    Size,
    /// Every line of the text.
    Text,
}

const fn view(
    name: &'static str,
    heapy: &'static str,
    command: &'static str,
    options: &'static [&'static str],
    form: Form,
) -> View {
    View {
        name,
        heapy,
        command,
        options,
        form,
    }
}

/// The views that are asked at the second moment as well.
pub(crate) const AGAIN: [&str; 5] = ["byclodo", "referrers", "dominos", "rp", "shpaths"];

/// The views: one more is one more line.
pub(crate) const VIEWS: &[View] = &[
    view("byclodo", ".byclodo", "heap", &[], Form::Rows),
    view("bytype", ".bytype", "heap", &["--by", "type"], Form::Rows),
    view("bysize", ".bysize", "heap", &["--by", "size"], Form::Rows),
    view(
        "bymodule",
        ".bymodule",
        "heap",
        &["--by", "module"],
        Form::Rows,
    ),
    view(
        "byunity",
        ".byunity",
        "heap",
        &["--by", "unity"],
        Form::Rows,
    ),
    view("byid", ".byid", "heap", &["--by", "id"], Form::Rows),
    view("byrcs", ".byrcs", "heap", &["--by", "rcs"], Form::Rows),
    view("byvia", ".byvia", "heap", &["--by", "via"], Form::Rows),
    view(
        "bytype & bysize",
        ".by('Type&Size')",
        "heap",
        &["--by", "type,size"],
        Form::Rows,
    ),
    view(
        "the text of byclodo",
        "|table",
        "heap",
        &["--by", "kind"],
        Form::Text,
    ),
    view(
        "the text of byrcs",
        ".byrcs|table",
        "heap",
        &["--by", "rcs"],
        Form::Text,
    ),
    view(
        "the text of byid",
        ".byid|table",
        "heap",
        &["--by", "id"],
        Form::Text,
    ),
    view(
        "referents bytype",
        ".referents.bytype",
        "referents",
        &["--by", "type"],
        Form::Rows,
    ),
    view(
        "dominos bytype",
        ".dominos.bytype",
        "dominated",
        &["--by", "type"],
        Form::Rows,
    ),
    view("referrers", ".referrers", "referrers", &[], Form::Rows),
    view("referents", ".referents", "referents", &[], Form::Rows),
    view("dominos", ".dominos", "dominated", &[], Form::Rows),
    view("domisize", ".domisize", "dominated", &[], Form::Size),
    view("imdom", ".imdom", "dominated", &["--imdom"], Form::Rows),
    view("rp", ".rp", "pattern", &[], Form::Text),
    view(
        "rp of depth 3",
        ".get_rp(depth=3)",
        "pattern",
        &["--depth", "3"],
        Form::Text,
    ),
    view("shpaths", ".shpaths", "paths", &[], Form::Text),
];
