use crate::views::{tree::smaller, units};
use exuvia_query::{Branch, Heap, Tree, TreeOptions, TreeRow};
use maud::{Markup, html};

const WIDTH: f64 = 1200.0;
const ROW: f64 = 22.0;
/// A character of the labels, which are set in a font of fixed width.
const CHARACTER: f64 = 6.7;
/// How many levels are drawn.
const LEVELS: u32 = 24;
/// What keeps a smaller part of everything is a line that nobody can see.
const PARTS: u64 = 800;

/// The dominator tree as far as it can be seen.
pub(crate) fn tree(heap: &Heap) -> Tree {
    let options = TreeOptions {
        depth: LEVELS - 1,
        min_size: heap.dominators().total().bytes / PARTS,
        branches: PARTS as usize,
    };
    heap.tree(None, &options)
}

/// The dominator tree as an icicle: below each object what would go with it, as wide as its
/// part of everything.
pub(super) fn section(tree: &Tree) -> Option<Markup> {
    let boxes = boxes(tree);
    let depth = boxes.iter().map(|shown| shown.row.depth + 1).max()?;
    let height = f64::from(depth + 1) * ROW;
    let all = format!("everything: {}", units::bytes(tree.total.bytes));
    Some(html! {
        p {
            "Each box is an object, as wide as what would be freed if it went; below it is what "
            "it keeps alive. Grey boxes are several that are too small to be seen alone. Point "
            "at a box to read all of it."
        }
        div.scroll {
            svg viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-label="Dominator tree" {
                (draw(0.0, 0.0, WIDTH, "all", &all, &all))
                @for shown in &boxes {
                    (object(shown, tree.total.bytes))
                }
            }
        }
    })
}

/// A row of the tree, and where it is drawn.
struct Box<'a> {
    row: &'a TreeRow,
    left: f64,
    width: f64,
}

fn boxes(tree: &Tree) -> Vec<Box<'_>> {
    let scale = WIDTH / tree.total.bytes.max(1) as f64;
    // For each level, where the next box begins.
    let mut next = vec![0.0];
    let mut boxes = Vec::new();
    for row in &tree.rows {
        let level = row.depth as usize;
        next.truncate(level + 1);
        let Some(left) = next.last().copied() else {
            continue;
        };
        let width = row.retained.bytes as f64 * scale;
        next[level] = left + width;
        next.push(left);
        boxes.push(Box { row, left, width });
    }
    boxes
}

fn object(shown: &Box<'_>, total: u64) -> Markup {
    let Box { row, left, width } = shown;
    let (class, label) = match &row.branch {
        Branch::Object {
            object,
            relation,
            owner,
            ..
        } => {
            let relation = relation.as_deref().unwrap_or_default();
            let owner = owner.as_ref().map(|owner| format!(" of {owner}"));
            let label = format!("{relation} {}{}", object.kind, owner.unwrap_or_default());
            (colour(&object.kind), label.trim().to_owned())
        }
        Branch::Folded {
            count,
            kinds,
            total_kinds,
        } => ("folded", smaller(*count, kinds, *total_kinds)),
    };
    let percent = row.retained.bytes as f64 * 100.0 / total.max(1) as f64;
    let address = match &row.branch {
        Branch::Object { object, .. } => format!(" at {:#x}", object.address),
        Branch::Folded { .. } => String::new(),
    };
    let title = format!(
        "{label}{address}\n{} ({percent:.1} %), {} objects",
        units::bytes(row.retained.bytes),
        row.retained.objects
    );
    draw(
        *left,
        f64::from(row.depth + 1) * ROW,
        *width,
        class,
        &label,
        &title,
    )
}

fn draw(left: f64, top: f64, width: f64, class: &str, label: &str, title: &str) -> Markup {
    let room = ((width - 6.0) / CHARACTER) as usize;
    let label: String = if label.chars().count() <= room {
        label.to_owned()
    } else if room > 3 {
        label.chars().take(room - 1).chain(['…']).collect()
    } else {
        String::new()
    };
    html! {
        g class=(class) {
            title { (title) }
            rect x=(format!("{left:.2}")) y=(top) width=(format!("{width:.2}")) height=(ROW - 1.0) {}
            @if !label.is_empty() {
                text x=(format!("{:.2}", left + 3.0)) y=(top + 15.0) { (label) }
            }
        }
    }
}

/// The same colour for the same kind, whatever else there is.
fn colour(kind: &str) -> &'static str {
    const COLOURS: [&str; 8] = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"];
    let sum = kind.bytes().fold(7usize, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(usize::from(byte))
    });
    COLOURS[sum % COLOURS.len()]
}
