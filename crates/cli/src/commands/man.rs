use crate::error::Failure;
use crate::{arguments, output};
use std::io::{self, Write};

/// Prints the man page: `exuvia man | man -l -`.
pub(super) fn run() -> Result<(), Failure> {
    output::write(|out| {
        let mut definition = arguments::definition();
        definition.build();
        let page = clap_mangen::Man::new(definition.clone());
        page.render_title(out)?;
        page.render_name_section(out)?;
        page.render_synopsis_section(out)?;
        page.render_description_section(out)?;
        for command in definition.get_subcommands() {
            section(out, command)?;
        }
        writeln!(out, ".SH EXAMPLES")?;
        if let Some(help) = definition.get_after_help() {
            verbatim(out, &help.to_string())?;
        }
        page.render_version_section(out)
    })
}

/// A command becomes a section of the one page, instead of a page of its own.
fn section(out: &mut dyn Write, command: &clap::Command) -> io::Result<()> {
    let name = command.get_name().to_uppercase();
    writeln!(out, ".SH \"EXUVIA {name}\"")?;
    let page = clap_mangen::Man::new(command.clone());
    let mut text = Vec::new();
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    for line in String::from_utf8_lossy(&text).lines() {
        // Sections of the command's own page lose their headings, or become smaller ones.
        match line.strip_prefix(".SH ") {
            Some("OPTIONS") => writeln!(out, ".SS OPTIONS")?,
            Some(_) => writeln!(out, ".PP")?,
            None => writeln!(out, "{line}")?,
        }
    }
    match command.get_after_help() {
        Some(help) => verbatim(out, &help.to_string()),
        None => Ok(()),
    }
}

/// Lines as they are, which roff would fill otherwise.
fn verbatim(out: &mut dyn Write, text: &str) -> io::Result<()> {
    writeln!(out, ".PP\n.nf")?;
    for line in text.lines() {
        let line = line.replace('\\', "\\\\").replace('-', "\\-");
        // A line that began with a dot or a quote would be a request to roff.
        writeln!(out, "\\&{line}")?;
    }
    writeln!(out, ".fi")
}
