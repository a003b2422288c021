use crate::Interpreter;
use crate::cache::gathered_folder;
use crate::sources::pyenv_versions;
use std::fmt;
use std::path::Path;

/// Where an interpreter comes from, in words that hold on other machines too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// pyenv, which builds them from CPython's own source.
    Pyenv,
    /// The machine's own distribution, by the name of its release: `Debian bookworm`.
    System(String),
    /// A folder that `cargo xtask pythons` has made, by its name.
    Gathered(String),
    /// Somewhere else.
    Other,
}

impl Interpreter {
    /// Where it comes from.
    pub fn origin(&self) -> Origin {
        let path = &self.executable;
        if let Ok(folder) = gathered_folder()
            && let Ok(rest) = path.strip_prefix(folder)
            && let Some(name) = rest.iter().next()
        {
            return Origin::Gathered(name.to_string_lossy().into_owned());
        }
        if pyenv_versions().is_some_and(|versions| path.starts_with(versions)) {
            return Origin::Pyenv;
        }
        if path.starts_with("/usr/bin") {
            return Origin::System(release());
        }
        Origin::Other
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pyenv => f.write_str("pyenv"),
            Self::System(release) => f.write_str(release),
            Self::Gathered(folder) => match folder.strip_prefix("debian-") {
                Some(suite) => write!(f, "Debian {suite}"),
                None => f.write_str("Debian's source"),
            },
            Self::Other => f.write_str("elsewhere"),
        }
    }
}

/// `Debian bookworm`, from what the system says of itself.
fn release() -> String {
    let text = std::fs::read_to_string(Path::new("/etc/os-release")).unwrap_or_default();
    let value = |name: &str| {
        let mut fields = text.lines().filter_map(|line| line.split_once('='));
        let (_, value) = fields.find(|(field, _)| *field == name)?;
        Some(value.trim_matches('"').to_owned())
    };
    let name = value("NAME").unwrap_or_default();
    let name = name.split_whitespace().next().unwrap_or("the system");
    let version = value("VERSION_CODENAME").or_else(|| value("VERSION_ID"));
    format!("{name} {}", version.unwrap_or_default())
}
