use super::census::{Census, Growth};
use super::environment::Environment;
use super::measured::{Row, Sample, What};
use super::service::Service;
use super::tool::Tool;
use anyhow::Result;
use std::time::{Duration, Instant};

/// No new round begins later than this.
pub(super) const BUDGET: Duration = Duration::from_secs(240);

/// What exuvia and `os.fork()` take in one process; also how many objects exuvia counts there.
pub(super) fn measure(
    environment: &Environment,
    tool: &Tool,
    customers: u64,
    runs: u32,
) -> Result<(u64, Vec<Row>)> {
    let mut service = Service::start(environment, customers)?;
    let pid = service.pid();
    let begun = Instant::now();
    let mut objects = 0;
    let mut heap = Samples::new(What::Heap);
    let mut paths = Samples::new(What::Paths);
    let mut dump = Samples::new(What::Dump);
    let mut fork = Samples::new(What::Fork);
    // In turns, so that what else the machine does falls on all of them.
    for run in 0..runs {
        if run > 0 && begun.elapsed() > BUDGET {
            break;
        }
        fork.take(&mut service, time_of_fork)?;
        heap.take(&mut service, |_| {
            let (sample, count) = tool.heap(pid)?;
            objects = count;
            Ok(sample)
        })?;
        fork.take(&mut service, time_of_fork)?;
        paths.take(&mut service, |_| tool.paths(pid))?;
        fork.take(&mut service, time_of_fork)?;
        dump.take(&mut service, |_| tool.dump(pid))?;
    }
    let all = [heap, paths, dump, fork];
    Ok((objects, all.iter().filter_map(Samples::row).collect()))
}

/// The samples of one command.
#[derive(Debug)]
struct Samples {
    what: What,
    samples: Vec<Sample>,
    growth: Option<Growth>,
}

impl Samples {
    fn new(what: What) -> Self {
        Self {
            what,
            samples: Vec::new(),
            growth: None,
        }
    }

    /// Does it once more, while the heart beats.
    ///
    /// The census before it changes the reference count of every tracked object. That is
    /// what a process does that is at work, and it matters: a copy of memory that was not
    /// written since the last copy takes a fraction of the time.
    fn take(
        &mut self,
        service: &mut Service,
        what: impl FnOnce(&mut Service) -> Result<Sample>,
    ) -> Result<()> {
        let before = Census::take(service)?;
        service.gaps()?;
        let mut sample = what(service)?;
        sample.gap = Some(service.gaps()?.longest);
        let growth = before.growth(&Census::take(service)?);
        // The first growth is kept, but for a later one that is not none.
        if self.growth.is_none_or(|seen| seen.is_none()) {
            self.growth = Some(growth);
        }
        eprintln!("{:?}: {:.3} s", self.what, sample.wall);
        self.samples.push(sample);
        Ok(())
    }

    fn row(&self) -> Option<Row> {
        Row::of(self.what, &self.samples, self.growth)
    }
}

fn time_of_fork(service: &mut Service) -> Result<Sample> {
    let time: f64 = service.ask("fork")?;
    Ok(Sample {
        frozen: Some(time),
        wall: time,
        ..Sample::default()
    })
}
