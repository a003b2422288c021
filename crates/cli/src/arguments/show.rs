use super::TargetArguments;
use clap::Args;

/// What `show` was given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  exuvia show 4242 0x7f3a5c0d1e40
  exuvia show python.exuvia 139887654321984   an address as id() prints it")]
pub(crate) struct ShowArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    /// Where the object lies
    #[arg(value_name = "0xADDRESS", value_parser = address)]
    pub(crate) address: u64,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// An address: hexadecimal with `0x`, or decimal as `id()` prints it.
pub(super) fn address(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| "an address is 0x and hexadecimal digits, or a decimal number".to_owned())
}
