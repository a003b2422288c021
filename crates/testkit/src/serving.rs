use crate::eventually::eventually;
use crate::{Fingerprint, Target};
use anyhow::{Result, bail, ensure};
use serde_json::Value;

/// The threads that the program has.
const THREADS: usize = 3;

/// The program `serving` when it runs nothing but its own.
#[derive(Debug, Clone)]
pub struct ServingAtRest {
    /// What it says of itself.
    inside: Value,
    outside: Fingerprint,
}

impl ServingAtRest {
    /// Waits for it: a thread that has served ends after it has closed its descriptor.
    pub fn of(target: &mut Target) -> Result<Self> {
        eventually(|| Self::now(target))
    }

    /// Waits until the program is as it was then.
    pub fn assert_again(&self, target: &mut Target) -> Result<()> {
        eventually(|| self.assert_same(&Self::now(target)?))
    }

    /// Waits until so many sessions are left that run on threads of their own.
    pub fn wait_for_sessions(target: &Target, count: usize) -> Result<()> {
        eventually(|| {
            let threads = Fingerprint::of(target.pid())?.threads.len();
            ensure!(threads == THREADS + count, "{threads} threads");
            Ok(())
        })
    }

    fn now(target: &mut Target) -> Result<Self> {
        let inside = target.ask("fingerprint")?;
        // A thread may end while this looks at it, which is an error.
        let outside = Fingerprint::of(target.pid())?;
        if inside["objects_of_ours"] != 0 || inside["frames"] != THREADS {
            bail!("something else runs in it: {inside}");
        }
        // The interpreter forgets a thread before the kernel does.
        if outside.threads.len() != THREADS {
            bail!("a thread is about to end: {outside:#?}");
        }
        Ok(Self { inside, outside })
    }

    fn assert_same(&self, now: &Self) -> Result<()> {
        for (name, value) in self.inside.as_object().into_iter().flatten() {
            let now = &now.inside[name];
            if value != now {
                bail!("{name} before: {value}\nand after: {now}");
            }
        }
        self.outside.assert_same(&now.outside)
    }
}
