use exuvia_query::{By, Classifier};

/// `--by kind`, `--by type,size`.
pub(super) fn by(text: &str) -> Result<By, String> {
    let mut classifiers = text.split(',').map(str::trim).map(named);
    let first = classifiers.next().unwrap_or_else(|| named(""))?;
    let second = classifiers.next().transpose()?;
    if classifiers.next().is_some() {
        return Err("at most two can be joined".to_owned());
    }
    match second {
        Some(second) if second == first => Err(format!("'{}' is there twice", first.name())),
        _ => Ok(By { first, second }),
    }
}

fn named(name: &str) -> Result<Classifier, String> {
    let found = Classifier::ALL.into_iter().find(|one| one.name() == name);
    found.ok_or_else(|| {
        let names = Classifier::ALL.map(Classifier::name).join(", ");
        format!("'{name}' is none of {names}")
    })
}

/// What can be asked for, for `--help`.
pub(super) fn help() -> String {
    let mut text = "\
What makes a row, or two joined by a comma: type,size

The set of referrers is heapy's byrcs, the relations are its byvia, and so on: titles, names and \
order of rows are those of heapy

"
    .to_owned();
    for classifier in Classifier::ALL {
        text.push_str(&format!(
            "  {:12} {}\n",
            classifier.name(),
            classifier.meaning()
        ));
    }
    text
}
