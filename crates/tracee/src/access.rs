use std::fmt;
use std::os::unix::fs::MetadataExt;

use procfs::process::Status;

use crate::guardian;
use crate::{Pid, Process};

/// What decides whether one process may trace another, as found in `/proc`.
///
/// The rules are those of `ptrace(2)`, "Ptrace access mode checking"; nothing is attached
/// to find out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AttachFacts {
    /// The target runs under our user and group, in all of its ids.
    pub same_user: bool,
    /// The user that the target runs as.
    pub target_user: u32,
    /// The user that this tool runs as.
    pub own_user: u32,
    /// The target has no privilege that this tool lacks.
    pub no_more_privileged: bool,
    /// The target lets itself be traced: programs with set-user-id bits, or that may not be
    /// read, do not.
    pub dumpable: bool,
    /// This tool has `CAP_SYS_PTRACE`.
    pub has_capability: bool,
    /// `/proc/sys/kernel/yama/ptrace_scope`, where that exists.
    pub yama_scope: Option<u8>,
    /// The target was started by this tool, itself or through others.
    pub descendant: bool,
    /// Who traces the target already, and its name.
    pub tracer: Option<(Pid, String)>,
    /// The target has ended.
    pub zombie: bool,
}

/// The first reason why a process can't be attached to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Obstacle {
    /// It has ended, and was not reaped.
    Zombie,
    /// Another tracer is attached.
    Traced {
        /// The tracer.
        by: Pid,
        /// Its name.
        name: String,
    },
    /// Yama forbids all tracing until the next boot.
    YamaForbidsAll,
    /// Yama wants `CAP_SYS_PTRACE`, or a parent.
    YamaRestricts {
        /// The value of `kernel.yama.ptrace_scope`.
        scope: u8,
    },
    /// The target runs as another user.
    OtherUser {
        /// The target's user.
        target: u32,
        /// Ours.
        own: u32,
    },
    /// The target has capabilities that this tool lacks.
    MorePrivileged,
    /// The target protects itself.
    NotDumpable,
    /// The kernel refused, and none of the known rules says why: a security module, or a
    /// namespace of users.
    Unknown,
}

impl AttachFacts {
    /// Collects the facts about a process.
    pub fn of(process: &Process) -> Self {
        let Some(target) = process.status() else {
            return Self::default();
        };
        let own = procfs::process::Process::myself()
            .and_then(|own| own.status())
            .ok();
        let mut facts = Self {
            target_user: target.ruid,
            yama_scope: yama_scope(),
            descendant: is_descendant(process.pid()),
            dumpable: is_dumpable(process.pid(), &target),
            zombie: !process.is_alive(),
            ..Self::default()
        };
        if target.tracerpid != 0 {
            facts.tracer = Some((Pid(target.tracerpid), name_of(target.tracerpid)));
        }
        if let Some(own) = own {
            facts.own_user = own.euid;
            facts.has_capability = own.capeff & CAP_SYS_PTRACE != 0;
            facts.no_more_privileged = target.capprm & !own.capeff == 0;
            facts.same_user = [target.ruid, target.euid, target.suid] == [own.ruid; 3]
                && [target.rgid, target.egid, target.sgid] == [own.rgid; 3];
        }
        facts
    }

    /// Whether the facts allow attaching.
    pub fn verdict(&self) -> Result<(), Obstacle> {
        if self.zombie {
            return Err(Obstacle::Zombie);
        }
        if let Some((by, name)) = &self.tracer {
            return Err(Obstacle::Traced {
                by: *by,
                name: name.clone(),
            });
        }
        if self.yama_scope == Some(3) {
            return Err(Obstacle::YamaForbidsAll);
        }
        if self.has_capability {
            return Ok(());
        }
        if !self.same_user {
            return Err(Obstacle::OtherUser {
                target: self.target_user,
                own: self.own_user,
            });
        }
        match self.yama_scope {
            Some(scope) if scope >= 2 || scope == 1 && !self.descendant => {
                Err(Obstacle::YamaRestricts { scope })
            }
            _ if !self.no_more_privileged => Err(Obstacle::MorePrivileged),
            _ if !self.dumpable => Err(Obstacle::NotDumpable),
            _ => Ok(()),
        }
    }

    /// Why the kernel may have refused: [`verdict`](Self::verdict), for a refusal that
    /// has already happened.
    pub fn obstacle(&self) -> Obstacle {
        self.verdict().err().unwrap_or(Obstacle::Unknown)
    }
}

/// What a user can do about a process that is traced already.
pub(crate) fn hint_for_tracer(name: &str) -> &'static str {
    if guardian::NAME.to_str() == Ok(name) {
        // Killing it can take the process with it.
        return "another exuvia works on it: wait until that has ended";
    }
    "a process has one tracer at a time: end that one first"
}

impl Obstacle {
    /// What a user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Zombie => "its parent has to reap it; there is nothing left to read",
            Self::Traced { name, .. } => hint_for_tracer(name),
            Self::YamaForbidsAll => {
                "kernel.yama.ptrace_scope is 3, which forbids tracing to everyone until the \
                 next boot; set it lower in /etc/sysctl.d and reboot"
            }
            Self::YamaRestricts { .. } => {
                "run it as root or with CAP_SYS_PTRACE (in Docker: --cap-add SYS_PTRACE), or \
                 set `sysctl kernel.yama.ptrace_scope=0`"
            }
            Self::OtherUser { .. } => "run it as the same user, as root, or with CAP_SYS_PTRACE",
            Self::MorePrivileged | Self::NotDumpable => "run it as root or with CAP_SYS_PTRACE",
            Self::Unknown => {
                "run it as root in the target's own container, and look for a security module \
                 (AppArmor, SELinux, seccomp) that refuses ptrace"
            }
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zombie => write!(f, "it is a zombie"),
            Self::Traced { by, name } => write!(f, "it is traced by {name} (process {by})"),
            Self::YamaForbidsAll => write!(f, "kernel.yama.ptrace_scope is 3"),
            Self::YamaRestricts { scope } => write!(
                f,
                "kernel.yama.ptrace_scope is {scope} and this tool lacks CAP_SYS_PTRACE"
            ),
            Self::OtherUser { target, own } => write!(
                f,
                "it runs as user {target}, this tool as user {own} without CAP_SYS_PTRACE"
            ),
            Self::MorePrivileged => {
                write!(f, "it has capabilities that this tool lacks")
            }
            Self::NotDumpable => {
                write!(
                    f,
                    "it protects its memory and this tool lacks CAP_SYS_PTRACE"
                )
            }
            Self::Unknown => write!(f, "the kernel refused, by none of the usual rules"),
        }
    }
}

/// Bit 19 of the capability sets, `include/uapi/linux/capability.h`.
const CAP_SYS_PTRACE: u64 = 1 << 19;

/// Absent where the kernel was built without Yama.
fn yama_scope() -> Option<u8> {
    let text = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok()?;
    text.trim().parse().ok()
}

/// The kernel gives the files of a process that is not dumpable to root.
fn is_dumpable(pid: Pid, status: &Status) -> bool {
    let owner = std::fs::metadata(format!("/proc/{pid}/environ")).map(|file| file.uid());
    owner.is_ok_and(|owner| owner == status.euid)
}

fn is_descendant(pid: Pid) -> bool {
    let own = Pid::own();
    let mut pid = pid.0;
    // A chain of parents is short; the bound is for a listing that changes underway.
    for _ in 0..1024 {
        let stat = procfs::process::Process::new(pid).and_then(|process| process.stat());
        match stat {
            Ok(stat) if stat.ppid == own.0 => return true,
            Ok(stat) if stat.ppid > 1 => pid = stat.ppid,
            _ => return false,
        }
    }
    false
}

pub(crate) fn name_of(pid: i32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> AttachFacts {
        AttachFacts {
            same_user: true,
            no_more_privileged: true,
            dumpable: true,
            ..AttachFacts::default()
        }
    }

    #[test]
    fn the_same_user_may_attach_without_yama() {
        assert_eq!(allowed().verdict(), Ok(()));
        let yama = AttachFacts {
            yama_scope: Some(0),
            ..allowed()
        };
        assert_eq!(yama.verdict(), Ok(()));
    }

    #[test]
    fn yama_one_wants_a_parent_or_the_capability() {
        let facts = AttachFacts {
            yama_scope: Some(1),
            ..allowed()
        };
        let refusal = facts.verdict().unwrap_err();
        assert!(
            refusal
                .to_string()
                .contains("kernel.yama.ptrace_scope is 1")
        );
        assert!(refusal.hint().contains("CAP_SYS_PTRACE"));
        assert_eq!(
            AttachFacts {
                descendant: true,
                ..facts.clone()
            }
            .verdict(),
            Ok(())
        );
        assert_eq!(
            AttachFacts {
                has_capability: true,
                ..facts
            }
            .verdict(),
            Ok(())
        );
    }

    #[test]
    fn yama_three_forbids_even_root() {
        let facts = AttachFacts {
            yama_scope: Some(3),
            has_capability: true,
            ..allowed()
        };
        assert_eq!(facts.verdict(), Err(Obstacle::YamaForbidsAll));
    }

    #[test]
    fn another_user_needs_the_capability() {
        let facts = AttachFacts {
            same_user: false,
            ..allowed()
        };
        assert!(matches!(facts.verdict(), Err(Obstacle::OtherUser { .. })));
        assert_eq!(
            AttachFacts {
                has_capability: true,
                ..facts
            }
            .verdict(),
            Ok(())
        );
    }
}
