use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use exuvia_memory::RemoteAddress;
use exuvia_tracee::{Frozen, InjectionError, Mappings, Patch, Pid, Process, Tracer, Will};

use super::door::Door;
use super::entrance::Entrance;
use super::errors::AttachError;
use super::live::{Grip, Live, StoodStill};
use super::namespaces::number_inside;
use super::patience::Patience;
use super::script_file::ScriptFile;
use super::{Wish, stage};
use crate::entry::{
    Decision, Moment, PendingCall, RuntimeState, ScriptRequest, ThreadSituation, Way, Withdrawal,
    decide, situations,
};

/// How long threads may take to stop.
const FREEZE: Duration = Duration::from_secs(3);
/// How often an interrupt is looked for.
const TICK: Duration = Duration::from_millis(20);
/// How long code that was taken may be silent in an interpreter with audit hooks before it
/// counts as refused.
const SILENCE: Duration = Duration::from_secs(2);

/// An attempt to get in, over several looks.
pub(super) struct Attempt<'a> {
    process: &'a Process,
    entrance: Entrance,
    wish: &'a Wish<'a>,
    /// Its number in its own namespace, asked for before it stands still.
    pid_inside: Option<u64>,
    tracer: Tracer,
    patience: Patience,
    stood_still: StoodStill,
    door: Option<Door>,
    /// The script that the process has been given.
    script: Option<ScriptFile>,
    asked: Option<(Way, Asked)>,
    /// Since when it is known that what was asked for was taken.
    taken: Option<Instant>,
    has_audit_hooks: bool,
    threads: Vec<ThreadSituation>,
}

/// What was asked of the interpreter.
enum Asked {
    Call(PendingCall),
    Script(ScriptRequest),
    /// It was made to call it, and whether that has returned.
    Called {
        has_returned: bool,
    },
}

/// What is asked, what asks, and what takes that back.
type Plan = (Asked, Patch, Patch);

impl<'a> Attempt<'a> {
    pub(super) fn begin(
        process: &'a Process,
        entrance: Entrance,
        wish: &'a Wish<'a>,
    ) -> Result<Self, AttachError> {
        Ok(Self {
            process,
            entrance,
            wish,
            pid_inside: number_inside(process.pid(), process.pid()),
            tracer: Tracer::start(process)?,
            patience: Patience::new(wish.wait),
            stood_still: StoodStill::default(),
            door: None,
            script: None,
            asked: None,
            taken: None,
            has_audit_hooks: false,
            threads: Vec::new(),
        })
    }

    pub(super) fn until_in(mut self) -> Result<Live, AttachError> {
        match self.wait_for_words() {
            Ok(()) => self.succeed(),
            Err(error) => {
                self.give_up();
                Err(error)
            }
        }
    }

    fn wait_for_words(&mut self) -> Result<(), AttachError> {
        loop {
            self.look()?;
            let until = self.patience.next_look();
            if self.hears(until)? {
                return Ok(());
            }
            // Who has been let in is on the way, on a machine with too much to do.
            if self.patience.is_to_be_told() && !self.is_let_in() {
                (self.wish.notice)(&self.threads);
            }
            if self.patience.is_over() {
                // What was asked is taken back, and closed, when the tracer is dropped.
                let (waited, is_taken) = (self.patience.waited(), self.is_taken());
                let threads = std::mem::take(&mut self.threads);
                return Err(match is_taken {
                    true => AttachError::Silent { waited, threads },
                    false => AttachError::NoWay { waited, threads },
                });
            }
        }
    }

    /// What is called can't be taken back, and the tracer waits for its end. Code that serves in
    /// place reads until the other end is closed, so that is closed before the tracer is dropped;
    /// and code that waits for the interpreter lock is left to the guardian.
    fn give_up(&mut self) {
        if let Some((_, Asked::Called { .. })) = self.asked {
            self.door = None;
            self.tracer.leave_alone();
        }
    }

    /// Stops the process, takes back what was asked of it and was not taken, and asks in the
    /// way that is best now.
    fn look(&mut self) -> Result<(), AttachError> {
        if self.is_taken() {
            return self.wait_for_taken();
        }
        // Looked at while it runs: stacks and libraries stay where they are.
        let mappings = Mappings::read(self.process.pid())?;
        let mut frozen = self
            .tracer
            .freeze(self.process, FREEZE, self.wish.interrupt)?;
        let is_first = self.asked.is_none();
        let mut state = self.entrance.state()?;
        if !is_first {
            if !self.take_back(&mut frozen, &state)? {
                self.let_go(frozen);
                return Ok(());
            }
            state = self.entrance.state()?;
        }
        self.has_audit_hooks = state.has_audit_hooks;
        let moment = Moment {
            state: &state,
            layout: &self.entrance.layout,
            stops: frozen.threads(),
            mappings: &mappings,
            stack_limit: self.entrance.stack_limit,
            reads_scripts: self.entrance.reads_scripts,
        };
        let decision = decide(&moment, self.wish.wanted, is_first);
        self.threads = situations(&moment);
        match decision {
            Decision::Go(way) => self.go(frozen, &state, way),
            Decision::NotNow(_) => {
                self.let_go(frozen);
                Ok(())
            }
            Decision::Refused(refusal) => {
                self.let_go(frozen);
                Err(refusal.into())
            }
        }
    }

    fn go(
        &mut self,
        mut frozen: Frozen,
        state: &RuntimeState,
        way: Way,
    ) -> Result<(), AttachError> {
        if self.door.is_none() {
            self.door = Some(Door::open(&mut frozen, self.wish.code)?);
        }
        let plan = match way {
            Way::Call { tid } => return self.call(frozen, tid),
            Way::Ring { main_only } => self.plan_call(state, main_only),
            Way::Script { thread } => self.plan_script(&mut frozen, state, thread)?,
        };
        if let Some((asked, patch, back)) = plan {
            self.tracer.set_will(Some(Will::Withdraw(back)))?;
            if frozen.apply(&patch)? {
                self.asked = Some((way, asked));
            } else {
                self.tracer.set_will(None)?;
            }
        }
        self.let_go(frozen);
        Ok(())
    }

    /// Makes a thread run the code now.
    fn call(&mut self, frozen: Frozen, tid: Pid) -> Result<(), AttachError> {
        let routine = self.entrance.symbols.run(&self.text());
        let stood_still = frozen.call(tid, &routine)?;
        self.stood_still.add(stood_still);
        let has_returned = false;
        self.asked = Some((Way::Call { tid }, Asked::Called { has_returned }));
        Ok(())
    }

    fn plan_call(&self, state: &RuntimeState, main_only: bool) -> Option<Plan> {
        let layout = &self.entrance.layout;
        let function = self.entrance.symbols.run_simple_string;
        let call = PendingCall::plan(state, layout, main_only, function, &self.text())?;
        let patch = call.post(state, layout)?;
        let back = call.take_out_at_once(state, layout)?;
        Some((Asked::Call(call), patch, back))
    }

    fn plan_script(
        &mut self,
        frozen: &mut Frozen,
        state: &RuntimeState,
        thread: RemoteAddress,
    ) -> Result<Option<Plan>, AttachError> {
        let script = match self.script.take() {
            Some(script) if script.is_open() => script,
            _ => ScriptFile::open(frozen)?,
        };
        let path = script.path_inside();
        let script = self.script.insert(script);
        // It closes the file that it is read from, whose number is known only now.
        let text = text(self.pid_inside, self.door.as_ref(), Some(script));
        script.write(&text)?;
        let layout = &self.entrance.layout;
        let mut threads = state.threads.iter();
        let thread = threads.find(|one| one.address == thread);
        Ok(thread.and_then(|thread| {
            let request = ScriptRequest::plan(thread, layout, &path)?;
            let (patch, back) = (request.post(layout)?, request.withdraw(layout)?);
            Some((Asked::Script(request), patch, back))
        }))
    }

    fn text(&self) -> String {
        let script = self.script.as_ref().filter(|script| script.is_open());
        text(self.pid_inside, self.door.as_ref(), script)
    }

    fn let_go(&mut self, frozen: Frozen) {
        self.stood_still.add(frozen.release());
    }

    /// Whether what was asked for is not waiting any more, as far as can be told while the
    /// process runs.
    fn is_taken(&self) -> bool {
        // What is read while it changes may make no sense: a closer look stops the process.
        let state = || self.entrance.state().ok();
        match &self.asked {
            None => false,
            Some((_, Asked::Called { .. })) => true,
            Some((_, Asked::Call(call))) => state().is_some_and(|state| {
                call.withdraw(&state, &self.entrance.layout) == Withdrawal::Taken
            }),
            Some((_, Asked::Script(request))) => state().is_some_and(|state| {
                request.is_taken(&state) || request.is_gone(&state) && self.has_begun()
            }),
        }
    }

    /// Whether the code runs or has run. What was called may still wait for the interpreter lock.
    fn is_let_in(&self) -> bool {
        match &self.asked {
            Some((_, Asked::Called { has_returned })) => *has_returned,
            _ => self.is_taken(),
        }
    }

    /// Whether the script has begun: the first that it does is to close the file that it is read
    /// from.
    fn has_begun(&self) -> bool {
        self.script.as_ref().is_some_and(|script| !script.is_open())
    }

    fn wait_for_taken(&mut self) -> Result<(), AttachError> {
        if !self.is_let_in() {
            return Ok(());
        }
        let since = *self.taken.get_or_insert_with(Instant::now);
        if !self.has_audit_hooks || since.elapsed() < SILENCE {
            return Ok(());
        }
        if let Some(script) = &self.script
            && !self.has_begun()
        {
            script.write("")?;
            self.tracer.set_will(None)?;
        }
        Err(AttachError::NotRun)
    }

    /// Takes back what was asked of the interpreter. False when it was taken, or can't be taken
    /// back now.
    fn take_back(
        &mut self,
        frozen: &mut Frozen,
        state: &RuntimeState,
    ) -> Result<bool, AttachError> {
        let layout = &self.entrance.layout;
        let patch = match &self.asked {
            None => return Ok(true),
            Some((_, Asked::Called { .. })) => None,
            // A thread may have run it and ended, and what it has begun goes on in another.
            Some((_, Asked::Script(request))) if request.is_gone(state) => {
                (!self.has_begun()).then(Patch::new)
            }
            Some((_, Asked::Script(request))) => request.withdraw(layout),
            Some((_, Asked::Call(call))) => match call.withdraw(state, layout) {
                Withdrawal::Taken | Withdrawal::Later => None,
                Withdrawal::TakeOut(patch) | Withdrawal::Disarm(patch) => Some(patch),
            },
        };
        match patch {
            Some(patch) if frozen.apply(&patch)? => {
                self.asked = None;
                self.tracer.set_will(None)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Waits for the first words.
    fn hears(&mut self, until: Instant) -> Result<bool, AttachError> {
        loop {
            let has_failed = self.has_failed()?;
            if self.wish.interrupt.load(Ordering::Relaxed) {
                return Err(AttachError::Cancelled);
            }
            let left = until.saturating_duration_since(Instant::now());
            match &self.door {
                Some(door) if door.hears(left.min(TICK))? => return Ok(true),
                Some(_) => {}
                None => std::thread::sleep(left.min(TICK)),
            }
            // It had no words before.
            if has_failed {
                return Err(AttachError::NotCalled);
            }
            if left.is_zero() {
                return Ok(false);
            }
        }
    }

    /// Looks whether what was called has returned, and whether it failed.
    fn has_failed(&mut self) -> Result<bool, AttachError> {
        let Some((_, Asked::Called { has_returned })) = &mut self.asked else {
            return Ok(false);
        };
        match self.tracer.has_called() {
            Ok(returned) => *has_returned = returned,
            Err(InjectionError::Failed) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
        Ok(false)
    }

    fn succeed(self) -> Result<Live, AttachError> {
        let (Some(door), Some((way, asked))) = (self.door, self.asked) else {
            return Err(AttachError::Closed);
        };
        let wipe = match asked {
            Asked::Call(call) => Some(call.wipe()),
            Asked::Script(request) => request.wipe(&self.entrance.layout),
            Asked::Called { .. } => None,
        };
        self.tracer.taken()?;
        self.tracer.set_will(None)?;
        Ok(Live {
            stream: door.into_stream()?,
            way,
            stood_still: self.stood_still,
            grip: Grip {
                pid: self.process.pid(),
                tracer: self.tracer,
                entrance: self.entrance,
                wipe,
                serving: Default::default(),
            },
        })
    }
}

/// The text that brings in the rest.
fn text(pid_inside: Option<u64>, door: Option<&Door>, script: Option<&ScriptFile>) -> String {
    let (theirs, length) = door.map_or((-1, 0), |door| (door.theirs, door.length));
    stage::text(theirs, length, script.map(ScriptFile::number), pid_inside)
}
