use crate::Pid;

/// Whether a fork of a process waits for a monitor that the process can be itself: it has a
/// userfaultfd that tells of forks (`UFFD_FEATURE_EVENT_FORK` in `ioctl_userfaultfd(2)`).
///
/// A thread that is stopped, or that makes the fork, never reads of it. Monitors in other
/// processes are no obstacle. What can't be read counts as no.
pub(super) fn waits_for_itself(pid: Pid) -> bool {
    let Ok(descriptors) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    descriptors.flatten().any(|one| {
        let Ok(file) = std::fs::read_link(one.path()) else {
            return false;
        };
        file.as_os_str() == "anon_inode:[userfaultfd]" && {
            let number = one.file_name();
            let about = format!("/proc/{pid}/fdinfo/{}", number.to_string_lossy());
            std::fs::read_to_string(about).is_ok_and(|about| tells_of_forks(&about))
        }
    })
}

/// What `userfaultfd_show_fdinfo` in `fs/userfaultfd.c` writes: `API:`, then the version, the
/// features in use and those that there are, in hexadecimal.
fn tells_of_forks(about: &str) -> bool {
    const EVENT_FORK: u64 = 1 << 1;
    let mut lines = about.lines();
    let Some(api) = lines.find_map(|line| line.strip_prefix("API:")) else {
        return false;
    };
    let features = api.trim().split(':').nth(1);
    let features = features.and_then(|text| u64::from_str_radix(text, 16).ok());
    features.is_some_and(|features| features & EVENT_FORK != 0)
}
