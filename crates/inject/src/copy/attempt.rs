use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use exuvia_memory::RemoteAddress;
use exuvia_tracee::{
    Confined, Confinement, FreezeError, Frozen, Mappings, Process, ProcessClone, StuckThread,
};

use super::errors::Cause;
use super::{Copy, CopyError, CopyHold, CopyWish, Failure, Step};
use crate::attach::{AttachError, Door, Entrance, StoodStill, stage};
use crate::entry::{
    CopyStart, Moment, RuntimeState, ThreadToCopy, detach_others, post_in_copy, refusal,
};

/// How long threads may take to stop.
const FREEZE: Duration = Duration::from_secs(3);
/// For how long a moment is waited for in which a thread has the lock, or all are out of Python: a
/// thread that is just handing the lock over would wait in the copy until somebody takes it.
const BETTER: Duration = Duration::from_millis(300);
/// How long a copied thread may take to get back to Python code.
const REACHING: Duration = Duration::from_secs(5);
/// How long making an interpreter of a copy may take, with all that the program does after a fork.
const AFTER_FORK: Duration = Duration::from_secs(5);
/// How long the code may take to say something.
const GREETING: Duration = Duration::from_secs(10);
/// The pause before another moment is tried, and the longest one.
const PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// In how many copies the code may fail by itself before that counts as the will of an audit hook, where
/// there is one. A thread may be at the limit of recursion, which another moment changes.
const FAILURES: u32 = 5;
/// By which a pending call is known.
const COOKIE: RemoteAddress = RemoteAddress::new(0x6578_7576_6961);

/// Attempts to make a copy that runs code.
pub(super) struct Attempts<'a> {
    process: &'a Process,
    entrance: Entrance,
    wish: &'a CopyWish<'a>,
    stood_still: StoodStill,
    made: u32,
    is_audited: bool,
}

/// What became of one attempt.
enum Outcome {
    Lives(ProcessClone, Door, Confined),
    Dead(Failure),
    /// No thread is fit.
    NotNow,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(process: &'a Process, entrance: Entrance, wish: &'a CopyWish<'a>) -> Self {
        Self {
            process,
            entrance,
            wish,
            stood_still: StoodStill::default(),
            made: 0,
            is_audited: false,
        }
    }

    pub(super) fn until_one_lives(mut self) -> Result<Copy, CopyError> {
        let begun = Instant::now();
        let mut pause = PAUSE;
        let (mut last, mut failures) = (None, 0);
        loop {
            match self.attempt(begun.elapsed() < BETTER)? {
                Outcome::Lives(clone, door, confined) => {
                    return Ok(Copy {
                        stream: door.into_stream()?,
                        confined,
                        stood_still: self.stood_still,
                        thrown_away: self.made - 1,
                        hold: CopyHold {
                            entrance: self.entrance.in_copy(clone.pid())?,
                            clone,
                        },
                    });
                }
                Outcome::Dead(failure) => {
                    (self.wish.notice)(&failure);
                    failures += u32::from(matches!(failure.cause, Cause::Failed(_)));
                    last = Some(failure);
                }
                Outcome::NotNow => {}
            }
            if self.wish.interrupt.load(Ordering::Relaxed) {
                return Err(AttachError::Cancelled.into());
            }
            let waited = begun.elapsed();
            if waited >= self.wish.wait || self.is_audited && failures >= FAILURES {
                return Err(match last {
                    Some(last) => CopyError::NoneLives {
                        waited,
                        made: self.made,
                        last,
                    },
                    None => CopyError::NoMoment { waited },
                });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn attempt(&mut self, is_early: bool) -> Result<Outcome, CopyError> {
        // From a look at the running process: stacks and libraries stay where they are.
        let mappings = Mappings::read(self.process.pid()).map_err(AttachError::from)?;
        let frozen = match Frozen::freeze_unless(self.process, FREEZE, self.wish.interrupt) {
            // What comes too late is waited for like any other moment.
            Err(FreezeError::Stuck { threads, .. }) if threads.iter().all(StuckThread::is_late) => {
                return Ok(Outcome::NotNow);
            }
            frozen => frozen.map_err(AttachError::from)?,
        };
        let state = self.entrance.state().map_err(AttachError::from)?;
        if let Some(refusal) = refusal(&state) {
            return Err(AttachError::from(refusal).into());
        }
        self.is_audited = state.has_audit_hooks;
        let moment = Moment {
            state: &state,
            layout: &self.entrance.layout,
            stops: frozen.threads(),
            mappings: &mappings,
            stack_limit: self.entrance.stack_limit,
            reads_scripts: false,
        };
        let best = moment.thread_to_copy();
        let Some(thread) = best.filter(|thread| thread.is_promising || !is_early) else {
            self.stood_still.add(frozen.release());
            return Ok(Outcome::NotNow);
        };
        let forked = frozen.fork_from(Some(thread.stop.tid));
        let (clone, stood_still) = match forked {
            Ok(forked) => forked,
            Err((_, error)) => return Err(error.into()),
        };
        self.stood_still.add(stood_still);
        self.made += 1;
        self.bring_to_life(clone, &state, &thread)
    }

    fn bring_to_life(
        &self,
        clone: ProcessClone,
        state: &RuntimeState,
        thread: &ThreadToCopy,
    ) -> Result<Outcome, CopyError> {
        let channel = clone.open_channel().map_err(AttachError::from)?;
        let confined = clone.confine(&Confinement {
            channel: channel.theirs,
            memory: self.wish.memory,
            time: self.wish.time,
        })?;
        let door = Door::fill(channel, self.wish.code)?;
        let dead = |step, cause| Ok(Outcome::Dead(Failure { step, cause }));
        let others = detach_others(state, self.entrance.layout(), &thread.thread);
        clone.apply(&others).map_err(AttachError::from)?;
        if thread.start == CopyStart::Post
            && let Err(cause) = self.reach_python(&clone, state, thread)
        {
            return dead(Step::ReachingPython, cause);
        }
        let text = stage::text(door.theirs, door.length, None, None);
        let has_lock = thread.start == CopyStart::Post;
        let symbols = self.entrance.symbols();
        let routine = symbols.run_in_copy(self.wish.before, &text, has_lock);
        if let Err(error) = clone.call(&routine, AFTER_FORK) {
            return dead(Step::AfterFork, Cause::Injection(error));
        }
        clone.let_go()?;
        let until = Instant::now() + GREETING;
        while Instant::now() < until && !self.wish.interrupt.load(Ordering::Relaxed) {
            match door.hears(Duration::from_millis(20)) {
                Ok(true) => return Ok(Outcome::Lives(clone, door, confined)),
                Ok(false) => {}
                Err(AttachError::Failed(failure)) => {
                    return dead(Step::Greeting, Cause::Failed(failure));
                }
                Err(_) => break,
            }
        }
        dead(Step::Greeting, Cause::Silent)
    }

    /// Lets the thread of the copy run on until it makes a pending call.
    fn reach_python(
        &self,
        clone: &ProcessClone,
        state: &RuntimeState,
        thread: &ThreadToCopy,
    ) -> Result<(), Cause> {
        let layout = &self.entrance.layout;
        let mark = clone.mark().map_err(Cause::Injection)?;
        let patch = post_in_copy(state, layout, &thread.thread, mark, COOKIE);
        let patch = patch.ok_or(Cause::InUse)?;
        match clone.apply(&patch).map_err(Cause::Injection)? {
            true => clone
                .run_until_called(COOKIE, REACHING)
                .map_err(Cause::Injection),
            false => Err(Cause::InUse),
        }
    }
}
